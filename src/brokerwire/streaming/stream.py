"""Stream: connections in sequence, the wanted topics, and where their events go."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from brokerwire.clock import Clock
from brokerwire.errors import BrokerwireError, ConnectionLostError, StreamError
from brokerwire.events import Event, Gap, Notice, Status, StreamState, Topic, respell
from brokerwire.redact import clean
from brokerwire.streaming.connection import Connection
from brokerwire.streaming.supervisor import Decision, Supervisor
from brokerwire.streaming.venue_link import VenueLink
from brokerwire.streaming.watchdog import Watchdog
from brokerwire.transport.frame_transport import ConnectionEnd
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


class Delivers(Protocol):
    """Where events go: ``put`` may be exchanged at any time, so it is looked up for each event."""

    @property
    def put(self) -> Callable[[Any], None]:
        """What takes an event."""
        ...


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


class Respelled:
    """Gives a subscription its own spelling of a symbol that somebody else spells otherwise."""

    __slots__ = ("_delivery", "_symbol")

    def __init__(self, delivery: Delivers, symbol: str) -> None:
        self._delivery = delivery
        self._symbol = symbol

    def put(self, event: Event) -> None:
        """Take one event."""
        self._delivery.put(respell(event, self._symbol))


ACCOUNT_CHANNELS = frozenset({"order", "position", "balance"})
"""Where a topic is an account and its events are about many symbols."""


class NewestBySymbol:
    """Keeps the newest event of every symbol of an account."""

    __slots__ = ("events",)

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}

    def put(self, event: Event) -> None:
        """Take one event."""
        self.events[event.symbol] = event


class Route:
    """Where the events of one topic go, how the topic is doing, and the last event."""

    __slots__ = ("_newest", "deliveries", "gap_start_ns", "is_ready", "last", "reason", "sinks", "state")

    def __init__(self, channel: str) -> None:
        self.sinks: list[tuple[Sink, Delivers]] = []
        self.state: StreamState = "pending"
        self.reason = ""
        self.is_ready = False
        self.last: Event | None = None
        self.gap_start_ns: int | None = None
        self._newest = NewestBySymbol() if channel in ACCOUNT_CHANNELS else None
        self.deliveries: tuple[Delivers, ...] = ()

    def add(self, sink: Sink, delivery: Delivers) -> None:
        """Send events to one more place."""
        self.sinks.append((sink, delivery))
        self._settle()

    def remove(self, sink: Sink) -> bool:
        """Send events to ``sink`` no more; tells whether nobody is left."""
        self.sinks = [entry for entry in self.sinks if entry[0] is not sink]
        self._settle()
        return not self.sinks

    def _settle(self) -> None:
        newest: tuple[Delivers, ...] = () if self._newest is None else (self._newest,)
        self.deliveries = (*newest, *(delivery for _, delivery in self.sinks))

    def newest(self, spelling: str, symbol: str | None) -> Iterator[Event]:
        """Yield the newest events about ``symbol`` (None: all), in the subscriber's spelling of the topic."""
        if self._newest is not None:
            yield from (event for event in self._newest.events.values() if symbol in {None, event.symbol})
        elif self.last is not None and symbol in {None, spelling}:
            yield self.last if self.last.symbol == spelling else respell(self.last, spelling)


class StreamParts(Protocol):
    """What a stream shares with the others of its client."""

    watchdog: Watchdog
    clock: Clock

    def new_supervisor(self) -> Supervisor:
        """Return the memory of one stream's decisions."""
        ...

    async def redial_turn(self, host: str) -> None:
        """Wait until the host may be dialled again."""
        ...

    def stream_ended(self, stream: "Stream") -> None:
        """Give the stream's slot back."""
        ...


