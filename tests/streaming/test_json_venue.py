import pytest

from brokerwire.config import Credentials
from brokerwire.errors import (
    ConfigurationError,
    ConnectionLostError,
    ProtocolError,
    RequestError,
    StreamError,
    VenueUnavailableError,
)
from brokerwire.events import Topic
from brokerwire.streaming.json_venue import JsonSession, json_venue, transport_of
from brokerwire.venue import Accepted, Access, Response

ACCESS = Access(credentials=Credentials({}), token=None, time_ns=0)


@pytest.mark.parametrize(
    ("url", "transport"),
    [("ws://h", "websocket"), ("wss://h/x", "websocket"), ("http://h", "http_lines"), ("https://h", "http_lines")],
)
def test_the_scheme_says_what_carries_an_address(url: str, transport: str) -> None:
    assert transport_of(url) == transport
    assert json_venue(url, None).kind_of(Topic("message", "")).transport == transport


@pytest.mark.parametrize("url", ["", "example.com", "ftp://x", "file:///etc/passwd"])
def test_other_schemes_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError, match="must start with"):
        transport_of(url)


def test_path_and_query_are_dialled_as_they_are() -> None:
    venue = json_venue("wss://h:1/a%2Fb?x=%20&y=1", None)
    dial = venue.build_dial(venue.kind_of(Topic("message", "")), ())
    assert dial.target == "/a%2Fb?x=%20&y=1"
    assert venue.endpoints.live == {"stream": "wss://h:1"}
    plain = json_venue("wss://h", None)
    assert plain.build_dial(plain.kind_of(Topic("message", "")), ()).target == "/"


def test_headers_are_asked_for_at_each_dial() -> None:
    count = 0

    def headers() -> dict[str, str]:
        nonlocal count
        count += 1
        return {"X-Count": str(count)}

    venue = json_venue("wss://h", headers)
    dial = venue.build_dial(venue.kind_of(Topic("message", "")), ())
    assert [venue.authorize(dial, ACCESS).headers["X-Count"] for _ in range(3)] == ["1", "2", "3"]
    assert json_venue("wss://h", None).authorize(dial, ACCESS).headers == {}
    assert json_venue("wss://h", {"A": "b"}).authorize(dial, ACCESS).headers == {"A": "b"}


@pytest.mark.parametrize(
    ("status", "kind", "action"),
    [(500, VenueUnavailableError, "retry"), (429, VenueUnavailableError, "retry"), (404, RequestError, "stop")],
)
def test_refusals_say_whether_to_try_again(status: int, kind: type[Exception], action: str) -> None:
    error = json_venue("wss://h", None).error_from(Response(status))
    assert type(error) is kind
    assert (error.status, error.action) == (status, action)


@pytest.mark.parametrize(
    ("code", "kind", "action"),
    [(1000, ConnectionLostError, "retry"), (1006, ConnectionLostError, "retry"), (1009, StreamError, "stop")],
)
def test_close_codes_say_whether_to_try_again(code: int, kind: type[Exception], action: str) -> None:
    error = json_venue("wss://h", None).close_error(code, "")
    assert type(error) is kind
    assert (error.close_code, error.action) == (code, action)


def test_the_session_passes_every_json_frame_on() -> None:
    topic = Topic("message", "wss://h")
    session = JsonSession()
    session.subscribe([topic], 0.0)
    session.handle_open(0.0)
    assert session.has_output
    assert session.take_signals() == [Accepted((topic,))]
    assert not session.has_output
    assert session.frames_to_send() == []
    for frame, message in ((b'{"a":1}', {"a": 1}), (b"[1,2]", [1, 2]), (b'"x"', "x"), (b"null", None)):
        events = session.receive(frame, 0.0, 5)
        assert [event.raw for event in events] == [message]
        assert events[0].topic == topic
        assert events[0].received_ns == 5
    with pytest.raises(ProtocolError, match="not JSON") as caught:
        session.receive(b"\x1b[31m<html>", 0.0, 5)
    assert "\x1b" not in caught.value.excerpt
    session.resubscribe(topic, 0.0)
    session.handle_timeout(0.0)
    assert session.receive_response(None, Response(200), 0.0) == ()
    session.unsubscribe([topic], 0.0)
    assert session.receive(b"{}", 0.0, 5) == []
