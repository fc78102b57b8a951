"""The synthetic market: deterministic quotes, trades, bars and books for every instrument, at any time and live."""

import asyncio
import calendar as calendar_module
import math
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Literal, TypeAlias

from brokerwire.clock import Clock
from brokerwire.simulator.feed import Feed
from brokerwire.simulator.instruments import Instrument, Kind, Universe, expiry_ns
from brokerwire.simulator.listings import CRYPTO_WORTH
from brokerwire.simulator.price_path import DAY_NS, MINUTE_NS, Drift, PathShape, PricePath, path_key, unit
from brokerwire.simulator.pricing import value_option
from brokerwire.simulator.sessions import Calendar, is_open, last_open_ns, open_windows
from brokerwire.simulator.ticks import (
    BookLevel,
    Extremes,
    SimBar,
    SimBook,
    SimBookChange,
    SimQuote,
    SimTrade,
    Tick,
)

__all__ = [
    "BarUnit",
    "BookLevel",
    "Market",
    "SimBar",
    "SimBook",
    "SimBookChange",
    "SimQuote",
    "SimTrade",
    "Tick",
    "bar_windows",
]

BarUnit: TypeAlias = int | Literal["week", "month"]
"""The length of a bar in nanoseconds, aligned to UTC midnight, or a calendar unit (weeks begin on Monday, UTC)."""

Listener: TypeAlias = Callable[[Tick], None]

_SLOT_NS = 200_000_000
_YIELD_EVERY = 1500
_SHAPES: dict[Kind, tuple[int, float]] = {
    "stock": (60, 0.012),
    "etf": (90, 0.008),
    "index": (20, 0.006),
    "future": (2, 0.009),
    "option": (3, 0.12),
    "forex": (20, 0.005),
    "crypto": (3000, 0.02),
}