class Stream:
    """One slot of the cap: keeps a connection for its wanted topics until nobody wants any.

    Its task dials, reads, and after every end asks its supervisor what to do.
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
        self.reconnects = 0
        self.unrouted = 0
        self.last_error: BrokerwireError | None = None
        self._link = link
        self._parts = parts
        self._new_session = new_session
        self._supervisor = parts.new_supervisor()
        self._routes: dict[Topic, Route] = {}
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._is_closing = False
        self._announced: str | None = None
        self._has_dialled = False
        self._gate_is_open = True

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.name}>"

    @property
    def topics(self) -> tuple[Topic, ...]:
        """The topics that are wanted."""
        return tuple(self._routes)

    def carries(self, topic: Topic) -> bool:
        """Whether the topic is wanted here and more may join in."""
        return topic in self._routes and not self._is_closing

    @property
    def is_connected(self) -> bool:
        """Whether a connection stands now."""
        return self._connection is not None

    @property
    def room(self) -> int:
        """How many more topics fit on this stream."""
        return 0 if self.is_exclusive or self._is_closing else self.kind.max_topics - len(self._routes)

    # Wanting

    def want(self, wishes: Iterable[tuple[Topic, Sink, str]]) -> None:
        """Send the events of topics to sinks, each with the symbol as its subscriber spells it."""
        fresh: list[Topic] = []
        for topic, sink, symbol in wishes:
            route = self._routes.get(topic)
            if route is None:
                route = self._routes[topic] = Route(topic.channel)
                fresh.append(topic)
            route.add(sink, sink.delivery if symbol == topic.symbol else Respelled(sink.delivery, symbol))
            sink.follow(symbol, route)
            self._catch_up(topic, route, sink)
        if fresh and self._connection is not None:
            self._change_wire(lambda connection: connection.subscribe(fresh))
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"brokerwire stream {self.id} {self.name}")

    def _catch_up(self, topic: Topic, route: Route, sink: Sink) -> None:
        if route.state != "pending":
            sink.set_topic_state(topic, route.state, route.reason)
        if route.is_ready:
            sink.mark_ready(topic)

    def unwant(self, topics: Iterable[Topic], sink: Sink) -> None:
        """Stop sending to ``sink``; a topic that nobody wants leaves the wire, a stream without topics ends."""
        gone = [topic for topic in topics if (route := self._routes.get(topic)) is not None and route.remove(sink)]
        for topic in gone:
            del self._routes[topic]
        if not self._routes:
            self._is_closing = True
            self._stop()
        elif gone and self._connection is not None:
            self._change_wire(lambda connection: connection.unsubscribe(gone))

    def _change_wire(self, change: Callable[[Connection], None]) -> None:
        """Topics in the address are changed by dialling anew, others on the connection."""
        if self._connection is None:
            return
        if self.kind.is_fixed:
            self._announce("the symbols changed")
        else:
            change(self._connection)

    # The hot path

    def route(self, events: Sequence[Event]) -> None:
        """Hand events to whoever wants their topic: one look-up each."""
        routes = self._routes
        for event in events:
            route = routes.get(event._topic)
            if route is None:
                self.unrouted += 1
                continue
            route.last = event
            if not route.is_ready:
                self._mark_ready(event._topic, route)
            for delivery in route.deliveries:
                delivery.put(event)

    def set_gate(self, is_open: bool) -> None:
        """Hold back the reading of the connection, or go on, for the one subscription that waits in turn."""
        self._gate_is_open = is_open
        if self._connection is not None:
            reading = self._connection.transport.reading
            (reading.open if is_open else reading.shut)()

    # What a session signals

    def _on_signal(self, signal: Signal) -> None:
        handler = _HANDLERS[type(signal)]
        handler(self, signal)

    def _accepted(self, signal: Accepted) -> None:
        for topic in signal.topics:
            route = self._routes.get(topic)
            if route is not None:
                self._report_gap(topic, route, route.reason)
                self._set_state(topic, route, "live", "accepted by the venue")

    def _ready(self, signal: Ready) -> None:
        route = self._routes.get(signal.topic)
        if route is not None and not route.is_ready:
            self._mark_ready(signal.topic, route)

    def _mark_ready(self, topic: Topic, route: Route) -> None:
        route.is_ready = True
        for sink, _ in route.sinks:
            sink.mark_ready(topic)

    def _refused(self, signal: Refused) -> None:
        route = self._routes.pop(signal.topic, None)
        for sink, _ in route.sinks if route else ():
            sink.refuse_topic(signal.topic, signal.error)
        if not self._routes:
            self._is_closing = True
            self._stop()

    def _interrupted(self, signal: Interrupted) -> None:
        route = self._routes.get(signal.topic)
        if route is not None:
            self._set_state(signal.topic, route, "recovering", signal.reason)

    def _gap_found(self, signal: GapFound) -> None:
        self._tell(signal.topic, Gap(signal.topic, signal.start_ns, signal.end_ns, signal.reason))

    def _hand_over(self, signal: HandOver) -> None:
        self._announce(signal.reason)

    def _remark(self, signal: Remark) -> None:
        for topic in [signal.topic] if signal.topic else self.topics:
            self._tell(topic, Notice(signal.text, topic))

    def _tell(self, topic: Topic, status: Status) -> None:
        route = self._routes.get(topic)
        for sink, _ in route.sinks if route else ():
            sink.put_status(status)

    def _set_state(self, topic: Topic, route: Route, state: StreamState, reason: str) -> None:
        route.state = state
        route.reason = reason
        for sink, _ in route.sinks:
            sink.set_topic_state(topic, state, reason)

    def _report_gap(self, topic: Topic, route: Route, reason: str) -> None:
        start_ns, route.gap_start_ns = route.gap_start_ns, None
        if start_ns is not None:
            self._tell(topic, Gap(topic, start_ns, self._parts.clock.time_ns(), reason))

    # The life of the stream

    async def _run(self) -> None:
        try:
            while not self._is_closing:
                decision = await self._live_once()
                if decision.stops:
                    break
                if decision.needs_token:
                    await self._renew_token()
                await self._pause(decision.delay_s)
        except Exception as exc:
            logger.error("stream %s failed: %s", self.name, clean(repr(exc)), exc_info=exc)
            self.last_error = StreamError(f"the stream failed: {clean(repr(exc))}")
        finally:
            self._connection = None
            self._parts.stream_ended(self)
            self._refuse_all(self.last_error or StreamError("the stream was closed"))

    async def _live_once(self) -> Decision:
        """Dial, read to the end, and say what follows."""
        try:
            end = await self._dial_and_read()
            error = self._error_of(end)
        except BrokerwireError as exc:
            error = exc
        now = self._parts.clock.monotonic()
        if self._is_closing:
            return Decision(stops=True)
        if self._announced is not None:
            return self._supervisor.hand_over(now)
        self.last_error = error
        decision = self._supervisor.decide(error, now)
        log = logger.error if decision.stops else logger.warning
        log("%s stream %d: %s%s", self.name, self.id, clean(str(error)), _next_step(decision))
        return decision

    async def _dial_and_read(self) -> ConnectionEnd:
        link = self._link
        if self._has_dialled:
            await self._parts.redial_turn(self.kind.bucket or self.kind.name)
        self._has_dialled = True
        self._announced = None
        session = self._new_session()
        topics = self.topics
        transport = await link.open(self.kind, topics)
        connection = Connection(
            transport,
            session,
            kind=self.kind,
            clock=self._parts.clock,
            watchdog=self._parts.watchdog,
            route=self.route,
            on_signal=self._on_signal,
            fetch=link.exchange,
        )
        self._supervisor.connected(self._parts.clock.monotonic())
        self._connection = connection
        if not self._gate_is_open:
            transport.reading.shut()
        try:
            if self._is_closing:
                connection.end(ConnectionLostError("the stream was closed"))
            elif set(self._routes) != set(topics):
                self._catch_up_wire(connection, topics)
            return await connection.run([topic for topic in topics if topic in self._routes])
        finally:
            self._connection = None
            if not self._is_closing:
                self._interrupt_all(connection.last_frame_ns)

    def _catch_up_wire(self, connection: Connection, dialled: Sequence[Topic]) -> None:
        """Topics may have come while the wire was being opened."""
        fresh = [topic for topic in self._routes if topic not in dialled]
        if self.kind.is_fixed:
            self._announce("the symbols changed")
        elif fresh:
            connection.subscribe(fresh)

    def _error_of(self, end: ConnectionEnd) -> BrokerwireError:
        if end.error is not None:
            return end.error
        if end.close_code is not None:
            return self._link.venue.close_error(end.close_code, end.reason)
        return ConnectionLostError(end.reason or "the connection ended")

    def _interrupt_all(self, last_frame_ns: int) -> None:
        reason = self._announced or "the connection was lost"
        for topic, route in self._routes.items():
            if route.state == "pending":
                continue
            if route.gap_start_ns is None:
                route.gap_start_ns = last_frame_ns
            self._set_state(topic, route, "recovering", reason)

    def _refuse_all(self, error: BrokerwireError) -> None:
        routes, self._routes = self._routes, {}
        for topic, route in routes.items():
            for sink, _ in route.sinks:
                sink.refuse_topic(topic, error)

    async def _renew_token(self) -> None:
        tokens = self._link.tokens
        if tokens is None:
            return
        try:
            await tokens.refresh(None)
        except BrokerwireError as exc:
            self.last_error = exc
            if exc.action == "stop":
                self._is_closing = True

    async def _pause(self, delay_s: float) -> None:
        self._wake.clear()
        if self._is_closing or delay_s <= 0:
            return
        try:
            async with asyncio.timeout(delay_s):
                await self._wake.wait()
        except TimeoutError:
            return

    def _announce(self, reason: str) -> None:
        """The connection is to be replaced: end it and dial again at once."""
        self._announced = reason
        if self._connection is not None:
            self._connection.end(ConnectionLostError(reason))

    def _stop(self) -> None:
        self._wake.set()
        if self._connection is not None:
            self._connection.end(ConnectionLostError("the stream was closed"))
        elif self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    async def send(self, message: Mapping[str, Any]) -> None:
        """Send a JSON message of your own to the venue.

        Raises:
            ConnectionLostError: The stream is not connected now.
            UnsupportedError: The wire has one direction.
        """
        if self._connection is None:
            raise ConnectionLostError(f"{self.name} is not connected now; wait and send again")
        await self._connection.transport.send(msgspec.json.encode(message))

    async def close(self) -> None:
        """End the stream; returns when its socket is closed and its slot free. Safe to call twice."""
        self._is_closing = True
        self._stop()
        task = self._task
        if task is not None and task is not asyncio.current_task():
            await asyncio.gather(task, return_exceptions=True)


def _next_step(decision: Decision) -> str:
    return "" if decision.stops else f"; dialling again in {decision.delay_s:.1f} s"


_HANDLERS: Mapping[type, Callable[[Stream, Any], None]] = {
    Accepted: Stream._accepted,
    Ready: Stream._ready,
    Refused: Stream._refused,
    Interrupted: Stream._interrupted,
    GapFound: Stream._gap_found,
    HandOver: Stream._hand_over,
    Remark: Stream._remark,
}
