"""New orders are checked as the venue checks them."""

from decimal import Decimal

import pytest

from brokerwire.simulator.fronts.binance.arguments import Arguments
from brokerwire.simulator.fronts.binance.order_tickets import build_ticket, client_order_id, response_type
from brokerwire.simulator.fronts.binance.refusals import Refusal

LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "90000",
}


def build(desk, **values):
    arguments = Arguments({name: value for name, value in values.items() if value is not None})
    return build_ticket(arguments, listing=desk.listing, market=desk.market, account_id="x", client_order_id="mine")


async def test_limit_order_becomes_a_ticket(desk):
    ticket = build(desk, **LIMIT)
    assert (ticket.type, ticket.side, ticket.limit_price, ticket.time_in_force) == ("limit", "buy", 90_000, "gtc")
    assert (ticket.extra["clientOrderId"], ticket.extra["type"]) == ("mine", "LIMIT")


async def test_market_order_by_value_takes_the_book_level_by_level(desk):
    ticket = build(desk, symbol="BTCUSDT", side="BUY", type="MARKET", quoteOrderQty="1000")
    assert ticket.time_in_force == "ioc"
    assert Decimal("0.005") < ticket.quantity < Decimal("0.02")


async def test_stops_and_takes_trigger_on_opposite_sides(desk):
    last = desk.market.last_trade("BTCUSDT").price
    above, below = str((last * 2).quantize(Decimal("0.01"))), str((last / 2).quantize(Decimal("0.01")))
    stop = build(desk, symbol="BTCUSDT", side="SELL", type="STOP_LOSS", quantity="0.01", stopPrice=below)
    take = build(desk, symbol="BTCUSDT", side="SELL", type="TAKE_PROFIT", quantity="0.01", stopPrice=above)
    assert (stop.type, stop.stop_price, stop.conditions) == ("stop", Decimal(below), ())
    assert (take.type, take.stop_price, take.conditions[0].relation) == ("market", None, "gte")
    with pytest.raises(Refusal, match="trigger immediately"):
        build(desk, symbol="BTCUSDT", side="SELL", type="STOP_LOSS", quantity="0.01", stopPrice=above)
    trailing = build(desk, symbol="BTCUSDT", side="SELL", type="STOP_LOSS", quantity="0.01", trailingDelta="150")
    assert trailing.trail_percent == Decimal("1.5")
    maker = build(desk, symbol="BTCUSDT", side="BUY", type="LIMIT_MAKER", quantity="0.01", price=below)
    assert maker.post_only


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"symbol": "NOPE"}, -1121),
        ({"side": "HOLD"}, -1117),
        ({"type": "MAYBE"}, -1116),
        ({"timeInForce": "DAY"}, -1115),
        ({"timeInForce": None}, -1102),
        ({"price": None}, -1102),
        ({"quantity": "0.0100000001"}, -1111),
        ({"quantity": "0.0000001"}, -1013),
        ({"price": "90000.001"}, -1013),
        ({"price": "1"}, -1013),
        ({"quantity": "0.00001"}, -1013),
        ({"stopPrice": "1"}, -1106),
        ({"type": "MARKET", "price": "90000"}, -1106),
        ({"type": "STOP_LOSS_LIMIT"}, -1102),
        ({"quantity": "-1"}, -1100),
    ],
)
async def test_order_that_does_not_fit_is_refused(desk, changes, code):
    with pytest.raises(Refusal) as caught:
        build(desk, **{**LIMIT, **changes})
    assert caught.value.code == code


async def test_market_order_needs_a_quantity_or_a_value(desk):
    with pytest.raises(Refusal, match="quoteOrderQty"):
        build(desk, symbol="BTCUSDT", side="BUY", type="MARKET")


def test_answer_is_full_for_market_and_limit_unless_asked_otherwise():
    assert [response_type(Arguments({}), kind) for kind in ("MARKET", "LIMIT", "STOP_LOSS")] == ["FULL", "FULL", "ACK"]
    assert response_type(Arguments({"newOrderRespType": "RESULT"}), "LIMIT") == "RESULT"


def test_client_order_id_is_the_clients_or_made():
    assert client_order_id(Arguments({}), "made") == "made"
    assert client_order_id(Arguments({"newClientOrderId": "a-1"}), "made") == "a-1"
    with pytest.raises(Refusal, match="-1100"):
        client_order_id(Arguments({"newClientOrderId": "a b"}), "made")
