"""TradingView's data socket as packets: what is said to it is said again on every further connection."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from brokerwire.errors import ProtocolError, StreamError
from brokerwire.events import Event, Topic, stamp
from brokerwire.redact import clean
from brokerwire.typedefs import Frame
from brokerwire.venue import Accepted, Endpoints, Failed, Request, Response, Signal, Venue
from brokerwire.venues.tradingview import spec
from brokerwire.venues.tradingview.auth import fatal_error
from brokerwire.venues.tradingview.rest import close_error, error_from
from brokerwire.venues.tradingview.wire import Packet, pack, unpack

MOST_PACKETS = 2_000
"""So many packets can be said to one socket, since all of them are kept for the next connection."""

_HEARD = "packets"
_SAID = "said"
_KIND = msgspec.structs.replace(spec.DATA, max_topics=MOST_PACKETS)
_decode = msgspec.json.Decoder().decode
_decode_packet = msgspec.json.Decoder(Packet).decode


class PacketEvent(Event, frozen=True, gc=False):
    """One packet of the venue; ``text`` is its payload, ``raw`` that parsed."""

    text: str = ""


def packet_venue(url: str, said: Sequence[str]) -> Venue:
    """Return a venue whose only stream is the data socket at ``url``; without the origin it would be refused.

    ``said`` are the payloads of the packets to say, by the numbers of their topics: topics are shown, and a token is
    among what is said.
    """
    parts = urlsplit(url)
    base = f"{parts.scheme}://{parts.netloc}"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Venue(
        name=spec.NAME,
        capabilities={},
        endpoints=Endpoints({"stream": base}, {}),
        credentials={},
        budgets=spec.BUDGETS,
        build_topic=lambda *_: heard_topic(),
        kind_of=lambda _: _KIND,
        build_dial=lambda *_: Request(
            endpoint="stream", path=target, headers={"Origin": spec.ORIGIN}, bucket=spec.DATA.bucket
        ),
        new_session=lambda *_: PacketSession(said),
        authorize=lambda request, _: request,
        error_from=error_from,
        close_error=close_error,
        operations={},
    )


def heard_topic() -> Topic:
    """Return the topic of what is heard."""
    return Topic(_HEARD, spec.NAME)


def said_topic(number: int) -> Topic:
    """Return the topic of a packet to say: as long as it is wanted, every connection is told it, in this order."""
    return Topic(_SAID, str(number))


class PacketSession:
    """Says what is wanted, answers heartbeats, and passes every other packet on; see ``venue.Session``."""

    def __init__(self, said: Sequence[str]) -> None:
        self._said = said
        self.has_output = False
        self.deadline: float | None = None
        self.unknown_messages = 0
        self._is_open = False
        self._heard: Topic | None = None
        self._packets: list[bytes] = []
        self._signals: list[Signal] = []
        self._unaccepted: list[Topic] = []

    def handle_open(self, now: float) -> None:
        """Say everything that is wanted."""
        self._is_open = True
        self._settle()

    def recall(self, topic: Topic, newest: Sequence[Event]) -> bool:
        """Do nothing: the packets of an outage cannot be asked for."""
        return False

    def subscribe(self, topics: Sequence[Topic], now: float) -> None:
        """Want to hear, or say something."""
        for topic in topics:
            if topic.channel == _HEARD:
                self._heard = topic
            else:
                self._packets.append(pack(self._said[int(topic.symbol)].encode()))
        self._unaccepted += topics
        self._settle()

    def unsubscribe(self, topics: Sequence[Topic], now: float) -> None:
        """Do nothing: what was said cannot be taken back."""

    def resubscribe(self, topic: Topic, now: float) -> None:
        """Do nothing: what the silence means is the user's to know."""

    def _settle(self) -> None:
        if self._is_open and self._unaccepted:
            self._signals.append(Accepted(tuple(self._unaccepted)))
            self._unaccepted = []
        self.has_output = self._is_open

    def receive(self, frame: Frame, now: float, received_ns: int) -> Sequence[Event]:
        """Return the packets of a frame as events, but for heartbeats.

        Raises:
            ProtocolError: A part of it is no packet.
        """
        try:
            payloads = unpack(frame)
            return [event for payload in payloads if (event := self._take(payload, received_ns)) is not None]
        except (ValueError, UnicodeDecodeError, msgspec.MsgspecError) as exc:
            raise ProtocolError(f"not packets: {clean(str(exc))}", excerpt=clean(repr(frame[:80]))) from exc

    def _take(self, payload: bytes, received_ns: int) -> Event | None:
        if payload[:3] == b"~h~":
            self._packets.append(pack(payload))
            self._settle()
            return None
        message = _decode(payload)
        if payload[:20] == b'{"m":"protocol_error':
            self._signals.append(Failed(fatal_error(*(_decode_packet(payload).p[:1] or [""]), can_renew=False)))
            self._settle()
        if self._heard is None:
            return None
        event = PacketEvent(spec.NAME, self._heard.symbol, None, received_ns, payload.decode())
        stamp(event, self._heard, message)
        return event

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
        return signals

    def frames_to_send(self) -> list[Frame]:
        """Return what to say, in one message."""
        if not self._is_open:
            return []
        packets, self._packets = self._packets, []
        self.has_output = False
        return [b"".join(packets)] if packets else []


def too_many() -> StreamError:
    """Return our error for more packets than a further connection could be told."""
    return StreamError(f"{MOST_PACKETS} packets were said to this socket; open another one")
