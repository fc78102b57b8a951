import asyncio
from decimal import Decimal
from typing import Any

from brokerwire.simulator.fronts.tradestation.quotes import day_bounds

from .conftest import FUTURES, MARGIN


async def balances(wire: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    rows = (await wire.get(f"/v3/brokerage/accounts/{MARGIN},{FUTURES}/balances"))["Balances"]
    return rows[0], rows[1]


async def test_balances_have_the_fields_of_their_kind_as_strings(wire: Any) -> None:
    margin, futures = await balances(wire)
    shared = ["AccountID", "AccountType", "CashBalance", "BuyingPower", "Equity", "MarketValue", "TodaysProfitLoss"]
    assert list(margin)[:7] == list(futures)[:7] == shared
    assert "CurrencyDetails" not in margin
    assert list(futures)[-2:] == ["CurrencyDetails", "Commission"]
    assert "OptionBuyingPower" in margin["BalanceDetail"]
    assert "InitialMargin" in futures["BalanceDetail"]
    assert all(isinstance(value, str) for value in margin["BalanceDetail"].values())


async def test_equity_is_cash_plus_market_value(wire: Any) -> None:
    margin, _ = await balances(wire)
    total = Decimal(margin["CashBalance"]) + Decimal(margin["MarketValue"])
    assert abs(Decimal(margin["Equity"]) - total) < 1


async def test_purchase_moves_cash_and_commission(wire: Any) -> None:
    before, _ = await balances(wire)
    await wire.place()
    after, _ = await balances(wire)
    assert Decimal(after["CashBalance"]) < Decimal(before["CashBalance"]) - 1000
    assert after["Commission"] == "1"


async def test_option_position_counts_as_options_market_value(wire: Any) -> None:
    day = f"{wire.simulator.exchange.market.universe.expirations('AMD')[4]:%y%m%d}"
    await wire.place(Symbol=f"AMD {day}C160", Quantity="1", TradeAction="BUYTOOPEN")
    margin, _ = await balances(wire)
    assert Decimal(margin["BalanceDetail"]["OptionsMarketValue"]) > 0


async def test_beginning_of_day_stays_when_orders_fill(wire: Any) -> None:
    path = f"/v3/brokerage/accounts/{MARGIN},{FUTURES}/bodbalances"
    margin, futures = (await wire.get(path))["BODBalances"]
    assert list(margin) == ["AccountID", "AccountType", "BalanceDetail"]
    assert "DayTradingMarginableBuyingPower" in margin["BalanceDetail"]
    assert list(futures)[-1] == "CurrencyDetails"
    future = wire.simulator.exchange.market.universe.contracts("ES")[0].symbol
    await wire.place()
    await wire.place(Symbol="KO", Quantity="50", TradeAction="SELL")
    await wire.place(AccountID=FUTURES, Symbol=future, Quantity="1")
    assert (await balances(wire))[1]["Commission"] != "0"
    assert (await wire.get(path))["BODBalances"] == [margin, futures]


async def test_beginning_of_day_takes_in_yesterdays_trades_at_the_days_boundary(wire: Any) -> None:
    path = f"/v3/brokerage/accounts/{MARGIN}/bodbalances"
    before = (await wire.get(path))["BODBalances"][0]["BalanceDetail"]
    await wire.place()
    cash = (await balances(wire))[0]["CashBalance"]
    assert before["NetCash"] != cash
    market = wire.simulator.exchange.market
    await asyncio.sleep((day_bounds(market.now_ns())[1] - market.now_ns()) / 1e9 + 1)
    await wire.sign_in()
    assert (await wire.get(path))["BODBalances"][0]["BalanceDetail"]["NetCash"] == cash
