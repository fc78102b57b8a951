"""Account, balance and beginning-of-day records as the venue writes them."""

from decimal import Decimal
from typing import Any

from brokerwire.simulator.accounts import Account
from brokerwire.simulator.checks import buying_power, equity, initial_margin
from brokerwire.simulator.exchange import Exchange
from brokerwire.simulator.fronts.tradestation.answers import number
from brokerwire.simulator.fronts.tradestation.quotes import day_bounds

_ZERO = Decimal(0)
_KINDS = {"margin": "Margin", "cash": "Cash", "futures": "Futures", "spot": "Cash"}


def money(value: Decimal) -> str:
    """Return an amount to four decimals."""
    return number(round(value, 4))


def account_record(account: Account) -> dict[str, Any]:
    """Return an account; only securities accounts have details."""
    record: dict[str, Any] = {
        "AccountID": account.account_id,
        "Currency": account.currency,
        "Status": "Active",
        "AccountType": _KINDS[account.kind],
    }
    if account.kind != "futures":
        record["AccountDetail"] = {
            "IsStockLocateEligible": False,
            "EnrolledInRegTProgram": False,
            "RequiresBuyingPowerWarning": False,
            "DayTradingQualified": True,
            "OptionApprovalLevel": 5,
            "PatternDayTrader": False,
        }
    return record


class Books:
    """The figures of accounts at the market's prices."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._market = exchange.market

    def _prices(self, account: Account) -> list[tuple[Decimal, Decimal, Decimal]]:
        """Return market value, open profit and initial margin of every position."""
        found: list[tuple[Decimal, Decimal, Decimal]] = []
        for position in account.positions.values():
            last = self._market.last_trade(position.symbol).price
            instrument = self._market.instrument(position.symbol)
            margin = initial_margin(instrument) * abs(position.quantity) if instrument.kind == "future" else _ZERO
            found.append((position.value_at(last), position.profit_at(last), margin))
        return found

    def _todays_profit(self, account: Account) -> Decimal:
        start_ns, _ = day_bounds(self._market.now_ns())
        total = account.realized - account.fees
        for position in account.positions.values():
            mark = position.average_price
            if position.opened_ns < start_ns:
                mark = self._market.last_trade(position.symbol, start_ns).price
            last = self._market.last_trade(position.symbol).price
            total += (last - mark) * position.quantity * position.point_value
        return total

    def balance(self, account: Account) -> dict[str, Any]:
        """Return the real-time balance."""
        prices = self._prices(account)
        value = sum((row[0] for row in prices), _ZERO)
        record: dict[str, Any] = {
            "AccountID": account.account_id,
            "AccountType": _KINDS[account.kind],
            "CashBalance": money(account.cash),
            "BuyingPower": money(buying_power(account, self._market)),
            "Equity": money(equity(account, self._market)),
            "MarketValue": money(value),
            "TodaysProfitLoss": money(self._todays_profit(account)),
            "UnclearedDeposit": "0",
        }
        profit = sum((row[1] for row in prices), _ZERO)
        if account.kind == "futures":
            margin = sum((row[2] for row in prices), _ZERO)
            record["BalanceDetail"] = self._futures_detail(account, profit=profit, margin=margin)
            record["CurrencyDetails"] = [self._currency_detail(account, profit=profit, margin=margin)]
        else:
            record["BalanceDetail"] = self._securities_detail(account, value=value, profit=profit)
        record["Commission"] = money(account.fees)
        return record

    def _securities_detail(self, account: Account, *, value: Decimal, profit: Decimal) -> dict[str, str]:
        power = buying_power(account, self._market)
        options = _ZERO
        for position in account.positions.values():
            if self._market.instrument(position.symbol).kind == "option":
                options += position.value_at(self._market.last_trade(position.symbol).price)
        return {
            "CostOfPositions": money(value - profit),
            "DayTrades": "0",
            "MaintenanceRate": money(abs(value) * Decimal("0.3")),
            "OptionBuyingPower": money(account.cash),
            "OptionsMarketValue": money(options),
            "OvernightBuyingPower": money(power / 2),
            "RequiredMargin": money(abs(value) / 2),
            "UnsettledFunds": "0",
            "DayTradeExcess": money(power / 4),
            "RealizedProfitLoss": money(account.realized),
            "UnrealizedProfitLoss": money(profit),
        }

    def _futures_detail(self, account: Account, *, profit: Decimal, margin: Decimal) -> dict[str, str]:
        return {
            "DayTradeExcess": money(buying_power(account, self._market)),
            "RealizedProfitLoss": money(account.realized),
            "UnrealizedProfitLoss": money(profit),
            "DayTradeOpenOrderMargin": "0",
            "OpenOrderMargin": "0",
            "DayTradeMargin": money(margin),
            "InitialMargin": money(margin),
            "MaintenanceMargin": money(margin * Decimal("0.9")),
            "TradeEquity": money(profit),
            "SecurityOnDeposit": "0",
            "TodayRealTimeTradeEquity": money(profit),
        }

    def _currency_detail(self, account: Account, *, profit: Decimal, margin: Decimal) -> dict[str, str]:
        return {
            "Currency": account.currency,
            "Commission": money(account.fees),
            "CashBalance": money(account.cash),
            "RealizedProfitLoss": money(account.realized),
            "UnrealizedProfitLoss": money(profit),
            "InitialMargin": money(margin),
            "MaintenanceMargin": money(margin * Decimal("0.9")),
            "AccountConversionRate": "1",
        }

    def opening_balance(self, account: Account) -> dict[str, Any]:
        """Return the balance at the beginning of the day."""
        start_ns, _ = day_bounds(self._market.now_ns())
        opening = account.opening(self._market.now_ns())
        worth = _ZERO
        for position in opening.positions:
            mark = self._market.last_trade(position.symbol, start_ns).price
            worth += position.profit_at(mark) if account.kind == "futures" else position.value_at(mark)
        cash = opening.cash
        record: dict[str, Any] = {"AccountID": account.account_id, "AccountType": _KINDS[account.kind]}
        if account.kind == "futures":
            record["BalanceDetail"] = {
                "CashAvailableToWithdraw": money(cash),
                "Equity": money(cash + worth),
                "NetCash": money(cash),
                "OpenTradeEquity": money(worth),
                "SecurityOnDeposit": "0",
            }
            record["CurrencyDetails"] = [_opening_currency(account, cash=cash, worth=worth)]
        else:
            record["BalanceDetail"] = {
                "AccountBalance": money(cash),
                "CashAvailableToWithdraw": money(cash),
                "DayTradingMarginableBuyingPower": money((cash + worth) * 4),
                "DayTrades": "0",
                "Equity": money(cash + worth),
                "NetCash": money(cash),
                "OptionBuyingPower": money(cash),
                "OptionValue": "0",
                "OvernightBuyingPower": money((cash + worth) * 2),
            }
        return record


def _opening_currency(account: Account, *, cash: Decimal, worth: Decimal) -> dict[str, str]:
    return {
        "Currency": account.currency,
        "AccountMarginRequirement": "0",
        "AccountOpenTradeEquity": money(worth),
        "AccountSecurities": "0",
        "CashBalance": money(cash),
        "MarginRequirement": "0",
        "OpenTradeEquity": money(worth),
        "Securities": "0",
    }
