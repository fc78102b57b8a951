"""Where the events of one topic go, and how that topic is doing."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from brokerwire.errors import BrokerwireError
from brokerwire.events import Event, Status, StreamState, Topic, respell
from brokerwire.streaming.flow import Flow
from brokerwire.streaming.memory import Delivers, Memory, RecentMemory, memory_for


class Sink(Protocol):
    """What a stream needs of a subscription."""

    @property
    def delivery(self) -> Delivers:
        """Where its events go."""
        ...

    def follow(self, symbol: str, route: "Route") -> None:
        """Hear where the events of a symbol, as the subscriber spells it, pass."""
        ...

    def set_topic_state(self, topic: Topic, state: StreamState, reason: str) -> None:
        """Hear how a topic is doing."""
        ...

    def mark_ready(self, topic: Topic) -> None:
        """Hear that a topic has its first event or whole snapshot."""
        ...

    def refuse_topic(self, topic: Topic, error: BrokerwireError) -> None:
        """Hear that the venue will not serve a topic."""
        ...

    def put_status(self, status: Status) -> None:
        """Hear a status, in its place between the events."""
        ...

    def look(self, now: float) -> None:
        """Hear the loop's time every few seconds: a callback that does not return is to be reported."""
        ...


class Respelled:
    """Gives a subscription its own spelling of a symbol that the venue spells otherwise.

    It is its own inbox and shares the subscription's, so that the events of all its symbols stay in order.
    """

    __slots__ = ("_delivery", "_symbol")

    def __init__(self, delivery: Delivers, symbol: str) -> None:
        self._delivery = delivery
        self._symbol = symbol

    @property
    def inbox(self) -> "Respelled":
        """Where events are laid until ``flush``."""
        return self

    def append(self, event: Event) -> None:
        """Lay an event in."""
        self._delivery.inbox.append(respell(event, self._symbol))

    def extend(self, events: Sequence[Event]) -> None:
        """Lay several in."""
        self._delivery.inbox.extend([respell(event, self._symbol) for event in events])

    def __len__(self) -> int:
        return len(self._delivery.inbox)

    def flush(self) -> None:
        """Take what lies in the inbox."""
        self._delivery.flush()

    def put(self, event: Event) -> None:
        """Take one event, after what lies in the inbox."""
        self._delivery.put(respell(event, self._symbol))


class Route:
    """Where the events of one topic go, how the topic is doing, and the last event."""

    __slots__ = (
        "_entries",
        "deliveries",
        "flow",
        "gap_reason",
        "gap_start_ns",
        "is_being_filled",
        "is_direct",
        "is_flowing",
        "is_ready",
        "last",
        "memory",
        "reason",
        "sinks",
        "state",
    )

    def __init__(self, channel: str, memory: Memory | None = None) -> None:
        self._entries: list[tuple[Sink, Delivers, str]] = []
        self.sinks: tuple[Sink, ...] = ()
        self.state: StreamState = "pending"
        self.reason = ""
        self.is_ready = False
        self.is_direct = False
        self.is_flowing = False
        self.last: Event | None = None
        self.gap_start_ns: int | None = None
        self.gap_reason = ""
        self.is_being_filled = False
        self.flow = Flow()
        self.memory = memory or memory_for(channel)
        self.deliveries: tuple[Delivers, ...] = ()
        self._settle()

    def add(self, sink: Sink, delivery: Delivers, symbol: str) -> None:
        """Send events to one more place, spelled ``symbol``; what an account's snapshot said is said to it again."""
        self._entries.append((sink, delivery, symbol))
        self._settle()
        if self.memory is not None:
            for event in self.memory.recollection():
                delivery.put(event)

    def remove(self, sink: Sink, symbol: str) -> bool:
        """Send events to ``sink`` under this spelling no more; tells whether nobody is left."""
        self._entries = [entry for entry in self._entries if entry[0] is not sink or entry[2] != symbol]
        self._settle()
        return not self._entries

    def _settle(self) -> None:
        """Where a memory is needed, it stands before the subscriptions and passes on only what is new."""
        self.sinks = tuple({id(sink): sink for sink, _, _ in self._entries}.values())
        deliveries = tuple(delivery for _, delivery, _ in self._entries)
        if self.memory is None:
            self.deliveries = deliveries
        else:
            self.memory.pass_to(deliveries)

    def mark_ready(self) -> None:
        """Take note of the first event or whole snapshot: from now on events may go straight to the subscriptions."""
        self.is_ready = True
        self._settle_path()

    def enter(self, state: StreamState, reason: str) -> None:
        """Take note of how the topic is doing, and why."""
        self.state = state
        self.reason = reason
        self._settle_path()

    def _settle_path(self) -> None:
        self.is_flowing = self.is_ready and self.state != "stale"
        self.is_direct = self.is_flowing and self.memory is None

    def open_gap(self, start_ns: int | None, reason: str) -> None:
        """Take note that events may be missed from now on; a gap that is open already began earlier."""
        if self.gap_start_ns is None:
            self.gap_start_ns = start_ns
        self.gap_reason = reason

    def close_gap(self) -> int | None:
        """Return when the open gap began, which is being told now; None if there is none."""
        start_ns, self.gap_start_ns = self.gap_start_ns, None
        self.is_being_filled = False
        return start_ns

    def interrupted(self) -> None:
        """A connection is gone: the next one begins with a snapshot."""
        self.is_being_filled = False
        self.flow.restart()
        if self.memory is not None:
            self.memory.expect_snapshot()

    def snapshot_ended(self, received_ns: int) -> None:
        """The snapshot of a later connection is whole: what it does not hold is gone."""
        if self.memory is not None:
            self.memory.end_snapshot(received_ns)

    def newest(self, spelling: str, symbol: str | None) -> Iterator[Event]:
        """Yield the newest events about ``symbol`` (None: all), in the subscriber's spelling of the topic."""
        if self.memory is not None and self.memory.is_about_many:
            yield from (event for event in self.memory.recollection() if symbol in {None, event.symbol})
        elif self.last is not None and symbol in {None, spelling}:
            yield self.last if self.last.symbol == spelling else respell(self.last, spelling)

    def recent(self) -> Sequence[Event]:
        """Return the newest events that were delivered, oldest first; none where a topic is about many things."""
        if isinstance(self.memory, RecentMemory):
            return tuple(self.memory.events)
        if self.last is None or (self.memory is not None and self.memory.is_about_many):
            return ()
        newest = self.last_about(self.last)
        return () if newest is None else (newest,)

    def last_about(self, event: Event) -> Event | None:
        """Return the newest event about the same thing."""
        return self.last if self.memory is None else self.memory.last_about(event)
