"""One WebSocket connection of a client: outbox, pings, lifetime, inbound limit, and the ways it can end."""

import asyncio
import socket as sockets
import struct
from collections import deque
from collections.abc import Callable

from aiohttp import ClientConnectionResetError, WSMsgType, web

from brokerwire.clock import Clock
from brokerwire.simulator.fronts.binance import framing
from brokerwire.simulator.fronts.binance.limits import Settings, SlidingLimit

_BATCH_FRAMES = 512
_BATCH_BYTES = 1024 * 1024
_CLOSE_WAIT_S = 1.0
_HEARD = frozenset({WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PING, WSMsgType.PONG})
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)

POLICY_VIOLATION = 1008
GOING_AWAY = 1001


class Connection:
    """A connected client; frames go out in the order they were put, heartbeats before them.

    ``on_text`` gets every text or binary message that is within the limits; ``report`` names violations.
    """

    def __init__(
        self,
        request: web.Request,
        *,
        clock: Clock,
        settings: Settings,
        on_text: Callable[[bytes], None],
        report: Callable[[str], None],
    ) -> None:
        self._request = request
        self._transport = transport_of(request)
        self._clock = clock
        self._settings = settings
        self._on_text = on_text
        self._report = report
        self._socket: web.WebSocketResponse[bool] = web.WebSocketResponse(
            timeout=_CLOSE_WAIT_S,
            autoclose=False,
            autoping=False,
            compress=False,
            writer_limit=0,
            decode_text=False,
        )
        self._inbound = SlidingLimit(settings.inbound_per_second, 1.0)
        self._outbox: deque[bytes] = deque()
        self._outbox_bytes = 0
        self._wake = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._unanswered: dict[bytes, float] = {}
        self._timers: list[asyncio.TimerHandle] = []
        self._byte_interval_s = 0.0
        self._is_silent = False
        self._is_ending = False

    async def run(self, on_open: Callable[[], None]) -> web.StreamResponse:
        """Serve the connection until either side ends it; nothing of it is left afterwards."""
        await self._socket.prepare(self._request)
        on_open()
        writer = asyncio.get_running_loop().create_task(self._write(), name="simulator-writer")
        self.call_later(self._settings.ping_interval_s, self._ping)
        self.call_later(self._settings.lifetime_s, self.finish, GOING_AWAY, "")
        try:
            await self._read()
        finally:
            await self._end(writer)
        return self._socket  # pragma: no cover - the line is gone by now, and aiohttp cancels whoever served it

    async def _end(self, writer: asyncio.Task[None]) -> None:
        self._is_ending = True
        for timer in self._timers:
            timer.cancel()
        self._drained.set()
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)

    def call_later(self, delay_s: float, act: Callable[..., None], *arguments: object) -> None:
        """Call ``act`` after a delay unless the connection ends before; a delay of 0 means never."""
        if delay_s > 0:
            loop = asyncio.get_running_loop()
            now_s = loop.time()
            self._timers = [timer for timer in self._timers if not timer.cancelled() and timer.when() > now_s]
            self._timers.append(loop.call_later(delay_s, act, *arguments))

    def put(self, wire: bytes) -> None:
        """Queue one frame. A client that lets too much pile up is cut off, as the venue would."""
        if self._is_ending or self._is_silent:
            return
        self._outbox.append(wire)
        self._outbox_bytes += len(wire)
        self._wake.set()
        if self._outbox_bytes > self._settings.max_outbox_bytes:
            self._report("slow_consumer")
            self.abort()

    def put_first(self, wire: bytes) -> None:
        """Queue a heartbeat ahead of the data."""
        if not self._is_ending and not self._is_silent:
            self._outbox.appendleft(wire)
            self._outbox_bytes += len(wire)
            self._wake.set()

    def put_text(self, payload: bytes) -> None:
        """Queue one text message."""
        self.put(framing.text_frame(payload))

    async def drained(self) -> None:
        """Wait until what was put has been handed to the operating system, or the connection ended."""
        if self._outbox and not self._is_ending:
            self._drained.clear()
            await self._drained.wait()

    def finish(self, code: int, reason: str, wait_s: float = _CLOSE_WAIT_S) -> None:
        """Close with a close frame after what is queued; 1006 means without one.

        The client has ``wait_s`` to answer before the line is cut.
        """
        if self._is_ending:
            return
        if code == 1006 or self._is_silent:
            self.abort()
            return
        self._flush()
        self._transport.write(framing.frame(framing.CLOSE, code.to_bytes(2, "big") + reason.encode()))
        self.call_later(wait_s, self.abort)
        self._is_ending = True

    def _flush(self) -> None:
        self._transport.write(b"".join(self._outbox))
        self._outbox.clear()
        self._drained.set()

    def abort(self) -> None:
        """Drop the connection without a close frame; the client sees 1006."""
        self._is_ending = True
        self._transport.abort()

    def reset_within(self, wire: bytes) -> None:
        """Send half a frame and reset the connection."""
        self._flush()
        self._transport.write(wire[: max(2, len(wire) // 2)])
        raw = self._transport.get_extra_info("socket")
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, _RESET_ON_CLOSE)
        self.abort()

    def fall_silent(self) -> None:
        """Neither read nor write any more, but keep the connection: a black hole."""
        self._is_silent = True
        self._outbox.clear()
        for timer in self._timers:
            timer.cancel()
        self._transport.pause_reading()

    def trickle(self, byte_interval_s: float) -> None:
        """From now on send one byte per interval; 0 sends normally again."""
        self._byte_interval_s = byte_interval_s

    async def _write(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._outbox:
                    await self._write_batch()
                self._drained.set()
        except (ClientConnectionResetError, ConnectionError):
            self._is_ending = True
            self._drained.set()

    async def _write_batch(self) -> None:
        batch = self._take_batch()
        if self._byte_interval_s:
            await self._write_bytewise(b"".join(batch))
            return
        last = batch.pop() if batch[-1][0] == framing.TEXT else None
        if batch:
            self._transport.write(b"".join(batch))
        if last is not None:
            await self._socket.send_frame(framing.payload_of(last), WSMsgType.TEXT)

    def _take_batch(self) -> list[bytes]:
        batch: list[bytes] = []
        size = 0
        while self._outbox and len(batch) < _BATCH_FRAMES and size < _BATCH_BYTES:
            wire = self._outbox.popleft()
            size += len(wire)
            batch.append(wire)
        self._outbox_bytes -= size
        return batch

    async def _write_bytewise(self, data: bytes) -> None:
        sent = 0
        while sent < len(data) and self._byte_interval_s:
            self._transport.write(data[sent : sent + 1])
            sent += 1
            await self._clock.sleep(self._byte_interval_s)
        self._transport.write(data[sent:])

    async def _read(self) -> None:
        while (message := await self._socket.receive()).type in _HEARD:
            self._hear(message.type, bytes(message.data))
        if message.type is WSMsgType.CLOSE:  # pragma: no branch - coverage loses sight of errors from compiled code
            self._answer_close(message.data)

    def _hear(self, kind: WSMsgType, data: bytes) -> None:
        if kind is WSMsgType.PING:
            self._count_inbound()
            self.put_first(framing.frame(framing.PONG, data))
        elif kind is WSMsgType.PONG:
            self._count_inbound()
            self._match_pong(data)
        else:
            self._receive(data)

    def _answer_close(self, code: int) -> None:
        if not self._is_ending:
            self._flush()
            self._transport.write(framing.frame(framing.CLOSE, code.to_bytes(2, "big") if code else b""))
        self._is_ending = True
        self._transport.close()

    def _receive(self, payload: bytes) -> None:
        if not self._count_inbound():
            return
        if 0 < self._settings.max_frame_bytes < len(payload):
            self._report("frame_too_large")
            return
        self._on_text(payload)

    def _count_inbound(self) -> bool:
        if self._is_ending:
            return False
        if self._inbound.allows(self._clock.monotonic()):
            return True
        self._report("too_many_messages")
        self.finish(POLICY_VIOLATION, "Too many requests")
        return False

    def _ping(self) -> None:
        now_s = self._clock.monotonic()
        oldest_s = min(self._unanswered.values(), default=now_s)
        if 0 < self._settings.pong_timeout_s <= now_s - oldest_s:
            self._report("pong_timeout")
            self.finish(POLICY_VIOLATION, "Pong timeout")
            return
        payload = b"%013d" % (self._clock.time_ns() // 1_000_000)
        self._unanswered.setdefault(payload, now_s)
        self.put_first(framing.frame(framing.PING, payload))
        self.call_later(self._settings.ping_interval_s, self._ping)

    def _match_pong(self, payload: bytes) -> None:
        if payload in self._unanswered:
            self._unanswered.clear()


def transport_of(request: web.Request) -> asyncio.Transport:
    """Return the transport of a request that is being served.

    Raises:
        ConnectionResetError: The client has gone already.
    """
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client has gone")
    return transport
