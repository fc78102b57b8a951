"""What a stream remembers across its connections, so that a snapshot told again is not news."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, Protocol

from msgspec import structs

from brokerwire.events import Bar, Event, Position, respell

MOST_REMEMBERED = 20_000
"""Things of one account that are remembered; the oldest are forgotten first."""


class Inbox(Protocol):
    """Where the events of one turn of the loop are laid."""

    def append(self, event: Any, /) -> None:
        """Lay an event in."""
        ...

    def extend(self, events: Sequence[Any], /) -> None:
        """Lay several in."""
        ...

    def __len__(self) -> int: ...


class Delivers(Protocol):
    """Where events go: laid into ``inbox``, and taken from there with ``flush`` in the same turn."""

    @property
    def inbox(self) -> Inbox:
        """Where events are laid until ``flush``."""
        ...

    def flush(self) -> None:
        """Take what lies in the inbox."""
        ...

    def put(self, event: Any) -> None:
        """Take one event, after what lies in the inbox."""
        ...


def identity(event: Event) -> tuple[str, ...]:
    """Return what an event is about: its kind, its symbol, and which order, execution, position or balance of it."""
    parts = (getattr(event, name, None) for name in ("account", "order_id", "fill_id", "position_id", "currency"))
    return (event.kind, event.symbol, *(str(part) for part in parts))


def says_the_same(event: Event, other: Event | None) -> bool:
    """Tell whether two events differ in nothing but their times."""
    if other is None or type(other) is not type(event):
        return False
    return structs.replace(other, time_ns=event.time_ns, received_ns=event.received_ns) == event


class Memory(Protocol):
    """Stands before the subscriptions of one topic and passes on only what is new."""

    is_about_many: bool

    def put(self, event: Event) -> None:
        """Take one event, and pass it on if it is news."""
        ...

    def put_all(self, events: Sequence[Event]) -> None:
        """Take several events of the topic, as ``put`` takes each."""
        ...

    def pass_to(self, deliveries: Sequence[Delivers]) -> None:
        """Pass events on to these from now on."""
        ...

    def expect_snapshot(self) -> None:
        """Hear that everything will be told again."""
        ...

    def end_snapshot(self, received_ns: int) -> None:
        """Hear that everything has been told again."""
        ...

    def last_about(self, event: Event) -> Event | None:
        """Return the newest event about the same thing."""
        ...

    def recollection(self) -> Iterable[Event]:
        """Return the newest event about each thing that still stands."""
        ...


class AccountMemory:
    """Orders, executions, positions and balances of one account.

    An event that says nothing new is passed over; a position that is absent from the snapshot of a later connection
    was closed meanwhile, and is told with quantity 0.
    """

    is_about_many = True

    def __init__(self) -> None:
        self._newest: dict[tuple[str, ...], Event] = {}
        self._unheard: set[tuple[str, ...]] | None = None
        self._deliveries: Sequence[Delivers] = ()

    def pass_to(self, deliveries: Sequence[Delivers]) -> None:
        """Pass events on to these from now on."""
        self._deliveries = deliveries

    def put(self, event: Event) -> None:
        """Take one event, and pass it on if it is news."""
        key = identity(event)
        if self._unheard is not None:
            self._unheard.discard(key)
        known = self._newest.pop(key, None)
        self._newest[key] = event
        if known is not None and says_the_same(event, known):
            return
        if len(self._newest) > MOST_REMEMBERED:
            del self._newest[next(iter(self._newest))]
        for delivery in self._deliveries:
            delivery.put(event)

    def put_all(self, events: Sequence[Event]) -> None:
        """Take several events, each by itself."""
        for event in events:
            self.put(event)

    def expect_snapshot(self) -> None:
        """Hear that everything will be told again."""
        self._unheard = {key for key, event in self._newest.items() if isinstance(event, Position) and event.quantity}

    def end_snapshot(self, received_ns: int) -> None:
        """Tell of the positions that the snapshot no longer holds."""
        unheard, self._unheard = self._unheard, None
        for key in unheard or ():
            position = self._newest[key]
            closed = respell(position, position.symbol)
            self.put(structs.replace(closed, quantity=Decimal(0), time_ns=None, received_ns=received_ns))

    def last_about(self, event: Event) -> Event | None:
        """Return the newest event about the same thing."""
        return self._newest.get(identity(event))

    def recollection(self) -> Iterable[Event]:
        """Return the orders, positions and balances as they stand; executions are told once."""
        return [event for event in self._newest.values() if event.kind != "fill"]


class BarMemory:
    """Bars of one topic: what was told as closed is not told again, whatever history a new connection brings."""

    is_about_many = False

    def __init__(self) -> None:
        self._closed_ns = -1
        self._last: Event | None = None
        self._deliveries: Sequence[Delivers] = ()

    def pass_to(self, deliveries: Sequence[Delivers]) -> None:
        """Pass events on to these from now on."""
        self._deliveries = deliveries

    def put(self, event: Event) -> None:
        """Take one bar, and pass it on unless it was closed before."""
        if self._is_news(event):
            self._last = event
            for delivery in self._deliveries:
                delivery.put(event)

    def put_all(self, events: Sequence[Event]) -> None:
        """Take several bars, and pass on those that were not closed before."""
        news = [event for event in events if self._is_news(event)]
        if not news:
            return
        self._last = news[-1]
        for delivery in self._deliveries:
            delivery.inbox.extend(news)
            delivery.flush()

    def _is_news(self, event: Event) -> bool:
        if isinstance(event, Bar):
            if event.open_time_ns <= self._closed_ns:
                return False
            if event.is_closed:
                self._closed_ns = event.open_time_ns
        return True

    def expect_snapshot(self) -> None:
        """Do nothing: what was closed stays closed."""

    def end_snapshot(self, received_ns: int) -> None:
        """Do nothing: bars have no snapshot."""

    def last_about(self, event: Event) -> Event | None:
        """Return the newest bar."""
        return self._last

    def recollection(self) -> Iterable[Event]:
        """Return nothing: a subscriber that comes later asks for its own history."""
        return ()


class RecentMemory:
    """The newest events of one topic, for a further connection to tell what of its history is new."""

    is_about_many = False

    def __init__(self, count: int) -> None:
        self.events: deque[Event] = deque(maxlen=count)
        self._deliveries: Sequence[Delivers] = ()

    def pass_to(self, deliveries: Sequence[Delivers]) -> None:
        """Pass events on to these from now on."""
        self._deliveries = deliveries

    def put(self, event: Event) -> None:
        """Take one event and pass it on."""
        self.events.append(event)
        for delivery in self._deliveries:
            delivery.put(event)

    def put_all(self, events: Sequence[Event]) -> None:
        """Take several events and pass them on."""
        self.events.extend(events)
        for delivery in self._deliveries:
            delivery.inbox.extend(events)
            delivery.flush()

    def expect_snapshot(self) -> None:
        """Do nothing: there is no snapshot."""

    def end_snapshot(self, received_ns: int) -> None:
        """Do nothing: there is no snapshot."""

    def last_about(self, event: Event) -> Event | None:
        """Return the newest event."""
        return self.events[-1] if self.events else None

    def recollection(self) -> Iterable[Event]:
        """Return nothing: what has happened is not told again."""
        return ()


_MEMORIES: dict[str, Callable[[], Memory]] = {
    "order": AccountMemory,
    "position": AccountMemory,
    "balance": AccountMemory,
    "bar": BarMemory,
}


def memory_for(channel: str) -> Memory | None:
    """Return a new memory for a topic of ``channel``, None where every event is news."""
    new_memory = _MEMORIES.get(channel)
    return None if new_memory is None else new_memory()
