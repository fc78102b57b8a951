"""Every line of the pages for those who come from elsewhere runs, in the order of the page.

A row of a table with code in both cells is an old call and the new one. Both are run where the old call is offered
here too, in one namespace with the page's ``python`` blocks; ``await`` is allowed. The old calls of TradeStation's
client are run in ``tests/sdk``, where that client is installed.
"""

import ast
import re
import types
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from brokerwire import Client

FOLDER = Path(__file__).parents[2] / "docs" / "coming-from"
NOT_OFFERED = {"tradestation-api-python"}

_PIECE = re.compile(r"^```python\n(?P<block>.*?)^```|^\| `(?P<old>[^|`]+)` \| `(?P<new>[^|`]+)` \|$", re.M | re.S)


def pieces_of(page: Path) -> Iterator[str]:
    for piece in _PIECE.finditer(page.read_text()):
        if piece["block"] is not None:
            yield piece["block"]
            continue
        if page.stem not in NOT_OFFERED:
            yield piece["old"]
        yield piece["new"]


@pytest.mark.parametrize("page", sorted(FOLDER.glob("*.md")), ids=lambda page: page.stem)
async def test_every_line_runs(
    page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, nothing_left: None, capsys: Any
) -> None:
    monkeypatch.setenv("BROKERWIRE_ENVIRONMENT", "offline")
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"datetime": datetime}
    pieces = list(pieces_of(page))
    assert len(pieces) > 10
    try:
        for piece in pieces:
            await run(piece, namespace)
    finally:
        for value in list(namespace.values()):
            if isinstance(value, Client):
                await value.close()


async def run(piece: str, namespace: dict[str, Any]) -> None:
    try:
        code = compile(piece, "<page>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        result = types.FunctionType(code, namespace)()
        if result is not None:
            await result
    except Exception as exc:
        raise AssertionError(f"this does not run: {piece}") from exc
