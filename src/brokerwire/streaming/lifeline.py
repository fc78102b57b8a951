"""Lifeline: the connections of one stream, one after the other, until nobody needs a further one."""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from brokerwire.clock import Clock
from brokerwire.config import Secret
from brokerwire.errors import BrokerwireError, ConnectionLostError, StreamError
from brokerwire.events import Event, Topic
from brokerwire.redact import clean, mask_error
from brokerwire.streaming.connection import Connection
from brokerwire.streaming.memory import Memory
from brokerwire.streaming.successor import Successor
from brokerwire.streaming.supervisor import HAND_OVER_JITTER_S, Decision, Supervisor
from brokerwire.streaming.venue_link import VenueLink
from brokerwire.streaming.watchdog import Watchdog
from brokerwire.transport.frame_transport import ConnectionEnd
from brokerwire.typedefs import Frame
from brokerwire.venue import Session, Signal, StreamKind

logger = logging.getLogger(__name__)

HAND_OVER_S = 60.0
"""How long a second connection gets to catch up."""

SYMBOLS_CHANGED = "the symbols changed"
"""Why a connection is replaced at the user's wish; only the venue's limits bound how often."""

RETIRE_EARLY = 0.01
"""A connection is handed over this share of its lifetime before its end, to three times as much."""


class StreamParts(Protocol):
    """What a stream shares with the others of its client."""

    watchdog: Watchdog
    clock: Clock
    memory_of: Callable[[Topic], Memory | None]

    def new_supervisor(self) -> Supervisor:
        """Return the memory of one stream's decisions."""
        ...

    def uniform(self, low: float, high: float) -> float:
        """Return a random number between the two."""
        ...

    def take_overlap(self, kind: StreamKind) -> bool:
        """Take a slot for a second connection of a stream; tells whether there was one."""
        ...

    def give_overlap_back(self) -> None:
        """Give the slot of a second connection back."""
        ...

    async def redial_turn(self, host: str) -> None:
        """Wait until the host may be dialled again."""
        ...

    def stream_ended(self, stream: Any) -> None:
        """Give the stream's slot back."""
        ...


class Carried(Protocol):
    """What a lifeline is for."""

    id: int
    kind: StreamKind
    name: str

    @property
    def topics(self) -> tuple[Topic, ...]:
        """What is wanted now."""
        ...

    def route(self, events: Sequence[Event]) -> None:
        """Take events."""
        ...

    def on_signal(self, signal: Signal) -> None:
        """Act on what a session says."""
        ...

    def last_event(self, topic: Topic) -> Event | None:
        """Return the newest event of a topic that was delivered."""
        ...

    def recent(self, topic: Topic) -> Sequence[Event]:
        """Return the newest events of a topic that were delivered, oldest first."""
        ...

    def remind(self, session: Session, topics: Sequence[Topic]) -> None:
        """Tell the session of a further connection what was delivered of its topics before."""
        ...

    def take_over(self, successor: Successor) -> None:
        """Deliver what a second connection heard beyond the first."""
        ...

    def interrupted(self, reason: str, last_frame_ns: int) -> None:
        """Hear that a connection is gone."""
        ...

    def ended(self, error: BrokerwireError) -> None:
        """Hear that no further connection will follow."""
        ...


