import pytest

from brokerwire.compat.packets import (
    MOST_PACKETS,
    PacketEvent,
    PacketSession,
    heard_topic,
    packet_venue,
    said_topic,
    too_many,
)
from brokerwire.errors import AuthenticationError, ProtocolError
from brokerwire.venue import Accepted, Failed
from brokerwire.venues.tradingview.wire import pack

SAID = ["one", "two", "three"]
HELLO = pack(b'{"session_id":"x"}')


@pytest.fixture
def session() -> PacketSession:
    """A session that is open, has said two packets and was told so."""
    session = PacketSession(SAID)
    session.subscribe([heard_topic(), said_topic(0), said_topic(1)], 0.0)
    session.handle_open(0.0)
    session.take_signals()
    session.frames_to_send()
    return session


def test_everything_is_said_in_its_order_once_the_connection_stands() -> None:
    session = PacketSession(SAID)
    topics = [heard_topic(), said_topic(0), said_topic(1)]
    session.subscribe(topics, 0.0)
    assert session.frames_to_send() == []
    assert not session.has_output
    session.handle_open(0.0)
    assert session.has_output
    assert session.take_signals() == [Accepted(tuple(topics))]
    assert session.frames_to_send() == [pack(b"one") + pack(b"two")]
    assert not session.has_output


def test_what_is_said_later_goes_at_once(session: PacketSession) -> None:
    topic = said_topic(2)
    session.subscribe([topic], 0.0)
    assert session.take_signals() == [Accepted((topic,))]
    assert session.frames_to_send() == [pack(b"three")]
    session.unsubscribe([topic], 0.0)
    session.resubscribe(topic, 0.0)
    assert session.frames_to_send() == []


def test_heartbeats_are_answered_wherever_they_stand_and_never_seen(session: PacketSession) -> None:
    events = session.receive(HELLO + pack(b"~h~7") + pack(b'{"m":"x","p":[]}') + pack(b"~h~8"), 0.0, 5)
    assert [event.raw for event in events] == [{"session_id": "x"}, {"m": "x", "p": []}]
    assert [event.text for event in events if isinstance(event, PacketEvent)] == [
        '{"session_id":"x"}',
        '{"m":"x","p":[]}',
    ]
    assert session.frames_to_send() == [pack(b"~h~7") + pack(b"~h~8")]


def test_nobody_hears_what_nobody_wants() -> None:
    session = PacketSession(SAID)
    session.handle_open(0.0)
    assert session.receive(HELLO, 0.0, 5) == []


@pytest.mark.parametrize("frame", [b"nonsense", pack(b"{not json"), b"\xff\xfe"])
def test_what_is_no_packet_breaks_the_protocol(session: PacketSession, frame: bytes) -> None:
    with pytest.raises(ProtocolError, match="not packets"):
        session.receive(frame, 0.0, 5)


def test_the_venues_last_words_are_heard_and_end_the_connection(session: PacketSession) -> None:
    events = session.receive(pack(b'{"m":"protocol_error","p":["bad auth token"]}'), 0.0, 5)
    assert events[0]["p"] == ["bad auth token"]
    (signal,) = session.take_signals()
    assert isinstance(signal, Failed)
    assert isinstance(signal.error, AuthenticationError)
    assert signal.error.action == "stop"
    session.receive(pack(b'{"m":"protocol_error","p":[]}'), 0.0, 5)
    assert len(session.take_signals()) == 1


def test_nothing_else_is_asked_of_it(session: PacketSession) -> None:
    assert session.recall(heard_topic(), []) is False
    assert session.handle_timeout(0.0) == session.handle_close(0.0) == ()
    assert session.receive_response("x", None, 0.0) == ()  # type: ignore[arg-type]  # nothing is fetched


def test_the_venue_is_one_address_with_the_origin_that_it_wants() -> None:
    venue = packet_venue("ws://127.0.0.1:7/socket.io/websocket?from=chart", SAID)
    topic = venue.build_topic("", "", "", {})
    kind = venue.kind_of(topic)
    assert kind.max_topics == MOST_PACKETS
    dial = venue.build_dial(kind, [topic])
    assert dial.target == "/socket.io/websocket?from=chart"
    assert dial.headers["Origin"] == "https://www.tradingview.com"
    assert isinstance(venue.new_session(kind, {}), PacketSession)
    assert packet_venue("wss://data.tradingview.com", SAID).build_dial(kind, []).target == "/"
    assert str(MOST_PACKETS) in str(too_many())
