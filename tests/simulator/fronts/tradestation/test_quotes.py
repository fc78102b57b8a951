from typing import Any

from brokerwire.simulator.fronts.tradestation.quotes import QuoteBoard

FIELDS = [
    "Symbol", "Open", "High", "Low", "PreviousClose", "Last", "Ask", "AskSize", "Bid", "BidSize", "NetChange",
    "NetChangePct", "High52Week", "High52WeekTimestamp", "Low52Week", "Low52WeekTimestamp", "Volume", "PreviousVolume",
    "Close", "DailyOpenInterest", "TradeTime", "TickSizeTier", "MarketFlags", "LastSize", "LastVenue", "VWAP",
]  # fmt: skip


async def test_snapshot_has_the_fields_of_the_venue_in_its_order(wire: Any) -> None:
    body = await wire.get("/v3/marketdata/quotes/AAPL,msft")
    assert list(body) == ["Quotes"]
    assert [q["Symbol"] for q in body["Quotes"]] == ["AAPL", "MSFT"]
    quote = body["Quotes"][0]
    assert list(quote) == FIELDS
    assert all(isinstance(v, str) for k, v in quote.items() if k != "MarketFlags")
    assert list(quote["MarketFlags"]) == ["IsDelayed", "IsHardToBorrow", "IsBats", "IsHalted"]


async def test_unknown_symbols_are_errors_beside_the_others(wire: Any) -> None:
    body = await wire.get("/v3/marketdata/quotes/AAPL,NOPE1")
    assert body["Errors"] == [{"Symbol": "NOPE1", "Error": "FAILED, INVALID SYMBOL"}]
    assert "Quotes" not in await wire.get("/v3/marketdata/quotes/NOPE1")


async def test_future_quote_has_its_limits_and_dates(wire: Any) -> None:
    (contract, *_) = wire.simulator.exchange.market.universe.contracts("ES")
    (quote,) = (await wire.get(f"/v3/marketdata/quotes/{contract.symbol}"))["Quotes"]
    assert quote["LastTradingDate"] == f"{contract.expiration}T00:00:00Z"
    assert float(quote["MinPrice"]) < float(quote["Last"]) < float(quote["MaxPrice"])
    assert int(quote["DailyOpenInterest"]) > 0


async def test_more_than_a_hundred_symbols_are_refused(wire: Any) -> None:
    symbols = ",".join(f"S{n}" for n in range(101))
    assert (await wire.call("GET", f"/v3/marketdata/quotes/{symbols}"))[0] == 400
    assert (await wire.call("GET", f"/v3/marketdata/stream/quotes/{symbols}"))[0] == 400


async def test_stream_begins_in_full_and_goes_on_with_changes(wire: Any) -> None:
    async with wire.stream("/v3/marketdata/stream/quotes/AAPL,NOPE1,MSFT") as lines:
        full, error, other = [await lines.frame() for _ in range(3)]
        frames = await lines.until(lambda f: "TradeTime" in f and f["Symbol"] == "AAPL")
    assert list(full) == FIELDS == list(other)
    assert error == {"Symbol": "NOPE1", "Error": "FAILED, INVALID SYMBOL"}
    partial = [f for f in frames if f.get("Symbol") == "AAPL"]
    assert all(1 < len(f) < len(FIELDS) for f in partial)
    merged = full
    for frame in partial:
        assert any(merged[k] != v for k, v in frame.items())
        merged = merged | frame
    assert float(merged["Low"]) <= float(merged["Last"]) <= float(merged["High"])


async def test_volume_grows_by_the_last_size(wire: Any) -> None:
    async with wire.stream("/v3/marketdata/stream/quotes/AAPL") as lines:
        full = await lines.frame()
        first, second = (
            (await lines.until(lambda f: "Volume" in f))[-1],
            (await lines.until(lambda f: "Volume" in f))[-1],
        )
    last_size = (full | first | second)["LastSize"]
    assert int(second["Volume"]) - int(first["Volume"]) == int(last_size)


async def test_new_trading_day_starts_its_figures_afresh(still_clock: Any, market: Any) -> None:
    board = QuoteBoard(market, market.instrument("AAPL"))
    before = board.begin()
    still_clock.moved_s += 86_400
    changed = board.changes(market.last_trade("AAPL"))
    assert changed["PreviousClose"] != before["PreviousClose"]
    assert {"Open", "PreviousVolume", "Volume"} <= set(changed)