class Lifeline:
    """Dials, reads, and after every end asks its supervisor what to do; one task for all of it."""

    def __init__(
        self, carried: Carried, *, link: VenueLink, parts: StreamParts, new_session: Callable[[], Session]
    ) -> None:
        self.connection: Connection | None = None
        self.connections = 0
        self.last_error: BrokerwireError | None = None
        self.is_closing = False
        self._fatal: BrokerwireError | None = None
        self._carried = carried
        self._link = link
        self._parts = parts
        self._new_session = new_session
        self._supervisor = parts.new_supervisor()
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._replacing: str | None = None
        self._handing_over: asyncio.Task[None] | None = None
        self._next: tuple[Connection, asyncio.Task[ConnectionEnd], tuple[Topic, ...]] | None = None
        self._gate_is_open = True
        self._token: Secret | None = None

    # What the stream asks for

    def start(self) -> bool:
        """Begin; tells whether this was the beginning."""
        if self._task is not None:
            return False
        carried = self._carried
        self._task = asyncio.create_task(self._run(), name=f"brokerwire stream {carried.id} {carried.name}")
        return True

    def change(self, *, added: Sequence[Topic] = (), removed: Sequence[Topic] = ()) -> None:
        """Change the topics: on the connection, or by dialling anew where they are part of the address."""
        if self.connection is None:
            return
        if self._carried.kind.is_fixed:
            self.replace(SYMBOLS_CHANGED)
            return
        if added:
            self.connection.subscribe(added)
        if removed:
            self.connection.unsubscribe(removed)

    def resubscribe(self, topic: Topic) -> None:
        """Give a silent topic back and ask for it again."""
        if self.connection is not None:
            self.connection.resubscribe(topic)

    def replace(self, reason: str) -> None:
        """Put another connection in the place of this one: beside it first where a slot is free, else after it."""
        if not self.replace_beside(reason) and self.connection is not None:
            self._break_off(self.connection, reason)

    def replace_beside(self, reason: str) -> bool:
        """Put another connection in the place of this one if there is a slot for both; tells whether that is done."""
        connection = self.connection
        if connection is None or self.is_closing:
            return True
        if self._next is not None or (self._handing_over is not None and not self._handing_over.done()):
            return True  # whoever takes over compares its topics with those that are wanted by then
        if not self._parts.take_overlap(self._carried.kind):
            return False
        name = f"brokerwire hand over {self._carried.name}"
        self._handing_over = asyncio.create_task(self._hand_over(connection, reason), name=name)
        return True

    def _break_off(self, connection: Connection, reason: str) -> None:
        self._replacing = reason
        connection.end(ConnectionLostError(reason))

    async def _hand_over(self, old: Connection, reason: str) -> None:
        """Open a second connection, let it catch up, and end the first; if that fails, break off and dial again."""
        carried = self._carried
        logger.info("%s stream %d: handing over: %s", carried.name, carried.id, reason)
        try:
            async with asyncio.timeout(HAND_OVER_S):
                await self._prepare_successor(old, reason)
        except (BrokerwireError, TimeoutError) as exc:
            logger.warning("%s stream %d: the hand-over failed: %s", carried.name, carried.id, exc)
            if isinstance(exc, BrokerwireError) and exc.action == "refresh":
                await self._renew_token()
        finally:
            if self._next is None:
                self._parts.give_overlap_back()
                self._break_off(old, reason)

    async def _prepare_successor(self, old: Connection, reason: str) -> None:
        """Open a second connection, wait until it has caught up, and put it in the place of the first.

        Raises:
            ConnectionLostError: The second connection ended before.
        """
        carried = self._carried
        await self._parts.clock.sleep(self._delay_for(reason))
        await self._parts.redial_turn(self._link.host_of(carried.kind, carried.topics))
        topics = carried.topics
        recent = carried.recent if carried.kind.recalls > 1 else None
        successor = Successor(topics, carried.last_event, recent=recent, now=self._parts.clock.monotonic)
        connection = await self._dial(topics, successor.route, successor.on_signal)
        successor.remind(connection.session)
        running = asyncio.create_task(connection.run(topics), name=f"brokerwire successor {carried.name}")
        try:
            while not successor.is_complete:
                successor.changed.clear()
                await self._next_change(successor.changed, running)
                if running.done():
                    raise self._error_of(running.result())
        except BaseException:
            connection.end(ConnectionLostError("the hand-over was given up"))
            await asyncio.gather(running, return_exceptions=True)
            raise
        self._next = (connection, running, topics)
        connection.redirect(carried.route, carried.on_signal)
        carried.take_over(successor)
        old.redirect(_ignore, _ignore)
        old.end(ConnectionLostError("another connection has taken over"))

    def _delay_for(self, reason: str) -> float:
        if reason == SYMBOLS_CHANGED:
            return self._parts.uniform(0.0, HAND_OVER_JITTER_S)
        return self._supervisor.hand_over(self._parts.clock.monotonic()).delay_s

    async def _next_change(self, changed: asyncio.Event, running: "asyncio.Task[ConnectionEnd]") -> None:
        waiting = asyncio.create_task(changed.wait(), name="brokerwire successor change")
        try:
            await asyncio.wait({waiting, running}, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()

    def set_gate(self, is_open: bool) -> None:
        """Hold back the reading, or go on."""
        self._gate_is_open = is_open
        if self.connection is not None:
            reading = self.connection.transport.reading
            (reading.open if is_open else reading.shut)()

    async def send(self, frame: Frame) -> None:
        """Send a frame of the user's own.

        Raises:
            ConnectionLostError: There is no connection now.
        """
        if self.connection is None:
            raise ConnectionLostError(f"{self._carried.name} is not connected now; wait and send again")
        await self.connection.transport.send(frame)

    @property
    def venue_name(self) -> str:
        """The venue's name."""
        return self._link.venue.name

    def fail(self, error: BrokerwireError) -> None:
        """Begin to end, with a reason."""
        self._fatal = error
        self.stop()

    def stop(self) -> None:
        """Begin to end; once is enough, and a second time must not disturb the clearing up."""
        if self.is_closing:
            return
        self.is_closing = True
        self._wake.set()
        if self.connection is not None:
            self.connection.end(ConnectionLostError("the stream was closed"))
        elif self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    async def close(self) -> None:
        """End; returns when the socket is closed. Safe to call twice."""
        self.stop()
        task = self._task
        if task is not None and task is not asyncio.current_task():
            await asyncio.gather(task, return_exceptions=True)

    # The task

    async def _run(self) -> None:
        error: BrokerwireError = StreamError("the stream was closed")
        try:
            while not self.is_closing:
                decision = await self._live_once()
                if decision.stops:
                    error = self.last_error or error
                    break
                if decision.needs_token:
                    await self._renew_token()
                await self._pause(decision.delay_s)
        except Exception as exc:
            logger.error("stream %s failed: %s", self._carried.name, clean(repr(exc)), exc_info=exc)
            error = StreamError(f"the stream failed: {clean(repr(exc))}")
        finally:
            self.is_closing = True
            self.connection = None
            await self._drop_successor()
            self._carried.ended(self._fatal or error)

    async def _drop_successor(self) -> None:
        task, self._handing_over = self._handing_over, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self._next is not None:
            connection, running, _ = self._next
            self._next = None
            self._parts.give_overlap_back()
            connection.end(ConnectionLostError("the stream was closed"))
            await asyncio.gather(running, return_exceptions=True)

    async def _live_once(self) -> Decision:
        """Dial, read to the end, and say what follows."""
        carried = self._carried
        try:
            error, last_frame_ns = await self._dial_and_read()
        except BrokerwireError as exc:
            error, last_frame_ns = exc, None
        if self.is_closing or not carried.topics:
            self.is_closing = True
            self.last_error = None
            return Decision(stops=True)
        if self._handing_over is not None:
            await self._await_successor(error, last_frame_ns)
            if self._next is not None:
                return Decision()
        now = self._parts.clock.monotonic()
        if self._replacing is not None and last_frame_ns is not None:
            carried.interrupted(self._replacing, last_frame_ns)
            return self._supervisor.hand_over(now)
        if last_frame_ns is not None:
            carried.interrupted(str(error), last_frame_ns)
        self.last_error = error
        decision = self._supervisor.decide(error, now)
        log = logger.error if decision.stops else logger.warning
        log("%s stream %d: %s%s", carried.name, carried.id, error, _next_step(decision))
        return decision

    async def _await_successor(self, error: BrokerwireError, last_frame_ns: int | None) -> None:
        """The connection is gone while another one is being prepared: wait for that one."""
        task, self._handing_over = self._handing_over, None
        if self._next is None and task is not None:
            if last_frame_ns is not None:
                self._carried.interrupted(str(error), last_frame_ns)
            await asyncio.gather(task, return_exceptions=True)

    async def _dial_and_read(self) -> tuple[BrokerwireError, int]:
        """Return why the connection ended, and when its last frame came."""
        carried = self._carried
        adopted, self._next = self._next, None
        running: asyncio.Task[ConnectionEnd] | None = None
        if adopted is None:
            if self.connections:
                await self._parts.redial_turn(self._link.host_of(carried.kind, carried.topics))
            self._replacing = None
            topics = carried.topics
            connection = await self._dial(topics, carried.route, carried.on_signal)
            carried.remind(connection.session, [topic for topic in carried.topics if topic in topics])
        else:
            connection, running, topics = adopted
            self._parts.give_overlap_back()
        self.connection = connection
        self._supervisor.connected(self._parts.clock.monotonic())
        self._plan_retirement()
        try:
            self._catch_up(connection, topics)
            if running is None:
                end = await connection.run([topic for topic in carried.topics if topic in topics])
            else:
                connection.unsubscribe([topic for topic in topics if topic not in carried.topics])
                end = await _finished(connection, running)
        finally:
            self.connection = None
            self._parts.watchdog.forget(self._retire)
        return self._error_of(end), connection.last_frame_ns

    async def _dial(
        self, topics: Sequence[Topic], route: Callable[[Sequence[Event]], None], on_signal: Callable[[Signal], None]
    ) -> Connection:
        self.connections += 1
        transport = await self._link.open(self._carried.kind, [self._reaching_back(topic) for topic in topics])
        self._token = self._link.tokens.current if self._link.tokens is not None else None
        return Connection(
            transport,
            self._new_session(),
            kind=self._carried.kind,
            clock=self._parts.clock,
            watchdog=self._parts.watchdog,
            route=route,
            on_signal=on_signal,
            fetch=self._link.exchange,
            access=self._link.access,
            redact=self._link.redact,
        )

    def _reaching_back(self, topic: Topic) -> Topic:
        """Return the topic as it goes into the address: with the history since what was delivered last."""
        reach_back, recent = self._link.venue.reach_back, self._carried.recent(topic)
        if reach_back is None or not recent:
            return topic
        return reach_back(topic, recent[-1], self._parts.clock.time_ns())

    def _plan_retirement(self) -> None:
        """Hand over well before the venue ends the connection for its age."""
        lifetime_s = self._carried.kind.lifetime_s
        if lifetime_s is not None:
            early_s = self._parts.uniform(RETIRE_EARLY * lifetime_s, 3 * RETIRE_EARLY * lifetime_s)
            self._parts.watchdog.watch(self._retire, self._parts.clock.monotonic() + lifetime_s - early_s)

    def _retire(self, _now: float, _was_held_up: bool) -> float:
        self.replace("the venue ends connections of this age")
        return math.inf

    def _catch_up(self, connection: Connection, dialled: Sequence[Topic]) -> None:
        """Do what was asked for while the wire was being opened."""
        if self.is_closing:
            connection.end(ConnectionLostError("the stream was closed"))
            return
        if not self._gate_is_open:
            connection.transport.reading.shut()
        fresh = [topic for topic in self._carried.topics if topic not in dialled]
        if self._carried.kind.is_fixed and set(self._carried.topics) != set(dialled):
            self.replace(SYMBOLS_CHANGED)
        elif fresh:
            connection.subscribe(fresh)

    def _error_of(self, end: ConnectionEnd) -> BrokerwireError:
        error = end.error
        if error is None and end.close_code is not None:
            error = self._link.venue.close_error(end.close_code, end.reason)
        error = error or ConnectionLostError(end.reason or "the connection ended")
        mask_error(error, self._link.redact)
        return error

    async def _renew_token(self) -> None:
        tokens = self._link.tokens
        if tokens is None:
            return
        try:
            await tokens.refresh(self._token)
        except BrokerwireError as exc:
            self.last_error = exc
            if exc.action == "stop":
                self._fatal = exc
                self.is_closing = True

    async def _pause(self, delay_s: float) -> None:
        self._wake.clear()
        if self.is_closing or delay_s <= 0:
            return
        try:
            async with asyncio.timeout(delay_s):
                await self._wake.wait()
        except TimeoutError:
            return


def _next_step(decision: Decision) -> str:
    return "" if decision.stops else f"; dialling again in {decision.delay_s:.1f} s"


def _ignore(_anything: object) -> None:
    """Take what a connection that was replaced still says."""


async def _finished(connection: Connection, running: "asyncio.Task[ConnectionEnd]") -> ConnectionEnd:
    """Wait for a connection that runs already; cancelling the wait ends it."""
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        connection.end(ConnectionLostError("the stream was closed"))
        await asyncio.gather(running, return_exceptions=True)
        raise