def bar_windows(unit_ns: BarUnit, *, start_ns: int, end_ns: int) -> Iterator[tuple[int, int]]:
    """Yield open and close of every bar of a unit that begins in ``[start_ns, end_ns)``."""
    if isinstance(unit_ns, int):
        for open_ns in range(-(-start_ns // unit_ns) * unit_ns, end_ns, unit_ns):
            yield open_ns, open_ns + unit_ns
        return
    day = datetime.fromtimestamp(start_ns // 1_000_000_000, tz=UTC).date()
    day = day - timedelta(days=day.weekday()) if unit_ns == "week" else day.replace(day=1)
    while (open_ns := _midnight_ns(day)) < end_ns:
        length = 7 if unit_ns == "week" else calendar_module.monthrange(day.year, day.month)[1]
        if open_ns >= start_ns:
            yield open_ns, open_ns + length * DAY_NS
        day += timedelta(days=length)


def _midnight_ns(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000_000


class _Watch:
    """Who listens to one symbol, and how far they have been told."""

    def __init__(self, feed: Feed, at_ns: int) -> None:
        self.feed = feed
        self.told_ns = at_ns
        self.slot = feed.slot(at_ns)
        self.listeners: list[Listener] = []
        self.book_listeners = 0


class Market:
    """Prices of everything in ``universe``; a value depends only on seed, symbol and time.

    Market time starts at the clock's wall time and then follows the loop's time, so that it runs under a virtual
    clock and is not moved by steps of the wall clock. ``rate`` multiplies trades and quotes for load tests: at 1 there
    are five quotes, five book changes and about two trades a second for every watched symbol.
    """

    def __init__(
        self,
        *,
        seed: int,
        clock: Clock,
        universe: Universe | None = None,
        calendar: Calendar = "open",
        rate: int = 1,
    ) -> None:
        self.seed = seed
        self.calendar: Calendar = calendar
        self._clock = clock
        self._start: tuple[int, float] | None = None
        self.universe = universe or Universe(datetime.fromtimestamp(clock.time_ns() // 1_000_000_000, tz=UTC).date())
        self._rate = rate
        self._slot_ns = _SLOT_NS // rate
        self._feeds: dict[str, Feed] = {}
        self._watches: dict[str, _Watch] = {}
        self._drifts: dict[str, Drift] = {}
        self._timer: asyncio.TimerHandle | None = None

    def now_ns(self) -> int:
        """Return the market's time in UTC nanoseconds; before a loop runs it is the wall time."""
        try:
            now_s = self._clock.monotonic()
        except RuntimeError:
            return self._clock.time_ns()
        if self._start is None:
            self._start = self._clock.time_ns(), now_s
        start_ns, start_s = self._start
        return start_ns + int((now_s - start_s) * 1e9)

    def instrument(self, symbol: str) -> Instrument:
        """Return the instrument.

        Raises:
            KeyError: There is none with this symbol.
        """
        found = self.universe.find(symbol)
        if found is None:
            raise KeyError(symbol)
        return found

    def _feed(self, symbol: str) -> Feed:
        feed = self._feeds.get(symbol)
        if feed is None:
            feed = self._feeds[symbol] = self._build_feed(self.instrument(symbol))
        return feed

    def _build_feed(self, instrument: Instrument) -> Feed:
        lots, volatility = _SHAPES[instrument.kind]
        if instrument.kind == "crypto":
            lots = max(20, int(400 / CRYPTO_WORTH[instrument.base] / float(instrument.lot)))
        key = path_key(self.seed, instrument.path)
        tick = float(instrument.tick)

        def level(day: int) -> int:
            return max(6, round(self._level(instrument, day) / tick))

        path = PricePath(key=key, level=level, shape=PathShape(lots=lots, volatility=volatility, rate=self._rate))
        return Feed(instrument, path, key=key, slot_ns=self._slot_ns, lots=lots)

    def _level(self, instrument: Instrument, day: int) -> float:
        """Return the price at the start of a day; an option's follows from its underlying's."""
        if instrument.kind != "option":
            return float(instrument.anchor) * math.exp(self._drift(instrument.path).at(day))
        assert instrument.strike is not None and instrument.expiration is not None  # noqa: S101, PT018 - options have both
        assert instrument.option_type is not None  # noqa: S101 - options have it
        spot = self._level(self.instrument(instrument.underlying), day)
        days = expiry_ns(instrument.expiration) / DAY_NS - day
        return value_option(
            spot,
            float(instrument.strike),
            days,
            volatility=self.implied_volatility(instrument.underlying),
            rate=0.038,
            option_type=instrument.option_type,
        ).price

    def _drift(self, path: str) -> Drift:
        if path not in self._drifts:
            self._drifts[path] = Drift(path_key(self.seed, path))
        return self._drifts[path]

    def implied_volatility(self, underlying: str) -> float:
        """Return the yearly volatility that prices the options of ``underlying`` (0.3 = 30 %)."""
        return 0.18 + 0.3 * unit(path_key(self.seed, underlying), 77)

    def _seen_ns(self, feed: Feed, at_ns: int | None) -> int:
        now_ns = self.now_ns() if at_ns is None else at_ns
        return last_open_ns(feed.instrument, self.calendar, now_ns)

    def quote(self, symbol: str, at_ns: int | None = None) -> SimQuote:
        """Return the quote now or at a time."""
        feed = self._feed(symbol)
        return feed.quote(self._seen_ns(feed, at_ns))

    def last_trade(self, symbol: str, at_ns: int | None = None) -> SimTrade:
        """Return the newest trade at or before now or a time."""
        feed = self._feed(symbol)
        return feed.trade(feed.last_path_trade(self._seen_ns(feed, at_ns)))

    def book(self, symbol: str, levels: int, at_ns: int | None = None) -> SimBook:
        """Return the book now or at a time; its best levels are the quote's."""
        feed = self._feed(symbol)
        return feed.book(levels, self._seen_ns(feed, at_ns))

    def is_open(self, symbol: str) -> bool:
        """Say whether ``symbol`` trades now."""
        return is_open(self.instrument(symbol), self.calendar, self.now_ns())

    def trades(self, symbol: str, start_ns: int, end_ns: int) -> list[SimTrade]:
        """Return the trades of ``[start_ns, end_ns)`` that have happened, in order."""
        feed = self._feed(symbol)
        end_ns = min(end_ns, self.now_ns() + 1)
        windows = open_windows(feed.instrument, self.calendar, start_ns=start_ns, end_ns=end_ns)
        return [feed.trade(t) for low, high in windows for t in feed.path_trades(low, high)]

    def trades_from(self, symbol: str, trade_id: int, limit: int) -> list[SimTrade]:
        """Return up to ``limit`` trades that have happened, from ``trade_id`` on."""
        feed, end_ns = self._feed(symbol), self.now_ns() + 1
        start_ns = feed.path.find_trade(max(0, trade_id)) * MINUTE_NS
        found: list[SimTrade] = []
        for low, high in open_windows(feed.instrument, self.calendar, start_ns=start_ns, end_ns=end_ns):
            for minute in range(low // MINUTE_NS, -(-high // MINUTE_NS)):
                path_trades = [each for each in feed.path.trades(minute) if low <= each.time_ns < high]
                found += [feed.trade(each) for each in path_trades if each.trade_id >= trade_id]
                if len(found) >= limit:
                    return found[:limit]
        return found

    def window(self, symbol: str, open_ns: int, close_ns: int) -> SimBar | None:
        """Return the bar of ``[open_ns, close_ns)`` up to now, or None when nothing was traded in it."""
        feed = self._feed(symbol)
        windows = list(open_windows(feed.instrument, self.calendar, start_ns=open_ns, end_ns=close_ns))
        return feed.bar(windows, open_ns=open_ns, close_ns=close_ns, now_ns=self.now_ns())

    def bars(self, symbol: str, unit_ns: BarUnit, start_ns: int, end_ns: int) -> list[SimBar]:
        """Return the bars that open in ``[start_ns, end_ns)``, the one in progress included."""
        end_ns = min(end_ns, self.now_ns() + 1)
        found = (self.window(symbol, a, b) for a, b in bar_windows(unit_ns, start_ns=start_ns, end_ns=end_ns))
        return [bar for bar in found if bar is not None]

    def day_open(self, symbol: str, day: int) -> Decimal:
        """Return the price at the beginning of a UTC day, counted from 1970-01-01."""
        feed = self._feed(symbol)
        return feed.price(feed.path.day(day).open)

    def extremes(self, symbol: str, days: int) -> Extremes:
        """Return the highest and the lowest price of the last whole ``days`` (UTC), and when they began."""
        feed = self._feed(symbol)
        today = self.now_ns() // DAY_NS
        spans = [feed.path.day(day) for day in range(today - days, today)]
        highest, lowest = max(spans, key=lambda span: span.high), min(spans, key=lambda span: span.low)
        return Extremes(
            high=feed.price(highest.high), high_ns=highest.start_ns, low=feed.price(lowest.low), low_ns=lowest.start_ns
        )

    async def collect(self, symbol: str, windows: list[tuple[int, int]]) -> list[SimBar]:
        """Return the bars of many windows, giving way to the loop every now and then."""
        found: list[SimBar] = []
        for number, (open_ns, close_ns) in enumerate(windows, 1):
            bar = self.window(symbol, open_ns, close_ns)
            if bar is not None:
                found.append(bar)
            if number % _YIELD_EVERY == 0:
                await asyncio.sleep(0)
        return found

    async def pause(self) -> None:
        """Give way to the loop in the middle of a long computation."""
        await asyncio.sleep(0)

    def watch(self, symbol: str, listener: Listener, *, with_book: bool | None = None) -> Callable[[], None]:
        """Call ``listener`` with every tick of ``symbol`` from now on; returns the function that stops it.

        Book changes are made for crypto pairs, and for others when a listener asks for them.

        Raises:
            KeyError: There is no such symbol.
        """
        feed = self._feed(symbol)
        watch = self._watches.get(symbol)
        if watch is None:
            watch = self._watches[symbol] = _Watch(feed, self.now_ns())
        wants_book = feed.instrument.kind == "crypto" if with_book is None else with_book
        watch.listeners.append(listener)
        watch.book_listeners += wants_book
        if self._timer is None:
            self._arm()
        is_watching = True

        def stop() -> None:
            nonlocal is_watching
            if is_watching:
                is_watching = False
                self._unwatch(symbol, watch, listener)
                watch.book_listeners -= wants_book

        return stop

    def _unwatch(self, symbol: str, watch: _Watch, listener: Listener) -> None:
        watch.listeners = [other for other in watch.listeners if other is not listener]
        if not watch.listeners and self._watches.get(symbol) is watch:
            del self._watches[symbol]
        if not self._watches and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        wait_ns = self._slot_ns - self.now_ns() % self._slot_ns
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(wait_ns / 1e9 + 0.000_05, self._on_timer)

    def _on_timer(self) -> None:
        self._arm()
        now_ns = self.now_ns()
        for watch in list(self._watches.values()):
            if is_open(watch.feed.instrument, self.calendar, now_ns):
                self._tell(watch, now_ns)

    def _tell(self, watch: _Watch, now_ns: int) -> None:
        feed, slot = watch.feed, watch.feed.slot(now_ns)
        ticks: list[Tick] = [feed.trade(t) for t in feed.path_trades(watch.told_ns + 1, now_ns + 1)]
        if slot != watch.slot:
            ticks.append(feed.quote(now_ns))
            if watch.book_listeners:
                ticks.append(feed.book_change(watch.slot, slot, at_ns=now_ns))
        watch.told_ns, watch.slot = now_ns, slot
        for listener in list(watch.listeners):
            for tick in ticks:
                listener(tick)

    async def close(self) -> None:
        """Stop the ticks; nothing runs afterwards."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._watches.clear()
