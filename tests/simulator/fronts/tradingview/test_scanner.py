import pytest


async def test_fields_of_one_symbol_are_those_of_its_quote(venue):
    status, body = await venue.get("/symbol", params={"symbol": "NASDAQ:AAPL", "fields": "type,close,change,nonsense"})
    assert status == 200
    assert body["type"] == "stock"
    assert body["close"] == float(venue.simulator.exchange.market.last_trade("AAPL").price)
    assert body["nonsense"] is None


@pytest.mark.parametrize("symbol", ["NASDAQ:NOSUCH", "SP:SPX"])
async def test_symbols_that_it_does_not_have_are_404_or_null(venue, symbol):
    status, body = await venue.get("/symbol", params={"symbol": symbol, "fields": "type"})
    assert (status, body["code"]) == (404, "symbol_not_exists")
    params = {"symbol": symbol, "fields": "type", "no_404": "true"}
    assert await venue.get("/symbol", params=params) == (200, None)


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


async def names_of(venue, path, **wish):
    status, body = await venue.post(path, json={"columns": ["name"], "range": [0, 400], **wish})
    assert status == 200, body
    return [row["s"] for row in body["data"]]


async def test_the_market_restricts_the_symbols(venue):
    named = {"tickers": ["NASDAQ:AAPL", "BINANCE:BTCUSDT", "LSE:VOD"]}
    assert await names_of(venue, "/america/scan", symbols=named) == ["NASDAQ:AAPL"]
    assert await names_of(venue, "/crypto/scan", symbols=named) == ["BINANCE:BTCUSDT"]
    assert await names_of(venue, "/global/scan", symbols=named) == named["tickers"]
    assert await names_of(venue, "/global/scan", symbols=named, markets=["america", "uk"]) == ["NASDAQ:AAPL", "LSE:VOD"]
    typed = named | {"query": {"types": ["spot"]}}
    assert await names_of(venue, "/global/scan", symbols=typed) == ["BINANCE:BTCUSDT"]
    assert await names_of(venue, "/italy/scan") == []
    assert "TSE:7203" in await names_of(venue, "/japan/scan")
    assert "TSE:7203" not in await names_of(venue, "/america/scan")


async def test_a_scan_keeps_what_the_filters_say_in_the_order_asked_for(venue):
    wish = {
        "columns": ["close", "type", "market"],
        "filter": [{"left": "close", "operation": "in_range", "right": [100, 200]}],
        "filter2": {
            "operator": "and",
            "operands": [{"expression": {"left": "type", "operation": "equal", "right": "stock"}}],
        },
        "sort": {"sortBy": "close", "sortOrder": "desc"},
        "range": [1, 4],
    }
    _, body = await venue.post("/america/scan", json=wish)
    closes = [row["d"][0] for row in body["data"]]
    assert closes == sorted(closes, reverse=True)
    assert len(closes) == 3 < body["totalCount"] < 200
    assert all(100 <= close <= 200 for close in closes)
    assert {tuple(row["d"][1:]) for row in body["data"]} == {("stock", "america")}


async def test_technical_figures_are_those_of_the_bars_of_a_resolution(venue):
    names = ["Recommend.All", "RSI", "RSI[1]", "EMA20", "open", "Pivot.M.Classic.S1"]
    columns = [f"{name}{bars}" for bars in ("", "|60") for name in names]
    wish = {"symbols": {"tickers": ["BINANCE:BTCUSDT"]}, "columns": columns}
    _, body = await venue.post("/crypto/scan", json=wish)
    found = dict(zip(columns, body["data"][0]["d"], strict=True))
    assert -1 <= found["Recommend.All"] <= 1
    assert all(0 < found[name] < 100 for name in ("RSI", "RSI[1]", "RSI|60"))
    assert found["EMA20"] != found["EMA20|60"]
    assert found["Pivot.M.Classic.S1"] is None
    async with venue.dial() as dial:
        bar = (await dial.chart(resolution="60", bars=1))[-2]["p"][1]["sds_1"]["s"][0]["v"]
    assert found["open|60"] == bar[1]


async def test_a_scan_that_cannot_be_carried_out_is_400(venue):
    for wish in (
        {"filter": [{"left": "close", "operation": "crosses", "right": 5}]},
        {"columns": ["RSI|nonsense"]},
        {"columns": 5},
    ):
        status, body = await venue.post("/america/scan", json=wish)
        assert (status, body["totalCount"], body["data"]) == (400, 0, None)
        assert body["error"]
    assert (await venue.post("/america/scan", data=b"{"))[0] == 400
    params = {"symbol": "NASDAQ:AAPL", "fields": "RSI|nonsense"}
    assert (await venue.get("/symbol", params=params))[0] == 400
