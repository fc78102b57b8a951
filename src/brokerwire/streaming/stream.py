"""Stream: connections in sequence, the wanted topics, and where their events go."""

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from brokerwire.errors import BrokerwireError, SlowConsumerError
from brokerwire.events import Event, Gap, Notice, Status, StreamState, Topic
from brokerwire.streaming.flow import LOOK_INTERVAL_S, Rung
from brokerwire.streaming.lifeline import Lifeline, StreamParts
from brokerwire.streaming.memory import Delivers, Inbox, Memory, RecentMemory
from brokerwire.streaming.route import Respelled, Route, Sink
from brokerwire.streaming.successor import Successor
from brokerwire.streaming.venue_link import VenueLink
from brokerwire.venue import (
    Accepted,
    GapFound,
    HandOver,
    Interrupted,
    Ready,
    Refused,
    Remark,
    Session,
    Signal,
    StreamKind,
)

logger = logging.getLogger(__name__)


class Stream:
    """One slot of the cap: carries its wanted topics until nobody wants any.

    Its lifeline keeps a connection; the stream knows what is wanted, who wants it and how each topic is doing.
    """

    def __init__(
        self,
        stream_id: int,
        kind: StreamKind,
        *,
        link: VenueLink,
        parts: StreamParts,
        new_session: Callable[[], Session],
        name: str,
    ) -> None:
        self.id = stream_id
        self.kind = kind
        self.name = name
        self.is_exclusive = False
        self.unrouted = 0
        self._parts = parts
        self._routes: dict[Topic, Route] = {}
        self._gate_is_open = True
        self._lifeline = Lifeline(self, link=link, parts=parts, new_session=new_session)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.name}>"

    @property
    def topics(self) -> tuple[Topic, ...]:
        """The topics that are wanted."""
        return tuple(self._routes)

    def carries(self, topic: Topic) -> bool:
        """Whether the topic is wanted here and more may join in."""
        return topic in self._routes and not self._lifeline.is_closing

    def serves(self, sink: Sink) -> bool:
        """Whether ``sink`` gets events from here already."""
        return any(other is sink for route in self._routes.values() for other in route.sinks)

    @property
    def is_connected(self) -> bool:
        """Whether a connection stands now."""
        return self._lifeline.connection is not None

    @property
    def is_idle(self) -> bool:
        """Whether nobody wants anything, and it waits for somebody who does."""
        return not self._routes and not self._lifeline.is_closing

    @property
    def reconnects(self) -> int:
        """How many connections have followed the first."""
        return max(0, self._lifeline.connections - 1)

    @property
    def last_error(self) -> BrokerwireError | None:
        """What went wrong last."""
        return self._lifeline.last_error

    @property
    def room(self) -> int:
        """How many more topics fit on this stream."""
        return 0 if self.is_exclusive or self._lifeline.is_closing else self.kind.max_topics - len(self._routes)

    # Wanting

    def want(self, wishes: Iterable[tuple[Topic, Sink, str]]) -> None:
        """Send the events of topics to sinks, each with the symbol as its subscriber spells it."""
        fresh: list[Topic] = []
        for topic, sink, symbol in wishes:
            route = self._routes.get(topic)
            if route is None:
                route = self._routes[topic] = Route(topic.channel, self._memory_of(topic))
                fresh.append(topic)
            route.add(sink, sink.delivery if symbol == topic.symbol else Respelled(sink.delivery, symbol), symbol)
            sink.follow(symbol, route)
            self._catch_up(topic, route, sink)
        self._parts.watchdog.forget(self._end_idle)
        if self._lifeline.start():
            self._parts.watchdog.watch(self._look, self._parts.clock.monotonic() + LOOK_INTERVAL_S)
        elif fresh:
            self._lifeline.change(added=fresh)

    def _memory_of(self, topic: Topic) -> Memory | None:
        known = self._parts.memory_of(topic)
        return RecentMemory(self.kind.recalls) if known is None and self.kind.recalls > 1 else known

    def _catch_up(self, topic: Topic, route: Route, sink: Sink) -> None:
        if route.state != "pending":
            sink.set_topic_state(topic, route.state, route.reason)
        if route.is_ready:
            sink.mark_ready(topic)

    def unwant(self, wishes: Iterable[tuple[Topic, str]], sink: Sink) -> None:
        """Stop sending to ``sink``; a topic that nobody wants leaves the wire, a stream that loses its last ends."""
        gone = self._drop(wishes, sink)
        if gone and not self._routes:
            self._lifeline.stop()
        elif gone:
            self._lifeline.change(removed=gone)

    def set_down(self, wishes: Iterable[tuple[Topic, str]], sink: Sink) -> None:
        """Stop sending to ``sink``; a stream without topics stays for a while if it stands, and may be wanted again."""
        gone = self._drop(wishes, sink)
        if gone:
            self._lifeline.change(removed=gone)
        if not self._routes and not (self.kind.linger_s and self.is_connected):
            self._lifeline.stop()
        elif self.is_idle:
            self._parts.watchdog.watch(self._end_idle, self._parts.clock.monotonic() + self.kind.linger_s)

    def _end_idle(self, _now: float, _was_held_up: bool) -> float:
        self._lifeline.stop()
        return math.inf

    def _drop(self, wishes: Iterable[tuple[Topic, str]], sink: Sink) -> list[Topic]:
        """Forget that ``sink`` wants these; returns those that nobody wants any more."""
        gone: list[Topic] = []
        for topic, symbol in wishes:
            route = self._routes.get(topic)
            if route is not None and route.remove(sink, symbol):
                del self._routes[topic]
                gone.append(topic)
        return gone

    # The hot path

    def route(self, events: Sequence[Event]) -> None:
        """Hand events to whoever wants their topic: one look-up for a run of them, one batch for a subscription."""
        if len(events) > 1 and events[0]._topic is events[-1]._topic and self._route_run(events):
            return
        known: Topic | None = None
        route: Route | None = None
        inboxes: Sequence[Inbox] = ()
        touched: list[Delivers] = []
        for event in events:
            topic = event._topic
            if topic is not known:
                known, route = topic, self._routes.get(topic)
                inboxes = _inboxes_of(route, touched)
            if route is None:
                self.unrouted += 1
                continue
            route.last = event
            if not route.is_direct:
                inboxes = self._route_with_care(event, route, touched)
                continue
            for inbox in inboxes:
                inbox.append(event)
        _flush(touched)

    def _route_run(self, events: Sequence[Event]) -> bool:
        """Hand on a batch that is all of one topic, as a burst is; tells whether it was, and nothing was in the way."""
        topics = list(map(_topic_of, events))
        route = self._routes.get(topics[0]) if topics.count(topics[0]) == len(topics) else None
        if route is None or not route.is_flowing:
            return False
        route.last = events[-1]
        if route.memory is not None:
            route.memory.put_all(events)
            return True
        for delivery in route.deliveries:
            delivery.inbox.extend(events)
            delivery.flush()
        return True

    def _route_with_care(self, event: Event, route: Route, touched: list[Delivers]) -> Sequence[Inbox]:
        """Take the first event of a topic, one after a silence, or one that its memory may know better.

        It must not overtake the others. Returns where the next ones of the topic are laid.
        """
        _flush(touched)
        if not route.is_ready:
            self._mark_ready(event._topic, route)
        if route.state == "stale":
            self._report_gap(event._topic, route)
            self._set_state(event._topic, route, "live", "data flows again")
        if route.memory is not None:
            route.memory.put(event)
        else:
            for delivery in route.deliveries:
                delivery.put(event)
        return _inboxes_of(route, touched)

    def set_gate(self, is_open: bool) -> None:
        """Hold back the reading of the connection, or go on, for the one subscription that waits in turn."""
        self._gate_is_open = is_open
        self._lifeline.set_gate(is_open)
        if is_open:
            self._parts.watchdog.forget(self._held_too_long)
        else:
            self._parts.watchdog.watch(self._held_too_long, self._parts.clock.monotonic() + self.kind.hold_s)

    def _held_too_long(self, _now: float, _was_held_up: bool) -> float:
        """The venue would soon end a connection that does not read: its only subscription fails first."""
        error = SlowConsumerError(
            f"the callback held back the feed for {self.kind.hold_s:g} s; make it faster or choose another policy",
            venue=self._lifeline.venue_name,
        )
        self._lifeline.fail(error)
        return math.inf

    # What a session signals

    def on_signal(self, signal: Signal) -> None:
        """Act on what a session says."""
        handler = _HANDLERS[type(signal)]
        handler(self, signal)

    def _accepted(self, signal: Accepted) -> None:
        """A topic that went silent is live again with its next event, not with an acknowledgement."""
        self._go_live([topic for topic in signal.topics if topic in self._routes and self._state_of(topic) != "stale"])

    def _state_of(self, topic: Topic) -> StreamState:
        return self._routes[topic].state

    def _go_live(self, topics: Iterable[Topic]) -> None:
        for topic in topics:
            route = self._routes[topic]
            if not route.is_being_filled:
                self._report_gap(topic, route)
            self._set_state(topic, route, "live", "accepted by the venue")

    def _ready(self, signal: Ready) -> None:
        route = self._routes.get(signal.topic)
        if route is None:
            return
        route.snapshot_ended(self._parts.clock.time_ns())
        if not route.is_ready:
            self._mark_ready(signal.topic, route)

    def _mark_ready(self, topic: Topic, route: Route) -> None:
        route.mark_ready()
        for sink in route.sinks:
            sink.mark_ready(topic)

    def _refused(self, signal: Refused) -> None:
        route = self._routes.pop(signal.topic, None)
        for sink in route.sinks if route else ():
            sink.refuse_topic(signal.topic, signal.error)
        if not self._routes:
            self._lifeline.stop()

    def _interrupted(self, signal: Interrupted) -> None:
        route = self._routes.get(signal.topic)
        if route is not None:
            self._set_state(signal.topic, route, "recovering", signal.reason)

    def _gap_found(self, signal: GapFound) -> None:
        """Tell of a hole that the session found; one that the stream knew of before is the same one."""
        route = self._routes.get(signal.topic)
        if route is None:
            return
        reason = signal.reason if route.gap_start_ns is None else f"{route.gap_reason}; {signal.reason}"
        opened_ns, now_ns = route.close_gap(), self._parts.clock.time_ns()
        start_ns = opened_ns or signal.start_ns or (now_ns if route.last is None else route.last.received_ns)
        self._tell(signal.topic, Gap(signal.topic, start_ns, signal.end_ns or now_ns, reason, signal.filled))

    def _hand_over(self, signal: HandOver) -> None:
        self._lifeline.replace(signal.reason)

    def _remark(self, signal: Remark) -> None:
        if signal.topic is not None:
            self._tell(signal.topic, Notice(signal.text, signal.topic))
            return
        for sink in self._sinks():
            sink.put_status(Notice(signal.text))

    def _sinks(self) -> Iterable[Sink]:
        """Return each subscription once, however many topics it has here."""
        return {id(sink): sink for route in self._routes.values() for sink in route.sinks}.values()

    def _tell(self, topic: Topic, status: Status) -> None:
        route = self._routes.get(topic)
        for sink in route.sinks if route else ():
            sink.put_status(status)

    def _set_state(self, topic: Topic, route: Route, state: StreamState, reason: str) -> None:
        route.enter(state, reason)
        for sink in route.sinks:
            sink.set_topic_state(topic, state, reason)

    def _report_gap(self, topic: Topic, route: Route, *, filled: bool = False) -> None:
        start_ns = route.close_gap()
        if start_ns is not None:
            self._tell(topic, Gap(topic, start_ns, self._parts.clock.time_ns(), route.gap_reason, filled))

    # What the lifeline says

    def last_event(self, topic: Topic) -> Event | None:
        """Return the newest event of a topic that was delivered."""
        route = self._routes.get(topic)
        return None if route is None else route.last

    def recent(self, topic: Topic) -> Sequence[Event]:
        """Return the newest events of a topic that were delivered, oldest first, as many as its kind recalls."""
        route = self._routes.get(topic)
        return () if route is None else route.recent()

    def remind(self, session: Session, topics: Sequence[Topic]) -> None:
        """Tell the session of a further connection what was delivered of its topics before.

        Where it fetches what was missed, it says so itself, once that has ended.
        """
        for topic in topics:
            route = self._routes[topic]
            recent = route.recent()
            route.is_being_filled = bool(recent) and session.recall(topic, recent)

    def take_over(self, successor: Successor) -> None:
        """Deliver what a second connection heard beyond the first; topics that it brings are live from now on.

        One that went silent is live again with its next event.
        """
        for gap in successor.gaps:
            route = self._routes.get(gap.topic)
            if route is not None and (route.gap_start_ns is not None or not gap.filled):
                self._gap_found(gap)
        for topic in successor.accepted:
            if topic in self._routes and self._state_of(topic) not in {"live", "stale"}:
                self._report_gap(topic, self._routes[topic], filled=successor.joins(topic))
                self._go_live([topic])
        for topic, route in list(self._routes.items()):
            self.route(successor.news(topic, route.last_about))
        for topic in successor.ready:
            self._ready(Ready(topic))
        for refusal in successor.refused:
            self._refused(refusal)

    def interrupted(self, reason: str, last_frame_ns: int) -> None:
        """A connection is gone: every topic that was live recovers from now on."""
        for topic, route in self._routes.items():
            if route.state == "pending":
                continue
            route.interrupted()
            route.open_gap(last_frame_ns, reason)
            self._set_state(topic, route, "recovering", reason)

    def ended(self, error: BrokerwireError) -> None:
        """There will be no further connection: give the slot back and tell whoever still listens."""
        for look in (self._look, self._held_too_long, self._end_idle):
            self._parts.watchdog.forget(look)
        self._parts.stream_ended(self)
        routes, self._routes = self._routes, {}
        for topic, route in routes.items():
            for sink in route.sinks:
                sink.refuse_topic(topic, error)

    # Silence

    def _look(self, now: float, was_held_up: bool) -> float:
        """Ask each topic that used to flow whether it still does; climb the ladder for those that do not."""
        steady = silent = 0
        for topic, route in list(self._routes.items()):
            if route.state not in {"live", "stale"} or not self._gate_is_open:
                continue
            rung = route.flow.look(route.last, now, forgive=was_held_up)
            steady += route.flow.is_steady
            silent += rung is not Rung.FLOWING
            if rung is not Rung.FLOWING:
                self._climb(topic, route, rung)
        for sink in self._sinks():
            sink.look(now)
        hopeless = [topic for topic, route in self._routes.items() if route.flow.is_hopeless]
        if hopeless and silent == steady:
            self._give_up_silence()
        elif hopeless:
            self._try_elsewhere(hopeless)
        return now + LOOK_INTERVAL_S

    def _climb(self, topic: Topic, route: Route, rung: Rung) -> None:
        if route.state == "live":
            reason = f"nothing arrived for {route.flow.silent_s:.0f} s"
            route.open_gap(route.last.received_ns if route.last else None, reason)
            self._set_state(topic, route, "stale", reason)
        if rung is Rung.RESUBSCRIBE and not self.kind.is_fixed:
            logger.warning("%s stream %d: %s is silent; subscribing to it again", self.name, self.id, topic)
            self._lifeline.resubscribe(topic)

    def _give_up_silence(self) -> None:
        """Everything that used to flow is silent: the connection is at fault, or the market is closed."""
        for route in self._routes.values():
            route.flow.forget()
        self._lifeline.replace("everything went silent")

    def _try_elsewhere(self, topics: Sequence[Topic]) -> None:
        """Some topics stay silent on a connection whose others flow: another one may bring them, beside this one.

        They stay stale until it does, and are expected to flow again only once they have.
        """
        names = ", ".join(str(topic) for topic in topics)
        if self._lifeline.replace_beside(f"{names} stays silent"):
            for topic in topics:
                self._routes[topic].flow.forget()

    def health(self) -> dict[str, Any]:
        """Return how the stream is doing, as plain values; frames and messages are those of the present connection."""
        connection = self._lifeline.connection
        return {
            "id": self.id,
            "name": self.name,
            "is_connected": connection is not None,
            "topics": {str(topic): route.state for topic, route in self._routes.items()},
            "reconnects": self.reconnects,
            "last_error": None if self.last_error is None else str(self.last_error),
            "bad_frames": 0 if connection is None else connection.bad_frames,
            "last_bad_frame": None if connection is None else connection.last_bad_frame,
            "unknown_messages": 0 if connection is None else connection.session.unknown_messages,
            "unrouted_events": self.unrouted,
        }

    def hurry(self) -> None:
        """Have a polled stream ask soon."""
        if self._lifeline.connection is not None:
            self._lifeline.connection.transport.hurry()

    async def send(self, message: Mapping[str, Any]) -> None:
        """Send a JSON message of your own to the venue.

        Raises:
            ConnectionLostError: The stream is not connected now.
            UnsupportedError: The wire has one direction.
        """
        await self._lifeline.send(msgspec.json.encode(message))

    async def close(self) -> None:
        """End the stream; returns when its socket is closed and its slot free. Safe to call twice."""
        await self._lifeline.close()


_topic_of = attrgetter("_topic")


def _inboxes_of(route: Route | None, touched: list[Delivers]) -> Sequence[Inbox]:
    """Return where the events of a run are laid, and take note of who has to be flushed afterwards."""
    if route is None or not route.is_direct:
        return ()
    touched += [delivery for delivery in route.deliveries if not delivery.inbox]
    return [delivery.inbox for delivery in route.deliveries]


def _flush(touched: list[Delivers]) -> None:
    for delivery in touched:
        delivery.flush()
    touched.clear()


_HANDLERS: Mapping[type, Callable[[Stream, Any], None]] = {
    Accepted: Stream._accepted,
    Ready: Stream._ready,
    Refused: Stream._refused,
    Interrupted: Stream._interrupted,
    GapFound: Stream._gap_found,
    HandOver: Stream._hand_over,
    Remark: Stream._remark,
}
