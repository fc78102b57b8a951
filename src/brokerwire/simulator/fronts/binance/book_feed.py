"""The live book of one symbol: book tickers, deltas and partial books on one line of update ids."""

import asyncio
from collections.abc import Callable
from decimal import Decimal

from brokerwire.simulator.fronts.binance import payloads
from brokerwire.simulator.fronts.binance.figures import TimeUnit, level
from brokerwire.simulator.fronts.binance.payloads import Event
from brokerwire.simulator.market import Market
from brokerwire.simulator.ticks import SimBookChange, SimQuote, Tick

_MS = 1_000_000
_SLACK_NS = 20 * _MS
"""A change that comes this much before the period is over still goes out at once: timers are not exact."""


class DepthCadence:
    """Gathers book changes and hands them on as one event per period, with the ids that it covers."""

    def __init__(self, period_ms: int, publish: Callable[[SimBookChange], None]) -> None:
        self._period_ns = period_ms * _MS
        self._publish = publish
        self._pending: SimBookChange | None = None
        self._bids: dict[Decimal, Decimal] = {}
        self._asks: dict[Decimal, Decimal] = {}
        self._flushed_ns = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, change: SimBookChange) -> None:
        """Take a change; it goes out now, or with the next ones when the period is over."""
        first = change if self._pending is None else self._pending
        self._bids.update(change.bids)
        self._asks.update(change.asks)
        self._pending = SimBookChange(
            symbol=change.symbol,
            time_ns=change.time_ns,
            first_sequence=first.first_sequence,
            last_sequence=change.last_sequence,
            bids=[],
            asks=[],
        )
        wait_ns = self._flushed_ns + self._period_ns - change.time_ns
        if wait_ns <= _SLACK_NS:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(wait_ns / 1e9, self.flush)

    def flush(self) -> None:
        """Publish what was gathered; nothing when the book did not change."""
        self._stop_timer()
        pending, self._pending = self._pending, None
        if pending is None:
            return
        pending.bids.extend(sorted(self._bids.items(), reverse=True))
        pending.asks.extend(sorted(self._asks.items()))
        self._bids.clear()
        self._asks.clear()
        self._flushed_ns = pending.time_ns
        if pending.bids or pending.asks:
            self._publish(pending)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        """Forget what was gathered."""
        self._stop_timer()
        self._pending = None


class BookFeed:
    """Watches one symbol's book while any stream needs it.

    Partial books go out at the same boundaries as deltas of their period, so that their ``lastUpdateId`` is some
    delta's ``u``.
    """

    def __init__(self, market: Market, symbol: str, publish: Callable[[Event], None]) -> None:
        self._market = market
        self._symbol = symbol
        self._publish = publish
        self._tickers: dict[str, None] = {}
        self._deltas: dict[str, int] = {}
        self._partials: dict[str, tuple[int, int]] = {}
        self._cadences: dict[int, DepthCadence] = {}
        self._told: tuple[Decimal, ...] = ()
        self._has_book = False
        self._unwatch = market.watch(symbol, self._on_tick, with_book=False)

    @property
    def is_wanted(self) -> bool:
        """Whether any stream still needs this book."""
        return bool(self._tickers or self._deltas or self._partials)

    def add_ticker(self, stream: str) -> None:
        """Publish best bid and ask as ``stream`` whenever one of them changes."""
        self._tickers[stream] = None

    def add_deltas(self, stream: str, period_ms: int) -> None:
        """Publish the changes of every period as ``stream``."""
        self._deltas[stream] = period_ms
        self._cadence(period_ms)
        self._watch_book()

    def add_partial(self, stream: str, *, levels: int, period_ms: int) -> None:
        """Publish the top levels at the end of every period with changes as ``stream``."""
        self._partials[stream] = (levels, period_ms)
        self._cadence(period_ms)
        self._watch_book()

    def remove(self, stream: str) -> None:
        """Stop publishing ``stream``."""
        self._tickers.pop(stream, None)
        self._deltas.pop(stream, None)
        self._partials.pop(stream, None)

    def close(self) -> None:
        """Stop watching."""
        self._unwatch()
        for cadence in self._cadences.values():
            cadence.close()

    def _watch_book(self) -> None:
        """Ask for the levels too: best bid and ask are cheap, two hundred levels are not."""
        if not self._has_book:
            self._has_book = True
            before, self._unwatch = self._unwatch, self._market.watch(self._symbol, self._on_tick, with_book=True)
            before()

    def _cadence(self, period_ms: int) -> None:
        if period_ms not in self._cadences:
            self._cadences[period_ms] = DepthCadence(period_ms, lambda change: self._on_period(period_ms, change))

    def _on_tick(self, tick: Tick) -> None:
        if isinstance(tick, SimQuote) and self._tickers:
            self._tell_best(tick)
        elif isinstance(tick, SimBookChange):
            self._on_change(tick)

    def _on_change(self, change: SimBookChange) -> None:
        for cadence in self._cadences.values():
            cadence.add(change)

    def _tell_best(self, quote: SimQuote) -> None:
        best = (quote.bid, quote.bid_size, quote.ask, quote.ask_size)
        if best == self._told:
            return
        self._told = best
        for stream in self._tickers:
            self._publish(Event(stream, lambda _: payloads.encode_book_ticker(quote, quote.sequence)))

    def _on_period(self, period_ms: int, change: SimBookChange) -> None:
        for stream, period in self._deltas.items():
            if period == period_ms:
                self._publish(self._delta_event(stream, change))
        for stream, (levels, period) in self._partials.items():
            if period == period_ms:
                self._publish(self._partial_event(stream, levels, change))

    def _delta_event(self, stream: str, change: SimBookChange) -> Event:
        event_ns = self._market.now_ns()

        def build(unit: TimeUnit) -> bytes:
            return payloads.encode_depth_update(
                change.symbol,
                ids=(change.first_sequence, change.last_sequence),
                bids=[level(*entry) for entry in change.bids],
                asks=[level(*entry) for entry in change.asks],
                event_ns=event_ns,
                unit=unit,
            )

        return Event(stream, build)

    def _partial_event(self, stream: str, levels: int, change: SimBookChange) -> Event:
        book = self._market.book(self._symbol, levels, change.time_ns)
        bids = [level(entry.price, entry.size) for entry in book.bids]
        asks = [level(entry.price, entry.size) for entry in book.asks]
        return Event(stream, lambda _: payloads.encode_partial_depth(change.last_sequence, bids=bids, asks=asks))
