"""One series of a chart: the bars that a client has, which part of the past it asked for, and the bar in progress."""

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

import msgspec

from brokerwire.simulator.fronts.tradingview.grid import Window
from brokerwire.simulator.fronts.tradingview.heikin_ashi import averaged
from brokerwire.simulator.fronts.tradingview.history import Bar, History, Page
from brokerwire.simulator.fronts.tradingview.points import Row
from brokerwire.simulator.fronts.tradingview.replay_session import ReplaySession
from brokerwire.simulator.fronts.tradingview.resolution import SECOND_NS
from brokerwire.simulator.ticks import SimTrade

_RANGE = re.compile(r"r,(\d{1,10}):(\d{1,10})")
_DAY_S = 86_400
_PERIOD_DAYS = {
    "LASTSESSION": 1,
    "1D": 1,
    "5D": 5,
    "1M": 30,
    "3M": 91,
    "6M": 182,
    "12M": 365,
    "60M": 1826,
    "ALL": 36_500,
}
_RANGE_MARGIN = 10
_LATEST_S = 10_000_000_000
_VOLUME_DIGITS = 8


class Newest(msgspec.Struct, frozen=True):
    """The newest bars, so many."""

    count: int


class Anchored(msgspec.Struct, frozen=True):
    """So many bars up to a time in UTC seconds, or after it when the number is negative."""

    anchor_s: int
    count: int


class Framed(msgspec.Struct, frozen=True):
    """The bars of a visible window, given as the text ``frame``, and at least so many."""

    frame: str
    count: int


class More(msgspec.Struct, frozen=True):
    """So many bars older than all that is there, or newer when the number is negative."""

    count: int


Wanted: TypeAlias = Newest | Anchored | Framed | More


def read_wanted(bars: Any, frame: Any) -> Wanted | None:
    """Read the two arguments of ``create_series`` that say which bars; None when they say nothing known."""
    if isinstance(bars, list):
        return _read_anchor(bars)
    count = 0 if bars == "" else bars
    if not isinstance(count, int) or isinstance(count, bool) or count < 0 or not isinstance(frame, str):
        return None
    if not frame:
        return Newest(count)
    is_known = _RANGE.fullmatch(frame) or frame.upper() in _PERIOD_DAYS or frame == "YTD"
    return Framed(frame, count) if is_known else None


def without_frame(wanted: Wanted) -> Wanted:
    """Return what a series goes on to show when it is changed and nothing is said about its bars."""
    return Newest(wanted.count) if isinstance(wanted, Framed) else wanted


def _read_anchor(bars: list[Any]) -> Wanted | None:
    match bars:
        case ["bar_count", int(anchor_s), int(count)] if count and 0 <= anchor_s < _LATEST_S:
            return Anchored(anchor_s, count)
        case _:
            return None


def frame_bounds_s(frame: str, now_s: int) -> tuple[int, int]:
    """Return the window of a frame in UTC seconds."""
    found = _RANGE.fullmatch(frame)
    if found is not None:
        return int(found[1]), int(found[2])
    if frame == "YTD":
        today = datetime.fromtimestamp(now_s, tz=UTC)
        return int(datetime(today.year, 1, 1, tzinfo=UTC).timestamp()), now_s
    return max(0, now_s - _PERIOD_DAYS[frame.upper()] * _DAY_S), now_s


def _nothing() -> None:
    """Stop what has not begun."""


