"""Order lists and amendments are refused in the venue's words."""

import pytest

OCO = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.01", "aboveType": "LIMIT_MAKER", "belowType": "STOP_LOSS"}


@pytest.mark.parametrize(
    ("verb", "path", "query", "code", "text"),
    [
        ("POST", "order/oco", OCO, -2010, "OCO orders"),
        ("POST", "orderList/oco", OCO, -2010, "OCO orders"),
        ("POST", "orderList/oto", OCO, -2010, "OTO orders"),
        ("POST", "orderList/otoco", OCO, -2010, "OTO orders"),
        ("POST", "orderList/opo", OCO, -2010, "OPO orders"),
        ("POST", "orderList/opoco", OCO, -2010, "OPO orders"),
        ("POST", "orderList/oco", {**OCO, "symbol": "NOPE"}, -1121, "Invalid symbol"),
        ("GET", "orderList", {"orderListId": "5"}, -2013, "Order list does not exist."),
        ("GET", "orderList", {}, -1102, "orderListId"),
        ("DELETE", "orderList", {"symbol": "BTCUSDT", "listClientOrderId": "x"}, -2011, "Unknown order list sent."),
        ("DELETE", "orderList", {"symbol": "BTCUSDT"}, -1102, "orderListId"),
        ("PUT", "order/amend/keepPriority", {"symbol": "BTCUSDT", "orderId": "5", "newQty": "1"}, -2038, "amend"),
        ("GET", "order/amendments", {"symbol": "BTCUSDT"}, -1102, "orderId"),
    ],
)
async def test_lists_and_amendments_are_refused_as_the_venue_does(venue, verb, path, query, code, text):
    status, body = await venue.signed(verb, path, **query)
    assert (status, body["code"]) == (400, code)
    assert text in body["msg"]


async def test_there_are_neither_lists_nor_amendments(venue):
    assert await venue.signed("GET", "order/amendments", symbol="BTCUSDT", orderId="5") == (200, [])
    assert await venue.signed("GET", "openOrderList") == (200, [])
    assert await venue.signed("GET", "allOrderList", limit="5") == (200, [])
