"""Streams sent at intervals: klines, tickers, rolling windows, average and reference prices, arrays of all symbols."""

import asyncio
from collections.abc import Callable

from brokerwire.simulator.fronts.binance import payloads
from brokerwire.simulator.fronts.binance.desk import Desk
from brokerwire.simulator.fronts.binance.figures import TimeUnit
from brokerwire.simulator.fronts.binance.intervals import DAY_NS, HOUR_NS, INTERVALS, MINUTE_NS, SECOND_NS
from brokerwire.simulator.fronts.binance.names import StreamName
from brokerwire.simulator.fronts.binance.payloads import Event
from brokerwire.simulator.fronts.binance.reference import reference_price
from brokerwire.simulator.fronts.binance.windows import bar_of, minute_start, statistics_of
from brokerwire.simulator.ticks import SimBar

_MS = 1_000_000
_AFTER_CLOSE_NS = 30 * _MS
_AVERAGE_NS = 5 * MINUTE_NS
_WINDOW_NS = {"1h": HOUR_NS, "4h": 4 * HOUR_NS, "1d": DAY_NS}
_YIELD_EVERY = 25


class Pulse:
    """Calls ``beat`` at moments it names itself, in market time, until closed."""

    def __init__(self, now_ns: Callable[[], int], beat: Callable[[int], int]) -> None:
        self._now_ns = now_ns
        self._beat = beat
        self._timer: asyncio.TimerHandle | None = None

    def start(self, due_ns: int) -> None:
        """Set the first moment; ``beat`` gets the time and returns the next moment."""
        wait_s = max(0, due_ns - self._now_ns()) / 1e9
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._strike)

    def _strike(self) -> None:
        self.start(self._beat(self._now_ns()))

    def close(self) -> None:
        """Stop beating."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def next_boundary(now_ns: int, period_ns: int) -> int:
    """Return the next whole multiple of a period."""
    return (now_ns // period_ns + 1) * period_ns


class KlineFeed:
    """One symbol's bars of one interval: updates while it trades, and one closing event per bar."""

    def __init__(self, desk: Desk, name: StreamName, publish: Callable[[Event], None]) -> None:
        self._desk = desk
        self._name = name
        self._symbol = name.symbol.upper()
        self._interval = INTERVALS[name.option]
        self._period_ns = (1 if name.option == "1s" else 2) * SECOND_NS
        self._publish = publish
        self._told_id = -1
        now_ns = desk.now_ns()
        self._open_ns = self._interval.open_ns(now_ns, name.offset_ns)
        self._pulse = Pulse(desk.now_ns, self._beat)
        self._pulse.start(self._next_ns(now_ns))

    @property
    def _end_ns(self) -> int:
        return self._interval.end_ns(self._open_ns, self._name.offset_ns)

    def _next_ns(self, now_ns: int) -> int:
        return min(next_boundary(now_ns, self._period_ns), self._end_ns) + _AFTER_CLOSE_NS

    def _beat(self, now_ns: int) -> int:
        while now_ns >= self._end_ns:
            self._tell(bar_of(self._desk.market, self._symbol, (self._open_ns, self._end_ns)), is_closed=True)
            self._open_ns = self._end_ns
        bar = bar_of(self._desk.market, self._symbol, (self._open_ns, self._end_ns))
        if bar.last_trade_id not in (self._told_id, -1):
            self._tell(bar, is_closed=False)
        return self._next_ns(now_ns)

    def _tell(self, bar: SimBar, *, is_closed: bool) -> None:
        self._told_id = bar.last_trade_id
        event_ns = self._desk.now_ns()

        def build(unit: TimeUnit) -> bytes:
            return payloads.encode_kline(
                bar, interval=self._interval.name, event_ns=event_ns, is_closed=is_closed, unit=unit
            )

        self._publish(Event(self._name.text, build))

    def close(self) -> None:
        """Stop."""
        self._pulse.close()


