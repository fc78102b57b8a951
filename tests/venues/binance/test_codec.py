from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokerwire.errors import ConfigurationError, InvalidSymbolError
from brokerwire.events import Topic
from brokerwire.venue import Response
from brokerwire.venue.trade_line import NOT_IN_STEP
from brokerwire.venues.binance.codec import (
    bar_decoder,
    bar_of_row,
    build_topic,
    canonical_symbol,
    control_frames,
    depth_request,
    klines_request,
    quote_decoder,
    stream_name,
    trade_decoder,
    trades_of,
    trades_request,
)
from brokerwire.venues.binance.spec import SETTINGS

FRAMES = (Path(__file__).parent / "frames" / "market.ndjson").read_bytes().splitlines()
TRADE, AGGREGATE, QUOTE, KLINE = (
    bytes(msgspec.json.decode(line, type=dict[str, msgspec.Raw])["data"]) for line in FRAMES
)
MS = 1_000_000


@pytest.mark.parametrize("spelling", ["BTCUSDT", "btcusdt", "BTC/USDT", "btc-usdt", "BTC_USDT", " BTC:USDT "])
def test_every_spelling_is_one_symbol(spelling: str) -> None:
    assert canonical_symbol(spelling) == "BTCUSDT"


@pytest.mark.parametrize("spelling", ["", "//", "BTC$USDT", "BTC\nUSDT"])
def test_what_cannot_be_a_symbol_is_refused(spelling: str) -> None:
    with pytest.raises(InvalidSymbolError, match="is not a Binance symbol"):
        canonical_symbol(spelling)


@pytest.mark.parametrize(
    ("channel", "variant", "settings", "name"),
    [
        ("quote", "", {}, "btcusdt@bookTicker"),
        ("trade", "", {}, "btcusdt@trade"),
        ("trade", "", {"trades": "aggregate"}, "btcusdt@aggTrade"),
        ("bar", "1m", {}, "btcusdt@kline_1m"),
        ("bar", "1M;20", {}, "btcusdt@kline_1M"),
        ("depth", "10", {}, "btcusdt@depth@100ms"),
        ("depth", "10", {"depth_speed": "1000ms"}, "btcusdt@depth"),
    ],
)
def test_topics_name_the_venues_streams(channel: str, variant: str, settings: dict[str, Any], name: str) -> None:
    chosen = {**SETTINGS, **settings}
    assert stream_name(build_topic(channel, "BTC/USDT", variant, chosen), chosen) == name


def test_an_interval_that_binance_has_not_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no bars of '7m'"):
        build_topic("bar", "BTCUSDT", "7m", SETTINGS)


def test_a_setting_with_an_unknown_value_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'trades' must be one of"):
        build_topic("trade", "BTCUSDT", "", {**SETTINGS, "trades": "all"})


def read(new_decoder: Any, topic: Topic, frame: bytes) -> Any:
    decode, _ = new_decoder(topic, lambda trade, _now, _expected: (trade,))
    return decode(frame, 0.0, 7)


def test_a_trade_is_typed_and_still_the_venues_message() -> None:
    topic = Topic("trade", "BTCUSDT", "trade")
    (trade,) = read(trade_decoder, topic, TRADE)
    assert (trade.price, trade.size, trade.side, trade.trade_id) == (91250.5, 0.0125, "buy", 9200411)
    assert (trade.time_ns, trade.received_ns, trade.topic) == (1767225600124 * MS, 7, topic)
    assert trade["p"] == "91250.50000000"
    assert trade.raw["e"] == "trade"


def test_a_resting_buyer_means_that_the_aggressor_sold() -> None:
    (trade,) = read(trade_decoder, Topic("trade", "BTCUSDT", "aggregate"), AGGREGATE)
    assert (trade.side, trade.trade_id, trade["l"]) == ("sell", 5500, 9200411)


def test_a_quote_has_no_time_of_the_venues() -> None:
    (quote,) = quote_decoder([Topic("quote", "BTCUSDT")])(QUOTE, 0.0, 7)
    assert (quote.bid, quote.bid_size, quote.ask, quote.ask_size) == (91250.49, 1.4, 91250.5, 0.33)
    assert quote.time_ns is None
    assert quote.price == pytest.approx(91250.495)
    assert quote.get("u") == 70500123


def test_a_bar_says_whether_it_is_closed() -> None:
    (bar,) = bar_decoder([Topic("bar", "BTCUSDT", "1m")])(KLINE, 0.0, 7)
    assert (bar.interval, bar.open_time_ns, bar.is_closed) == ("1m", 1767225600000 * MS, False)
    assert (bar.open, bar.high, bar.low, bar.close) == (91240.0, 91255.1, 91238.2, 91250.5)
    assert (bar.volume, bar.vwap, bar.trade_count, bar.origin) == (2.0, 91250.0, 32, "stream")


