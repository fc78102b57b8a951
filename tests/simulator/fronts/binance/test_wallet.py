"""What clients ask beside the market: state, coins, fees, margin."""

import hashlib
import hmac
from typing import Any

import msgspec


async def wallet(venue: Any, path: str, *, is_signed: bool = True, **query: str) -> tuple[int, Any]:
    keys = venue.simulator.credentials
    query["timestamp"] = str(venue.simulator.exchange.now_ns() // 1_000_000)
    text = "&".join(f"{name}={value}" for name, value in query.items())
    if is_signed:
        text += "&signature=" + hmac.new(keys["api_secret"].encode(), text.encode(), hashlib.sha256).hexdigest()
    headers = {"X-MBX-APIKEY": keys["api_key"]}
    async with venue.session.get(f"{venue.rest}/sapi/v1/{path}?{text}", headers=headers) as response:
        return response.status, msgspec.json.decode(await response.read())


async def test_the_venue_says_that_it_works(venue):
    async with venue.session.get(f"{venue.rest}/sapi/v1/system/status") as response:
        assert await response.json(content_type=None) == {"status": 0, "msg": "normal"}


async def test_every_asset_with_a_market_is_a_coin(venue):
    status, coins = await wallet(venue, "capital/config/getall")
    assert status == 200
    found = {coin["coin"]: coin for coin in coins}
    assert {"BTC", "ETH", "USDT", "EUR"} <= set(found)
    assert (found["BTC"]["free"], found["BTC"]["isLegalMoney"]) == ("10.00000000", False)
    assert found["BTC"]["networkList"][0]["isDefault"] is True
    assert (found["EUR"]["isLegalMoney"], found["EUR"]["networkList"]) == (True, [])


async def test_coins_need_a_signature(venue):
    status, body = await wallet(venue, "capital/config/getall", is_signed=False)
    assert (status, body["code"]) == (400, -1102)


async def test_fees_are_told_for_one_symbol_or_all(venue):
    _, one = await wallet(venue, "asset/tradeFee", symbol="BTCUSDT")
    assert one == [{"symbol": "BTCUSDT", "makerCommission": "0.001", "takerCommission": "0.001"}]
    _, every = await wallet(venue, "asset/tradeFee")
    assert len(every) > 100
    assert (await wallet(venue, "asset/tradeFee", symbol="NOPE"))[1]["code"] == -1121


async def test_nothing_trades_on_margin(venue):
    assert await wallet(venue, "margin/allPairs") == (200, [])
    assert await wallet(venue, "margin/isolated/allPairs", is_signed=False) == (200, [])


async def test_the_wallet_does_not_spend_the_markets_weight(venue):
    async with venue.session.get(f"{venue.rest}/sapi/v1/system/status") as response:
        assert response.headers["X-MBX-USED-WEIGHT-1M"] == "0"