class SecondFeed:
    """One symbol's figure that is sent every second in which something was traded."""

    def __init__(self, desk: Desk, name: StreamName, publish: Callable[[Event], None]) -> None:
        self._desk = desk
        self._symbol = name.symbol.upper()
        self._name = name
        self._publish = publish
        self._told_id = -1
        self._pulse = Pulse(desk.now_ns, self._beat)
        self._pulse.start(next_boundary(desk.now_ns(), SECOND_NS))

    def _beat(self, now_ns: int) -> int:
        last = self._desk.market.last_trade(self._symbol)
        if last.trade_id != self._told_id:
            self._told_id = last.trade_id
            self._publish(Event(self._name.text, self._builder(now_ns // _MS * _MS, last.time_ns)))
        return next_boundary(now_ns, SECOND_NS)

    def _builder(self, now_ns: int, last_trade_ns: int) -> Callable[[TimeUnit], bytes]:
        market, symbol = self._desk.market, self._symbol
        match self._name.kind:
            case "ticker":
                statistics = statistics_of(market, symbol, (now_ns - DAY_NS, now_ns))
                return lambda unit: payloads.encode_ticker(statistics, now_ns, unit)
            case "miniTicker":
                bar = _day_bar(self._desk, symbol, now_ns)
                return lambda unit: payloads.encode(payloads.mini_ticker(bar, now_ns, unit))
            case "window":
                window, bar = (
                    self._name.option,
                    _window_bar(self._desk, symbol, window=self._name.option, now_ns=now_ns),
                )
                return lambda unit: payloads.encode(
                    payloads.window_ticker(bar, window=window, event_ns=now_ns, unit=unit)
                )
            case "referencePrice":
                price = reference_price(market, symbol, now_ns)
                return lambda unit: payloads.encode_reference_price(symbol, price, at_ns=now_ns, unit=unit)
            case _:
                bar = bar_of(market, symbol, (now_ns - _AVERAGE_NS, now_ns + 1))
                return lambda unit: payloads.encode_average_price(
                    bar, event_ns=now_ns, last_trade_ns=last_trade_ns, unit=unit
                )

    def close(self) -> None:
        """Stop."""
        self._pulse.close()


def _day_bar(desk: Desk, symbol: str, now_ns: int) -> SimBar:
    return bar_of(desk.market, symbol, (now_ns - DAY_NS, now_ns + 1))


def _window_bar(desk: Desk, symbol: str, *, window: str, now_ns: int) -> SimBar:
    return bar_of(desk.market, symbol, (minute_start(now_ns - _WINDOW_NS[window]), now_ns + 1))


class ArrayFeed:
    """The array of all symbols that traded since the last one, every second.

    The loop gets its turn between symbols, for the sake of the computer.
    """

    def __init__(self, desk: Desk, name: StreamName, publish: Callable[[Event], None]) -> None:
        self._desk = desk
        self._name = name
        self._publish = publish
        self._told: dict[str, int] = {}
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"simulator-{name.text}")

    async def _run(self) -> None:
        while True:
            now_ns = self._desk.now_ns()
            await asyncio.sleep((next_boundary(now_ns, self._name.period_ms * _MS) - now_ns) / 1e9)
            bars = await self._changed(self._desk.now_ns() // _MS * _MS)
            if bars:  # pragma: no branch - among so many symbols one always trades
                self._publish(Event(self._name.text, self._builder(bars, self._desk.now_ns())))

    async def _changed(self, now_ns: int) -> list[SimBar]:
        bars: list[SimBar] = []
        for number, symbol in enumerate(self._desk.listing.symbols):
            last_id = self._desk.market.last_trade(symbol, now_ns).trade_id
            if self._told.get(symbol) != last_id:
                self._told[symbol] = last_id
                bars.append(self._bar(symbol, now_ns))
            if number % _YIELD_EVERY == _YIELD_EVERY - 1:
                await asyncio.sleep(0)
        return bars

    def _bar(self, symbol: str, now_ns: int) -> SimBar:
        if self._name.kind == "allMiniTicker":
            return _day_bar(self._desk, symbol, now_ns)
        return _window_bar(self._desk, symbol, window=self._name.option, now_ns=now_ns)

    def _builder(self, bars: list[SimBar], now_ns: int) -> Callable[[TimeUnit], bytes]:
        window = self._name.option
        if self._name.kind == "allMiniTicker":
            return lambda unit: payloads.encode([payloads.mini_ticker(bar, now_ns, unit) for bar in bars])
        return lambda unit: payloads.encode(
            [payloads.window_ticker(bar, window=window, event_ns=now_ns, unit=unit) for bar in bars]
        )

    def close(self) -> None:
        """Stop."""
        self._task.cancel()

    async def wait_closed(self) -> None:
        """Wait until nothing of it runs."""
        await asyncio.gather(self._task, return_exceptions=True)