class Series:
    """Bars under one id. ``turnaround`` is the client's tag of the request that they answer."""

    def __init__(
        self,
        series_id: str,
        turnaround: str,
        *,
        symbol_id: str,
        history: History,
        replay: ReplaySession | None = None,
        chart_type: str = "",
    ) -> None:
        self.series_id = series_id
        self.turnaround = turnaround
        self.symbol_id = symbol_id
        self.history = history
        self.replay = replay
        self.chart_type = chart_type
        self.bars: list[Bar] = []
        self.end = ""
        self.is_at_front = False
        self.stop: Callable[[], None] = _nothing

    @property
    def topic(self) -> str:
        return f"bars/{self.history.listed.full_name}/{self.history.resolution.text}"

    async def load(self, wanted: Wanted) -> list[Bar]:
        """Read what is wanted and return the bars that the client does not have yet, up to now."""
        now_ns = self.history.now_ns
        page = await self._read(wanted, now_ns())
        known = {bar.time_s for bar in self.bars}
        self._merge([bar for bar in page.bars if bar.time_s not in known])
        if page.end and not (isinstance(wanted, More | Anchored) and wanted.count < 0):
            self.end = page.end
        self.is_at_front = self.is_at_front or self._reaches_front(wanted, page, now_ns())
        if self.is_at_front:
            self.catch_up()
        return [bar for bar in self.bars if bar.time_s not in known]

    def _reaches_front(self, wanted: Wanted, page: Page, now_ns: int) -> bool:
        """Say whether the newest bar of the market is here, so that trades carry on from it."""
        opens = self.history.grid.window_at(now_ns)[0]
        match wanted:
            case Newest(count):
                return count > 0 and bool(self.bars)
            case Anchored(anchor_s, count) if count > 0:
                return anchor_s * SECOND_NS >= opens and bool(self.bars)
            case Framed(frame):
                return frame_bounds_s(frame, now_ns // SECOND_NS)[1] * SECOND_NS >= opens and bool(self.bars)
            case More(count) if count > 0:
                return False
            case _:
                return bool(self.bars) and len(page.bars) < -wanted.count

    async def _read(self, wanted: Wanted, now_ns: int) -> Page:
        match wanted:
            case Newest(count):
                return await self.history.latest(count, before_ns=now_ns) if count else Page([])
            case Anchored(anchor_s, count) if count > 0:
                return await self.history.latest(count, before_ns=anchor_s * SECOND_NS)
            case Anchored(anchor_s, count):
                return await self.history.after(-count, start_ns=anchor_s * SECOND_NS)
            case Framed():
                return await self._read_frame(wanted, now_ns)
            case More(count):
                return await self._read_more(count, now_ns)

    async def _read_frame(self, wanted: Framed, now_ns: int) -> Page:
        start_s, end_s = frame_bounds_s(wanted.frame, now_ns // SECOND_NS)
        is_range = wanted.frame.startswith("r,")
        margin = _RANGE_MARGIN if is_range else 0
        page = await self.history.between(start_s * SECOND_NS, end_s * SECOND_NS, margin=margin)
        if not is_range and len(page.bars) < wanted.count:
            return await self.history.latest(wanted.count, before_ns=now_ns)
        return page

    async def _read_more(self, count: int, now_ns: int) -> Page:
        if count < 0:
            start_ns = self.bars[-1].time_s * SECOND_NS if self.bars else now_ns
            return await self.history.after(-count, start_ns=start_ns)
        before_ns = self.bars[0].time_s * SECOND_NS - 1 if self.bars else now_ns
        return Page([], self.end) if self.end else await self.history.latest(count, before_ns=before_ns)

    def _merge(self, new: list[Bar]) -> None:
        if new:
            self.bars = sorted([*self.bars, *new], key=lambda bar: bar.time_s)

    def rows(self, bars: Sequence[Bar]) -> list[Row]:
        """Return the points of some of the bars, neighbours of each other, as the chart type shows them."""
        if not self.chart_type or not bars:
            return [(bar.time_s, bar.values()) for bar in bars]
        first = bisect_left(self.bars, bars[0].time_s, key=lambda bar: bar.time_s)
        return averaged(bars, self.bars[:first], self.history.listed.price_digits)

    def pause(self) -> None:
        """Follow the market no more, until somebody sets ``stop`` again."""
        self.stop()
        self.stop = _nothing

    def take_over(self, old: "Series") -> bool:
        """Continue with the bars of the series that this one replaces, if both show the same; False when not."""
        if old.symbol_id != self.symbol_id or old.history.resolution != self.history.resolution:
            return False
        self.bars, self.end, self.is_at_front = old.bars, old.end, old.is_at_front
        return True

    def catch_up(self) -> list[Bar]:
        """Bring the newest bars up to now, and return those that changed: the loop goes on while pages are made."""
        windows: list[Window] = []
        for window in self.history.grid.back(self.history.now_ns()):
            if window[0] < self.bars[-1].time_s * SECOND_NS:
                break
            windows.append(window)
        bars = [bar for window in reversed(windows) if (bar := self.history.bar(window)) is not None]
        return [bar for bar in bars if self._replace_or_append(bar)]

    def _replace_or_append(self, bar: Bar) -> bool:
        last = self.bars[-1]
        if last == bar:
            return False
        if last.time_s == bar.time_s:
            self.bars[-1] = bar
        else:
            self.bars.append(bar)
        return True

    def add_trade(self, trade: SimTrade) -> bool | None:
        """Take a trade into the newest bar: True when it opens a new one, None when it is known already."""
        last = self.bars[-1]
        if trade.trade_id <= last.last_trade:
            return None
        if trade.time_ns < last.close_s * SECOND_NS:
            self.bars[-1] = self._extended(last, trade)
            return False
        self.bars.append(self._opened(trade))
        return True

    def _extended(self, bar: Bar, trade: SimTrade) -> Bar:
        price = self.history.fixed(float(trade.price), bar.time_s * SECOND_NS)
        volume = None if bar.volume is None else round(bar.volume + float(trade.size), _VOLUME_DIGITS)
        return Bar(
            time_s=bar.time_s,
            close_s=bar.close_s,
            open=bar.open,
            high=max(bar.high, price),
            low=min(bar.low, price),
            close=price,
            volume=volume,
            last_trade=trade.trade_id,
        )

    def _opened(self, trade: SimTrade) -> Bar:
        opens, closes = self.history.grid.window_at(trade.time_ns)
        price = self.history.fixed(float(trade.price), opens)
        return Bar(
            time_s=opens // SECOND_NS,
            close_s=closes // SECOND_NS,
            open=price,
            high=price,
            low=price,
            close=price,
            volume=float(trade.size) if self.history.listed.has_volume else None,
            last_trade=trade.trade_id,
        )
