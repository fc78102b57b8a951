"""One request that cancels and places: both, one of them, or neither."""

from typing import Any

import pytest

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}


@pytest.fixture
async def far(venue: Any) -> dict[str, str]:
    """A limit order far from the market."""
    _, ticker = await venue.get("ticker/price", symbol="BTCUSDT")
    return {**ORDER, "price": f"{float(ticker['price']) / 2:.2f}"}


async def replace(venue: Any, order: dict[str, str], **query: str) -> tuple[int, Any]:
    return await venue.signed(
        "POST", "order/cancelReplace", **{**order, "cancelReplaceMode": "STOP_ON_FAILURE", **query}
    )


async def test_the_old_order_goes_and_the_new_one_comes(venue, far):
    _, old = await venue.signed("POST", "order", **far)
    status, answer = await replace(venue, far, quantity="0.02", cancelOrderId=str(old["orderId"]))
    assert status == 200
    assert (answer["cancelResult"], answer["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    assert (answer["cancelResponse"]["orderId"], answer["cancelResponse"]["status"]) == (old["orderId"], "CANCELED")
    _, left = await venue.signed("GET", "openOrders")
    assert [(order["orderId"], order["origQty"]) for order in left] == [
        (answer["newOrderResponse"]["orderId"], "0.02000000")
    ]


async def test_an_order_is_named_by_the_clients_id(venue, far):
    await venue.signed("POST", "order", **far, newClientOrderId="mine")
    names = {"cancelOrigClientOrderId": "mine", "cancelNewClientOrderId": "away", "newClientOrderId": "next"}
    _, answer = await replace(venue, far, **names)
    assert answer["cancelResponse"]["clientOrderId"] == "away"
    assert answer["newOrderResponse"]["clientOrderId"] == "next"


async def test_nothing_is_placed_when_nothing_is_cancelled(venue, far):
    status, body = await replace(venue, far, cancelOrderId="1")
    assert (status, body["code"]) == (400, -2022)
    data = body["data"]
    assert (data["cancelResult"], data["newOrderResult"]) == ("FAILURE", "NOT_ATTEMPTED")
    assert (data["cancelResponse"]["code"], data["newOrderResponse"]) == (-2011, None)
    assert await venue.signed("GET", "openOrders") == (200, [])


async def test_an_order_is_placed_all_the_same_if_failure_is_allowed(venue, far):
    status, body = await replace(venue, far, cancelOrderId="1", cancelReplaceMode="ALLOW_FAILURE")
    assert (status, body["code"], body["data"]["newOrderResult"]) == (409, -2021, "SUCCESS")
    assert len((await venue.signed("GET", "openOrders"))[1]) == 1


async def test_a_cancelled_order_stays_cancelled_when_the_new_one_is_refused(venue, far):
    _, old = await venue.signed("POST", "order", **far)
    status, body = await replace(venue, far, cancelOrderId=str(old["orderId"]), quantity="900000")
    assert (status, body["code"]) == (409, -2021)
    assert (body["data"]["cancelResult"], body["data"]["newOrderResult"]) == ("SUCCESS", "FAILURE")
    assert await venue.signed("GET", "openOrders") == (200, [])


async def test_a_restriction_is_checked_before_anything_is_done(venue, far):
    _, old = await venue.signed("POST", "order", **far)
    named = {"cancelOrderId": str(old["orderId"])}
    assert (await replace(venue, far, **named, cancelRestrictions="FOO"))[1]["code"] == -1145
    status, body = await replace(venue, far, **named, cancelRestrictions="ONLY_PARTIALLY_FILLED")
    assert (status, body["code"], body["data"]["cancelResponse"]["code"]) == (400, -2022, -2011)
    assert len((await venue.signed("GET", "openOrders"))[1]) == 1


async def test_mode_and_the_order_to_cancel_are_mandatory(venue, far):
    status, body = await venue.signed("POST", "order/cancelReplace", **far, cancelOrderId="1")
    assert (status, body["code"]) == (400, -1102)
    assert (await replace(venue, far))[1]["code"] == -1102


async def test_commission_of_a_symbol_is_told(venue):
    status, body = await venue.signed("GET", "account/commission", symbol="BTCUSDT")
    assert (status, body["symbol"]) == (200, "BTCUSDT")
    assert body["standardCommission"] == {
        "maker": "0.00100000",
        "taker": "0.00100000",
        "buyer": "0.00000000",
        "seller": "0.00000000",
    }
