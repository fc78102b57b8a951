"""The past of a symbol as bars: counted back from a time, or between two, with prices changed as asked for."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice, takewhile

import msgspec

from brokerwire.simulator.fronts.tradingview.grid import Grid, Sessions, Window
from brokerwire.simulator.fronts.tradingview.resolution import SECOND_NS, Resolution
from brokerwire.simulator.fronts.tradingview.symbols import Listed, SymbolSpec
from brokerwire.simulator.market import Market, SimBar
from brokerwire.simulator.price_path import DAY_NS

_CHUNK = 250
_DIVIDEND = 0.997
_QUARTER_DAYS = 91
_DOLLARS = frozenset({"USDT", "USDC"})


class Bar(msgspec.Struct, frozen=True, gc=False):
    """One bar; ``time_s`` is where it opens, ``last_trade`` the newest trade in it."""

    time_s: int
    close_s: int
    open: float
    high: float
    low: float
    close: float
    volume: float | None
    last_trade: int

    def values(self) -> list[float]:
        """Return the point as charts carry it: time, open, high, low, close and volume where there is one."""
        prices = [float(self.time_s), self.open, self.high, self.low, self.close]
        return prices if self.volume is None else [*prices, self.volume]


class Page(msgspec.Struct, frozen=True):
    """Some bars, oldest first, and whether nothing older is to be had: the beginning of history, or the plan's end."""

    bars: list[Bar]
    end: str = ""


class History:
    """The bars of one symbol at one resolution.

    ``limit`` is how many intraday bars the plan shows, counted back from the newest; 0 shows all. ``floor_ns`` is where
    history begins, ``now_ns`` where it ends: the market's time, unless it is replayed.
    """

    def __init__(
        self,
        market: Market,
        listed: Listed,
        *,
        spec: SymbolSpec,
        resolution: Resolution,
        limit: int,
        floor_ns: int,
        now_ns: Callable[[], int] | None = None,
    ) -> None:
        self._market = market
        self.now_ns = now_ns or market.now_ns
        self.listed = listed
        self.resolution = resolution
        self.grid = Grid(Sessions(listed.instrument, market.calendar), resolution)
        self._limit = limit if resolution.is_intraday else 0
        self._floor_ns = floor_ns
        self._scale = price_scaler(market, listed, spec)
        self._reach: tuple[int, int] | None = None

    def reach_ns(self) -> int:
        """Return where the oldest bar opens that may be shown."""
        newest = self.grid.window_at(self.now_ns())[0]
        if self._reach is None or self._reach[0] != newest:
            self._reach = newest, self._find_reach(newest)
        return self._reach[1]

    def _find_reach(self, newest_ns: int) -> int:
        if not self._limit:
            return self._floor_ns
        oldest = newest_ns
        for opens, _ in islice(self.grid.back(newest_ns), self._limit):
            oldest = opens
        return max(oldest, self._floor_ns)

    def bar(self, window: Window) -> Bar | None:
        """Return the bar of a window up to now."""
        found = self._market.window(self.listed.instrument.symbol, *window)
        return None if found is None else self._convert(found)

    def _convert(self, bar: SimBar) -> Bar:
        fix = self._scale(bar.open_ns)
        return Bar(
            time_s=bar.open_ns // SECOND_NS,
            close_s=bar.close_ns // SECOND_NS,
            open=fix(float(bar.open)),
            high=fix(float(bar.high)),
            low=fix(float(bar.low)),
            close=fix(float(bar.close)),
            volume=float(bar.volume) if self.listed.has_volume else None,
            last_trade=bar.last_trade_id,
        )

    def fixed(self, price: float, open_ns: int) -> float:
        """Return a price as the chart shows it in the bar that opens at a time."""
        return self._scale(open_ns)(price)

    async def latest(self, count: int, *, before_ns: int) -> Page:
        """Return up to ``count`` bars that open at or before a time."""
        return await self._read(self._down(before_ns, self.reach_ns()), count)

    async def between(self, start_ns: int, end_ns: int, *, margin: int) -> Page:
        """Return the bars that open within two times, and ``margin`` bars before them; none that may not be shown."""
        reach = self.reach_ns()
        low = max(reach, start_ns)
        for opens, _ in islice(self.grid.back(low), margin + 1):
            low = max(reach, opens)
        if end_ns < low:
            return Page([], self._ending())
        return await self._read(self._down(end_ns, low), None, is_whole=low <= reach)

    async def after(self, count: int, *, start_ns: int) -> Page:
        """Return up to ``count`` bars that open after a time."""
        now_ns = self.now_ns()
        coming = self.grid.forward(max(start_ns + 1, self.reach_ns()))
        return Page(await self._collect(islice(takewhile(lambda window: window[0] <= now_ns, coming), count)))

    def _down(self, at_ns: int, low_ns: int) -> Iterator[Window]:
        for window in self.grid.back(min(at_ns, self.now_ns())):
            if window[0] < low_ns:
                return
            yield window

    async def _read(self, windows: Iterator[Window], count: int | None, *, is_whole: bool = True) -> Page:
        """Gather bars from windows that come newest first."""
        found: list[Bar] = []
        while count is None or len(found) < count:
            wanted = _CHUNK if count is None else min(_CHUNK, count - len(found))
            chunk = list(islice(windows, wanted))
            found += await self._collect(chunk)
            if len(chunk) < wanted:
                return Page(found[::-1], self._ending() if is_whole else "")
            await asyncio.sleep(0)
        more = next(windows, None)
        return Page(found[::-1], self._ending() if more is None and is_whole else "")

    async def _collect(self, windows: Iterable[Window]) -> list[Bar]:
        return [bar for window in windows if (bar := self.bar(window)) is not None]

    def _ending(self) -> str:
        return "end" if self.reach_ns() <= self._floor_ns else "limit"


