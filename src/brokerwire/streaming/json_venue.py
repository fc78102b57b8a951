"""Any address as a venue of its own: one topic, every frame parsed JSON."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import msgspec

from brokerwire.errors import (
    BrokerwireError,
    ConfigurationError,
    ConnectionLostError,
    ProtocolError,
    RequestError,
    StreamError,
    VenueUnavailableError,
)
from brokerwire.events import Event, Topic, stamp
from brokerwire.redact import clean
from brokerwire.typedefs import Frame, Headers
from brokerwire.venue import Accepted, Access, Endpoints, Request, Response, Signal, StreamKind, Transport, Venue

HeaderSource: TypeAlias = Headers | Callable[[], Headers] | None
"""Headers of a dial, or a function that is asked for them at each dial."""

PING_S = 10.0
HTTP_SILENCE_S = 60.0
"""A line stream without a line for this long is dialled anew; its own heartbeat is not known here."""

_KINDS: Mapping[Transport, StreamKind] = {
    "websocket": StreamKind(name="websocket", transport="websocket", ping_s=PING_S, silence_s=float("inf")),
    "http_lines": StreamKind(name="http", transport="http_lines", silence_s=HTTP_SILENCE_S, is_fixed=True),
}
_TRANSPORTS: Mapping[str, Transport] = {
    "ws": "websocket",
    "wss": "websocket",
    "http": "http_lines",
    "https": "http_lines",
}


def transport_of(url: str) -> Transport:
    """Return what carries ``url``.

    Raises:
        ConfigurationError: Its scheme is none of ws, wss, http, https.
    """
    transport = _TRANSPORTS.get(urlsplit(url).scheme)
    if transport is None:
        raise ConfigurationError("a stream's address must start with ws://, wss://, http:// or https://")
    return transport


def json_venue(url: str, headers: HeaderSource) -> Venue:
    """Return a venue whose only stream is ``url``."""
    kind = _KINDS[transport_of(url)]
    parts = urlsplit(url)
    base = f"{parts.scheme}://{parts.netloc}"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    topic = Topic("message", base)
    return Venue(
        name=parts.hostname or "",
        capabilities={},
        endpoints=Endpoints({"stream": base}, {}),
        credentials={},
        build_topic=lambda *_: topic,
        kind_of=lambda _: kind,
        build_dial=lambda *_: Request(endpoint="stream", path=target),
        new_session=lambda *_: JsonSession(),
        authorize=partial(_with_headers, headers),
        error_from=_error_from,
        close_error=_close_error,
        operations={},
    )


def _with_headers(headers: HeaderSource, request: Request, _access: Access) -> Request:
    given = headers() if callable(headers) else headers or {}
    return msgspec.structs.replace(request, headers=dict(given))


def _error_from(response: Response) -> BrokerwireError:
    text = f"the server answered with status {response.status}"
    if response.status >= 500 or response.status == 429:
        return VenueUnavailableError(text, status=response.status)
    return RequestError(text, status=response.status)


def _close_error(close_code: int, reason: str) -> BrokerwireError:
    text = f"the server closed the connection with code {close_code} {reason}".rstrip()
    if close_code in {1002, 1003, 1007, 1009, 1010}:
        return StreamError(text, close_code=close_code)
    return ConnectionLostError(text, close_code=close_code)


class JsonSession:
    """Passes every JSON frame on."""

    has_output = False
    deadline: float | None = None
    unknown_messages = 0

    def __init__(self) -> None:
        self._topics: list[Topic] = []
        self._signals: list[Signal] = []
        self._decode = msgspec.json.Decoder().decode

    def handle_open(self, now: float) -> None:
        """Count the topic as accepted: there is nothing to ask for."""
        self._signals.append(Accepted(tuple(self._topics)))
        self.has_output = True

    def recall(self, topic: Topic, newest: Sequence[Event]) -> bool:
        """Do nothing: what was missed cannot be asked for."""
        return False

    def subscribe(self, topics: Sequence[Topic], now: float) -> None:
        """Want the one topic."""
        self._topics = list(topics)

    def unsubscribe(self, topics: Sequence[Topic], now: float) -> None:
        """Want nothing."""
        self._topics = []

    def resubscribe(self, topic: Topic, now: float) -> None:
        """Do nothing: the protocol is the user's."""

    def receive(self, frame: Frame, now: float, received_ns: int) -> Sequence[Event]:
        """Return the frame as one event.

        Raises:
            ProtocolError: It is not JSON.
        """
        try:
            message = self._decode(frame)
        except msgspec.DecodeError as exc:
            raise ProtocolError(f"not JSON: {exc}", excerpt=clean(repr(frame[:80]))) from exc
        events = [Event(topic.symbol, topic.symbol, None, received_ns) for topic in self._topics]
        for topic, event in zip(self._topics, events, strict=True):
            stamp(event, topic, message)
        return events

    def receive_response(self, key: Any, response: Response, now: float) -> Sequence[Event]:
        """Return nothing: nothing is fetched."""
        return ()

    def handle_timeout(self, now: float) -> Sequence[Event]:
        """Return nothing: there is no deadline."""
        return ()

    def handle_close(self, now: float) -> Sequence[Event]:
        """Return nothing: nothing is held back."""
        return ()

    def take_signals(self) -> list[Signal]:
        """Return what happened since the last call."""
        signals, self._signals = self._signals, []
        self.has_output = False
        return signals

    def frames_to_send(self) -> list[Frame]:
        """Return nothing: the user sends."""
        return []
