import asyncio
import importlib
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from brokerwire import Client
from brokerwire.errors import ConfigurationError, InvalidSymbolError, RateLimitError
from brokerwire.events import Bar
from brokerwire.export import read_events
from brokerwire.history import Download, Patience, Progress, download, download_newest
from brokerwire.history.download import ns_of, time_of

module = importlib.import_module("brokerwire.history.download")  # its package has a function of this name
HOUR = timedelta(hours=1)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def opens(path: Path) -> list[int]:
    return [bar.open_time_ns for bar in read_events(path) if isinstance(bar, Bar)]


def plain(path: Path) -> list[Any]:
    """The bars without when they came."""
    return [msgspec.structs.replace(bar, received_ns=0) for bar in read_events(path)]


class Ground:
    """A simulated venue, a client of it, and the time there."""

    def __init__(self, client: Client, simulator: Any, clock: Any) -> None:
        self.client = client
        self.simulator = simulator
        self.patience = Patience(clock=clock)
        self.now = time_of(clock.time_ns())
        self.hour = self.now.replace(minute=0, second=0, microsecond=0)

    async def get(self, path: Path, *, hours: int = 40, **options: Any) -> Download:
        options = {"start": self.hour - hours * HOUR, "chunk_bars": 10, "patience": self.patience, **options}
        return await download(self.client, options.pop("symbol", "BTCUSDT"), "1h", path=path, **options)


@pytest.fixture
def ground(virtual: Any, offline: Any) -> Callable[..., Any]:
    """Runs something on virtual ground, at a venue."""

    def run(main: Callable[[Ground], Any], venue: str = "binance") -> Any:
        async def inside() -> Any:
            async with offline() as place:
                simulator = await place.simulator(venue)
                client = await place.client(simulator)
                return await main(Ground(client, simulator, virtual.clock))

        return virtual(inside)

    return run


@pytest.mark.parametrize(
    ("venue", "symbol"), [("binance", "BTC/USDT"), ("tradestation", "AAPL"), ("tradingview", "NASDAQ:AAPL")]
)
def test_bars_of_any_venue_come_whole_and_in_order(ground: Any, tmp_path: Path, venue: str, symbol: str) -> None:
    async def main(here: Ground) -> None:
        result = await here.get(tmp_path / "x.parquet", symbol=symbol)
        bars = read_events(result.path)
        expected = [ns_of(here.hour - number * HOUR) for number in range(40, 0, -1)]
        assert opens(result.path) == expected
        assert {(bar.venue, bar.symbol) for bar in bars} == {(venue, symbol)}
        assert result.report.is_clean
        assert result.report.bars == 40
        assert names(tmp_path) == ["x.parquet"]

    ground(main, venue)


def test_a_bar_that_is_forming_is_left_out(ground: Any, tmp_path: Path) -> None:
    async def main(here: Ground) -> None:
        result = await here.get(tmp_path / "x.csv", end=here.now + 5 * HOUR)
        assert opens(result.path)[-1] == ns_of(here.hour - HOUR)

    ground(main)


def test_a_range_in_the_past_ends_before_its_end(ground: Any, tmp_path: Path) -> None:
    async def main(here: Ground) -> None:
        result = await here.get(tmp_path / "x.json", end=(here.hour - 10 * HOUR).replace(tzinfo=None))
        assert opens(result.path)[-1] == ns_of(here.hour - 11 * HOUR)
        assert result.report.bars == 30

    ground(main)


def test_progress_is_told_after_each_part(ground: Any, tmp_path: Path) -> None:
    async def main(here: Ground) -> None:
        heard: list[Progress] = []
        await here.get(tmp_path / "x.csv", end=here.hour, progress_callback=heard.append)
        assert [(each.done, each.chunks, each.kept, each.bars) for each in heard] == [
            (1, 4, 0, 10),
            (2, 4, 0, 20),
            (3, 4, 0, 30),
            (4, 4, 0, 40),
        ]
        assert heard[-1].time == here.hour

    ground(main)


