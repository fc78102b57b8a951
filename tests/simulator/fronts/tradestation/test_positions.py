from decimal import Decimal
from typing import Any

import pytest

from brokerwire.simulator.fronts.tradestation.positions import changes_only, matches_symbol, whole

from .conftest import FUTURES, MARGIN

STREAM = f"/v3/brokerage/stream/accounts/{MARGIN}/positions"
FIELDS = [
    "AccountID", "AveragePrice", "AssetType", "Last", "Bid", "Ask", "ConversionRate", "DayTradeRequirement",
    "InitialRequirement", "MaintenanceMargin", "PositionID", "LongShort", "Quantity", "Symbol", "Timestamp",
    "TodaysProfitLoss", "TotalCost", "MarketValue", "MarkToMarketPrice", "UnrealizedProfitLoss",
    "UnrealizedProfitLossPercent", "UnrealizedProfitLossQty",
]  # fmt: skip


@pytest.mark.parametrize(
    ("symbol", "pattern", "expected"),
    [
        ("MSFT 230317C250", "MSFT *", True),
        ("MSFT", "MSFT *", False),
        ("MSFT 230317C250", "MSFT 2303*", True),
        ("AAPL 230317C250", "* 2303*C*", True),
        ("AAPL 230317P250", "* 2303*C*", False),
    ],
)
def test_patterns_of_the_documentation(symbol: str, pattern: str, *, expected: bool) -> None:
    assert matches_symbol(symbol, [pattern]) is expected


def test_reductions() -> None:
    before, now = {"PositionID": "1", "Last": "5", "Bid": "4"}, {"PositionID": "1", "Last": "6", "Bid": "4"}
    assert whole(before, now) == now
    assert changes_only(before, now) == {"PositionID": "1", "Last": "6"}
    assert whole(now, now) == changes_only(now, now) == {}


async def test_records_have_the_fields_of_the_venue(wire: Any) -> None:
    (future,) = (await wire.get(f"/v3/brokerage/accounts/{FUTURES}/positions"))["Positions"]
    share = (await wire.get(f"/v3/brokerage/accounts/{MARGIN}/positions"))["Positions"][0]
    assert list(share) == FIELDS
    assert all(isinstance(value, str) for value in share.values())
    assert (future["AssetType"], future["LongShort"]) == ("FUTURE", "Long")
    assert "ExpirationDate" in future
    assert float(future["InitialRequirement"]) > 0


async def test_snapshot_ends_and_whole_records_follow(wire: Any) -> None:
    async with wire.stream(STREAM) as lines:
        snapshot = await lines.until(lambda f: f.get("StreamStatus") == "EndSnapshot")
        later = (await lines.until(lambda f: "PositionID" in f))[-1]
    assert {f["Symbol"] for f in snapshot[:-1]} == {"KO", "IBM"}
    assert list(later) == FIELDS


async def test_changes_name_the_position_and_what_changed(wire: Any) -> None:
    async with wire.stream(f"{STREAM}?changes=true") as lines:
        await lines.until(lambda f: f.get("StreamStatus") == "EndSnapshot")
        change = (await lines.until(lambda f: "PositionID" in f))[-1]
        assert "Symbol" not in change
        await wire.place()
        opened = (await lines.until(lambda f: f.get("Symbol") == "AMD"))[-1]
        assert opened["Quantity"] == "10"
        await wire.place(TradeAction="SELL")
        closed = (await lines.until(lambda f: f.get("Deleted")))[-1]
    assert closed == {"PositionID": opened["PositionID"], "Deleted": True}


async def test_short_position_has_a_negative_quantity(wire: Any) -> None:
    await wire.place(TradeAction="SELLSHORT")
    rows = (await wire.get(f"/v3/brokerage/accounts/{MARGIN}/positions?symbol=AMD"))["Positions"]
    assert (rows[0]["LongShort"], rows[0]["Quantity"]) == ("Short", "-10")


async def test_unknown_account_is_an_error_frame(wire: Any) -> None:
    async with wire.stream("/v3/brokerage/stream/accounts/SIM9999999M/positions") as lines:
        assert await lines.frame() == {
            "Error": "Forbidden", "Message": "Invalid Account ID.", "AccountID": "SIM9999999M",
        }  # fmt: skip


async def test_index_option_is_named_as_such(wire: Any) -> None:
    day = wire.simulator.exchange.market.universe.expirations("$SPX.X")[4]
    await wire.place(Symbol=f"SPXW {day:%y%m%d}P6000", Quantity="1", TradeAction="SELLTOOPEN")
    rows = (await wire.get(f"/v3/brokerage/accounts/{MARGIN}/positions?symbol=SPX*"))["Positions"]
    assert rows[0]["AssetType"] == "INDEXOPTION"


async def test_other_accounts_do_not_show(wire: Any) -> None:
    future = wire.simulator.exchange.market.universe.contracts("MES")[0].symbol
    async with wire.stream(STREAM) as lines:
        await lines.until(lambda f: f.get("StreamStatus") == "EndSnapshot")
        await wire.place(AccountID=FUTURES, Symbol=future, Quantity="1")
        await wire.place(Symbol="AMD")
        frames = await lines.until(lambda f: f.get("Symbol") == "AMD")
    assert {frame["AccountID"] for frame in frames if "AccountID" in frame} == {MARGIN}


async def test_position_that_was_given_meanwhile_may_end(wire: Any) -> None:
    exchange = wire.simulator.exchange
    async with wire.stream(STREAM) as lines:
        await lines.until(lambda f: f.get("StreamStatus") == "EndSnapshot")
        given = exchange.give_position(MARGIN, "AMD", quantity=Decimal(10), average_price=Decimal(100))
        await wire.place(Symbol="AMD", TradeAction="SELL")
        await lines.until(lambda f: f.get("PositionID") == str(given.position_id) and f.get("Deleted"))


async def test_symbol_that_another_account_still_holds_is_priced_on(wire: Any) -> None:
    exchange = wire.simulator.exchange
    for account in (MARGIN, FUTURES):
        exchange.give_position(account, "AMD", quantity=Decimal(10), average_price=Decimal(100))
    async with wire.stream(f"/v3/brokerage/stream/accounts/{MARGIN},{FUTURES}/positions") as lines:
        await lines.until(lambda f: f.get("StreamStatus") == "EndSnapshot")
        await wire.place(Symbol="AMD", TradeAction="SELL")
        await lines.until(lambda f: f.get("Deleted"))
        await lines.until(lambda f: f.get("AccountID") == FUTURES and f.get("Symbol") == "AMD")
