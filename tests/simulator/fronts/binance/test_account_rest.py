"""Signed REST requests: key, signature, time, and what they carry out."""

import asyncio

import aiohttp
import pytest

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}


async def test_account_and_order_with_the_printed_credentials(venue):
    status, account = await venue.signed("GET", "account")
    assert (status, account["canTrade"]) == (200, True)
    status, order = await venue.signed("POST", "order", **ORDER)
    assert (status, order["status"]) == (200, "FILLED")
    status, found = await venue.signed("GET", "order", symbol="BTCUSDT", orderId=str(order["orderId"]))
    assert (status, found["status"]) == (200, "FILLED")
    assert venue.simulator.journal.count("order") == 1


async def test_answer_to_an_order_tells_the_order_counts_and_costs_nothing(venue):
    _, before = await venue.signed("GET", "rateLimit/order")
    await venue.signed("POST", "order", **ORDER)
    _, after = await venue.signed("GET", "rateLimit/order")
    assert [row["count"] for row in after] == [row["count"] + 1 for row in before]


async def test_wrong_signature_and_old_timestamp_are_refused(venue):
    status, body = await venue.signed("GET", "account", timestamp="1000000000000")
    assert (status, body["code"]) == (400, -1021)
    url = f"{venue.rest}/api/v3/account?timestamp={venue.simulator.exchange.now_ns() // 1_000_000}"
    headers = {"X-MBX-APIKEY": venue.simulator.credentials["api_key"]}
    async with venue.session.get(f"{url}&signature=00", headers=headers) as response:
        assert (response.status, (await response.json(content_type=None))["code"]) == (400, -1022)
    async with venue.session.get(url, headers=headers) as response:
        assert (await response.json(content_type=None))["code"] == -1102
    async with venue.session.get(f"{url}&signature=00") as response:
        assert (response.status, (await response.json(content_type=None))["code"]) == (401, -2014)


async def test_any_other_key_is_accepted_with_any_signature(venue):
    url = f"{venue.rest}/api/v3/account?timestamp={venue.simulator.exchange.now_ns() // 1_000_000}&signature=00"
    async with venue.session.get(url, headers={"X-MBX-APIKEY": "mine"}) as response:
        assert response.status == 200


async def test_parameters_may_come_in_the_body(venue):
    stamp = venue.simulator.exchange.now_ns() // 1_000_000
    body = f"symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01&timestamp={stamp}&signature=00"
    headers = {"X-MBX-APIKEY": "mine", "Content-Type": "application/x-www-form-urlencoded"}
    async with venue.session.post(f"{venue.rest}/api/v3/order/test", data=body, headers=headers) as response:
        assert (response.status, await response.json(content_type=None)) == (200, {})


async def test_reject_auth_refuses_the_key(venue):
    venue.simulator.faults.set("reject_auth")
    status, body = await venue.signed("GET", "account")
    assert (status, body["code"]) == (401, -2015)


async def test_lost_answer_leaves_the_order_placed(venue):
    venue.simulator.faults.set("drop_answer", times=1)
    with pytest.raises((aiohttp.ClientError, asyncio.TimeoutError)):
        await venue.signed("POST", "order", **ORDER, newClientOrderId="lost")
    status, order = await venue.signed("GET", "order", symbol="BTCUSDT", origClientOrderId="lost")
    assert (status, order["status"]) == (200, "FILLED")


async def test_gateway_that_gives_up_leaves_the_order_placed(venue):
    venue.simulator.faults.set("drop_answer:504", times=1)
    status, body = await venue.signed("POST", "order", **ORDER, newClientOrderId="unknown")
    assert (status, body["code"]) == (504, -1007)
    assert (await venue.signed("GET", "order", symbol="BTCUSDT", origClientOrderId="unknown"))[0] == 200


async def test_cancel_all_and_delete_by_query(venue):
    _, ticker = await venue.get("ticker/price", symbol="BTCUSDT")
    price = f"{float(ticker['price']) / 2:.2f}"
    limit = {**ORDER, "type": "LIMIT", "timeInForce": "GTC", "price": price}
    _, one = await venue.signed("POST", "order", **limit)
    await venue.signed("POST", "order", **limit)
    status, cancelled = await venue.signed("DELETE", "order", symbol="BTCUSDT", orderId=str(one["orderId"]))
    assert (status, cancelled["status"]) == (200, "CANCELED")
    status, rest = await venue.signed("DELETE", "openOrders", symbol="BTCUSDT")
    assert (status, len(rest)) == (200, 1)
    assert await venue.signed("GET", "openOrders") == (200, [])
    assert (await venue.signed("GET", "allOrders", symbol="BTCUSDT"))[0] == 200
    assert (await venue.signed("GET", "myTrades", symbol="BTCUSDT"))[0] == 200
