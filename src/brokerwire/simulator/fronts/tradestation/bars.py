"""Bars: history by REST, and the stream of history followed by the bar in progress."""

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, TypeAlias

import msgspec
from aiohttp import web

from brokerwire.simulator.fronts.tradestation.answers import (
    ApiError,
    encode,
    moment,
    number,
    parameter,
    whole_number,
)
from brokerwire.simulator.fronts.tradestation.gate import Caller
from brokerwire.simulator.fronts.tradestation.quotes import find_instrument
from brokerwire.simulator.fronts.tradestation.streams import MARKET_DATA, LineStream, StreamTools
from brokerwire.simulator.instruments import Instrument
from brokerwire.simulator.market import Market
from brokerwire.simulator.price_path import DAY_NS, MINUTE_NS
from brokerwire.simulator.sessions import new_york_ns, open_windows, trading_day
from brokerwire.simulator.ticks import SimBar, SimTrade, Tick

Unit: TypeAlias = Literal["minute", "daily", "weekly", "monthly"]
Window: TypeAlias = tuple[int, int]

_MAX_BARS = 57_600
_MAX_MINUTES = 500_000
_OLDEST = date(1980, 1, 1)
_PIECE = 1000
_TEMPLATES = ("useqpre", "useqpost", "useqpreandpost", "useq24hour", "default")


class Chart(msgspec.Struct, frozen=True):
    """Which bars are asked for; ``interval`` is in minutes for the unit minute, else 1."""

    instrument: Instrument
    unit: Unit
    interval: int


def read_chart(request: web.Request, market: Market) -> Chart:
    """Read symbol, unit, interval and session template of a request.

    Raises:
        ApiError: One of them is not valid.

    Source: https://api.tradestation.com/docs/specification, GetBars and StreamBars, read 2026-11-20.
    """
    unit = (parameter(request, "unit") or "daily").lower()
    interval = whole_number(request, "interval", 1, low=1, high=1440)
    template = (parameter(request, "sessiontemplate") or "default").lower()
    if unit not in ("minute", "daily", "weekly", "monthly"):
        raise ApiError("BadRequest", "Invalid unit: use Minute, Daily, Weekly or Monthly.")
    if unit != "minute" and interval != 1:
        raise ApiError("BadRequest", "Interval must be 1 for Daily, Weekly and Monthly bars.")
    if template not in _TEMPLATES:
        raise ApiError("BadRequest", "Invalid sessiontemplate.")
    instrument = find_instrument(market, request.match_info["symbol"])
    if instrument is None:
        raise ApiError("NotFound", "Invalid symbol.")
    return Chart(instrument, unit, interval)  # type: ignore[arg-type]  # checked above


class Windows:
    """The open and close times of a chart's bars, counted along trading days that end at 16:00 in New York."""

    def __init__(self, market: Market, chart: Chart) -> None:
        self._market = market
        self._chart = chart

    def _days(self, day: date) -> Window:
        return new_york_ns(day - timedelta(days=1), 16), new_york_ns(day, 16)

    def _sessions(self, day: date) -> list[Window]:
        start_ns, end_ns = self._days(day)
        return list(open_windows(self._chart.instrument, self._market.calendar, start_ns=start_ns, end_ns=end_ns))

    def _minute_windows(self, day: date) -> list[Window]:
        step = self._chart.interval * MINUTE_NS
        found: list[Window] = []
        for start_ns, end_ns in self._sessions(day):
            found += [(at, min(at + step, end_ns)) for at in range(start_ns, end_ns, step)]
        return found

    def around(self, at_ns: int) -> Window:
        """Return the bar in progress at ``at_ns``, or the next one when the market is closed then."""
        return next(window for window in self.forward(at_ns) if window[1] > at_ns)

    def forward(self, at_ns: int) -> Iterator[Window]:
        """Yield bars in order, from one at or before ``at_ns`` on."""
        day = self._first_day(trading_day(at_ns))
        while True:
            yield from self._of_period(day)
            day = self._after(day)

    def backward(self, at_ns: int) -> Iterator[Window]:
        """Yield the bars that open before ``at_ns``, newest first."""
        day = self._first_day(trading_day(at_ns))
        while day >= _OLDEST:
            for window in reversed(self._of_period(day)):
                if window[0] < at_ns:
                    yield window
            day = self._first_day(day - timedelta(days=1))

    def _first_day(self, day: date) -> date:
        """Return the first trading day of the period that ``day`` lies in."""
        if self._chart.unit == "weekly":
            return day - timedelta(days=(day.weekday() - 5) % 7)
        return day.replace(day=1) if self._chart.unit == "monthly" else day

    def _after(self, day: date) -> date:
        if self._chart.unit == "weekly":
            return day + timedelta(days=7)
        if self._chart.unit == "monthly":
            return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
        return day + timedelta(days=1)

    def _of_period(self, day: date) -> list[Window]:
        if self._chart.unit == "minute":
            return self._minute_windows(day)
        last = self._after(day) - timedelta(days=1)
        start_ns, end_ns = self._days(day)[0], self._days(last)[1]
        if self._chart.unit == "daily" and not self._sessions(day):
            return []
        return [(start_ns, end_ns)]