def test_every_topic_gets_an_event_of_its_own() -> None:
    topics = [Topic("quote", "BTCUSDT"), Topic("quote", "BTCUSDT", "x")]
    assert [event.topic for event in quote_decoder(topics)(QUOTE, 0.0, 7)] == topics


@pytest.mark.parametrize("number", ["nan", "inf", "-Infinity", "", "1e999"])
def test_numbers_that_are_none_are_refused(number: str) -> None:
    with pytest.raises(msgspec.MsgspecError):
        quote_decoder([Topic("quote", "BTCUSDT")])(QUOTE.replace(b"91250.49000000", number.encode()), 0.0, 7)


def test_a_row_of_the_past_is_a_bar_that_is_closed_when_its_time_is_over() -> None:
    row = [1767225600000, "1", "4", "0.5", "2", "10", 1767225659999, "20", 3, "5", "10", "0"]
    closed = bar_of_row(row, symbol="BTCUSDT", interval="1m", received_ns=1767225660000 * MS)
    forming = bar_of_row(row, symbol="BTCUSDT", interval="1m", received_ns=1767225659000 * MS)
    assert (closed.is_closed, forming.is_closed) == (True, False)
    assert (closed.open, closed.high, closed.low, closed.close, closed.vwap, closed.origin) == (
        1,
        4,
        0.5,
        2,
        2,
        "backfill",
    )


@given(names=st.lists(st.text("abcdefgh@_", min_size=1, max_size=40), max_size=300))
def test_control_frames_are_small_enough_and_carry_every_name_once(names: list[str]) -> None:
    frames = control_frames("SUBSCRIBE", names, 5, 1000)
    assert all(len(frame) <= 1000 for _, frame in frames)
    messages = [msgspec.json.decode(frame) for _, frame in frames]
    assert [name for message in messages for name in message["params"]] == names
    assert [message["id"] for message in messages] == list(range(5, 5 + len(frames)))


def test_requests_carry_the_weights_of_the_venue() -> None:
    assert [depth_request("A", limit).weight for limit in (100, 500, 1000, 5000)] == [5, 25, 50, 250]
    assert klines_request("A", "1m", 2).target == "/api/v3/klines?symbol=A&interval=1m&limit=2"


def test_missing_trades_are_asked_for_from_an_id_on() -> None:
    plain, aggregate = Topic("trade", "BTCUSDT", "trade"), Topic("trade", "BTCUSDT", "aggregate")
    request = trades_request(plain, 7, 3)
    assert (request.target, request.weight) == ("/api/v3/historicalTrades?symbol=BTCUSDT&fromId=7&limit=3", 25)
    request = trades_request(aggregate, 7, 3)
    assert (request.target, request.weight) == ("/api/v3/aggTrades?symbol=BTCUSDT&fromId=7&limit=3", 4)


def test_bars_are_asked_for_from_a_time_on() -> None:
    request = klines_request("A", "1m", 1000, start_ms=60_000)
    assert request.target == "/api/v3/klines?symbol=A&interval=1m&startTime=60000&limit=1000"


ROWS: dict[str, bytes] = {
    "trade": b'[{"id":7,"price":"1.5","qty":"2","quoteQty":"3","time":5,"isBuyerMaker":true,"isBestMatch":true}]',
    "aggregate": b'[{"a":7,"p":"1.5","q":"2","f":9,"l":9,"T":5,"m":true,"M":true}]',
}


@pytest.mark.parametrize("variant", ["trade", "aggregate"])
def test_a_trade_that_was_fetched_is_the_one_that_was_missed(variant: str) -> None:
    topic = Topic("trade", "BTCUSDT", variant)
    (trade,) = trades_of(Response(200, {}, ROWS[variant], 99), topic)
    assert (trade.trade_id, trade.price, trade.size, trade.side) == (7, 1.5, 2.0, "sell")
    assert (trade.time_ns, trade.received_ns, trade.topic) == (5 * MS, 99, topic)
    assert trade.raw == msgspec.json.decode(ROWS[variant])[0]


@pytest.mark.parametrize(("variant", "frame"), [("trade", TRADE), ("aggregate", AGGREGATE)])
def test_only_the_expected_trade_goes_straight_on(variant: str, frame: bytes) -> None:
    taken: list[Any] = []
    decode, expect = trade_decoder(Topic("trade", "BTCUSDT", variant), lambda *found: taken.append(found) or ())
    assert decode(frame, 1.0, 7) == ()
    number = taken[0][0].trade_id
    expect(number)
    (trade,) = decode(frame, 2.0, 7)
    assert trade.trade_id == number
    assert decode(frame, 3.0, 7) == ()
    assert [(now, expected) for _, now, expected in taken] == [(1.0, NOT_IN_STEP), (3.0, number + 1)]
