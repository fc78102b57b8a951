from typing import Any
from urllib.parse import quote

import pytest


async def test_details_of_every_kind_of_symbol(wire: Any) -> None:
    universe = wire.simulator.exchange.market.universe
    day = f"{universe.expirations('AMD')[3]:%y%m%d}"
    treasury = universe.contracts("TY")[0].symbol
    body = await wire.get(f"/v3/marketdata/symbols/AMD%20{day}C160,@MES,MSFT,{treasury},$SPX.X,NOPE1")
    rows = {row["Symbol"]: row for row in body["Symbols"]}
    assert body["Errors"] == [{"Symbol": "NOPE1", "Error": "NotFound", "Message": "Symbol not found"}]
    option, continuous = rows[f"AMD {day}C160"], rows["@MES"]
    assert (option["AssetType"], option["OptionType"], option["StrikePrice"]) == ("STOCKOPTION", "CALL", "160")
    assert option["PriceFormat"]["IncrementStyle"] == "Schedule"
    assert continuous["Underlying"].startswith("MES")
    assert continuous["PriceFormat"]["Increment"] == "0.25"
    assert rows[treasury]["PriceFormat"]["Format"] == "SubFraction"
    assert rows["$SPX.X"]["AssetType"] == "INDEX"
    assert list(rows["MSFT"]) == [
        "AssetType", "Country", "Currency", "Description", "Exchange", "Symbol", "Root", "PriceFormat",
        "QuantityFormat",
    ]  # fmt: skip


async def test_bond_future_is_quoted_in_fractions(wire: Any) -> None:
    symbol = wire.simulator.exchange.market.universe.contracts("US")[0].symbol
    (row,) = (await wire.get(f"/v3/marketdata/symbols/{symbol}"))["Symbols"]
    assert row["PriceFormat"]["Format"] == "Fraction"


async def test_more_than_fifty_symbols_are_refused(wire: Any) -> None:
    symbols = ",".join(f"S{n}" for n in range(51))
    assert (await wire.call("GET", f"/v3/marketdata/symbols/{symbols}"))[0] == 400


async def test_crypto_list(wire: Any) -> None:
    body = await wire.get("/v3/marketdata/symbollists/cryptopairs/symbolnames")
    assert body == {"SymbolNames": ["BTCUSD", "ETHUSD", "LTCUSD", "BCHUSD"]}


async def test_suggestions_begin_with_the_text_and_have_json_numbers(wire: Any) -> None:
    rows = await wire.get("/v2/data/symbols/suggest/msf?$top=3")
    assert rows[0]["Name"] == "MSFT"
    assert isinstance(rows[0]["PointValue"], float)
    assert "Underlying" not in rows[0]
    rows = await wire.get("/v2/data/symbols/suggest/apple")
    assert [row["Name"] for row in rows] == ["AAPL"]


async def test_suggestions_can_be_filtered(wire: Any) -> None:
    all_rows = await wire.get("/v2/data/symbols/suggest/micro?$top=100")
    stocks = await wire.get("/v2/data/symbols/suggest/micro?$top=100&$filter=Category%20eq%20'Stock'")
    others = await wire.get("/v2/data/symbols/suggest/micro?$top=100&$filter=Category%20neq%20'Stock'")
    assert len(stocks) + len(others) == len(all_rows)
    assert {row["Category"] for row in stocks} == {"Stock"}


@pytest.mark.parametrize("query", ["$top=x", "$filter=Nonsense"])
async def test_bad_lookups(wire: Any, query: str) -> None:
    status, body = await wire.call("GET", f"/v2/data/symbols/suggest/A?{query}")
    assert (status, body["StatusCode"]) == (400, 400)


async def test_search_by_name_category_and_root(wire: Any) -> None:
    assert [row["Name"] for row in await wire.get("/v2/data/symbols/search/N=MSFT&C=Stock")] == ["MSFT"]
    futures = await wire.get("/v2/data/symbols/search/R=ES&C=Future")
    assert futures
    assert all(row["Root"] == "ES" for row in futures)
    options = await wire.get("/v2/data/symbols/search/R=AAPL&Stk=2&Exd=1&OT=Call")
    assert len(options) == 4
    assert {row["OptionType"] for row in options} == {"Call"}
    assert await wire.get("/v2/data/symbols/search/R=NOPE&C=SO") == []
    assert await wire.get("/v2/data/symbols/search/N=A&C=Bond") == []


async def test_option_of_an_index_says_so(wire: Any) -> None:
    universe = wire.simulator.exchange.market.universe
    index = next(each for each in universe.all("index") if universe.expirations(each.symbol))
    option = universe.option(
        index.symbol,
        expiration=universe.expirations(index.symbol)[3],
        option_type="call",
        strike=universe.strikes(index.symbol)[5],
    )
    (found,) = (await wire.get(f"/v3/marketdata/symbols/{quote(option.symbol)}"))["Symbols"]
    assert found["AssetType"] == "INDEXOPTION"
