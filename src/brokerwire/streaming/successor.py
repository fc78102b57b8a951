"""Successor: what a second connection hears until it can take over from the first without loss or repetition."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from brokerwire.events import Event, Topic
from brokerwire.streaming.memory import identity, says_the_same
from brokerwire.venue import Accepted, GapFound, Ready, Refused, Session, Signal
from brokerwire.venue.tape import without

MOST_KEPT = 100_000
"""Events kept for one topic while the first connection catches up."""

QUIET_S = 5.0
"""A numbered topic on which the new connection hears nothing for so long is quiet, and goes over as it is."""

SNAPSHOT_CHANNELS = frozenset({"depth", "order", "position", "balance"})
"""Where a new connection begins with a snapshot, and knows nothing before it is whole."""


def position_of(event: Event) -> int | None:
    """Return the event's place in the venue's numbering of its channel, None where it has none."""
    if event.kind == "trade":
        trade_id = getattr(event, "trade_id", None)
        return trade_id if isinstance(trade_id, int) else None
    sequence: int | None = getattr(event, "sequence", None)
    return sequence


class Successor:
    """Keeps the events of a new connection; the old one goes on delivering meanwhile.

    Where events are numbered, the new connection may take over once the old one has delivered everything up to
    the first event that the new one heard. Where only their sequence tells events apart (``recent``), it may once its
    history is there and it has heard what the old one delivered meanwhile. Elsewhere it may once its subscription, and
    its snapshot, stand.
    """

    def __init__(
        self,
        topics: Sequence[Topic],
        delivered: Callable[[Topic], Event | None],
        *,
        recent: Callable[[Topic], Sequence[Event]] | None = None,
        now: Callable[[], float],
    ) -> None:
        self.changed = asyncio.Event()
        self.accepted: list[Topic] = []
        self.ready: set[Topic] = set()
        self.refused: list[Refused] = []
        self.gaps: list[GapFound] = []
        self._waiting = set(topics)
        self._now = now
        self._accepted_at: dict[Topic, float] = {}
        self._delivered = delivered
        self._recent = recent
        self._recalled: dict[Topic, Sequence[Event]] = {}
        self._kept: dict[Topic, deque[Event]] = {topic: deque(maxlen=MOST_KEPT) for topic in topics}

    def remind(self, session: Session) -> None:
        """Tell the new connection what the old one has delivered, where its history is to go on from there."""
        for topic in self._kept if self._recent is not None else ():
            recent = self._recent(topic)  # type: ignore[misc]  # asked above
            if session.recall(topic, recent):
                self._recalled[topic] = recent

    def route(self, events: Sequence[Event]) -> None:
        """Keep events."""
        for event in events:
            kept = self._kept.get(event._topic)
            if kept is not None:
                kept.append(event)
                self.ready.add(event._topic)
        self.changed.set()

    def on_signal(self, signal: Signal) -> None:
        """Take note of what stands; the old connection speaks for everything else."""
        if isinstance(signal, Accepted):
            self.accepted += signal.topics
            self._accepted_at |= dict.fromkeys(signal.topics, self._now())
            self._waiting.difference_update(signal.topics)
        elif isinstance(signal, Ready):
            self.ready.add(signal.topic)
        elif isinstance(signal, GapFound):
            self.gaps.append(signal)
        elif isinstance(signal, Refused):
            self.refused.append(signal)
            self._waiting.discard(signal.topic)
            self._kept.pop(signal.topic, None)
        self.changed.set()

    @property
    def is_complete(self) -> bool:
        """Whether every topic can go over now."""
        return not self._waiting and all(self._can_go_over(topic) for topic in self._kept)

    def _can_go_over(self, topic: Topic) -> bool:
        if topic.channel in SNAPSHOT_CHANNELS and topic not in self.ready:
            return False
        if topic in self._recalled:
            is_ready = topic in self.ready or self._waited_s(topic) >= QUIET_S
            return is_ready and not without(self._delivered_meanwhile(topic), self._kept[topic])
        kept, last = self._kept[topic], self._delivered(topic)
        reached = None if last is None else position_of(last)
        if reached is None:
            return True
        if not kept:  # the old connection may be behind: nothing tells how far, until the new one hears something
            return self._waited_s(topic) >= QUIET_S
        first = position_of(kept[0])
        return first is None or first <= reached + 1 or getattr(kept[0], "is_snapshot", False)

    def _waited_s(self, topic: Topic) -> float:
        return self._now() - self._accepted_at[topic]

    def _delivered_meanwhile(self, topic: Topic) -> Sequence[Event]:
        """Return what the old connection has delivered since the new one was told of its newest events."""
        recent = () if self._recent is None else self._recent(topic)
        known = {id(event) for event in self._recalled[topic]}
        return [event for event in recent if id(event) not in known]

    def joins(self, topic: Topic) -> bool:
        """Whether what is kept follows what was delivered without a hole, as far as numbers show."""
        kept, last = self._kept.get(topic), self._delivered(topic)
        reached = None if last is None else position_of(last)
        first = position_of(kept[0]) if kept else None
        return reached is not None and first is not None and first <= reached + 1

    def news(self, topic: Topic, last_about: Callable[[Event], Event | None]) -> list[Event]:
        """Return the events that the old connection has not delivered; ``last_about`` names its newest on a matter."""
        if topic in self._recalled:
            return without(list(self._kept.get(topic, ())), self._delivered_meanwhile(topic))
        kept, last = self._kept.get(topic, ()), self._delivered(topic)
        reached = None if last is None else position_of(last)
        if reached is not None:
            return [event for event in kept if (position_of(event) or 0) > reached]
        newest: dict[Any, Event] = {identity(event): event for event in kept}
        return [event for event in newest.values() if not says_the_same(event, last_about(event))]