def price_scaler(market: Market, listed: Listed, spec: SymbolSpec) -> Callable[[int], Callable[[float], float]]:
    """Return what gives, for the time of a bar, the function that turns the exchange's prices into the chart's.

    Total return takes a dividend out of all that lies before each quarter; other currencies are converted at the
    day's opening rate.
    """
    digits = listed.price_digits
    pays = spec.adjustment == "dividends" and listed.type in ("stock", "fund")
    rate = _rate_finder(market, listed.instrument.quote, spec.currency)
    if not pays and rate is None:
        return lambda _: _unchanged
    this_quarter = market.now_ns() // DAY_NS // _QUARTER_DAYS

    def scaler(open_ns: int) -> Callable[[float], float]:
        day = open_ns // DAY_NS
        factor = _DIVIDEND ** (this_quarter - day // _QUARTER_DAYS) if pays else 1.0
        factor *= rate(day) if rate is not None else 1.0
        return lambda price: round(price * factor, digits)

    return scaler


def shown_currency(market: Market, listed: Listed, currency: str) -> str:
    """Return the currency that prices are shown in when ``currency`` is asked for; without a rate, the listing's."""
    quote = listed.instrument.quote
    if currency == "USD" and quote in _DOLLARS:
        return currency
    return currency if _rate_finder(market, quote, currency) is not None else quote


def _unchanged(price: float) -> float:
    return price


def _rate_finder(market: Market, quote: str, currency: str) -> Callable[[int], float] | None:
    if not currency or currency == quote or (currency == "USD" and quote in _DOLLARS):
        return None
    for symbol, inverted in ((f"{quote}{currency}", False), (f"{currency}{quote}", True)):
        if market.universe.find(symbol) is not None:
            return partial(_rate, market, symbol, inverted=inverted)
    return None


def _rate(market: Market, symbol: str, day: int, *, inverted: bool) -> float:
    rate = float(market.day_open(symbol, day))
    return 1 / rate if inverted else rate
