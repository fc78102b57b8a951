"""Every example runs against the offline venue and prints what it promises."""

import asyncio
import contextlib
import importlib.util
import io
import os
import signal
import sys
from pathlib import Path
from types import ModuleType

import aiohttp
import pytest

from brokerwire.export import read_events

EXAMPLES = Path(__file__).parents[2] / "examples"
DEADLINE_S = 20.0


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, nothing_left: None) -> None:
    monkeypatch.setenv("BROKERWIRE_ENVIRONMENT", "offline")


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Printed(io.StringIO):
    """Standard output that can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._more = asyncio.Event()

    def write(self, text: str) -> int:
        self._more.set()
        return super().write(text)

    async def line_with(self, text: str) -> str:
        """Return the first whole line that contains ``text``."""
        while True:
            self._more.clear()
            found = [line for line in self.getvalue().splitlines(keepends=True) if text in line and line[-1] == "\n"]
            if found:
                return found[0].strip()
            await self._more.wait()


async def test_quotes_prints_quotes_of_both_symbols(capsys: pytest.CaptureFixture[str]) -> None:
    await _load("quotes").main(1.5)
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines[:-1]} == {"AAPL", "MSFT"}
    assert all("bid" in line and "last" in line for line in lines[:-1])
    assert lines[-1].endswith("events arrived, 0 dropped, 0 gapped")


async def test_several_streams_prints_every_kind_of_event(capsys: pytest.CaptureFixture[str]) -> None:
    await _load("several_streams").main(2.0)
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines[:-1]} == {"quote", "bar", "trade"}
    assert sum(line.startswith("bar") and line.endswith("closed") for line in lines) >= 2
    assert lines[-1] == "3 subscriptions on 3 of 10"


async def test_iterate_adds_up_trades_until_the_time_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    await _load("iterate").main(2.0)
    lines = capsys.readouterr().out.splitlines()
    assert lines
    sizes = [float(line.split()[1]) for line in lines]
    assert lines[-1].endswith(f"{sum(sizes):.0f} in all")


def test_script_prints_bars_and_quotes_of_both_symbols(capsys: pytest.CaptureFixture[str]) -> None:
    _load("script").main(1.5)
    lines = capsys.readouterr().out.splitlines()
    assert all("open" in line and "close" in line for line in lines[:3])
    assert {line.split()[0] for line in lines[3:]} == {"BINANCE:BTCUSDT", "NASDAQ:AAPL"}


async def test_order_round_trip_cancels_one_order_and_fills_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    await _load("order_round_trip").main(DEADLINE_S)
    out = capsys.readouterr().out
    first, second = out.split("order ")[1:]
    assert "cancelled, 0 of 10" in first
    assert "filled" not in first.replace("cancelled", "")
    assert "filled, 10 of 10" in second
    assert "  filled " in second


async def test_order_round_trip_refuses_the_live_venue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKERWIRE_ENVIRONMENT", "live")
    with pytest.raises(SystemExit, match="paper or offline"):
        await _load("order_round_trip").main(1.0)


async def test_web_quotes_serves_the_latest_quotes_over_a_socket() -> None:
    with contextlib.redirect_stdout(Printed()) as printed:
        server = asyncio.create_task(_load("web_quotes").main(DEADLINE_S, port=0))
        async with asyncio.timeout(DEADLINE_S), aiohttp.ClientSession() as session:
            address = await printed.line_with("http://")
            async with session.get(address) as answer:
                everything = await answer.json()
            async with session.get(f"{address}/aapl") as answer:
                one = await answer.json()
            async with session.get(f"{address}/NOPE") as answer:
                assert answer.status == 404
        server.cancel()
        await asyncio.gather(server, return_exceptions=True)
    assert everything["state"] == "live"
    assert [quote["symbol"] for quote in everything["quotes"]] == ["AAPL", "MSFT", "GOOGL"]
    assert one["type"] == "quote"
    assert one["bid"] < one["ask"]


async def test_download_history_writes_a_week_and_says_that_it_is_clean(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    await _load("download_history").main(DEADLINE_S)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1 of ")
    assert lines[-2:] == ["nothing is wrong", "written to aapl.csv"]
    assert len(read_events("aapl.csv")) >= 7 * 288


async def test_web_quotes_ends_after_the_given_time(capsys: pytest.CaptureFixture[str]) -> None:
    await _load("web_quotes").main(0.2, port=0)
    assert capsys.readouterr().out.endswith("done\n")


@pytest.mark.process
async def test_service_ends_cleanly_on_sigterm() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / "service.py"),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "BROKERWIRE_ENVIRONMENT": "offline"},
    )
    assert process.stderr is not None
    async with asyncio.timeout(DEADLINE_S):
        log = b""
        while b"health:" not in log:
            line = await process.stderr.readline()
            assert line, f"the service ended too soon: {log.decode()}"
            log += line
        process.send_signal(signal.SIGTERM)
        log += await process.stderr.read()
        assert await process.wait() == 0
    assert b'"state": "live"' in log
    assert log.rstrip().endswith(b"stopped")
    assert b"Traceback" not in log


@pytest.mark.process
async def test_service_ends_after_the_given_time() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / "service.py"),
        "0.1",
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "BROKERWIRE_ENVIRONMENT": "offline"},
    )
    async with asyncio.timeout(DEADLINE_S):
        _, log = await process.communicate()
    assert process.returncode == 0
    assert log.rstrip().endswith(b"stopped")


def test_every_example_has_a_test() -> None:
    tests = [name for name in globals() if name.startswith("test_")]
    untested = [
        path.stem for path in EXAMPLES.glob("*.py") if not any(name.startswith(f"test_{path.stem}_") for name in tests)
    ]
    assert untested == []


def test_every_example_reads_a_number_of_seconds() -> None:
    for path in EXAMPLES.glob("*.py"):
        assert "float(sys.argv[1])" in path.read_text(), path.name
