import asyncio
from typing import Any

import aiohttp
import pytest

from .conftest import MARGIN

QUOTES = "/v3/marketdata/quotes/AAPL"


async def test_request_without_a_good_token_is_unauthorized(wire: Any) -> None:
    wire.headers = {}
    status, body = await wire.call("GET", QUOTES)
    assert (status, body["Error"]) == (401, "Unauthorized")
    wire.headers = {"Authorization": "Bearer nonsense"}
    assert (await wire.call("GET", QUOTES))[0] == 401


async def test_v2_errors_have_their_own_shape_and_take_the_token_as_a_parameter(wire: Any) -> None:
    token = wire.headers.pop("Authorization").removeprefix("Bearer ")
    status, body = await wire.call("GET", "/v2/data/symbols/suggest/AAPL")
    assert status == 401
    assert list(body) == ["TraceId", "StatusCode", "Message"]
    assert (await wire.call("GET", f"/v2/data/symbols/suggest/AAPL?access_token={token}"))[0] == 200
    assert (await wire.call("GET", f"{QUOTES}?access_token={token}"))[0] == 200


async def test_token_without_the_scope_is_forbidden(wire: Any) -> None:
    url = f"{wire.rest}/authorize"
    query = {"response_type": "code", "redirect_uri": "http://localhost/", "scope": "MarketData"}
    query["client_id"] = wire.simulator.credentials["client_id"]
    async with wire.session.get(url, params=query, allow_redirects=False) as answer:
        code = answer.headers["Location"].partition("code=")[2]
    form = {"code": code, "redirect_uri": "http://localhost/", "grant_type": "authorization_code"}
    await wire.sign_in(**form)
    assert (await wire.call("GET", QUOTES))[0] == 200
    status, body = await wire.call("GET", "/v3/brokerage/accounts")
    assert (status, body["Error"]) == (403, "Forbidden")


@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [
        ("reject_auth", 401, "Unauthorized"),
        ("reject_auth:403", 403, "Forbidden"),
        ("rate_limit:9", 429, "TooManyRequests"),
        ("refuse:503", 503, "ServiceUnavailable"),
        ("refuse", 500, "InternalServerError"),
        ("maintenance", 503, "ServiceUnavailable"),
    ],
)
async def test_faults_refuse_requests(wire: Any, fault: str, status: int, error: str) -> None:
    wire.simulator.faults.set(fault, times=1)
    found, body = await wire.call("GET", QUOTES)
    assert (found, body["Error"]) == (status, error)
    assert (await wire.call("GET", QUOTES))[0] == 200


async def test_pretended_limit_tells_when_to_come_back(wire: Any) -> None:
    wire.simulator.faults.set("rate_limit:9")
    async with wire.session.get(wire.rest + QUOTES, headers=wire.headers) as answer:
        assert answer.headers["X-RateLimit-Remaining"] == "0"
        assert answer.headers["X-RateLimit-Reset"] == "9"
        assert await answer.json() == {"Error": "TooManyRequests", "Message": "Rate quota exceeded"}


async def test_expired_tokens_are_refused_until_renewed(wire: Any) -> None:
    wire.simulator.faults.set("expire_token:60")
    assert (await wire.call("GET", QUOTES))[0] == 401
    assert (await wire.sign_in())["expires_in"] == 60
    assert (await wire.call("GET", QUOTES))[0] == 200


async def test_short_lived_token_expires(start: Any) -> None:
    wire = await start(token_life_s=0.05)
    expired = asyncio.Event()
    asyncio.get_running_loop().call_later(0.06, expired.set)
    await asyncio.wait_for(expired.wait(), 5)
    assert (await wire.call("GET", QUOTES))[0] == 401


@pytest.mark.parametrize("options", [{}, {"mid_body": True}])
async def test_lost_answer_leaves_the_order_placed(wire: Any, options: dict[str, object]) -> None:
    wire.simulator.faults.set("drop_answer", times=1, **options)
    with pytest.raises(aiohttp.ClientError):
        await wire.place(OrderConfirmID="mine")
    assert len(wire.simulator.exchange.find_by_client_id(MARGIN, "mine").fills) >= 1
    orders = await wire.get(f"/v3/brokerage/accounts/{MARGIN}/orders")
    assert len(orders["Orders"]) == 1


async def test_answer_can_be_replaced_by_an_error_after_the_order_was_taken(wire: Any) -> None:
    wire.simulator.faults.set("drop_answer:503", times=1)
    order = {"AccountID": MARGIN, "Symbol": "AMD", "Quantity": "1", "OrderType": "Market", "TradeAction": "BUY"}
    status, _ = await wire.call("POST", "/v3/orderexecution/orders", {**order, "TimeInForce": {"Duration": "DAY"}})
    assert status == 503
    assert len((await wire.get(f"/v3/brokerage/accounts/{MARGIN}/orders"))["Orders"]) == 1


async def test_read_answer_is_lost_only_when_its_channel_is_named(wire: Any) -> None:
    wire.simulator.faults.set("drop_answer")
    assert (await wire.call("GET", QUOTES))[0] == 200
    wire.simulator.faults.set("drop_answer", channel="quotes")
    with pytest.raises(aiohttp.ClientError):
        await wire.call("GET", QUOTES)


@pytest.mark.parametrize("fault", ["silent_accept", "slow_loris:0.01"])
async def test_answer_that_never_comes(wire: Any, fault: str) -> None:
    wire.simulator.faults.set(fault)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(wire.call("GET", QUOTES), 0.3)


async def test_hanging_answer_never_comes_although_the_order_was_taken(wire: Any) -> None:
    wire.simulator.faults.set("drop_answer", hang=True)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(wire.place(), 0.3)
    assert wire.simulator.journal.count("order") == 1


async def test_late_acknowledgement_comes_late(wire: Any) -> None:
    wire.simulator.faults.set("late_ack:0.2", times=1)
    loop = asyncio.get_running_loop()
    before = loop.time()
    assert (await wire.call("GET", QUOTES))[0] == 200
    assert loop.time() - before >= 0.2


async def test_journal_keeps_requests_without_secrets(wire: Any) -> None:
    await wire.get(QUOTES)
    entry = wire.simulator.journal.entries("request")[-1]
    assert entry.detail == {"method": "GET", "path": QUOTES, "resource": "quote-snapshot"}
    assert "Bearer" not in repr(wire.simulator.journal.entries())


async def test_answer_that_is_lost_may_be_an_error_of_the_gateway(wire: Any) -> None:
    wire.simulator.faults.set("drop_answer:504", times=1)
    body = {"AccountID": MARGIN, "Symbol": "AMD", "Quantity": "1", "OrderType": "Market", "TradeAction": "BUY"}
    status, _ = await wire.call("POST", "/v3/orderexecution/orders", body | {"TimeInForce": {"Duration": "DAY"}})
    assert status == 504
    assert len(wire.simulator.exchange.orders) > 0


async def test_answer_that_is_not_yet_to_be_lost_arrives(wire: Any) -> None:
    wire.simulator.faults.set("drop_answer:504", after=1)
    assert "OrderID" in await wire.place()
