import asyncio
import itertools
from datetime import date, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from brokerwire.simulator import Simulator
from brokerwire.simulator.fronts.tradestation.bars import Chart, Windows
from brokerwire.simulator.market import Market
from brokerwire.simulator.sessions import new_york_ns

from .conftest import Wire

BARS = "/v3/marketdata/barcharts/AAPL"
FIELDS = [
    "High", "Low", "Open", "Close", "TimeStamp", "TotalVolume", "DownTicks", "DownVolume", "OpenInterest", "IsRealtime",
    "IsEndOfHistory", "TotalTicks", "UnchangedTicks", "UnchangedVolume", "UpTicks", "UpVolume", "Epoch", "BarStatus",
]  # fmt: skip


def times(bars: list[dict[str, Any]]) -> list[datetime]:
    return [datetime.fromisoformat(bar["TimeStamp"]) for bar in bars]


async def test_bars_have_the_fields_and_types_of_the_venue(wire: Any) -> None:
    bars = (await wire.get(f"{BARS}?interval=5&unit=Minute&barsback=4"))["Bars"]
    assert list(bars[0]) == FIELDS
    assert [bar["IsEndOfHistory"] for bar in bars] == [False, False, False, True]
    assert [bar["BarStatus"] for bar in bars] == ["Closed", "Closed", "Closed", "Open"]
    assert isinstance(bars[0]["TotalTicks"], int)
    assert isinstance(bars[0]["TotalVolume"], str)
    assert bars[0]["UpTicks"] + bars[0]["DownTicks"] == bars[0]["TotalTicks"]
    assert bars[0]["UpVolume"] + bars[0]["DownVolume"] == int(bars[0]["TotalVolume"])
    assert bars[0]["Epoch"] == int(times(bars)[0].timestamp()) * 1000
    assert times(bars)[1] - times(bars)[0] == timedelta(minutes=5)


async def test_default_is_one_daily_bar_that_ends_at_the_close_in_new_york(wire: Any) -> None:
    (bar,) = (await wire.get(BARS))["Bars"]
    assert bar["TimeStamp"][11:] in ("20:00:00Z", "21:00:00Z")


@pytest.mark.parametrize(("unit", "days"), [("daily", {1}), ("WEEKLY", {7}), ("Monthly", {28, 29, 30, 31})])
async def test_units(wire: Any, unit: str, days: set[int]) -> None:
    bars = (await wire.get(f"{BARS}?unit={unit}&barsback=15"))["Bars"]
    dates = [t.date() for t in times(bars)]
    assert {(b - a).days for a, b in itertools.pairwise(dates)} <= days


async def test_range_of_dates_selects_bars(wire: Any) -> None:
    last = (await wire.get(f"{BARS}?interval=1&unit=Minute&barsback=30"))["Bars"]
    first, end = last[10]["TimeStamp"], last[20]["TimeStamp"]
    bars = (await wire.get(f"{BARS}?interval=1&unit=Minute&firstdate={first}&lastdate={end}"))["Bars"]
    assert bars[0]["TimeStamp"] == last[11]["TimeStamp"]
    assert last[20]["TimeStamp"] in [bar["TimeStamp"] for bar in bars]
    back = (await wire.get(f"{BARS}?interval=1&unit=Minute&barsback=5&lastdate={end}"))["Bars"]
    assert len(back) == 5
    assert back[0]["Close"] in [bar["Close"] for bar in last]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v3/marketdata/barcharts/NOPE1", 404),
        (f"{BARS}?unit=hour", 400),
        (f"{BARS}?unit=daily&interval=2", 400),
        (f"{BARS}?unit=minute&interval=1441", 400),
        (f"{BARS}?barsback=x", 400),
        (f"{BARS}?barsback=0", 400),
        (f"{BARS}?barsback=5&firstdate=2026-01-01", 400),
        (f"{BARS}?firstdate=yesterday", 400),
        (f"{BARS}?firstdate=2030-01-01", 400),
        (f"{BARS}?sessiontemplate=Night", 400),
        (f"{BARS}?unit=minute&barsback=57601", 400),
        (f"{BARS}?unit=minute&interval=60&barsback=9000", 400),
        (f"{BARS}?unit=minute&firstdate=2019-01-01", 400),
        (f"{BARS}?unit=minute&interval=1&firstdate=2026-01-01", 400),
        (f"{BARS.replace('barcharts', 'stream/barcharts')}?barsback=57601", 400),
    ],
)
async def test_bad_requests(wire: Any, path: str, status: int) -> None:
    assert (await wire.call("GET", path))[0] == status


