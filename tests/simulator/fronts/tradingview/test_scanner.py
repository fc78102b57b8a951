import pytest


async def test_fields_of_one_symbol_are_those_of_its_quote(venue):
    status, body = await venue.get("/symbol", params={"symbol": "NASDAQ:AAPL", "fields": "type,close,change,nonsense"})
    assert status == 200
    assert body["type"] == "stock"
    assert body["close"] == float(venue.simulator.exchange.market.last_trade("AAPL").price)
    assert body["nonsense"] is None


@pytest.mark.parametrize("symbol", ["NASDAQ:NOSUCH", "SP:SPX"])
async def test_symbols_that_it_does_not_have_are_404_or_empty(venue, symbol):
    assert (await venue.get("/symbol", params={"symbol": symbol, "fields": "type"}))[0] == 404
    params = {"symbol": symbol, "fields": "type", "no_404": "true"}
    assert await venue.get("/symbol", params=params) == (200, {})


async def test_a_scan_of_tickers_gives_a_row_for_each_that_is_known(venue):
    wish = {"symbols": {"tickers": ["NASDAQ:AAPL", "NYSE:NOSUCH", "BINANCE:BTCUSDT"]}, "columns": ["name", "close|60"]}
    _, body = await venue.post("/global/scan", json=wish)
    assert [row["s"] for row in body["data"]] == ["NASDAQ:AAPL", "BINANCE:BTCUSDT"]
    assert body["data"][0]["d"][0] == "AAPL"
    assert body["totalCount"] == 2


async def test_a_scan_of_a_market_gives_the_range_that_was_asked_for(venue):
    _, body = await venue.post("/america/scan", json={"columns": ["name", "market_cap_basic"], "range": [0, 5]})
    assert len(body["data"]) == 5
    assert body["totalCount"] > 100
    _, coins = await venue.post("/crypto/scan", json={"columns": ["type"], "range": [0, 3]})
    assert [row["d"] for row in coins["data"]] == [["spot"]] * 3


async def test_a_scan_that_is_no_json_is_400(venue):
    assert (await venue.post("/america/scan", data=b"{"))[0] == 400
