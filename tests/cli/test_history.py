import asyncio
import json
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.history.bars import MONDAY, bar_at

from brokerwire import Client
from brokerwire.cli import history
from brokerwire.cli.running import Ended
from brokerwire.errors import VenueUnavailableError
from brokerwire.events import Bar
from brokerwire.export import read_events
from brokerwire.history import Download, Progress, validate

BINANCE = ("-v", "binance", "-e", "offline")
DEADLINE_S = 25.0


def hours_ago(hours: int) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:00")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("extension", ["json", "ndjson", "csv", "parquet"])
def test_bars_are_written_and_reported(cli: Any, tmp_path: Path, extension: str) -> None:
    shown = cli("history", "BTCUSDT", *BINANCE, "--start", hours_ago(30), "--out", f"x.{extension}")
    assert shown.code == 0, shown.err
    (line,) = shown.lines
    told = json.loads(line)
    bars = read_events(tmp_path / f"x.{extension}")
    assert (told["path"], told["bars"], told["is_clean"], told["missing"]) == (f"x.{extension}", len(bars), True, 0)
    assert len(bars) in {29, 30, 31}
    assert names(tmp_path) == [f"x.{extension}"]


def test_the_newest_bars_go_into_a_new_file(cli: Any, tmp_path: Path) -> None:
    shown = cli("history", "AAPL", "-e", "offline", "--limit", "5", "-i", "1", "--format", "csv", "--folder", "here")
    assert shown.code == 0, shown.err
    told = json.loads(shown.out)
    assert told["path"].startswith("here/bar_aapl_1m_")
    bars = read_events(tmp_path / told["path"])
    assert len(bars) == 5
    assert all(isinstance(bar, Bar) and bar.is_closed for bar in bars)