def bar_record(bar: SimBar, *, is_last: bool, is_realtime: bool) -> dict[str, Any]:
    """Return a bar as the venue writes it, stamped with its end."""
    down_volume = bar.volume - bar.buy_volume
    return {
        "High": number(bar.high),
        "Low": number(bar.low),
        "Open": number(bar.open),
        "Close": number(bar.close),
        "TimeStamp": moment(bar.close_ns),
        "TotalVolume": number(bar.volume),
        "DownTicks": bar.down_ticks,
        "DownVolume": int(down_volume),
        "OpenInterest": "0",
        "IsRealtime": is_realtime,
        "IsEndOfHistory": is_last,
        "TotalTicks": bar.trade_count,
        "UnchangedTicks": 0,
        "UnchangedVolume": 0,
        "UpTicks": bar.up_ticks,
        "UpVolume": int(bar.buy_volume),
        "Epoch": bar.close_ns // 1_000_000,
        "BarStatus": "Closed" if bar.is_closed else "Open",
    }


class Bars:
    """Handlers of bar history and bar streams."""

    def __init__(self, market: Market, tools: StreamTools) -> None:
        self._market = market
        self._tools = tools

    async def history(self, request: web.Request, _: Caller) -> web.Response:
        """Answer ``GET /v3/marketdata/barcharts/{symbol}``."""
        chart = read_chart(request, self._market)
        windows = self._select(request, chart)
        bars = await self._market.collect(chart.instrument.symbol, windows)
        pieces: list[bytes] = []
        for at in range(0, len(bars), _PIECE):
            piece = enumerate(bars[at : at + _PIECE], at + 1)
            rows = [bar_record(bar, is_last=i == len(bars), is_realtime=not bar.is_closed) for i, bar in piece]
            pieces.append(encode(rows)[1:-1])
            await self._market.pause()
        body = b'{"Bars":[' + b",".join(pieces) + b"]}"
        return web.Response(body=body, content_type="application/json", charset="utf-8")

    def _select(self, request: web.Request, chart: Chart) -> list[Window]:
        now_ns = self._market.now_ns()
        first_text = parameter(request, "firstdate")
        last_ns = min(now_ns, read_date(parameter(request, "lastdate") or parameter(request, "startdate"), now_ns))
        limit = _limit_of(chart)
        if first_text is not None and parameter(request, "barsback") is not None:
            raise ApiError("BadRequest", "barsback and firstdate are mutually exclusive.")
        count = whole_number(request, "barsback", 1, low=1, high=10**9)
        first_ns = read_date(first_text, now_ns) if first_text else 0
        if first_text:
            _check_range(chart, first_ns, last_ns)
            count = limit
        elif count > limit:
            raise ApiError("BadRequest", f"Too many bars: at most {limit} can be asked for.")
        found: list[Window] = []
        for window in Windows(self._market, chart).backward(last_ns + 1):
            if window[1] <= first_ns or len(found) >= count:
                break
            found.append(window)
        return found[::-1]

    async def stream(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Answer ``GET /v3/marketdata/stream/barcharts/{symbol}``."""
        chart = read_chart(request, self._market)
        count = whole_number(request, "barsback", 1, low=0, high=_MAX_BARS)
        windows = Windows(self._market, chart)
        current = windows.around(self._market.now_ns())
        past: list[Window] = []
        for window in windows.backward(current[0]):
            if len(past) >= count:
                break
            past.append(window)
        bars = await self._market.collect(chart.instrument.symbol, past[::-1])
        live = _LiveBar(self._market, chart, windows)

        async def start(lines: LineStream) -> None:
            for i, bar in enumerate(bars, 1):
                lines.push(bar_record(bar, is_last=i == len(bars), is_realtime=False))
            live.follow(lines, current)

        return await LineStream(request, caller, spec=MARKET_DATA, tools=self._tools).serve(start)


class _LiveBar:
    """Sends the bar in progress on every trade, and once more when it has closed."""

    def __init__(self, market: Market, chart: Chart, windows: Windows) -> None:
        self._market = market
        self._symbol = chart.instrument.symbol
        self._windows = windows

    def follow(self, lines: LineStream, window: Window) -> None:
        self._window = window
        self._lines = lines
        self._send(window)
        lines.at_end(self._market.watch(self._symbol, self._on_tick, with_book=False))

    def _on_tick(self, tick: Tick) -> None:
        if tick.time_ns >= self._window[1]:
            self._send(self._window)
            self._window = self._windows.around(tick.time_ns)
        if isinstance(tick, SimTrade):
            self._send(self._window)

    def _send(self, window: Window) -> None:
        bar = self._market.window(self._symbol, *window)
        if bar is not None:  # pragma: no branch - the tick that brings us here lies in the window or after its trades
            self._lines.push(bar_record(bar, is_last=False, is_realtime=True))


def _limit_of(chart: Chart) -> int:
    return min(_MAX_BARS, _MAX_MINUTES // chart.interval) if chart.unit == "minute" else _MAX_BARS


def _check_range(chart: Chart, first_ns: int, last_ns: int) -> None:
    if first_ns > last_ns:
        raise ApiError("BadRequest", "firstdate must lie before lastdate.")
    if chart.unit == "minute":
        minutes = math.ceil((last_ns - first_ns) / MINUTE_NS)
        if last_ns - first_ns > 3 * 366 * DAY_NS:
            raise ApiError("BadRequest", "The date range may not exceed three years.")
        if minutes // chart.interval > _MAX_BARS:
            raise ApiError("BadRequest", f"Too many bars: at most {_MAX_BARS} can be asked for.")


def read_date(text: str | None, default_ns: int) -> int:
    """Return UTC nanoseconds of a date or time of day.

    Raises:
        ApiError: It is neither.
    """
    if text is None:
        return default_ns
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        try:
            found = datetime.strptime(text, "%m-%d-%Y").replace(tzinfo=UTC)
        except ValueError:
            raise ApiError("BadRequest", f"Invalid date: {text}.") from None
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return int(aware.timestamp()) * 1_000_000_000
