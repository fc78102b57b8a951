"""Each line of the page for users of tv-scraper runs, in both columns."""

import re
from pathlib import Path
from typing import Any

import pytest

import brokerwire.compat.tv_scraper
from brokerwire import SyncClient

PAGE = Path(__file__).parents[3] / "docs" / "coming-from" / "tv-scraper.md"
ROWS = re.findall(
    r"^\| `([^`]+)` \| `([^`]+)` \|$", PAGE.read_text().split("## Old and new")[1].split("\n## ")[0], re.M
)


@pytest.mark.parametrize("column", [0, 1])
def test_every_line_of_the_table_runs(column: int, no_leftovers: None) -> None:
    names = {name: getattr(brokerwire.compat.tv_scraper, name) for name in brokerwire.compat.tv_scraper.__all__}
    namespace: dict[str, Any] = {**names, "SyncClient": SyncClient}
    assert len(ROWS) >= 12
    for row in ROWS:
        exec(row[column], namespace)  # noqa: S102  # our own page
