"""Which streams are wanted by whom: each feed runs once, while somebody is subscribed to it."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from brokerwire.simulator.fronts.binance import payloads
from brokerwire.simulator.fronts.binance.book_feed import BookFeed
from brokerwire.simulator.fronts.binance.desk import Desk
from brokerwire.simulator.fronts.binance.names import StreamName
from brokerwire.simulator.fronts.binance.payloads import Event, RecordedEvent
from brokerwire.simulator.fronts.binance.timed_feeds import ArrayFeed, KlineFeed, SecondFeed
from brokerwire.simulator.ticks import SimTrade, Tick

AnyEvent: TypeAlias = Event | RecordedEvent


class Subscriber(Protocol):
    """Whoever gets the events of the streams it is subscribed to."""

    def deliver(self, event: AnyEvent) -> None: ...


class EventSource(Protocol):
    """What a connection subscribes at: the live market, or a recording."""

    def subscribe(self, name: StreamName, subscriber: Subscriber) -> None: ...

    def unsubscribe(self, name: StreamName, subscriber: Subscriber) -> None: ...

    async def close(self) -> None: ...


class Switchboard:
    """Subscribers by stream."""

    def __init__(self) -> None:
        self._subscribers: dict[str, dict[Subscriber, None]] = {}

    def add(self, stream: str, subscriber: Subscriber) -> bool:
        """Add a subscriber; tells whether it is the stream's first."""
        subscribers = self._subscribers.setdefault(stream, {})
        subscribers[subscriber] = None
        return len(subscribers) == 1

    def remove(self, stream: str, subscriber: Subscriber) -> bool:
        """Remove a subscriber; tells whether it was the stream's last."""
        subscribers = self._subscribers.get(stream)
        if subscribers is None or subscriber not in subscribers:
            return False
        del subscribers[subscriber]
        if subscribers:
            return False
        del self._subscribers[stream]
        return True

    def publish(self, event: AnyEvent) -> None:
        """Hand an event to every subscriber of its stream."""
        for subscriber in list(self._subscribers.get(event.stream, ())):
            subscriber.deliver(event)

    def subscribers(self) -> set[Subscriber]:
        """Return everybody who is subscribed to anything."""
        return {subscriber for subscribers in self._subscribers.values() for subscriber in subscribers}


class Hub:
    """The live streams of the synthetic market."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._switchboard = Switchboard()
        self._stops: dict[str, Callable[[], None]] = {}
        self._books: dict[str, BookFeed] = {}
        self._arrays: list[ArrayFeed] = []

    def subscribe(self, name: StreamName, subscriber: Subscriber) -> None:
        """Add a subscriber; streams of symbols that do not exist stay silent, as at the venue."""
        if self._switchboard.add(name.text, subscriber):
            stop = self._start(name)
            if stop is not None:
                self._stops[name.text] = stop

    def unsubscribe(self, name: StreamName, subscriber: Subscriber) -> None:
        """Remove a subscriber; the feed ends with its last one."""
        if self._switchboard.remove(name.text, subscriber):
            stop = self._stops.pop(name.text, None)
            if stop is not None:
                stop()

    def _start(self, name: StreamName) -> Callable[[], None] | None:
        if name.kind in ("allMiniTicker", "allWindow"):
            array = ArrayFeed(self._desk, name, self._switchboard.publish)
            self._arrays.append(array)
            return array.close
        is_lower = name.symbol == name.symbol.lower()
        if is_lower and name.kind != "silent" and self._desk.listing.get(name.symbol.upper()) is not None:
            return self._start_of_symbol(name)
        return None

    def _start_of_symbol(self, name: StreamName) -> Callable[[], None]:
        match name.kind:
            case "trade" | "aggTrade":
                return self._start_trades(name)
            case "bookTicker" | "depth" | "partial":
                return self._start_book(name)
            case "kline":
                return KlineFeed(self._desk, name, self._switchboard.publish).close
            case _:
                return SecondFeed(self._desk, name, self._switchboard.publish).close

    def _start_trades(self, name: StreamName) -> Callable[[], None]:
        encode = payloads.encode_trade if name.kind == "trade" else payloads.encode_aggregate_trade
        stream, market, publish = name.text, self._desk.market, self._switchboard.publish

        def on_tick(tick: Tick) -> None:
            if isinstance(tick, SimTrade):
                event_ns = market.now_ns()
                publish(Event(stream, lambda unit: encode(tick, event_ns, unit)))

        return market.watch(name.symbol.upper(), on_tick, with_book=False)

    def _start_book(self, name: StreamName) -> Callable[[], None]:
        symbol = name.symbol.upper()
        book = self._books.get(symbol)
        if book is None:
            book = self._books[symbol] = BookFeed(self._desk.market, symbol, self._switchboard.publish)
        if name.kind == "bookTicker":
            book.add_ticker(name.text)
        elif name.kind == "depth":
            book.add_deltas(name.text, name.period_ms)
        else:
            book.add_partial(name.text, levels=name.levels, period_ms=name.period_ms)
        return lambda: self._stop_book(symbol, name.text)

    def _stop_book(self, symbol: str, stream: str) -> None:
        book = self._books[symbol]
        book.remove(stream)
        if not book.is_wanted:
            book.close()
            del self._books[symbol]

    async def close(self) -> None:
        """End every feed."""
        for stop in self._stops.values():
            stop()
        self._stops.clear()
        for array in self._arrays:
            array.close()
            await array.wait_closed()