class _Stop(Exception):
    pass


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_after_an_interruption_it_goes_on_and_the_file_is_the_same(ground: Any, tmp_path: Path, parts: int) -> None:
    async def main(here: Ground) -> None:
        end = here.hour - HOUR
        whole = await here.get(tmp_path / "whole.parquet", end=end)
        heard: list[Progress] = []

        def interrupt(progress: Progress) -> None:
            if progress.done == parts:
                raise asyncio.CancelledError

        task = asyncio.create_task(here.get(tmp_path / "x.parquet", end=end, progress_callback=interrupt))
        await asyncio.wait({task})
        assert task.cancelled()
        assert "x.parquet" not in names(tmp_path)
        result = await here.get(tmp_path / "x.parquet", end=end, progress_callback=heard.append)
        assert heard[-1].kept == parts
        assert plain(result.path) == plain(whole.path)
        assert names(tmp_path) == ["whole.parquet", "x.parquet"]

    ground(main)


def test_going_on_later_takes_in_what_has_closed_since(ground: Any, tmp_path: Path) -> None:
    async def main(here: Ground) -> None:
        def interrupt(progress: Progress) -> None:
            if progress.done == progress.chunks:
                raise _Stop

        with pytest.raises(_Stop):
            await here.get(tmp_path / "x.csv", progress_callback=interrupt)
        await asyncio.sleep(3 * 3600)
        heard: list[Progress] = []
        result = await here.get(tmp_path / "x.csv", progress_callback=heard.append)
        assert heard[-1].kept == 4
        assert opens(result.path)[-1] == ns_of(here.hour + 2 * HOUR)
        assert result.report.is_clean

    ground(main)


def test_a_failure_for_good_keeps_the_parts_that_are_there(ground: Any, tmp_path: Path) -> None:
    async def main(here: Ground) -> None:
        def fail(progress: Progress) -> None:
            raise _Stop

        with pytest.raises(_Stop):
            await here.get(tmp_path / "x.csv", end=here.hour, progress_callback=fail)
        (kept,) = names(tmp_path)
        assert kept.startswith(".history_btcusdt_1h_")

    ground(main)


def limited_reach(here: Ground, monkeypatch: pytest.MonkeyPatch, first: datetime) -> list[datetime]:
    """Make the venue know nothing before a time; return a list of the starts that it is asked for."""
    asked: list[datetime] = []
    get_bars = here.client.market_data.get_bars

    async def get(*arguments: Any, start: datetime, **options: Any) -> list[Bar]:
        asked.append(start)
        return [bar for bar in await get_bars(*arguments, start=start, **options) if bar.open_time_ns >= ns_of(first)]

    monkeypatch.setattr(here.client.market_data, "get_bars", get)
    return asked


