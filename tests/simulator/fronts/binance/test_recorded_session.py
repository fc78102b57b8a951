"""A recording taken apart: streams, books that advance, symbols that exist."""

import msgspec
import pytest

from brokerwire.simulator.fronts.binance.recorded_session import Delta, advance, streams_of_url, take_apart
from brokerwire.simulator.recorded import Answered, RecordedFrame, Recording, read_recording


@pytest.fixture
def session(recorded):
    return take_apart(read_recording(recorded))


def bare(url, payload):
    return take_apart(Recording((RecordedFrame(url, 1, payload),), ()))


def test_frames_keep_their_bytes_and_replies_are_left_out(session, frames):
    assert [frame.wrapped.decode() for frame in session.frames] == list(frames)
    assert session.frames[1].bare in frames[1].encode()
    assert session.frames[1].bare.startswith(b'{"u":103')


def test_symbols_are_those_of_the_recorded_list(session):
    assert session.symbols == {"AAABBB", "CCCBBB", "DDDBBB"}


def test_snapshot_before_playing_is_the_recorded_bytes(session, book):
    assert session.snapshot("AAABBB", 0) == book.encode()
    assert session.snapshot("AAABBB", 2) == book.encode()


def test_snapshot_is_advanced_by_every_newer_delta_played(session):
    third = msgspec.json.decode(session.snapshot("AAABBB", 3))
    assert third == {
        "lastUpdateId": 104,
        "bids": [["1.10000000", "6.00"]],
        "asks": [["1.15000000", "1.00"], ["1.20000000", "4.00"]],
    }
    last = msgspec.json.decode(session.snapshot("AAABBB", 4))
    assert (last["lastUpdateId"], last["asks"]) == (105, [["1.20000000", "4.00"]])
    assert last["bids"] == [["1.10000000", "6.00"], ["0.90000000", "2.00"]]


def test_snapshot_that_was_not_recorded_is_none(session):
    assert session.snapshot("CCCBBB", 0) is None


def test_older_deltas_do_not_touch_a_snapshot(book):
    assert advance(book.encode(), [Delta(0, 102, [("1.1", "0")], [])]) == book.encode()


def test_deltas_in_disorder_do_not_turn_a_snapshot_back(book):
    newer, older = Delta(0, 104, [("1.1", "6")], []), Delta(1, 103, [("1.1", "5")], [])
    advanced = msgspec.json.decode(advance(book.encode(), [newer, older]))
    assert (advanced["lastUpdateId"], advanced["bids"][0]) == (104, ["1.1", "6"])


def test_exchange_information_is_cut_down_to_what_is_asked_for(session):
    whole = session.exchange_info(None)
    one = msgspec.json.decode(session.exchange_info(frozenset({"CCCBBB"})))
    assert len(msgspec.json.decode(whole)["symbols"]) == 3
    assert one == {"timezone": "UTC", "symbols": [{"symbol": "CCCBBB", "baseAsset": "CCC"}]}


def test_exchange_information_recorded_for_one_symbol_is_found_for_it():
    info = Answered("https://h/api/v3/exchangeInfo?symbol=AB", 1, b'{"symbols":[]}')
    session = take_apart(Recording((), (info,)))
    assert session.exchange_info(frozenset({"AB"})) == b'{"symbols":[]}'
    assert session.exchange_info(frozenset({"CD"})) is None
    assert session.symbols == {"AB"}


@pytest.mark.parametrize(
    ("url", "payload", "stream"),
    [
        ("wss://h/ws/ab@trade", b'{"e":"trade","s":"AB"}', "ab@trade"),
        ("wss://h/ws/ab@depth20@100ms", b'{"lastUpdateId":1,"bids":[],"asks":[]}', "ab@depth20@100ms"),
        ("wss://h/ws/ab@trade/ab@kline_1m", b'{"e":"kline","s":"AB","k":{"i":"1m"}}', "ab@kline_1m"),
        ("wss://h/ws/ab@depth@100ms/cd@trade", b'{"e":"depthUpdate","s":"AB","U":1,"u":1}', "ab@depth@100ms"),
        ("wss://h/ws", b'{"u":1,"s":"AB","b":"1","B":"1","a":"2","A":"1"}', "ab@bookTicker"),
        ("wss://h/ws", b'{"e":"aggTrade","s":"AB"}', "ab@aggTrade"),
    ],
)
def test_stream_of_a_bare_event_is_inferred(url, payload, stream):
    (frame,) = bare(url, payload).frames
    assert (frame.stream, frame.bare) == (stream, payload)
    assert msgspec.json.decode(frame.wrapped)["stream"] == stream


@pytest.mark.parametrize("payload", [b'{"result":null,"id":1}', b"{broken", b'{"u":"no number"}'])
def test_what_belongs_to_no_stream_is_left_out(payload):
    assert bare("wss://h/ws", payload).frames == ()


def test_streams_are_read_from_both_kinds_of_url():
    assert streams_of_url("wss://h/ws/a@trade/b@trade") == ["a@trade", "b@trade"]
    assert streams_of_url("wss://h/stream?streams=a@trade/b@kline_1m") == ["a@trade", "b@kline_1m"]
    assert streams_of_url("") == []
