"""An aiohttp WebSocket as frames."""

from collections.abc import Mapping
from typing import Any

import aiohttp
from aiohttp import WSMsgType
from yarl import URL

from brokerwire.errors import BrokerwireError, ConnectionLostError
from brokerwire.redact import clean
from brokerwire.transport.frame_transport import ConnectionEnd, OnFrame, ReadGate
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
    return WebSocketTransport(socket)


def _response_of(refusal: aiohttp.WSServerHandshakeError) -> Response:
    headers = {name.lower(): value for name, value in (refusal.headers or {}).items()}
    return Response(refusal.status, headers)


class WebSocketTransport:
    """One open WebSocket."""

    def __init__(self, socket: "aiohttp.ClientWebSocketResponse[bool]") -> None:
        self._socket = socket
        self.reading = ReadGate()

    async def pump(self, on_frame: OnFrame) -> ConnectionEnd:
        """Push every message into ``on_frame`` until the socket ends."""
        receive = self._socket.receive
        reading = self.reading
        text = WSMsgType.TEXT
        while True:
            message = await receive()
            if message.type is text or message.type in _DATA:
                on_frame(message.data)
                if reading.is_shut:
                    await reading.passage()
            else:
                return self._ended(message)

    def _ended(self, message: Any) -> ConnectionEnd:
        if message.type is WSMsgType.ERROR:
            return ConnectionEnd(self._socket.close_code, error=_lost(message.data))
        reason = message.extra if isinstance(message.extra, str) else ""
        return ConnectionEnd(self._socket.close_code, clean(reason))

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
