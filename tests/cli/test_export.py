import signal
from pathlib import Path
from typing import Any

import pytest
from tests.export.samples import BARS, TRADES

from brokerwire.cli.export import Collected, Job, Rotating, Tally
from brokerwire.errors import ExportError
from brokerwire.events import Bar, Event, Gap, Notice, Topic
from brokerwire.export import read_events, write_csv, write_ndjson

OFFLINE = ("-e", "offline")
BINANCE = ("-v", "binance", *OFFLINE)


def exported(folder: Path) -> list[Path]:
    return sorted([*folder.glob("export/*"), *folder.glob("x.*")])


@pytest.mark.parametrize("extension", ["json", "ndjson", "csv", "parquet"])
def test_trades_go_into_the_file_that_is_named(cli: Any, tmp_path: Path, extension: str) -> None:
    shown = cli("export", "trades", "BTCUSDT", *BINANCE, "--count", "5", "--for", "20s", "--out", f"x.{extension}")
    assert (shown.code, shown.out) == (0, "")
    assert shown.err.splitlines()[-1] == f"5 events in x.{extension}, 0 dropped"
    events = read_events(tmp_path / f"x.{extension}")
    assert [event.kind for event in events] == ["trade"] * 5


def test_without_a_name_it_is_a_new_parquet_file(cli: Any, tmp_path: Path) -> None:
    shown = cli("export", "quotes", "BTCUSDT", "ETHUSDT", *BINANCE, "--count", "5", "--for", "20s")
    assert shown.code == 0
    (path,) = exported(tmp_path)
    assert shown.err.splitlines()[-1] == f"5 events in export/{path.name}, 0 dropped"
    assert (path.name.startswith("quote_"), path.suffix) == (True, ".parquet")
    assert len(read_events(path)) == 5


def test_a_format_makes_a_new_file_of_it(cli: Any, tmp_path: Path) -> None:
    for _ in range(2):
        command = ("export", "quotes", "BTCUSDT", *BINANCE, "--count", "1", "--for", "20s", "--format", "csv")
        assert cli(*command, "--folder", "export").code == 0
    assert [path.suffix for path in exported(tmp_path)] == [".csv", ".csv"]


def test_bars_are_those_that_are_closed(cli: Any, tmp_path: Path) -> None:
    command = ("export", "bars", "AAPL", *OFFLINE, "--bars-back", "5", "-i", "1", "--count", "3", "--for", "20s")
    assert cli(*command, "--out", "x.csv").code == 0
    bars = read_events(tmp_path / "x.csv")
    assert len(bars) == 3
    assert all(isinstance(bar, Bar) and bar.is_closed for bar in bars)


def test_nothing_heard_is_a_file_with_columns(cli: Any, tmp_path: Path) -> None:
    assert cli("export", "trades", "BTCUSDT", *BINANCE, "--for", "1ms", "--out", "x.csv").code == 0
    assert (tmp_path / "x.csv").read_text().startswith("venue,symbol,time,received,price,")


@pytest.mark.parametrize("place", [("--out", "x.csv"), ()])
def test_a_wrong_symbol_is_one_line_and_leaves_no_file(cli: Any, tmp_path: Path, place: tuple[str, ...]) -> None:
    shown = cli("export", "trades", "NOSUCHCOIN", *BINANCE, *place)
    assert shown.code == 1
    assert "NOSUCHCOIN" in shown.err.splitlines()[-1]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("place", [("--out", "x.csv", "--force"), ()])
