from typing import Any

import pytest

from .conftest import FUTURES, MARGIN


async def placed_order(wire: Any, **fields: Any) -> dict[str, Any]:
    placed = await wire.place(**fields)
    account = fields.get("AccountID", MARGIN)
    body = await wire.get(f"/v3/brokerage/accounts/{account}/orders/{placed['OrderID']}")
    found: dict[str, Any] = body["Orders"][0]
    return found


@pytest.mark.parametrize(("given", "shown"), [("DAY", "DAY"), ("DYP", "DAY+"), ("GCP", "GTC+"), ("1", "1 min")])
async def test_durations_are_spelled_differently_on_read(wire: Any, given: str, shown: str) -> None:
    order = await placed_order(wire, OrderType="Limit", LimitPrice="50", TimeInForce={"Duration": given})
    assert order["Duration"] == shown


async def test_good_till_date_is_shown(wire: Any) -> None:
    day = wire.simulator.exchange.market.universe.expirations("AMD")[1]
    order = await placed_order(
        wire, OrderType="Limit", LimitPrice="50", TimeInForce={"Duration": "GDP", "Expiration": f"{day}T12:00:00Z"}
    )
    assert (order["Duration"], order["GoodTillDate"]) == ("GTD+", f"{day}T00:00:00Z")


async def test_future_order_has_no_route_and_no_open_or_close(wire: Any) -> None:
    contract = wire.simulator.exchange.market.universe.contracts("MES")[0]
    order = await placed_order(wire, AccountID=FUTURES, Symbol=contract.symbol, Quantity="1")
    (leg,) = order["Legs"]
    assert "Routing" not in order
    assert list(leg) == [
        "ExpirationDate", "QuantityOrdered", "ExecQuantity", "QuantityRemaining", "BuyOrSell", "Symbol", "Underlying",
        "AssetType", "ExecutionPrice",
    ]  # fmt: skip
    assert (leg["Underlying"], leg["AssetType"]) == ("MES", "FUTURE")
    assert order["CommissionFee"] == "1.5"


async def test_option_leg_tells_its_terms(wire: Any) -> None:
    day = wire.simulator.exchange.market.universe.expirations("AMD")[4]
    order = await placed_order(wire, Symbol=f"AMD {day:%y%m%d}C160", Quantity="1", TradeAction="BUYTOOPEN")
    (leg,) = order["Legs"]
    assert (leg["OptionType"], leg["StrikePrice"], leg["OpenOrClose"]) == ("CALL", "160", "Open")
    assert leg["AssetType"] == "STOCKOPTION"


async def test_trailing_stop_shows_its_distance(wire: Any) -> None:
    await wire.place()
    options = {"TrailingStop": {"Percent": "5.0"}}
    order = await placed_order(wire, TradeAction="SELL", OrderType="StopMarket", AdvancedOptions=options)
    assert order["TrailingStop"] == {"Percent": "5"}
    assert order["AdvancedOptions"] == "STPTRG=STT;TRL=5%;"
    assert float(order["StopPrice"]) > 0


async def test_numbers_are_strings_and_there_is_no_symbol_at_the_top(wire: Any) -> None:
    order = await placed_order(wire)
    assert not {"Symbol", "Quantity", "TradeAction"} & set(order)
    assert all(isinstance(v, str) for k, v in order.items() if k != "Legs")
    assert (order["Status"], order["StatusDescription"]) == ("FLL", "Filled")