async def test_stream_sends_history_and_then_the_bar_in_progress(wire: Any) -> None:
    path = "/v3/marketdata/stream/barcharts/AAPL?interval=1&unit=Minute&barsback=3"
    async with wire.stream(path) as lines:
        history = [await lines.frame() for _ in range(3)]
        live = (await lines.until(lambda f: f.get("IsRealtime") and f["BarStatus"] == "Open"))[-1]
        later = (await lines.until(lambda f: "TotalTicks" in f))[-1]
    assert [bar["IsEndOfHistory"] for bar in history] == [False, False, True]
    assert all(bar["BarStatus"] == "Closed" and not bar["IsRealtime"] for bar in history)
    assert list(live) == FIELDS
    assert times([live])[0] - times(history)[-1] >= timedelta(minutes=1)
    assert later["TotalTicks"] > live["TotalTicks"] or later["TimeStamp"] > live["TimeStamp"]


async def test_history_of_a_stream_equals_that_of_rest(wire: Any) -> None:
    rest = (await wire.get(f"{BARS}?interval=1&unit=Minute&barsback=5"))["Bars"]
    async with wire.stream("/v3/marketdata/stream/barcharts/AAPL?interval=1&unit=Minute&barsback=5") as lines:
        streamed = [await lines.frame() for _ in range(5)]
    by_time = {bar["TimeStamp"]: bar for bar in streamed}
    for bar in rest[:-1]:
        if bar["TimeStamp"] in by_time:
            assert by_time[bar["TimeStamp"]]["TotalVolume"] == bar["TotalVolume"]


class FastClock:
    """A minute passes in half a second."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() * 120

    def time_ns(self) -> int:
        return 1_795_183_384_500_000_000

    async def sleep(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s / 120)


async def test_bar_that_ends_is_sent_once_more_as_closed() -> None:
    async with Simulator("tradestation", seed=7, clock=FastClock()) as simulator, aiohttp.ClientSession() as session:
        wire = Wire(simulator, session)
        await wire.sign_in()
        path = "/v3/marketdata/stream/barcharts/AAPL?interval=1&unit=Minute&barsback=1"
        async with wire.stream(path) as lines:
            await lines.frame()
            closed = (await lines.until(lambda f: f.get("IsRealtime") and f["BarStatus"] == "Closed"))[-1]
            after = (await lines.until(lambda f: f.get("BarStatus") == "Open"))[-1]
        rest = (await wire.get(f"{BARS}?interval=1&unit=Minute&barsback=100"))["Bars"]
    same = next(bar for bar in rest if bar["TimeStamp"] == closed["TimeStamp"])
    assert {**closed, "IsRealtime": False} == same
    assert after["TimeStamp"] > closed["TimeStamp"]


async def test_real_calendar_has_bars_of_the_session_only() -> None:
    simulator = Simulator("tradestation", seed=7, clock=FastClock(), calendar="real")
    async with simulator, aiohttp.ClientSession() as session:
        wire = Wire(simulator, session)
        await wire.sign_in()
        bars = (await wire.get(f"{BARS}?interval=30&unit=Minute&barsback=30"))["Bars"]
        days = (await wire.get(f"{BARS}?barsback=10"))["Bars"]
    assert all("14:30" < bar["TimeStamp"][11:16] <= "21:00" for bar in bars)
    assert {date.fromisoformat(bar["TimeStamp"][:10]).weekday() for bar in days} == {0, 1, 2, 3, 4}


async def test_history_begins_in_1980(wire: Any) -> None:
    bars = (await wire.get("/v3/marketdata/barcharts/AAPL?unit=Monthly&barsback=50&lastdate=1981-01-05"))["Bars"]
    assert 12 <= len(bars) <= 14
    async with wire.stream("/v3/marketdata/stream/barcharts/AAPL?unit=Monthly&barsback=600") as lines:
        first = await lines.frame()
    assert first["TimeStamp"].startswith("1980")


def test_next_bar_after_the_week_is_the_first_of_monday(still_clock: Any) -> None:
    market = Market(seed=1, clock=still_clock, calendar="real")
    saturday_ns = new_york_ns(date(2026, 11, 21), 12)
    found = Windows(market, Chart(market.instrument("AAPL"), "minute", 5)).around(saturday_ns)
    assert found[0] == new_york_ns(date(2026, 11, 23), 9, 30)
