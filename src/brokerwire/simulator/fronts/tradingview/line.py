"""One WebSocket of a client: packets gathered into messages, heartbeats, and the ways it can end."""

import asyncio
import socket as sockets
import struct
from collections import deque
from collections.abc import Callable

import msgspec
from aiohttp import ClientConnectionResetError, WSMsgType, web

from brokerwire.clock import Clock
from brokerwire.simulator.fronts.tradingview import framing
from brokerwire.simulator.fronts.tradingview.settings import Settings

_BATCH_PACKETS = 256
_CLOSE_WAIT_S = 1.0
_TEXT = 0x81
_CLOSE = 0x88
_DATA = frozenset({WSMsgType.TEXT, WSMsgType.BINARY})
_REASON_BYTES = 120
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)

NORMAL = 1000
GOING_AWAY = 1001
NO_CODE = 1005
ABNORMAL = 1006


class _Waiting(msgspec.Struct, frozen=True, gc=False):
    """A packet, or a message that goes out alone."""

    text: str
    is_alone: bool = False


class Line:
    """A connected client. Packets go out in the order they were put, many in one message when they wait together.

    ``on_text`` gets every message; ``report`` names what the client did wrong.
    """

    def __init__(
        self,
        request: web.Request,
        *,
        clock: Clock,
        settings: Settings,
        on_text: Callable[[str], None],
        report: Callable[[str], None],
    ) -> None:
        self._request = request
        self._transport = transport_of(request)
        self._clock = clock
        self._settings = settings
        self._on_text = on_text
        self._report = report
        self._socket: web.WebSocketResponse[bool] = web.WebSocketResponse(
            timeout=_CLOSE_WAIT_S, compress=False, max_msg_size=4 * 1024 * 1024, writer_limit=0
        )
        self._outbox: deque[_Waiting] = deque()
        self._outbox_size = 0
        self._behind: list[str] = []
        self._wake = asyncio.Event()
        self._timers: list[asyncio.TimerHandle] = []
        self._beats = 0
        self._unanswered: dict[int, float] = {}
        self._byte_interval_s = 0.0
        self._packs_heartbeats = settings.heartbeats == "behind"
        self._holds_heartbeats = False
        self._is_silent = False
        self._is_ending = False

    @property
    def is_ending(self) -> bool:
        return self._is_ending

    async def run(self, on_open: Callable[[], None]) -> web.StreamResponse:
        """Serve the connection until either side ends it; nothing of it is left afterwards."""
        await self._socket.prepare(self._request)
        on_open()
        writer = asyncio.get_running_loop().create_task(self._write(), name="simulator-writer")
        self.call_later(self._settings.heartbeat_s, self._beat)
        try:
            await self._read()
        finally:
            await self._end(writer)
        return self._socket

    async def _end(self, writer: asyncio.Task[None]) -> None:
        self._is_ending = True
        for timer in self._timers:
            timer.cancel()
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)

    async def _read(self) -> None:
        while (message := await self._socket.receive()).type in _DATA:
            text = message.data if message.type is WSMsgType.TEXT else bytes(message.data).decode(errors="replace")
            if not self._is_ending:
                self._on_text(text)

    def call_later(self, delay_s: float, act: Callable[..., None], *arguments: object) -> None:
        """Call ``act`` after a delay unless the connection ends before; a delay of 0 means never."""
        if delay_s > 0:
            loop = asyncio.get_running_loop()
            now_s = loop.time()
            self._timers = [timer for timer in self._timers if not timer.cancelled() and timer.when() > now_s]
            self._timers.append(loop.call_later(delay_s, act, *arguments))

    def put(self, packet: str) -> None:
        """Queue one packet. A client that lets too much pile up is cut off."""
        self._queue(_Waiting(packet))

    def put_message(self, text: str) -> None:
        """Queue one message that is not mixed with others."""
        self._queue(_Waiting(text, is_alone=True))

    def _queue(self, waiting: _Waiting) -> None:
        if self._is_ending or self._is_silent:
            return
        self._outbox.append(waiting)
        self._outbox_size += len(waiting.text)
        self._wake.set()
        if self._outbox_size > self._settings.max_outbox_bytes:
            self._report("slow_consumer")
            self.abort()

    def pack_heartbeats(self, *, behind: bool) -> None:
        """From now on put heartbeats behind data, in the same message, or in messages of their own."""
        self._packs_heartbeats = behind or self._settings.heartbeats == "behind"

    def hold_heartbeats(self, *, held: bool) -> None:
        """Stop sending heartbeats, or go on."""
        self._holds_heartbeats = held

    def _beat(self) -> None:
        now_s = self._clock.monotonic()
        oldest_s = min(self._unanswered.values(), default=now_s)
        if 0 < self._settings.echo_within_s <= now_s - oldest_s:
            self._report("heartbeat_not_echoed")
            self.finish(NO_CODE)
            return
        if not self._holds_heartbeats:
            self._send_heartbeat(now_s)
        self.call_later(self._settings.heartbeat_s, self._beat)

    def _send_heartbeat(self, now_s: float) -> None:
        self._beats += 1
        self._unanswered[self._beats] = now_s
        packet = framing.pack_heartbeat(self._beats)
        if self._packs_heartbeats:
            self._behind.append(packet)
        else:
            self.put_message(packet)

    def match_heartbeat(self, number: int) -> bool:
        """Note the echo of a heartbeat; False when none with this number was sent."""
        return self._unanswered.pop(number, None) is not None

    def finish(self, code: int, reason: str = "") -> None:
        """Close with a close frame after what is queued: 1005 means without a code, 1006 without a close frame."""
        if self._is_ending:
            return
        if code == ABNORMAL or self._is_silent:
            self.abort()
            return
        self._flush()
        said = b"" if code == NO_CODE else code.to_bytes(2, "big") + reason.encode()[:_REASON_BYTES]
        self._transport.write(_frame(_CLOSE, said))
        self.call_later(_CLOSE_WAIT_S, self.abort)
        self._is_ending = True

    def abort(self) -> None:
        """Drop the connection without a close frame; the client sees 1006."""
        self._is_ending = True
        self._transport.abort()

    def reset_within(self, packet: str) -> None:
        """Send half of a message and reset the connection."""
        self._flush()
        wire = _frame(_TEXT, packet.encode())
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

    def _flush(self) -> None:
        while self._outbox:
            self._transport.write(_frame(_TEXT, self._gather().encode()))

    def _gather(self) -> str:
        first = self._outbox.popleft()
        packets = [first.text]
        if not first.is_alone:
            limit = self._settings.packets_per_message or _BATCH_PACKETS
            while self._outbox and len(packets) < limit and not self._outbox[0].is_alone:
                packets.append(self._outbox.popleft().text)
            packets += self._behind
            self._behind.clear()
        text = "".join(packets)
        self._outbox_size = max(0, self._outbox_size - len(text))
        return text

    async def _write(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._outbox:
                    await self._write_one(self._gather())
        except (ClientConnectionResetError, ConnectionError):
            self._is_ending = True

    async def _write_one(self, text: str) -> None:
        if not self._byte_interval_s:
            await self._socket.send_str(text)
            return
        data = _frame(_TEXT, text.encode())
        sent = 0
        while sent < len(data) and self._byte_interval_s:
            self._transport.write(data[sent : sent + 1])
            sent += 1
            await self._clock.sleep(self._byte_interval_s)
        self._transport.write(data[sent:])


def _frame(opcode: int, payload: bytes) -> bytes:
    """Return one final, unmasked WebSocket frame (RFC 6455 §5.2)."""
    length = len(payload)
    if length < 126:
        return bytes((opcode, length)) + payload
    if length < 65_536:
        return bytes((opcode, 126)) + length.to_bytes(2, "big") + payload
    return bytes((opcode, 127)) + length.to_bytes(8, "big") + payload


def transport_of(request: web.Request) -> asyncio.Transport:
    """Return the transport of a request that is being served.

    Raises:
        ConnectionResetError: The client has gone already.
    """
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client has gone")
    return transport
