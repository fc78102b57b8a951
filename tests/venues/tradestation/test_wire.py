from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokerwire.errors import ConfigurationError, InvalidSymbolError, ProtocolError
from brokerwire.events import OrderLeg
from brokerwire.venues.tradestation import wire
from brokerwire.venues.tradestation.wire import OrderTerms, encode_order

read_quote = wire.decoder(wire.QuoteMessage)


def test_numbers_in_strings_become_floats_and_absent_fields_none():
    message = read_quote(b'{"Symbol":"KO","Bid":"70.5","AskSize":3}')
    assert (message.bid, message.ask_size, message.ask) == (70.5, 3.0, None)


def test_empty_strings_and_nulls_count_as_absent():
    message = read_quote(b'{"Symbol":"KO","Bid":"","Ask":null,"TradeTime":"","MarketFlags":{"IsDelayed":""}}')
    assert (message.bid, message.ask, message.trade_time) == (None, None, None)
    assert wire.decoder(list[str])(b'["a"]') == ["a"]
    assert wire.decoder(list[wire.Number])(b'[["1"]]'.replace(b"[[", b"[").replace(b"]]", b"]")) == [1.0]


@pytest.mark.parametrize("number", [b'"NaN"', b'"Infinity"', b'"-inf"', b"1e999", b'"1e999"'])
def test_numbers_that_are_not_finite_are_refused(number):
    with pytest.raises(ProtocolError):
        read_quote(b'{"Symbol":"KO","Bid":' + number + b"}")


@pytest.mark.parametrize("frame", [b"", b"{", b"\xff\xfe", b'{"Symbol":"\xff"}', b"[" * 3000, b"1", b'{"Bid":{}}'])
def test_malformed_frames_are_protocol_errors_with_an_excerpt(frame):
    with pytest.raises(ProtocolError) as caught:
        read_quote(frame)
    assert len(caught.value.excerpt) < 300


def test_excerpts_hold_no_token():
    with pytest.raises(ProtocolError) as caught:
        read_quote(b'{"Bid":"x","access_token":"s3cr3tvalue"}')
    assert "s3cr3tvalue" not in caught.value.excerpt + str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_protocol_error(frame):
    try:
        read_quote(frame)
    except ProtocolError:
        return


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=9))
def test_any_json_is_an_order_or_a_protocol_error(value):
    frame = msgspec.json.encode({"OrderID": "1", "Legs": value, "FilledPrice": value})
    try:
        wire.decoder(wire.OrderMessage)(frame)
    except ProtocolError:
        return


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("2026-11-20T15:30:00Z", 1795188600 * 10**9),
        ("2026-11-20T15:30:00.25Z", 1795188600 * 10**9 + 250_000_000),
        ("2026-11-20T10:30:00-05:00", 1795188600 * 10**9),
        ("2026-11-20T15:30:00", 1795188600 * 10**9),
        ("/Date(1795188600000)/", 1795188600 * 10**9),
        ("/Date(1795188600000+0000)/", 1795188600 * 10**9),
        ("", None),
        (None, None),
    ],
)
def test_times_are_utc_nanoseconds(text, time_ns):
    assert wire.to_ns(text) == time_ns


@pytest.mark.parametrize("text", ["soon", "/Date(x)/", "/Date(99999999999999999999)/"])
def test_what_is_no_time_is_a_protocol_error(text):
    with pytest.raises(ProtocolError):
        wire.to_ns(text)


def test_records_are_read_by_attribute_and_by_the_name_of_the_venue():
    record = wire.SymbolMatch(symbol="KO", minimum_move=Decimal("0.01"))
    assert (record["Name"], record["MinMove"], record["Root"]) == ("KO", Decimal("0.01"), None)
    with pytest.raises(KeyError):
        record["Nothing"]


def test_decimals_stay_exact_and_finite():
    assert str(wire.finite(Decimal("70.10"))) == "70.10"
    assert wire.finite(None) is None
    with pytest.raises(ProtocolError):
        wire.finite(Decimal("NaN"))


def test_a_limit_order_says_what_the_specification_asks_for():
    terms = OrderTerms(
        symbol="ko",
        side="buy",
        quantity=Decimal("50"),
        type="limit",
        limit_price="70.50",
        time_in_force="gtd",
        client_order_id="mine-1",
        extra={"expiration": "2026-12-01", "Route": "Intelligent", "AdvancedOptions": {"AllOrNone": True}},
    )
    assert encode_order(terms, "SIM1M") == {
        "AccountID": "SIM1M",
        "OrderType": "Limit",
        "TimeInForce": {"Duration": "GTD", "Expiration": "2026-12-01T00:00:00Z"},
        "LimitPrice": "70.50",
        "OrderConfirmID": "mine-1",
        "AdvancedOptions": {"AllOrNone": True},
        "Symbol": "KO",
        "Quantity": "50",
        "TradeAction": "BUY",
        "Route": "Intelligent",
    }


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({"trail_amount": 0.5}, {"Amount": "0.5"}),
        ({"trail_percent": "2.50"}, {"Percent": "2.50"}),
        ({"AdvancedOptions": {"TrailingStop": {"Amount": "1"}}}, {"Amount": "1"}),
    ],
)
def test_a_trailing_stop_is_a_stop_order_with_an_advanced_option(extra, expected):
    body = encode_order(OrderTerms(symbol="KO", side="sell", quantity=1, type="trailing_stop", extra=extra), "A1")
    assert body["OrderType"] == "StopMarket"
    assert body["AdvancedOptions"]["TrailingStop"] == expected


def test_a_spread_has_legs_and_no_symbol_of_its_own():
    legs = [{"symbol": "ko 261218c70", "side": "buy", "ratio": 1}, OrderLeg(symbol="KO 261218C72", side="sell_short")]
    body = encode_order(OrderTerms(legs=legs, quantity=3, type="limit", limit_price="-0.85"), "A1")
    assert body["Legs"] == [
        {"Symbol": "KO 261218C70", "Quantity": "3", "TradeAction": "BUYTOOPEN"},
        {"Symbol": "KO 261218C72", "Quantity": "3", "TradeAction": "SELLTOOPEN"},
    ]
    assert "Symbol" not in body
    assert body["LimitPrice"] == "-0.85"


def test_a_leg_may_say_its_own_quantity():
    leg = {"symbol": "KO", "side": "BUYTOOPEN", "quantity": 100}
    assert encode_order(OrderTerms(legs=[leg]), "A1")["Legs"][0]["Quantity"] == "100"


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        ({"type": "limit"}, "limit_price"),
        ({"type": "stop_limit", "limit_price": 1}, "stop_price"),
        ({"type": "iceberg"}, "type is one of"),
        ({"time_in_force": "gtd"}, "expiration"),
        ({"time_in_force": "never"}, "time_in_force"),
        ({"type": "trailing_stop"}, "trail_amount"),
        ({"quantity": None}, "quantity"),
        ({"quantity": "many"}, "not a number"),
        ({"quantity": float("nan")}, "not a number"),
        ({"side": "hold"}, "side is one of"),
    ],
)
def test_incomplete_orders_are_refused_before_they_are_sent(terms, text):
    with pytest.raises(ConfigurationError, match=text):
        encode_order(OrderTerms(**{"symbol": "KO", "side": "buy", "quantity": 1, **terms}), "A1")


def test_an_order_for_no_symbol_is_refused():
    with pytest.raises(InvalidSymbolError):
        encode_order(OrderTerms(symbol=" ", side="buy", quantity=1), "A1")
