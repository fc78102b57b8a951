"""Reference prices, the rules that go by them, and block trades."""

from decimal import Decimal

from brokerwire.simulator.fronts.binance.arguments import Arguments
from brokerwire.simulator.fronts.binance.reference import reference_price, rules_weight

MINUTE_NS = 60_000_000_000


async def test_reference_price_is_the_mean_of_ten_closing_prices(venue):
    status, body = await venue.get("referencePrice", symbol="BTCUSDT")
    assert (status, body["symbol"]) == (200, "BTCUSDT")
    market = venue.simulator.exchange.market
    end_ns = venue.simulator.exchange.now_ns() // MINUTE_NS * MINUTE_NS
    closes = [market.last_trade("BTCUSDT", end_ns - number * MINUTE_NS - 1).price for number in range(10)]
    assert reference_price(market, "BTCUSDT", end_ns) == sum(closes, Decimal(0)) / 10
    assert (await venue.get("referencePrice", symbol="NOPE"))[1]["code"] == -1121


async def test_how_it_is_made_is_told(venue):
    _, body = await venue.get("referencePrice/calculation", symbol="BTCUSDT")
    assert (body["calculationType"], body["bucketCount"], body["bucketWidthMs"]) == ("ARITHMETIC_MEAN", 10, 60_000)


async def test_no_rule_is_in_force(venue):
    assert (await venue.get("executionRules", symbol="BTCUSDT"))[1] == {
        "symbolRules": [{"symbol": "BTCUSDT", "rules": []}]
    }
    assert len((await venue.get("executionRules"))[1]["symbolRules"]) > 100
    assert len((await venue.get("executionRules", symbols='["BTCUSDT","ETHUSDT"]'))[1]["symbolRules"]) == 2
    assert (await venue.get("executionRules", symbolStatus="HALT"))[1] == {"symbolRules": []}
    assert (await venue.get("executionRules", symbolStatus="ASLEEP"))[1]["code"] == -1122
    assert (await venue.get("executionRules", symbol="BTCUSDT", symbolStatus="HALT"))[1]["code"] == -1128


def test_rules_weigh_two_for_each_symbol_up_to_forty():
    many = "[" + ",".join(f'"S{number}"' for number in range(30)) + "]"
    assert rules_weight(Arguments({"symbol": "BTCUSDT"})) == 2
    assert rules_weight(Arguments({"symbols": '["A","B","C"]'})) == 6
    assert rules_weight(Arguments({"symbols": many})) == rules_weight(Arguments({})) == 40


async def test_there_are_no_block_trades(venue):
    assert await venue.get("historicalBlockTrades", symbol="BTCUSDT", fromId="0") == (200, [])
    assert (await venue.get("historicalBlockTrades", symbol="BTCUSDT"))[1]["code"] == -1102


async def test_nothing_was_prevented_or_allocated(venue):
    assert await venue.signed("GET", "myPreventedMatches", symbol="BTCUSDT", orderId="1") == (200, [])
    assert (await venue.signed("GET", "myPreventedMatches", symbol="BTCUSDT"))[1]["code"] == -1102
    assert await venue.signed("GET", "myAllocations", symbol="BTCUSDT") == (200, [])


async def test_order_lists_are_not_taken_and_there_are_none(venue):
    _, info = await venue.get("exchangeInfo", symbol="BTCUSDT")
    assert (info["symbols"][0]["ocoAllowed"], info["symbols"][0]["otoAllowed"]) == (False, False)
    assert await venue.signed("GET", "openOrderList") == (200, [])
    assert await venue.signed("GET", "allOrderList", limit="5") == (200, [])
