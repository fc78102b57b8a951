"""StreamHandler: the data socket at its lowest: sessions, framed messages, packets."""

import json
import secrets
import string
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from brokerwire.client.client import Client
from brokerwire.client.sync_client import SyncClient
from brokerwire.compat.packet_stream import PacketStream
from brokerwire.compat.packets import PacketEvent
from brokerwire.compat.tv_scraper.arguments import ANONYMOUS_TOKEN
from brokerwire.errors import ProtocolError, StreamError
from brokerwire.venue import encode_query
from brokerwire.venues.tradingview import spec
from brokerwire.venues.tradingview.wire import pack, unpack

QUOTE_FIELDS = (*spec.QUOTE_FIELDS, "local_description", "language", "fractional", "minmove2", "original_name")


class PacketSocket:
    """What ``StreamHandler.ws`` is: sends and receives framed text; heartbeats are answered and never seen."""

    def __init__(self, client: SyncClient, url: str | None) -> None:
        self._client = client
        self._packets = client.run(lambda inner: _opened(inner, url))

    def send(self, message: str) -> None:
        """Send framed packets, ``~m~length~m~payload``, one or more.

        Raises:
            ProtocolError: It is not packets from end to end.
            StreamError: The socket was closed.
        """
        try:
            payloads = unpack(message.encode())
        except ValueError as exc:
            raise ProtocolError("a message to send is ~m~length~m~payload") from exc
        for payload in payloads:
            self.say(payload.decode())

    def say(self, payload: str) -> None:
        """Send one packet, which gets its frame here.

        Raises:
            StreamError: The socket was closed.
            BrokerwireError: It cannot be kept; the reason.
        """
        self._client.run(lambda _: self._packets.say(payload))

    def recv(self, timeout: float | None = None) -> str:
        """Return the next packet with its frame.

        Raises:
            TimeoutError: None came in ``timeout`` seconds.
            BrokerwireError: The socket was closed, or cannot be kept.
        """
        return pack(self.hear(timeout).text.encode()).decode()

    def hear(self, timeout: float | None = None) -> PacketEvent:
        """Return the next packet; raises what ``recv`` raises."""
        return self._client.run(lambda _: self._packets.hear(timeout))

    def close(self) -> None:
        """Close the socket; safe to call twice, and after its client was closed."""
        with suppress(StreamError):
            self._client.run(lambda _: self._packets.close())


class StreamHandler:
    """One connection to the data socket, with a quote session and a chart session opened on it.

    The connection is kept: after a reconnect everything that was sent is sent again, so that sessions go on. Heartbeats
    are answered. ``ws`` sends and receives framed text, ``receive`` parsed packets.

    Args:
        websocket_url: Another address of the data socket; None is the environment's.
        jwt_token: A token of TradingView's.
        client: A client to use, which is not closed with this.

    Raises:
        BrokerwireError: The socket could not be opened.
    """

    def __init__(
        self,
        websocket_url: str | None = None,
        jwt_token: str = ANONYMOUS_TOKEN,
        *,
        client: SyncClient | None = None,
    ) -> None:
        self._is_owner = client is None
        self._client = SyncClient("tradingview") if client is None else client
        self.quote_session = self.generate_session("qs_")
        self.chart_session = self.generate_session("cs_")
        try:
            self.ws = PacketSocket(self._client, websocket_url)
            self._open_sessions(jwt_token)
        except BaseException:
            self._close_client()
            raise

    def _open_sessions(self, jwt_token: str) -> None:
        self.send_message("set_auth_token", [jwt_token])
        self.send_message("set_locale", ["en", "US"])
        self.send_message("chart_create_session", [self.chart_session, ""])
        self.send_message("quote_create_session", [self.quote_session])
        self.send_message("quote_set_fields", [self.quote_session, *QUOTE_FIELDS])

    @staticmethod
    def generate_session(prefix: str = "qs_") -> str:
        """Return ``prefix`` and twelve random small letters."""
        return prefix + "".join(secrets.choice(string.ascii_lowercase) for _ in range(12))

    @staticmethod
    def prepend_header(message: str) -> str:
        """Return a message with its length in front, ``~m~length~m~message``."""
        return f"~m~{len(message)}~m~{message}"

    @staticmethod
    def construct_message(func: str, param_list: list[Any]) -> str:
        """Return a method call as compact JSON in ASCII."""
        return json.dumps({"m": func, "p": param_list}, separators=(",", ":"))

    def create_message(self, func: str, param_list: list[Any]) -> str:
        """Return a method call with its frame."""
        return self.prepend_header(self.construct_message(func, param_list))

    def send_message(self, func: str, args: list[Any]) -> None:
        """Call a method of TradingView's.

        Raises:
            StreamError: The socket was closed.
        """
        self.ws.say(self.construct_message(func, args))

    def receive(self, timeout: float | None = None) -> dict[str, Any]:
        """Return the next packet, mostly ``{"m": method, "p": [...]}``.

        Raises:
            TimeoutError: None came in ``timeout`` seconds.
            BrokerwireError: The socket was closed, or cannot be kept.
        """
        packet: dict[str, Any] = self.ws.hear(timeout).raw
        return packet

    def close(self) -> None:
        """Close the socket; safe to call twice."""
        self.ws.close()
        self._close_client()

    def _close_client(self) -> None:
        if self._is_owner:
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


async def _opened(client: Client, url: str | None) -> PacketStream:
    await client.start()
    address = client.endpoints.get("stream", "")
    stream = PacketStream(client, url or f"{address}{spec.SOCKET_PATH}?{encode_query(spec.SOCKET_QUERY)}")
    await stream.open()
    return stream
