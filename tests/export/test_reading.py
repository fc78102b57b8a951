from pathlib import Path

import pytest
from tests.export.samples import BARS, TRADES

from brokerwire.errors import ConfigurationError
from brokerwire.export import read_events, write_csv, write_ndjson


def test_lines_about_losses_are_passed_over(tmp_path: Path) -> None:
    path = write_ndjson(TRADES, tmp_path / "x.ndjson")
    path.write_text('{"type":"gap","topic":"x"}\n\n' + path.read_text() + '{"type":"overflow","dropped":3}\n')
    assert read_events(path) == TRADES


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.json", "{"),
        ("x.json", '[{"type":"depth"}]'),
        ("x.ndjson", '{"type":"trade"}'),
        ("x.ndjson", "[]"),
        ("x.csv", ""),
        ("x.csv", "a,b\n1,2\n"),
        ("x.parquet", "no parquet"),
    ],
)
def test_what_is_none_of_ours_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigurationError, match=r"cannot read|columns of no table"):
        read_events(tmp_path / name)


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    path = write_ndjson(TRADES, tmp_path / "x.ndjson")
    path.write_text(path.read_text() + "oops\n")
    with pytest.raises(ConfigurationError, match="line 3"):
        read_events(path)


def test_a_bad_cell_is_refused(tmp_path: Path) -> None:
    path = write_csv(BARS, tmp_path / "x.csv")
    path.write_text(path.read_text().replace("true", "maybe"))
    with pytest.raises(ConfigurationError, match="maybe"):
        read_events(path)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot read .*x\.csv: No such file"):
        read_events(tmp_path / "x.csv")