def test_a_subscription_that_fails_leaves_no_file_though_events_came(
    cli: Any, tmp_path: Path, place: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.csv").write_text("mine")
    heard: list[Event] = []
    count = Tally._count
    monkeypatch.setattr(Tally, "_count", lambda self, event: (heard.append(event), count(self, event)))
    shown = cli("export", "quotes", "NASDAQ:AAPL", "NASDAQ:NOPE", "-v", "tradingview", *OFFLINE, *place)
    assert (shown.code, len(heard) > 0) == (1, True)
    assert "NASDAQ:NOPE" in shown.err.splitlines()[-1]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["x.csv"]
    assert (tmp_path / "x.csv").read_text() == "mine"


@pytest.mark.parametrize("option", ["--out", "--folder"])
def test_a_place_below_a_file_is_said_at_once(cli: Any, tmp_path: Path, option: str) -> None:
    (tmp_path / "file").write_text("")
    shown = cli("export", "trades", "BTCUSDT", *BINANCE, option, "file/x.csv")
    assert (shown.code, shown.err) == (
        1,
        "error: cannot write file/x.csv: file is a file, not a folder; choose another\n",
    )


@pytest.mark.parametrize("place", [("--out", "x.csv", "--format", "csv"), ("--format", "xlsx")])
def test_what_does_not_go_together_is_wrong_usage(cli: Any, place: tuple[str, ...]) -> None:
    assert cli("export", "trades", "BTCUSDT", *BINANCE, *place).code == 2


@pytest.mark.parametrize("place", [("--out", "x.csv"), ("--format", "parquet")])
def test_a_recording_is_played_to_its_end(cli: Any, tmp_path: Path, place: tuple[str, ...]) -> None:
    assert cli("record", "trades", "BTCUSDT", *BINANCE, "--to", "rec", "--count", "6", "--for", "20s").code == 0
    shown = cli("export", "trades", "BTCUSDT", "-v", "binance", "--replay", "rec", *place)
    assert shown.code == 0, shown.err
    (path,) = exported(tmp_path)
    events = read_events(path)
    assert len(events) >= 6
    assert {event.symbol for event in events} == {"BTCUSDT"}
    assert shown.err.splitlines()[-1].endswith("0 dropped")


def test_files_are_converted(cli: Any, tmp_path: Path) -> None:
    write_csv(BARS, tmp_path / "a.csv")
    for source, target in (
        ("a.csv", "b.parquet"),
        ("b.parquet", "c.json"),
        ("c.json", "d.ndjson"),
        ("d.ndjson", "e.csv"),
    ):
        shown = cli("export", "convert", source, target)
        assert (shown.code, shown.err) == (0, f"3 events in {target}\n")
    assert (tmp_path / "e.csv").read_bytes() == (tmp_path / "a.csv").read_bytes()


def test_what_stream_wrote_is_converted(cli: Any, tmp_path: Path) -> None:
    shown = cli("stream", "trades", "BTCUSDT", *BINANCE, "--count", "3", "--for", "20s")
    (tmp_path / "x.ndjson").write_text(shown.out)
    assert cli("export", "convert", "x.ndjson", "x.parquet").code == 0
    assert len(read_events(tmp_path / "x.parquet")) == 3


def test_a_conversion_replaces_a_file_only_by_force(cli: Any, tmp_path: Path) -> None:
    write_ndjson(TRADES, tmp_path / "a.ndjson")
    (tmp_path / "b.csv").write_text("mine")
    assert cli("export", "convert", "a.ndjson", "b.csv").code == 1
    assert (tmp_path / "b.csv").read_text() == "mine"
    assert cli("export", "convert", "a.ndjson", "b.csv", "--force").code == 0


@pytest.mark.parametrize(("source", "reason"), [("no.csv", "No such file"), (".", "--replay"), ("a.txt", "extension")])
def test_what_cannot_be_converted_is_one_line(cli: Any, tmp_path: Path, source: str, reason: str) -> None:
    (tmp_path / "a.txt").write_text("")
    shown = cli("export", "convert", source, "b.csv")
    assert shown.code == 1
    assert reason in shown.err


def job_for(folder: Path) -> Job:
    return Job("trade", "stream_trades", ["A"], {}, None, None, None, None, None, None, "parquet", folder)


async def test_what_goes_wrong_with_the_file_ends_the_command(tmp_path: Path) -> None:
    class Broken(Rotating):
        async def _fail(self, _event: Event) -> None:
            raise ExportError("the disk is gone")

    keeper = Broken(job_for(tmp_path))
    keeper.keep = keeper._fail  # type: ignore[assignment]  # a disk that is gone
    tally = Tally(keeper, None)
    for event in TRADES:
        await tally._keep(event)
    assert tally.done.is_set()
    assert (str(tally.failure), tally.heard) == ("the disk is gone", 0)
    await keeper.discard()


def test_losses_are_said_beside(tmp_path: Path, capsys: Any) -> None:
    tally = Tally(Collected(job_for(tmp_path)), None)
    tally.on_status(Gap(Topic("trade", "A"), 0, 10**9, "lost"))
    tally.on_status(Notice("soon"))
    assert capsys.readouterr().err.splitlines() == ["gap of 1.0 s in trade:A: lost", "note: soon"]


@pytest.mark.parametrize("place", [("--out", "x.csv"), ()])
@pytest.mark.process
async def test_an_interrupt_ends_the_file_whole(command: Any, tmp_path: Path, place: tuple[str, ...]) -> None:
    process = await command("export", "bars", "AAPL", *OFFLINE, "--bars-back", "5", "--for", "60s", *place)
    assert process.process.stderr is not None
    while "live" not in (await process.process.stderr.readline()).decode():
        assert process.process.returncode is None
    process.signal(signal.SIGINT)
    ended = await process.end()
    assert ended.code == 130
    events = [event for path in exported(tmp_path) for event in read_events(path)]
    assert len(events) in {0, 5}
