"""Connection: one connected lifetime of a stream; it never reconnects."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, cast

import msgspec

from brokerwire.clock import Clock
from brokerwire.errors import BrokerwireError, ConfigurationError, ConnectionLostError, ProtocolError
from brokerwire.events import Event, Topic
from brokerwire.redact import clean, mask_error
from brokerwire.streaming.watchdog import Watchdog
from brokerwire.transport.frame_transport import ConnectionEnd, FrameTransport
from brokerwire.transport.outbox import Outbox
from brokerwire.typedefs import Frame
from brokerwire.venue import (
    Access,
    Failed,
    Fetch,
    GapFound,
    IdentifiedSession,
    Identify,
    Interrupted,
    Refused,
    Remark,
    Request,
    Response,
    Session,
    Signal,
    StreamKind,
)

logger = logging.getLogger(__name__)

BAD_FRAMES = 20
BAD_WINDOW_S = 60.0
"""So many frames that break the protocol within the window end the connection; fewer are counted and passed over."""

NOTE_INTERVAL_S = 60.0
"""Messages of an unknown kind are noted no more often than this."""

NO_ANSWER = Response(0)
"""What a session is given where a request for it could not be answered at all."""

LOOKS_PER_SILENCE = 3
"""How often the watchdog looks within the silence that means death."""


async def _no_access() -> Access:
    """Refuse a session that wants to say who it is.

    Raises:
        ConfigurationError: Always.
    """
    raise ConfigurationError("this connection has no credentials to speak with")


class Connection:
    """Frames in, replies out, events on; nothing on that path awaits.

    Whatever ends it (the wire, the session, the watchdog, ``end``) is the result of ``run``.
    """

    def __init__(
        self,
        transport: FrameTransport,
        session: Session,
        *,
        kind: StreamKind,
        clock: Clock,
        watchdog: Watchdog,
        route: Callable[[Sequence[Event]], None],
        on_signal: Callable[[Signal], None],
        fetch: Callable[[Request], Awaitable[Response]],
        access: Callable[[], Awaitable[Access]] = _no_access,
        redact: Callable[[str], str] = str,
    ) -> None:
        self.session = session
        self._redact = redact
        self.transport = transport
        self.bad_frames = 0
        self.last_bad_frame: str | None = None
        self._unknown_messages = 0
        self._note_unknown_at = float("-inf")
        self.last_frame_ns = clock.time_ns()
        self._kind = kind
        self._clock = clock
        self._watchdog = watchdog
        self._route = route
        self._on_signal = on_signal
        self._fetch = fetch
        self._access = access
        self._receive = session.receive
        self._monotonic = clock.monotonic
        self._outbox = Outbox(transport, sends_per_s=kind.sends_per_s, clock=clock)
        self._ended: asyncio.Future[ConnectionEnd] = asyncio.get_running_loop().create_future()
        self._is_identified = False
        self._fetches: set[asyncio.Task[None]] = set()
        self._bad_times: deque[float] = deque(maxlen=BAD_FRAMES)
        self._seen_ns = self.last_frame_ns
        self._silent_since = clock.monotonic()

    async def run(self, topics: Sequence[Topic]) -> ConnectionEnd:
        """Subscribe to ``topics`` and read to the end; says why it ended, and leaves nothing running."""
        now = self._monotonic()
        tasks = [asyncio.create_task(self._pump(), name=f"brokerwire read {self._kind.name}")]
        if self._kind.transport == "websocket":
            tasks.append(asyncio.create_task(self._outbox.run(), name=f"brokerwire write {self._kind.name}"))
        self._silent_since = now
        self._watchdog.watch(self._look, now + self._kind.silence_s / LOOKS_PER_SILENCE)
        try:
            self.session.subscribe(topics, now)
            self.session.handle_open(now)
            self._take_output()
            return await self._ended
        finally:
            self._watchdog.forget(self._look)
            await self._clean_up([*tasks, *self._fetches])
            self._deliver(self.session.handle_close(self._monotonic()))

    async def _clean_up(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        try:
            await self.transport.close()
        finally:
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pump(self) -> None:
        try:
            end = await self.transport.pump(self.on_frames)
        except Exception as exc:  # noqa: BLE001  # the top of a task: a bug here must not be a silent death
            self._failed(exc)
            return
        self._finish(end)

    def _failed(self, exc: Exception) -> None:
        logger.error("reading a %s stream failed: %s", self._kind.name, clean(repr(exc)), exc_info=exc)
        self._finish(ConnectionEnd(error=ConnectionLostError(f"reading failed: {clean(repr(exc))}")))

    def _finish(self, end: ConnectionEnd) -> None:
        if not self._ended.done():
            self._ended.set_result(end)

    def redirect(self, route: Callable[[Sequence[Event]], None], on_signal: Callable[[Signal], None]) -> None:
        """Send events and signals elsewhere from now on."""
        self._route = route
        self._on_signal = on_signal

    def end(self, error: BrokerwireError) -> None:
        """End the connection with a reason; ``run`` returns it."""
        self._finish(ConnectionEnd(error=error))

    def on_frames(self, frames: Sequence[Frame]) -> None:
        """Take the frames of one turn of the loop, stamped with one time: the only way in; it never raises."""
        try:
            self._take_frames(frames)
        except Exception as exc:  # noqa: BLE001  # the top of a turn: a bug here must not be a silent death
            self._failed(exc)

    def _take_frames(self, frames: Sequence[Frame]) -> None:
        now = self._monotonic()
        received_ns = self.last_frame_ns = self._clock.time_ns()
        session, receive = self.session, self._receive
        events: list[Event] = []
        for frame in frames:
            try:
                found = receive(frame, now, received_ns)
            except (ProtocolError, RecursionError) as exc:
                self._count_bad(exc)
                continue
            if session.has_output:
                if events:
                    self._route(events)  # what a frame has to say comes after the events of those before it
                    events = []
                found = self._take_output(found)
            events += found
        if events:
            self._route(events)
        if session.unknown_messages != self._unknown_messages:
            self._note_unknown(session.unknown_messages, now)

    def _note_unknown(self, count: int, now: float) -> None:
        """Say once a minute that the venue has something new to say; it is no error."""
        self._unknown_messages = count
        if now >= self._note_unknown_at:
            self._note_unknown_at = now + NOTE_INTERVAL_S
            text = f"the venue sends messages of a kind that is not known, {count} so far; they are passed over"
            logger.info("%s stream: %s", self._kind.name, text)
            self._on_signal(Remark(text))

    def _count_bad(self, exc: Exception) -> None:
        """An isolated bad frame is counted; many of them mean that this connection is of no use."""
        mask_error(exc, self._redact)
        self.bad_frames += 1
        self.last_bad_frame = clean(str(exc))
        now = self._monotonic()
        if not self._bad_times or now - self._bad_times[-1] > BAD_WINDOW_S:
            logger.warning("%s stream: a frame was passed over: %s", self._kind.name, exc)
        self._bad_times.append(now)
        if len(self._bad_times) == BAD_FRAMES and now - self._bad_times[0] < BAD_WINDOW_S:
            error = exc if isinstance(exc, ProtocolError) else ProtocolError(f"nested too deeply: {exc}")
            self.end(error)

    def subscribe(self, topics: Sequence[Topic]) -> None:
        """Ask for more topics on this connection."""
        self.session.subscribe(topics, self._monotonic())
        self._take_output()

    def unsubscribe(self, topics: Sequence[Topic]) -> None:
        """Give topics back."""
        self.session.unsubscribe(topics, self._monotonic())
        self._take_output()

    def resubscribe(self, topic: Topic) -> None:
        """Give a silent topic back and ask for it again."""
        self.session.resubscribe(topic, self._monotonic())
        self._take_output()

    def _take_output(self, found: Sequence[Event] = ()) -> Sequence[Event]:
        """Act on what the session says, and return the events of the frame that it was said with.

        They come after that, unless a topic is refused: what was heard of it before would be lost.
        """
        session = self.session
        while session.has_output:
            for signal in session.take_signals():
                if found and isinstance(signal, Refused):
                    self._route(found)
                    found = ()
                self._act(signal)
            frames = session.frames_to_send()
            if frames:
                self._outbox.post(frames)
        if session.deadline is not None and not self._ended.done():
            self._watchdog.watch(self._look, session.deadline)
        return found

    def _act(self, signal: Signal) -> None:
        if isinstance(signal, Fetch):
            if self._ended.done():
                return
            self._ask(self._fetch_for(signal))
        elif isinstance(signal, Identify):
            if not self._ended.done():
                self._ask(self._identify())
        elif isinstance(signal, Failed):
            self.end(signal.error)
        else:
            self._on_signal(_masked(signal, self._redact))

    def _ask(self, asking: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(asking, name=f"brokerwire fetch {self._kind.name}")
        self._fetches.add(task)
        task.add_done_callback(self._fetches.discard)

    async def _identify(self) -> None:
        """Give the session the credentials and the token to speak with; without any at first, there is no use."""
        try:
            access = await self._access()
        except BrokerwireError as exc:
            if not self._is_identified:
                self.end(exc)
            return  # what was said before is good as long as it is; the session asks again
        self._is_identified = True
        cast(IdentifiedSession, self.session).receive_access(access, self._monotonic())
        self._take_output()

    async def _fetch_for(self, wish: Fetch) -> None:
        try:
            answer = await self._fetch(wish.request)
        except BrokerwireError as exc:
            logger.warning("%s stream: a snapshot could not be fetched: %s", self._kind.name, exc)
            answer = NO_ANSWER
        try:
            events = self.session.receive_response(wish.key, answer, self._monotonic())
        except ProtocolError as exc:
            self._count_bad(exc)
            return
        self._deliver(events)

    def _deliver(self, events: Sequence[Event]) -> None:
        """Pass on what an input other than a frame gave: what the session says comes before its events."""
        events = self._take_output(events)
        if events:
            self._route(events)

    def _look(self, now: float, was_held_up: bool) -> float:  # the watchdog's call
        """Ask the session about its deadline and the wire about its silence."""
        session = self.session
        if session.deadline is not None and session.deadline <= now:
            self._deliver(session.handle_timeout(now))
        if self.last_frame_ns != self._seen_ns or was_held_up or self.transport.reading.is_shut:
            self._seen_ns = self.last_frame_ns
            self._silent_since = now
        silent_s = now - self._silent_since
        if silent_s >= self._kind.silence_s:
            self.end(ConnectionLostError(f"nothing arrived for {silent_s:.0f} s"))
        next_look = now + self._kind.silence_s / LOOKS_PER_SILENCE
        return next_look if session.deadline is None else min(next_look, max(session.deadline, now))


def _masked(signal: Signal, redact: Callable[[str], str]) -> Signal:
    """Return a signal whose words, some of which may be the venue's, hold no secret."""
    if isinstance(signal, Refused):
        mask_error(signal.error, redact)
    elif isinstance(signal, Interrupted | GapFound):
        return msgspec.structs.replace(signal, reason=redact(signal.reason))
    elif isinstance(signal, Remark):
        return msgspec.structs.replace(signal, text=redact(signal.text))
    return signal