def test_a_file_that_exists_is_replaced_only_by_force(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("mine")
    command = ("history", "BTCUSDT", *BINANCE, "--limit", "3", "--out", "x.csv")
    shown = cli(*command)
    assert (shown.code, shown.err) == (1, "error: x.csv exists; choose another name, or --force to replace it\n")
    assert cli(*command, "--force").code == 0
    assert len(read_events(tmp_path / "x.csv")) == 3


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--start", "2026-01-01", "--limit", "3"),
        ("--end", "2026-01-01", "--limit", "3"),
        ("--start", "soon"),
        ("--limit", "3", "--format", "xlsx"),
        ("--limit", "3", "--out", "x.csv", "--format", "csv"),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(cli: Any, options: tuple[str, ...]) -> None:
    assert cli("history", "BTCUSDT", *BINANCE, *options).code == 2


@pytest.mark.parametrize(
    "options",
    [
        ("NOSUCHCOIN", "--limit", "3"),
        ("NOSUCHCOIN", "--start", "2026-11-01", "--out", "x.csv"),
        ("BTCUSDT", "--limit", "3", "--out", "x.xlsx"),
        ("BTCUSDT", "--start", "2100-01-01"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_code_1(cli: Any, tmp_path: Path, options: tuple[str, ...]) -> None:
    shown = cli("history", *options, *BINANCE)
    assert (shown.code, shown.out, len(shown.err.splitlines())) == (1, "", 1)
    assert names(tmp_path) == []


def test_what_is_short_of_the_range_is_exit_code_3(cli: Any, tmp_path: Path) -> None:
    command = ("history", "BINANCE:BTCUSDT", "-v", "tradingview", "-e", "offline", "-i", "1h", "--out", "x.csv")
    shown = cli(*command, "--start", "2020-01-01", "--end", "2020-02-01")
    assert shown.code == 3
    told = json.loads(shown.out)
    assert (told["symbol"], told["bars"], told["is_clean"], told["missing"]) == ("BINANCE:BTCUSDT", 0, False, 744)
    assert told["asked"] == {"start": "2020-01-01T00:00:00Z", "end": "2020-02-01T00:00:00Z", "limit": None}
    assert [finding["kind"] for finding in told["findings"]] == ["short"]
    assert names(tmp_path) == ["x.csv"]


def test_a_place_below_a_file_is_said_before_anything_is_asked(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    shown = cli("history", "BTCUSDT", *BINANCE, "--limit", "3", "--out", "file/x.csv")
    assert (shown.code, shown.err) == (
        1,
        "error: cannot write file/x.csv: file is a file, not a folder; choose another\n",
    )


def result_of(*minutes: int) -> Download:
    return Download(Path("x.csv"), validate(bar_at(MONDAY + timedelta(minutes=minute)) for minute in minutes))


def test_findings_are_exit_code_3_and_shown(capsys: Any) -> None:
    with pytest.raises(Ended) as ended:
        history._show(result_of(0, 1, 5), as_json=False)
    assert ended.value.exit_code == history.UNCLEAN == 3
    told = json.loads(capsys.readouterr().out)
    assert (told["is_clean"], told["missing"], told["counts"]["gap"]) == (False, 3, 1)
    assert told["findings"][0]["text"] == "3 bars missing before 2026-01-05T00:05:00Z"


def test_a_terminal_shows_the_report_and_the_path(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    history._show(result_of(0, 1), as_json=False)
    assert capsys.readouterr().out.splitlines()[1:] == ["nothing is wrong", "x.csv"]


def test_waits_and_what_is_kept_are_said(capsys: Any) -> None:
    now = datetime.now(UTC)

    def break_off() -> None:
        with history._shown("AAPL") as tell:
            tell(Progress(0, 4, 0, 0, now, VenueUnavailableError("down\x1b[31m"), 7.0))
            tell(Progress(2, 4, 0, 10, now))
            raise VenueUnavailableError("still down")

    with pytest.raises(VenueUnavailableError):
        break_off()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("waiting 7 s: down")
    assert "\x1b" not in lines[0]
    assert lines[1] == "2 of 4 parts are kept; the same command goes on"


def told_at_the_end(capsys: Any, last: Progress) -> list[str]:
    def break_off() -> None:
        with history._shown("AAPL") as tell:
            tell(last)
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        break_off()
    lines: list[str] = capsys.readouterr().err.splitlines()
    return lines


def test_parts_that_are_asked_for_again_are_not_said_to_be_kept(capsys: Any) -> None:
    now = datetime.now(UTC)
    assert told_at_the_end(capsys, Progress(3, 4, 0, 10, now, again=1)) == [
        "2 of 4 parts are kept; the same command goes on"
    ]
    assert told_at_the_end(capsys, Progress(3, 4, 0, 0, now, again=3)) == []


def test_a_file_that_was_complete_before_the_interrupt_is_said(capsys: Any) -> None:
    last = Progress(4, 4, 0, 10, datetime.now(UTC), path=Path("x.csv"))
    assert told_at_the_end(capsys, last) == ["x.csv is complete all the same"]


def test_a_file_that_was_complete_when_the_client_failed_to_close_is_said(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = Client.close

    async def interrupted(client: Client) -> None:
        await close(client)
        raise VenueUnavailableError("gone")

    monkeypatch.setattr(Client, "close", interrupted)
    shown = cli("history", "BTCUSDT", *BINANCE, "--limit", "3", "--out", "x.csv")
    assert (shown.code, shown.err.splitlines()) == (1, ["x.csv is complete all the same", "error: gone"])
    assert len(read_events(tmp_path / "x.csv")) == 3


@pytest.mark.process
async def test_after_an_interrupt_the_same_command_goes_on(command: Any, tmp_path: Path) -> None:
    start = (datetime.now(UTC) - timedelta(days=300)).strftime("%Y-%m-%d")
    arguments = ("history", "BTCUSDT", *BINANCE, "-i", "1m", "--start", start, "--out", "x.parquet")
    process = await command(*arguments)
    async with asyncio.timeout(DEADLINE_S):
        while len(_parts(tmp_path)) < 2:  # noqa: ASYNC110  # another process makes them
            await asyncio.sleep(0)
    process.signal(signal.SIGINT)
    ended = await process.end()
    assert ended.code == 130
    assert ended.out == ""
    assert "are kept; the same command goes on" in ended.err
    (kept,) = names(tmp_path)
    assert kept.startswith(".history_btcusdt_1m_")
    before = _parts(tmp_path)
    again = await command(*arguments)
    async with asyncio.timeout(DEADLINE_S):
        while len(_parts(tmp_path)) == len(before):  # noqa: ASYNC110  # as above
            await asyncio.sleep(0)
    again.signal(signal.SIGTERM)
    assert (await again.end()).code == 143
    assert set(before.items()) <= set(_parts(tmp_path).items())


def _parts(folder: Path) -> dict[str, int]:
    """The parts that are kept, and when each was written."""
    return {path.name: path.stat().st_mtime_ns for path in folder.glob(".history_*/*-closed.ndjson")}
