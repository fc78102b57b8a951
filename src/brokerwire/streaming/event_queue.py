"""The bounded queue of one subscription: a named overflow policy, exact counters, losses told in position."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from brokerwire.config import Overflow as OverflowPolicy
from brokerwire.errors import SlowConsumerError
from brokerwire.events import Event, Gap, Overflow, Status, Topic

ORDERED_CHANNELS = frozenset({"trade", "bar", "depth", "study"})
"""Where one lost event is a hole in a sequence, and so a ``Gap`` besides the ``Overflow``."""


class Marker:
    """A place in the queue where statuses, not events, are delivered."""

    __slots__ = ("_statuses",)

    def __init__(self, *statuses: Status) -> None:
        self._statuses = statuses

    def statuses(self) -> tuple[Status, ...]:
        """Return what to tell at this place."""
        return self._statuses


class LossMarker(Marker):
    """Where an episode of losses began; it grows until it is delivered."""

    __slots__ = ("dropped", "end_ns", "start_ns", "topic")

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.topic = event.topic
        self.dropped = 0
        self.start_ns = self.end_ns = event.received_ns
        self.add(event)

    def add(self, event: Event) -> None:
        """Count one more lost event."""
        self.dropped += 1
        self.end_ns = max(self.end_ns, event.received_ns)

    def statuses(self) -> tuple[Status, ...]:
        """Return the report of the episode so far."""
        overflow = Overflow(self.topic, self.dropped)
        if self.topic is None or self.topic.channel not in ORDERED_CHANNELS:
            return (overflow,)
        return overflow, Gap(self.topic, self.start_ns, self.end_ns, "the callback was too slow")


def _coalescing_key(event: Event) -> tuple[Any, str, Topic | None]:
    return getattr(event, "account", None), event.symbol, event.topic


class EventQueue:
    """Holds what a subscription has received and not delivered.

    ``received = delivered + dropped + coalesced + pending`` holds between any two calls, where ``pending``
    counts the event in hand too and never exceeds ``max_pending``. Markers take no room. What is pending is read
    off the queue and ``in_hand``, and what was delivered follows, so that nobody counts event by event.
    An episode of losses begins with the first loss and ends when the queue has been emptied.
    """

    def __init__(self, max_pending: int, policy: OverflowPolicy, *, on_fail: Callable[[SlowConsumerError], None]):
        self._max_pending = max_pending
        self._on_fail = on_fail
        self.items: deque[Event | Marker] = deque()
        self._held: deque[Event | Marker] = deque()
        self._markers = 0
        self.is_mixed = False
        """Whether there are statuses among what waits."""
        self.in_hand = 0
        """1 while an event is with the callbacks."""
        self._loss: LossMarker | None = None
        self._is_episode = False
        self._waiter: asyncio.Future[None] | None = None
        self._overflow = {
            "coalesce": self._coalesce,
            "drop_oldest": self._drop_oldest,
            "drop_newest": self._drop_newest,
            "fail": self._fail,
            "block": self._hold,
        }[policy]
        self.gate: Callable[[bool], None] | None = None
        self.received = 0
        self.coalesced = 0
        self.dropped = 0
        self.dropped_by_reason: dict[str, int] = {}

    @property
    def delivered(self) -> int:
        """How many events every callback has returned from, or raised at."""
        return self.received - self.pending - self.dropped - self.coalesced

    @property
    def pending(self) -> int:
        """How many events are waiting or in hand."""
        return len(self.items) - self._markers + self.in_hand

    def put(self, event: Event) -> None:
        """Take one event; at ``max_pending`` the overflow policy decides what is lost."""
        if self.pending >= self._max_pending:
            self._overflow(event)
        else:
            self.received += 1
            self.items.append(event)
        self.wake()

    def put_all(self, events: Sequence[Event]) -> None:
        """Take events in their order, all of them at once where there is room."""
        if self.pending + len(events) > self._max_pending:
            for event in events:
                self.put(event)
            return
        self.received += len(events)
        self.items.extend(events)
        self.wake()

    def put_marker(self, marker: Marker) -> None:
        """Put a marker behind everything that has been received."""
        if self._held:
            self._held.append(marker)
            return
        self.items.append(marker)
        self._markers += 1
        self.is_mixed = True
        self.wake()

    def wake(self) -> None:
        """Let whoever waits look at the queue."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def wait(self) -> None:
        """Return when there may be something to take; one waiter at a time."""
        if self.items or self._loss is not None:
            return
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def take(self) -> Event | Marker | None:
        """Return the next event or marker; None when the queue is empty. The caller ends an event with ``finish``."""
        if self._loss is not None:
            loss, self._loss = self._loss, None
            self._settle_mix()
            return loss
        if self.take_end():
            return None
        item = self.items.popleft()
        if isinstance(item, Marker):
            self._markers -= 1
            self._settle_mix()
        else:
            self.in_hand = 1
        return item

    def take_end(self) -> bool:
        """Tell whether nothing waits; if so, an episode of losses has ended."""
        if self.items or self._loss is not None:
            return False
        self._is_episode = False
        return True

    def _settle_mix(self) -> None:
        self.is_mixed = self._markers > 0 or self._loss is not None

    def finish(self) -> None:
        """Count the event in hand as delivered."""
        self.in_hand = 0
        if self._held:
            self._release()

    def drop_all(self, reason: str) -> None:
        """Drop everything that waits, but not the event in hand; statuses that wait are lost too."""
        events = [item for item in (*self.items, *self._held) if not isinstance(item, Marker)]
        self.received += sum(1 for item in self._held if not isinstance(item, Marker))
        self.items.clear()
        self._held.clear()
        self._markers = 0
        self._settle_mix()
        if events:
            self._count_dropped(reason, len(events))

    def reject(self, reason: str) -> None:
        """Count an event that came when none could be taken."""
        self.received += 1
        self._count_dropped(reason, 1)

    def _count_dropped(self, reason: str, count: int) -> None:
        self.dropped_by_reason[reason] = self.dropped_by_reason.get(reason, 0) + count
        self.dropped += count

    def _note_loss(self, event: Event, *, position: Callable[[LossMarker], None]) -> None:
        self._count_dropped("overflow", 1)
        if self._loss is not None:
            self._loss.add(event)
        elif not self._is_episode:
            self._is_episode = True
            position(LossMarker(event))

    def _at_head(self, marker: LossMarker) -> None:
        self._loss = marker
        self.is_mixed = True

    def _drop_oldest(self, event: Event) -> None:
        self.received += 1
        oldest = self._pop_oldest()
        if oldest is None:
            self._note_loss(event, position=self._at_head)
            return
        self._note_loss(oldest, position=self._at_head)
        self.items.append(event)

    def _pop_oldest(self) -> Event | None:
        """Take out the oldest waiting event; statuses before it keep their place."""
        for index, item in enumerate(self.items):
            if not isinstance(item, Marker):
                del self.items[index]
                return item
        return None

    def _drop_newest(self, event: Event) -> None:
        self.received += 1
        last = self.items[-1] if self.items else None
        if isinstance(last, LossMarker):
            last.add(event)
            self._count_dropped("overflow", 1)
        else:
            self._note_loss(event, position=self.put_marker)

    def _coalesce(self, event: Event) -> None:
        newest: dict[Any, Event | Marker] = {}
        for item in (*self.items, event):
            key: Any = item if isinstance(item, Marker) else _coalescing_key(item)
            newest.pop(key, None)
            newest[key] = item
        collapsed = len(self.items) + 1 - len(newest)
        if collapsed == 0:
            self._drop_oldest(event)
            return
        self.received += 1
        self.coalesced += collapsed
        self.items.clear()  # in place: whoever drains it holds on to it
        self.items.extend(newest.values())

    def _fail(self, event: Event) -> None:
        self.received += 1
        self._count_dropped("overflow", 1)
        self._on_fail(
            SlowConsumerError(
                f"{self._max_pending} events were pending and the overflow policy is to fail; "
                "make the callback faster or choose another policy",
                topic=event.topic,
            )
        )

    def _hold(self, event: Event) -> None:
        """Keep the event on the connection's side of the count and stop its reading."""
        if not self._held and self.gate is not None:
            self.gate(False)
        self._held.append(event)

    def _release(self) -> None:
        while self._held and self.pending < self._max_pending:
            item = self._held.popleft()
            self.items.append(item)
            if isinstance(item, Marker):
                self._markers += 1
                self.is_mixed = True
            else:
                self.received += 1
        if not self._held and self.gate is not None:
            self.gate(True)
