import signal
from pathlib import Path
from typing import Any

import pytest

from brokerwire.simulator.recorded import read_recording

OFFLINE = ("-e", "offline")
BINANCE = ("-v", "binance", *OFFLINE)


def test_count_ends_the_recording_after_so_many_events(cli: Any, tmp_path: Path) -> None:
    shown = cli("record", "quotes", "BTCUSDT", *BINANCE, "--to", "session", "--count", "5", "--for", "20s")
    assert (shown.code, shown.out) == (0, "")
    assert shown.err.splitlines()[-1].endswith("in 1 files in session, 0 dropped")
    assert len(read_recording(tmp_path / "session").frames) >= 5


@pytest.mark.parametrize(
    "arguments",
    [
        ("bars", "AAPL", "--bars-back", "3", "-i", "1"),
        ("depth", "AAPL", "--levels", "2"),
        ("trades", "AAPL"),
        ("quotes", "AAPL"),
        ("positions",),
        ("balances",),
    ],
)
def test_every_kind_of_stream_is_recorded(cli: Any, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    shown = cli("record", *arguments, *OFFLINE, "--to", "session", "--count", "1", "--for", "20s")
    assert shown.code == 0, shown.err
    recording = read_recording(tmp_path / "session")
    assert recording.frames or recording.answers


def test_wrong_symbol_is_one_line_and_exit_code_1(cli: Any) -> None:
    shown = cli("record", "quotes", "NOSUCHCOIN", *BINANCE, "--to", "session")
    assert shown.code == 1
    assert "NOSUCHCOIN" in shown.err.splitlines()[-1]


def test_folder_is_needed(cli: Any) -> None:
    assert cli("record", "quotes", "AAPL", *OFFLINE).code == 2


async def test_interrupt_ends_the_recording_whole(command: Any, tmp_path: Path) -> None:
    process = await command("record", "quotes", "AAPL", *OFFLINE, "--to", "session", "--for", "60s")
    assert process.process.stderr is not None
    while "live" not in (await process.process.stderr.readline()).decode():
        assert process.process.returncode is None
    process.signal(signal.SIGINT)
    ended = await process.end()
    assert ended.code == 130
    assert "dropped" in ended.err
    assert read_recording(tmp_path / "session").frames
