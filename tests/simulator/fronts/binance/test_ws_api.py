"""The WebSocket API: requests, limits, user data."""

import hashlib
import hmac
from collections.abc import AsyncIterator

import aiohttp
import msgspec
import pytest

PEM = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=
-----END PUBLIC KEY-----"""
MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}


class Api:
    """A client of the WebSocket API."""

    def __init__(self, venue, socket, read) -> None:
        self.venue = venue
        self.socket = socket
        self.read = read

    def sign(self, **params):
        keys = self.venue.simulator.credentials
        params = {**params, "apiKey": keys["api_key"], "timestamp": self.venue.simulator.exchange.now_ns() // 1_000_000}
        text = "&".join(f"{name}={params[name]}" for name in sorted(params))
        return {**params, "signature": hmac.new(keys["api_secret"].encode(), text.encode(), hashlib.sha256).hexdigest()}

    async def ask(self, method, **params):
        await self.socket.send_json({"id": "q", "method": method, "params": params})
        while True:
            reply = await self.read(self.socket)
            if "id" in reply:
                return reply

    async def order(self):
        """Place a market order and return what arrived, up to the reply."""
        await self.socket.send_json({"id": "o", "method": "order.place", "params": self.sign(**MARKET)})
        arrived = []
        while not arrived or arrived[-1].get("id") != "o":
            arrived.append(await self.read(self.socket))
        return arrived


@pytest.fixture
async def api(venue, read) -> AsyncIterator[Api]:
    async with venue.connect("/ws-api/v3") as socket:
        yield Api(venue, socket, read)


async def test_reply_has_id_status_result_and_limits(api):
    reply = await api.ask("time")
    assert list(reply) == ["id", "status", "result", "rateLimits"]
    assert (reply["id"], reply["status"], reply["rateLimits"][0]["limit"]) == ("q", 200, 6000)
    assert (await api.ask("v3/ping"))["result"] == {}


async def test_limits_are_left_out_when_asked(api):
    assert "rateLimits" not in await api.ask("time", returnRateLimits=False)


async def test_limits_are_left_out_for_a_connection_that_says_so(venue, read):
    async with venue.connect("/ws-api/v3?returnRateLimits=false&timeUnit=microsecond") as socket:
        reply = await Api(venue, socket, read).ask("time")
    assert "rateLimits" not in reply
    assert reply["result"]["serverTime"] > 10**15


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("exchangeInfo", {"symbols": ["BTCUSDT"]}),
        ("depth", {"symbol": "BTCUSDT", "limit": 5}),
        ("trades.recent", {"symbol": "BTCUSDT", "limit": 1}),
        ("trades.historical", {"symbol": "BTCUSDT", "limit": 1}),
        ("trades.aggregate", {"symbol": "BTCUSDT", "limit": 1}),
        ("klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 1}),
        ("uiKlines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 1}),
        ("avgPrice", {"symbol": "BTCUSDT"}),
        ("ticker.24hr", {"symbol": "BTCUSDT"}),
        ("ticker.tradingDay", {"symbol": "BTCUSDT"}),
        ("ticker", {"symbol": "BTCUSDT", "windowSize": "1h"}),
        ("ticker.price", {"symbol": "BTCUSDT"}),
        ("ticker.book", {"symbols": ["BTCUSDT", "ETHUSDT"]}),
    ],
)
async def test_market_data_is_answered(api, method, params):
    assert (await api.ask(method, **params))["status"] == 200


async def test_refusal_has_the_same_code_as_over_rest(api):
    reply = await api.ask("depth", symbol="NOPE")
    assert (reply["status"], reply["error"]) == (400, {"code": -1121, "msg": "Invalid symbol."})
    assert (await api.ask("nothing"))["error"]["code"] == -1020


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("{broken", "Invalid JSON"),
        ("[1]", "Invalid JSON"),
        ('{"id":1}', "'method'"),
        ('{"id":1.5,"method":"ping"}', "'id'"),
        ('{"id":1,"method":"ping","params":[]}', "'params'"),
    ],
)
async def test_request_that_is_none_is_refused(api, text, part):
    await api.socket.send_str(text)
    reply = await api.read(api.socket)
    assert (reply["id"], reply["status"], reply["error"]["code"]) == (None, 400, -1135)
    assert part in reply["error"]["msg"]


async def test_over_the_limit_tells_when_to_retry(api):
    api.venue.simulator.faults.set("rate_limit:5", times=1)
    reply = await api.ask("time")
    assert reply["status"] == 429
    assert reply["error"]["data"]["retryAfter"] > reply["error"]["data"]["serverTime"]


async def test_connecting_costs_weight_and_may_be_refused(new_venue):
    async with new_venue(settings={"weight_per_minute": 1}) as venue:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            async with venue.connect("/ws-api/v3"):
                pass
    assert caught.value.status == 429


async def test_user_data_follows_an_order_placed_here_or_over_rest(api):
    reply = await api.ask("userDataStream.subscribe.signature", **api.sign())
    assert reply["result"] == {"subscriptionId": 0}
    assert (await api.ask("userDataStream.subscribe.signature", **api.sign()))["error"]["code"] == -2035
    *events, answer = await api.order()
    assert {event["subscriptionId"] for event in events} == {0}
    reports = [e["event"] for e in events if e["event"]["e"] == "executionReport"]
    assert [r["x"] for r in reports] == ["NEW"] + ["TRADE"] * (len(reports) - 1)
    assert (reports[-1]["X"], reports[-1]["z"], answer["result"]["status"]) == ("FILLED", "0.01000000", "FILLED")
    assert sum(e["event"]["e"] == "outboundAccountPosition" for e in events) == len(reports)
    await api.venue.signed("POST", "order", **MARKET)
    assert (await api.read(api.socket))["event"]["x"] == "NEW"


async def test_dropped_fill_is_missing_from_the_stream_and_not_from_the_account(api):
    await api.ask("userDataStream.subscribe.signature", **api.sign())
    api.venue.simulator.faults.set("drop_fill")
    *events, answer = await api.order()
    assert [e["event"].get("x") for e in events] == ["NEW", None]
    assert answer["result"]["status"] == "FILLED"


async def test_unsubscribing_says_that_the_stream_has_ended(api):
    await api.ask("userDataStream.subscribe.signature", **api.sign())
    assert (await api.ask("session.subscriptions"))["result"] == [{"subscriptionId": 0}]
    await api.socket.send_json({"id": 1, "method": "userDataStream.unsubscribe", "params": {"subscriptionId": 0}})
    assert (await api.read(api.socket))["event"]["e"] == "eventStreamTerminated"
    assert (await api.read(api.socket))["result"] == {}
    assert (await api.ask("userDataStream.unsubscribe", subscriptionId=0))["error"]["code"] == -2036
    assert (await api.ask("userDataStream.subscribe.signature", **api.sign()))["result"] == {"subscriptionId": 1}


async def test_signature_is_checked(api):
    wrong = {**api.sign(), "signature": "00"}
    assert (await api.ask("account.status", **wrong))["error"]["code"] == -1022
    assert (await api.ask("account.status"))["error"]["code"] == -1102
    assert (await api.ask("account.status", **api.sign()))["status"] == 200


async def test_hmac_key_may_not_log_on(api):
    assert (await api.ask("session.logon", **api.sign()))["error"]["code"] == -4056
    assert (await api.ask("userDataStream.subscribe"))["error"]["code"] == -2015


async def test_session_that_has_logged_on_needs_no_more_signatures(api):
    now_ms = api.venue.simulator.exchange.now_ns() // 1_000_000
    signature = "A" * 86 + "=="
    logon = await api.ask("session.logon", apiKey="somebody", timestamp=now_ms, signature=signature)
    assert (logon["status"], logon["result"]["apiKey"]) == (200, "somebody")
    assert (await api.ask("account.status", timestamp=now_ms))["status"] == 200
    assert (await api.ask("userDataStream.subscribe"))["result"] == {"subscriptionId": 0}
    assert (await api.ask("session.status"))["result"]["userDataStream"] is True
    assert (await api.ask("session.logout"))["result"]["apiKey"] is None
    assert (await api.ask("account.status", timestamp=now_ms))["error"]["code"] == -1102


async def test_known_ed25519_key_is_checked_at_logon(new_venue, read):
    async with new_venue(settings={"keys": {"ed": PEM}}) as venue, venue.connect("/ws-api/v3") as socket:
        now_ms = venue.simulator.exchange.now_ns() // 1_000_000
        reply = await Api(venue, socket, read).ask(
            "session.logon", apiKey="ed", timestamp=now_ms, signature="A" * 86 + "=="
        )
    assert reply["error"]["code"] == -1022


async def test_lost_answer_is_never_sent(api):
    api.venue.simulator.faults.set("drop_answer", channel="order.place", times=1)
    await api.socket.send_json({"id": "o", "method": "order.place", "params": api.sign(**MARKET)})
    assert (await api.ask("time"))["id"] == "q"
    assert len((await api.ask("allOrders", **api.sign(symbol="BTCUSDT")))["result"]) == 1


async def test_backend_that_gives_up_answers_that_the_outcome_is_unknown(api):
    api.venue.simulator.faults.set("drop_answer:504", times=1)
    reply = await api.ask("order.place", **api.sign(**MARKET))
    assert (reply["status"], reply["error"]["code"]) == (504, -1007)


async def test_subscription_ids_run_out(new_venue, read):
    async with new_venue(settings={"max_subscriptions": 1}) as venue, venue.connect("/ws-api/v3") as socket:
        api = Api(venue, socket, read)
        assert (await api.ask("userDataStream.unsubscribe"))["result"] == {}
        await api.ask("userDataStream.subscribe.signature", **api.sign())
        await api.ask("userDataStream.unsubscribe")
        assert (await api.ask("userDataStream.subscribe.signature", **api.sign()))["error"]["code"] == -2042


async def test_shutdown_notice_is_wrapped_as_an_event(api):
    api.venue.simulator.faults.set("goaway:0.05")
    notice = msgspec.json.decode((await api.socket.receive(timeout=10)).data)
    assert notice["event"]["e"] == "serverShutdown"


async def test_request_under_way_ends_with_its_connection(venue):
    venue.simulator.faults.set("silent_accept", channel="time")
    async with venue.connect("/ws-api/v3") as socket:
        await socket.send_json({"id": 1, "method": "time"})
        await venue.simulator.journal.wait_for("request", method="time")
    await venue.simulator.journal.wait_for("stream_close")