def test_what_the_venue_does_not_reach_is_in_the_report(
    ground: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(here: Ground) -> None:
        limited_reach(here, monkeypatch, here.hour - 15 * HOUR)
        result = await here.get(tmp_path / "x.csv", end=here.hour)
        assert (result.report.bars, result.report.missing, result.report.is_clean) == (15, 25, False)
        assert result.report.counts["short"] == 1
        monkeypatch.undo()
        limited_reach(here, monkeypatch, here.hour)
        nothing = await here.get(tmp_path / "y.csv", end=here.hour)
        assert (nothing.report.symbol, nothing.report.bars, nothing.report.is_clean) == ("BTCUSDT", 0, False)

    ground(main)


@pytest.mark.parametrize(("minutes_ago", "late_minutes"), [(0, 20), (5, 15), (60, 0)])
def test_the_newest_twenty_minutes_of_a_range_may_be_late(
    ground: Any, tmp_path: Path, minutes_ago: int, late_minutes: int
) -> None:
    async def main(here: Ground) -> None:
        end = here.now - timedelta(minutes=minutes_ago)
        result = await here.get(tmp_path / "x.parquet", hours=3, end=end)
        assert result.report.asked is not None
        assert result.report.asked.late_ns == late_minutes * 60 * 10**9

    ground(main)


def test_an_end_in_the_future_is_now(ground: Any, tmp_path: Path) -> None:
    async def main(here: Ground) -> None:
        result = await here.get(tmp_path / "x.csv", end=here.now + 50 * HOUR)
        assert result.report.is_clean
        assert result.report.asked is not None
        assert result.report.asked.end_ns == ns_of(here.now)

    ground(main)


def test_parts_that_the_venue_did_not_reach_are_asked_for_again(
    ground: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(here: Ground) -> None:
        limited_reach(here, monkeypatch, here.hour - 15 * HOUR)
        heard: list[Progress] = []

        def interrupt(progress: Progress) -> None:
            heard.append(progress)
            if progress.done == 4:
                raise _Stop

        with pytest.raises(_Stop):
            await here.get(tmp_path / "x.csv", end=here.hour, progress_callback=interrupt)
        assert [each.again for each in heard] == [1, 2, 3, 3]
        monkeypatch.undo()
        asked = limited_reach(here, monkeypatch, here.hour - 100 * HOUR)
        result = await here.get(tmp_path / "x.csv", end=here.hour)
        assert asked == [here.hour - hours * HOUR for hours in (40, 30, 20)]
        assert (result.report.bars, result.report.is_clean) == (40, True)

    ground(main)


def test_a_part_without_bars_after_one_with_bars_is_final(
    ground: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(here: Ground) -> None:
        get_bars = here.client.market_data.get_bars

        async def get(*arguments: Any, start: datetime, **options: Any) -> list[Bar]:
            bars = await get_bars(*arguments, start=start, **options)
            return [] if start == here.hour - 20 * HOUR else bars

        monkeypatch.setattr(here.client.market_data, "get_bars", get)
        heard: list[Progress] = []
        await here.get(tmp_path / "x.csv", end=here.hour, progress_callback=heard.append)
        assert heard[-1].again == 0

    ground(main)


class _SlowDisk:
    """Holds the writing up, before or after the bars, until it is told to go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, when: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._is_reached, self._go_on = asyncio.Event(), threading.Event()
        write = module._Target.write

        def slow(target: Any, bars: Any, request: Any) -> Path:
            if when == "before":
                self._hold()
            path = write(target, bars, request)
            if when == "after":
                self._hold()
            return path

        monkeypatch.setattr(module._Target, "write", slow)

    def _hold(self) -> None:
        self._loop.call_soon_threadsafe(self._is_reached.set)
        self._go_on.wait(20)

    async def interrupt(self, task: "asyncio.Task[Any]") -> None:
        await self._is_reached.wait()
        task.cancel()
        for _ in range(5):
            await asyncio.sleep(0)
        assert not task.done()
        self._go_on.set()
        await asyncio.wait({task})
        assert task.cancelled()


def test_an_interruption_of_the_writing_leaves_no_file_and_the_same_call_goes_on(
    ground: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(here: Ground) -> None:
        disk = _SlowDisk(monkeypatch, when="before")
        heard: list[Progress] = []
        await disk.interrupt(
            asyncio.create_task(here.get(tmp_path / "x.csv", end=here.hour, progress_callback=heard.append))
        )
        assert heard[-1].path is None
        (kept,) = names(tmp_path)
        assert kept.startswith(".history_btcusdt_1h_")
        await here.get(tmp_path / "x.csv", end=here.hour, progress_callback=heard.append)
        assert heard[-1].kept == 4
        assert names(tmp_path) == ["x.csv"]

    ground(main)


@pytest.mark.parametrize("is_newest", [False, True])
def test_an_interruption_that_is_too_late_leaves_the_whole_file_and_says_so(
    ground: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_newest: bool
) -> None:
    async def main(here: Ground) -> None:
        disk = _SlowDisk(monkeypatch, when="after")
        heard: list[Progress] = []
        path = tmp_path / "x.csv"
        options: dict[str, Any] = {"path": path, "patience": here.patience, "progress_callback": heard.append}
        newest = download_newest(here.client, "BTCUSDT", "1h", limit=40, **options)
        whole = here.get(path, end=here.hour, progress_callback=heard.append)
        (newest if not is_newest else whole).close()
        await disk.interrupt(asyncio.create_task(newest if is_newest else whole))
        assert heard[-1].path == path
        assert names(tmp_path) == ["x.csv"]
        assert len(opens(path)) == 40

    ground(main)


def test_failures_that_pass_are_met_with_backoff(ground: Any, tmp_path: Path) -> None:
    async def main(here: Ground) -> None:
        here.simulator.faults.set("rate_limit:90", channel="klines", times=2)
        heard: list[Progress] = []
        result = await here.get(tmp_path / "x.csv", end=here.hour, progress_callback=heard.append)
        assert result.report.bars == 40
        assert [type(each.error) for each in heard[:3]] == [RateLimitError, RateLimitError, type(None)]
        assert all(90 <= each.wait_s <= 91 for each in heard[:2])

    ground(main)


def test_a_symbol_that_is_none_ends_it_at_once(ground: Any, tmp_path: Path) -> None:
    async def main(here: Ground) -> None:
        heard: list[Progress] = []
        with pytest.raises(InvalidSymbolError):
            await here.get(tmp_path / "x.csv", symbol="NOSUCHCOIN", progress_callback=heard.append)
        assert heard == []
        assert names(tmp_path) == []

    ground(main)


def test_without_a_path_the_file_is_named_after_what_is_in_it(ground: Any, tmp_path: Path) -> None:
    async def main(here: Ground) -> None:
        start = here.hour - 5 * HOUR
        results = [
            await download(
                here.client, "BTC/USDT", "1h", start=start, file_format="csv", folder=tmp_path, patience=here.patience
            )
            for _ in range(2)
        ]
        first, second = (result.path for result in results)
        assert first.name.startswith("bar_btc-usdt_1h_")
        assert first != second
        assert plain(first) == plain(second)

    ground(main)


def test_fewer_bars_than_the_limit_are_in_the_report(
    ground: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(here: Ground) -> None:
        get_bars = here.client.market_data.get_bars

        async def get(*arguments: Any, limit: int) -> list[Bar]:
            return await get_bars(*arguments, limit=min(limit, 6))

        monkeypatch.setattr(here.client.market_data, "get_bars", get)
        options: dict[str, Any] = {"path": tmp_path / "x.csv", "patience": here.patience}
        result = await download_newest(here.client, "BTCUSDT", "1h", limit=20, **options)
        assert (result.report.bars, result.report.missing, result.report.is_clean) == (5, 15, False)

    ground(main)


def test_waits_for_the_newest_bars_are_told_to_who_listens(ground: Any, tmp_path: Path) -> None:
    async def main(here: Ground) -> None:
        heard: list[Progress] = []
        for told in (heard.append, None):
            here.simulator.faults.set("rate_limit:90", channel="klines", times=1)
            options: dict[str, Any] = {"path": tmp_path / "x.csv", "progress_callback": told}
            await download_newest(here.client, "BTCUSDT", "1h", limit=3, patience=here.patience, **options)
        assert [(type(each.error), each.wait_s >= 90) for each in heard] == [(RateLimitError, True)]

    ground(main)


def test_the_newest_bars_are_the_closed_ones(ground: Any, tmp_path: Path) -> None:
    async def main(here: Ground) -> None:
        options: dict[str, Any] = {"path": tmp_path / "x.ndjson", "patience": here.patience}
        result = await download_newest(here.client, "BTCUSDT", "1h", limit=12, **options)
        assert opens(result.path) == [ns_of(here.hour - number * HOUR) for number in range(12, 0, -1)]
        with pytest.raises(ConfigurationError, match="from 1"):
            await download_newest(here.client, "BTCUSDT", "1h", limit=0, **options)

    ground(main)


@pytest.mark.parametrize(
    "options",
    [{"start": datetime(2100, 1, 1, tzinfo=UTC)}, {"chunk_bars": 0}, {"end": datetime(2020, 1, 1, tzinfo=UTC)}],
)
def test_a_range_that_is_none_is_refused(ground: Any, tmp_path: Path, options: dict[str, Any]) -> None:
    async def main(here: Ground) -> None:
        with pytest.raises(ConfigurationError, match="start before its end"):
            await here.get(tmp_path / "x.csv", **options)

    ground(main)


def test_an_unknown_extension_is_refused_before_anything_is_asked(ground: Any, tmp_path: Path) -> None:
    async def main(here: Ground) -> None:
        with pytest.raises(ConfigurationError, match="extension"):
            await here.get(tmp_path / "x.xlsx")
        assert names(tmp_path) == []

    ground(main)


def test_a_missing_package_is_said_before_anything_is_asked(
    ground: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    async def main(here: Ground) -> None:
        with pytest.raises(ConfigurationError, match="needs pyarrow"):
            await here.get(tmp_path / "x.parquet")
        assert names(tmp_path) == []

    ground(main)
