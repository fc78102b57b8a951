"""Lifeline: the connections of one stream, one after the other, until nobody needs a further one."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from brokerwire.clock import Clock
from brokerwire.config import Secret
from brokerwire.errors import BrokerwireError, ConnectionLostError, StreamError
from brokerwire.events import Event, Topic
from brokerwire.redact import clean
from brokerwire.streaming.connection import Connection
from brokerwire.streaming.supervisor import Decision, Supervisor
from brokerwire.streaming.venue_link import VenueLink
from brokerwire.streaming.watchdog import Watchdog
from brokerwire.transport.frame_transport import ConnectionEnd
from brokerwire.typedefs import Frame
from brokerwire.venue import Session, Signal, StreamKind

logger = logging.getLogger(__name__)


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
        self._carried = carried
        self._link = link
        self._parts = parts
        self._new_session = new_session
        self._supervisor = parts.new_supervisor()
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._replacing: str | None = None
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
            self.replace("the symbols changed")
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
        """End the connection and dial again at once."""
        self._replacing = reason
        if self.connection is not None:
            self.connection.end(ConnectionLostError(reason))

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

    def stop(self) -> None:
        """Begin to end."""
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
            self._carried.ended(error)

    async def _live_once(self) -> Decision:
        """Dial, read to the end, and say what follows."""
        carried = self._carried
        try:
            error, last_frame_ns = await self._dial_and_read()
        except BrokerwireError as exc:
            error, last_frame_ns = exc, None
        if self.is_closing:
            self.last_error = None
            return Decision(stops=True)
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

    async def _dial_and_read(self) -> tuple[BrokerwireError, int]:
        """Return why the connection ended, and when its last frame came."""
        carried = self._carried
        if self.connections:
            await self._parts.redial_turn(carried.kind.bucket or carried.kind.name)
        self.connections += 1
        self._replacing = None
        topics = carried.topics
        transport = await self._link.open(carried.kind, topics)
        self._token = self._link.tokens.current if self._link.tokens is not None else None
        connection = Connection(
            transport,
            self._new_session(),
            kind=carried.kind,
            clock=self._parts.clock,
            watchdog=self._parts.watchdog,
            route=carried.route,
            on_signal=carried.on_signal,
            fetch=self._link.exchange,
        )
        self._supervisor.connected(self._parts.clock.monotonic())
        self.connection = connection
        try:
            self._catch_up(connection, topics)
            end = await connection.run([topic for topic in carried.topics if topic in topics])
        finally:
            self.connection = None
        return self._error_of(end), connection.last_frame_ns

    def _catch_up(self, connection: Connection, dialled: Sequence[Topic]) -> None:
        """Do what was asked for while the wire was being opened."""
        if self.is_closing:
            connection.end(ConnectionLostError("the stream was closed"))
            return
        if not self._gate_is_open:
            connection.transport.reading.shut()
        fresh = [topic for topic in self._carried.topics if topic not in dialled]
        if self._carried.kind.is_fixed and set(self._carried.topics) != set(dialled):
            self.replace("the symbols changed")
        elif fresh:
            connection.subscribe(fresh)

    def _error_of(self, end: ConnectionEnd) -> BrokerwireError:
        if end.error is not None:
            return end.error
        if end.close_code is not None:
            return self._link.venue.close_error(end.close_code, end.reason)
        return ConnectionLostError(end.reason or "the connection ended")

    async def _renew_token(self) -> None:
        tokens = self._link.tokens
        if tokens is None:
            return
        try:
            await tokens.refresh(self._token)
        except BrokerwireError as exc:
            self.last_error = exc
            self.is_closing = exc.action == "stop"

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
