import asyncio

import pytest

from brokerwire.simulator.fronts.tradingview.quote_session import QuoteSession
from brokerwire.simulator.fronts.tradingview.symbols import SymbolTable
from brokerwire.simulator.fronts.tradingview.tape import Tapes

KEY = '={"adjustment":"splits","symbol":"NASDAQ:AAPL"}'


class Sink:
    plan = ""

    def __init__(self):
        self.packets = []

    def send_data(self, topic, method, params):
        self.packets.append((topic, method, params))

    send_answer = send_data

    def asked_for(self, topic):
        self.asked = topic

    def values(self, key):
        return [params[1]["v"] for _, method, params in self.packets if method == "qsd" and params[1]["n"] == key]


@pytest.fixture
def sink():
    return Sink()


@pytest.fixture
async def session(sink, live_market):
    tapes = Tapes(live_market)
    found = QuoteSession("qs_a", sink, market=live_market, symbols=SymbolTable(live_market.universe), tapes=tapes)
    yield found
    found.close()
    tapes.close()


async def test_a_symbol_is_told_in_full_and_completed_under_its_own_key(session, sink):
    session.add(KEY)
    topics, methods = {topic for topic, _, _ in sink.packets}, [method for _, method, _ in sink.packets]
    assert methods == ["qsd", "qsd", "quote_completed"]
    assert topics == {"quote/NASDAQ:AAPL"}
    assert sink.packets[-1][2] == ["qs_a", KEY]
    first = sink.values(KEY)[0]
    assert {"lp", "ch", "chp", "volume", "bid", "ask", "short_name", "type"} <= first.keys()


async def test_fast_symbols_are_told_what_changed_at_least_twice_a_second(session, sink):
    session.add("NASDAQ:AAPL")
    session.set_fast(["NASDAQ:AAPL"])
    sink.packets.clear()
    await asyncio.sleep(10)
    news = sink.values("NASDAQ:AAPL")
    assert len(news) >= 20
    assert sum("lp_time" in each or "volume" in each for each in news) >= 10
    assert all("short_name" not in each for each in news)


async def test_a_key_in_json_is_fast_when_its_symbol_is(session, sink):
    session.add(KEY)
    session.set_fast(["NASDAQ:AAPL"])
    sink.packets.clear()
    await asyncio.sleep(2)
    assert sink.values(KEY)


async def test_the_others_wait_until_they_are_flushed(session, sink):
    session.add(KEY)
    session.set_fast([])
    sink.packets.clear()
    await asyncio.sleep(5)
    assert sink.packets == []
    session.flush()
    assert len(sink.values(KEY)) == 1


async def test_merging_gives_what_a_fresh_session_is_told(session, sink):
    session.add("NASDAQ:AAPL")
    session.set_fast(["NASDAQ:AAPL"])
    await asyncio.sleep(20)
    merged = {}
    for values in sink.values("NASDAQ:AAPL"):
        merged |= values
    sink.packets.clear()
    session.add("NASDAQ:AAPL")
    fresh = {}
    for values in sink.values("NASDAQ:AAPL"):
        fresh |= values
    assert merged == fresh


async def test_only_the_fields_that_were_set_are_told(session, sink):
    session.set_fields(["lp", "lp_time"])
    session.add("NASDAQ:AAPL")
    assert [values.keys() for values in sink.values("NASDAQ:AAPL")] == [{"lp", "lp_time"}]
    assert session.known_fields() == ["lp", "lp_time"]


async def test_an_unknown_symbol_is_an_error_of_its_own(session, sink):
    session.add("NYSE:NOSUCH")
    session.add("NASDAQ:AAPL")
    params = sink.packets[0][2]
    assert params[1] == {"n": "NYSE:NOSUCH", "s": "error", "v": {}, "errmsg": "invalid symbol"}
    assert sink.packets[1][1:] == ("quote_completed", ["qs_a", "NYSE:NOSUCH"])
    assert session.keys == ["NASDAQ:AAPL"]


async def test_what_was_removed_is_told_no_more(session, sink):
    session.add("NASDAQ:AAPL")
    session.set_fast(["NASDAQ:AAPL"])
    session.remove("NASDAQ:AAPL")
    session.remove("NASDAQ:AAPL")
    sink.packets.clear()
    await asyncio.sleep(3)
    assert sink.packets == []


async def test_without_a_list_every_field_of_the_symbols_is_known(session):
    session.add("NASDAQ:AAPL")
    assert {"lp", "short_name"} <= set(session.known_fields())


async def test_a_new_price_comes_with_its_time_and_its_change(session, sink):
    session.add("NASDAQ:AAPL")
    session.set_fast(["NASDAQ:AAPL"])
    await asyncio.sleep(20)
    priced = [values for values in sink.values("NASDAQ:AAPL") if "lp" in values]
    assert len(priced) > 5
    assert all({"lp_time", "ch", "chp"} <= values.keys() for values in priced)


async def test_prices_are_told_in_the_currency_that_was_asked_for(session, sink):
    session.add("NASDAQ:AAPL")
    session.add('={"currency-id":"EUR","symbol":"NASDAQ:AAPL"}')
    session.add('={"currency-id":"USD","symbol":"NASDAQ:AAPL"}')
    plain, euros, dollars = (
        params[1]["v"] for _, method, params in sink.packets if method == "qsd" and "lp" in params[1]["v"]
    )
    assert 0.7 < euros["lp"] / plain["lp"] < 1
    assert euros["bid"] < euros["ask"]
    assert (euros["currency_code"], euros["volume"], euros["chp"]) == ("EUR", plain["volume"], plain["chp"])
    assert dollars == plain
