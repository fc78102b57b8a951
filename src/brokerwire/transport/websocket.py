"""An aiohttp WebSocket as frames."""

from collections.abc import Mapping
from typing import Any, cast

import aiohttp
from aiohttp import WSMsgType
from yarl import URL

from brokerwire.errors import BrokerwireError, ConnectionLostError
from brokerwire.redact import clean
from brokerwire.transport.frame_gate import GatedSocket
from brokerwire.transport.frame_transport import ConnectionEnd, OnFrames, ReadGate
from brokerwire.transport.http import HttpClient, translate_failures
from brokerwire.typedefs import Frame
from brokerwire.venue import Response

_DATA = (WSMsgType.TEXT, WSMsgType.BINARY)


class HandshakeRefused(Exception):
    """The server answered the handshake with an ordinary response."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"the handshake was answered with status {response.status}")
        self.response = response


async def open_websocket(
    http: HttpClient,
    url: str,
    *,
    headers: Mapping[str, str],
    ping_s: float | None,
    max_message_bytes: int,
    close_s: float,
) -> "WebSocketTransport":
    """Open a WebSocket; compression is off, for a frame's sake and the clock's.

    Raises:
        HandshakeRefused: The server answered with something else than 101.
        VenueUnavailableError: It could not be reached.
    """
    async with translate_failures(url):
        try:
            socket = await http.session.ws_connect(
                URL(url, encoded=True),
                headers=headers,
                heartbeat=ping_s,
                max_msg_size=max_message_bytes,
                timeout=aiohttp.ClientWSTimeout(ws_close=close_s),  # pyright: ignore[reportCallIssue]  # an attrs class
                compress=0,
                decode_text=False,
                proxy=http.proxy_for(url),
                ssl=http.ssl_context(),
            )
        except aiohttp.WSServerHandshakeError as exc:
            if exc.status == 101:
                raise
            raise HandshakeRefused(_response_of(exc)) from None  # its text shows the whole address
    return WebSocketTransport(cast(GatedSocket, socket), max_message_bytes=max_message_bytes)


def _response_of(refusal: aiohttp.WSServerHandshakeError) -> Response:
    headers = {name.lower(): value for name, value in (refusal.headers or {}).items()}
    return Response(refusal.status, headers)


class WebSocketTransport:
    """One open WebSocket."""

    def __init__(self, socket: GatedSocket, *, max_message_bytes: int) -> None:
        self._socket = socket
        self._max_message_bytes = max_message_bytes
        self.reading = ReadGate()

    async def pump(self, on_frames: OnFrames) -> ConnectionEnd:
        """Push every message into ``on_frames`` until the socket ends; most come through the gate."""
        gate = self._socket.gate
        gate.open(on_frames, self.reading, most_bytes=self._max_message_bytes)
        try:
            while True:
                message = await self._socket.receive()
                if message.type not in _DATA:
                    return self._ended(message)
                on_frames([message.data])
                gate.received()
                await self.reading.passage()
        finally:
            gate.shut()

    def _ended(self, message: Any) -> ConnectionEnd:
        if message.type is WSMsgType.ERROR:
            return ConnectionEnd(self._socket.close_code, error=_lost(message.data))
        reason = message.extra if isinstance(message.extra, str) else ""
        return ConnectionEnd(self._socket.close_code, clean(reason))

    def hurry(self) -> None:
        """Do nothing: frames come by themselves."""

    async def send(self, frame: Frame) -> None:
        """Send one text message, already encoded.

        Raises:
            ConnectionLostError: The socket is gone.
        """
        try:
            await self._socket.send_frame(frame, WSMsgType.TEXT)
        except (ConnectionError, RuntimeError, aiohttp.ClientError) as exc:
            raise _lost(exc) from exc

    async def close(self) -> None:
        """Close the socket politely, waiting for the other side no longer than its close timeout."""
        self.reading.open()
        await self._socket.close()


def _lost(cause: object) -> BrokerwireError:
    return ConnectionLostError(f"the WebSocket broke: {clean(str(cause) or type(cause).__name__)}")
