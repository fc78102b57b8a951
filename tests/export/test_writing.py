import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import polars
import pytest
from tests.export.samples import BARS, SAMPLES, TRADES

from brokerwire import export
from brokerwire.errors import ConfigurationError
from brokerwire.events import Trade
from brokerwire.export import (
    FORMATS,
    KINDS,
    Kind,
    read_events,
    to_polars,
    write_csv,
    write_events,
    write_json,
    write_ndjson,
    write_new_events,
    write_new_rows,
    write_parquet,
    write_rows,
)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_events_come_back_from_every_format(tmp_path: Path, kind: Kind, name: str) -> None:
    path = write_events(iter(SAMPLES[kind]), tmp_path / f"x.{name}")
    assert read_events(path) == SAMPLES[kind]


@pytest.mark.parametrize("name", ["csv", "parquet"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_events_are_a_file_with_columns(tmp_path: Path, kind: Kind, name: str) -> None:
    path = write_events([], tmp_path / f"x.{name}", kind=kind)
    assert read_events(path) == []
    frame = polars.read_csv(path) if name == "csv" else polars.read_parquet(path)
    assert frame.columns == to_polars([], kind=kind).columns


def test_no_events_as_json_are_an_empty_array(tmp_path: Path) -> None:
    assert write_json([], tmp_path / "x.json", kind="bar").read_text() == "[]\n"


def test_json_holds_the_typed_fields(tmp_path: Path) -> None:
    found = msgspec.json.decode(write_json(TRADES, tmp_path / "x.json").read_bytes())
    assert found == [msgspec.json.decode(msgspec.json.encode(trade.to_dict())) for trade in TRADES]
    assert found[0]["type"] == "trade"


def test_json_keeps_ids_that_are_numbers(tmp_path: Path) -> None:
    trade = Trade("binance", "BTCUSDT", 1, 2, 1.0, 1.0, None, 4711)
    assert read_events(write_json([trade], tmp_path / "x.json")) == [trade]


def test_parquet_reads_in_polars_as_the_frame(tmp_path: Path) -> None:
    for kind, events in SAMPLES.items():
        path = write_parquet(events, tmp_path / f"{kind}.parquet")
        assert polars.read_parquet(path).equals(to_polars(events))
        assert polars.read_parquet(path).schema == to_polars(events).schema


@pytest.mark.parametrize("name", FORMATS)
def test_without_a_path_the_name_says_what_is_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write: Callable[..., Path] = getattr(export, f"write_{name}")
    path = write(TRADES)
    assert path.parent == Path("export")
    assert re.fullmatch(rf"trade_aapl_\d{{8}}-\d{{6}}\.{name}", path.name)
    assert read_events(path) == TRADES


def test_without_a_path_nothing_is_overwritten(tmp_path: Path) -> None:
    paths = {write_csv(BARS, folder=tmp_path) for _ in range(5)}
    assert len(paths) == 5
    assert all(read_events(path) == BARS for path in paths)


def test_with_a_path_what_is_there_is_replaced(tmp_path: Path) -> None:
    write_csv(BARS, tmp_path / "x.csv")
    assert read_events(write_csv(TRADES, tmp_path / "x.csv")) == TRADES
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


def test_new_events_take_the_next_free_name(tmp_path: Path) -> None:
    assert [write_new_events(BARS, tmp_path / "x.csv").name for _ in range(2)] == ["x.csv", "x-2.csv"]


@pytest.mark.parametrize("name", FORMATS)
def test_mixed_kinds_are_refused_and_leave_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="one kind"):
        write_events([*BARS, *TRADES], tmp_path / f"x.{name}")
    with pytest.raises(ConfigurationError, match="one kind"):
        write_csv([*BARS, *TRADES], folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_extension_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="extension"):
        write_events(BARS, tmp_path / "x.xlsx")
    with pytest.raises(ConfigurationError, match="extension"):
        write_rows([], tmp_path / "x")


@pytest.mark.parametrize("name", FORMATS)
def test_any_rows_are_written_with_every_name_in_order(tmp_path: Path, name: str) -> None:
    rows: list[dict[str, Any]] = [{"a": 1}, {"b": "x", "a": 2}]
    path = write_rows(rows, tmp_path / f"x.{name}")
    read = {
        "json": polars.read_json,
        "ndjson": polars.read_ndjson,
        "csv": polars.read_csv,
        "parquet": polars.read_parquet,
    }
    assert read[name](path).to_dicts() == [{"a": 1, "b": None}, {"a": 2, "b": "x"}]


def test_only_the_columns_asked_for_are_written(tmp_path: Path) -> None:
    path = write_rows([{"a": 1, "b": 2}], tmp_path / "x.csv", columns=["b", "c"])
    assert path.read_text() == "b,c\n2,\n"


def test_new_rows_take_the_next_free_name(tmp_path: Path) -> None:
    assert [write_new_rows([], tmp_path / "x.json").name for _ in range(2)] == ["x.json", "x-2.json"]


@pytest.mark.parametrize("write", [write_csv, write_json, write_ndjson, write_parquet])
@pytest.mark.parametrize("path", ["x.csv", None])
def test_an_event_by_itself_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[..., Path], path: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="give a list of events, not a Bar by itself"):
        write(BARS[0], path)
    assert list(tmp_path.iterdir()) == []
