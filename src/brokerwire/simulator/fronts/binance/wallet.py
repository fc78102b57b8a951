"""What clients ask beside the market on their way to it: the venue's state, its coins, its fees, what has margin."""

from decimal import Decimal
from typing import Any

from brokerwire.simulator.accounts import SpotBalance
from brokerwire.simulator.fronts.binance.account_methods import AccountMethod, weighs
from brokerwire.simulator.fronts.binance.arguments import Arguments
from brokerwire.simulator.fronts.binance.desk import Desk
from brokerwire.simulator.fronts.binance.figures import TimeUnit, decimal8
from brokerwire.simulator.fronts.binance.methods import Method
from brokerwire.simulator.fronts.binance.trading_desk import TradingDesk

_FIAT = frozenset({"EUR", "TRY", "BRL", "GBP", "JPY", "ARS", "UAH", "PLN", "RON", "ZAR", "CZK", "MXN", "COP"})


def system_status(_desk: Desk, _arguments: Arguments, _unit: TimeUnit) -> dict[str, Any]:
    """Say that the venue works.

    Source: https://developers.binance.com/docs/wallet/others/system-status, read 2026-11-20.
    """
    return {"status": 0, "msg": "normal"}


def margin_pairs(_desk: Desk, _arguments: Arguments, _unit: TimeUnit) -> list[dict[str, Any]]:
    """List the pairs that trade on margin: none does here.

    Source: https://developers.binance.com/docs/margin_trading/market-data, read 2026-11-20.
    """
    return []


def coins(trading: TradingDesk, _arguments: Arguments, _unit: TimeUnit) -> list[dict[str, Any]]:
    """Describe every asset that has a market here.

    Source: https://developers.binance.com/docs/wallet/capital/all-coins-info, read 2026-11-20.
    """
    listing = trading.desk.listing
    pairs = [listing.find(symbol) for symbol in listing.symbols]
    assets = dict.fromkeys(asset for pair in pairs for asset in (pair.base, pair.quote))
    return [_coin(asset, trading.account.balances.get(asset, SpotBalance())) for asset in assets]


def _coin(asset: str, balance: SpotBalance) -> dict[str, Any]:
    is_fiat = asset in _FIAT
    zero = decimal8(Decimal(0))
    return {
        "coin": asset,
        "depositAllEnable": not is_fiat,
        "withdrawAllEnable": not is_fiat,
        "name": asset,
        "free": decimal8(balance.free),
        "locked": decimal8(balance.locked),
        "freeze": zero,
        "withdrawing": zero,
        "ipoing": zero,
        "ipoable": zero,
        "storage": zero,
        "isLegalMoney": is_fiat,
        "trading": True,
        "networkList": [] if is_fiat else [_network(asset)],
    }


def _network(asset: str) -> dict[str, Any]:
    return {
        "network": asset,
        "coin": asset,
        "withdrawIntegerMultiple": "0.00000001",
        "isDefault": True,
        "depositEnable": True,
        "withdrawEnable": True,
        "depositDesc": "",
        "withdrawDesc": "",
        "specialTips": "",
        "specialWithdrawTips": "",
        "name": asset,
        "resetAddressStatus": False,
        "addressRegex": "",
        "memoRegex": "",
        "withdrawFee": "0.00010000",
        "withdrawMin": "0.00100000",
        "withdrawMax": "9999999999.99999999",
        "withdrawInternalMin": "0.00000001",
        "depositDust": "0.00000001",
        "minConfirm": 1,
        "unLockConfirm": 2,
        "sameAddress": False,
        "withdrawTag": False,
        "estimatedArrivalTime": 5,
        "busy": False,
        "contractAddressUrl": "",
        "contractAddress": "",
    }


def trade_fees(trading: TradingDesk, arguments: Arguments, _unit: TimeUnit) -> list[dict[str, Any]]:
    """Tell what trading costs, for one symbol or for all.

    Source: https://developers.binance.com/docs/wallet/asset/trade-fee, read 2026-11-20.
    """
    listing, symbol = trading.desk.listing, arguments.optional_symbol()
    symbols = listing.symbols if symbol is None else [listing.find(symbol).symbol]
    rate = f"{trading.account.fee_rate.normalize():f}"
    return [{"symbol": each, "makerCommission": rate, "takerCommission": rate} for each in symbols]


_MARGIN_NAMES = frozenset({"symbol", "timestamp", "recvWindow", "signature"})

PUBLIC_METHODS: tuple[Method, ...] = (
    Method("system.status", "/sapi/v1/system/status", system_status, 0, frozenset()),
    Method("margin.pairs", "/sapi/v1/margin/allPairs", margin_pairs, 0, _MARGIN_NAMES),
    Method("margin.isolatedPairs", "/sapi/v1/margin/isolated/allPairs", margin_pairs, 0, _MARGIN_NAMES),
)
"""Signatures are taken and not looked at: the venue asks for a key only."""

SIGNED_METHODS: tuple[AccountMethod, ...] = (
    AccountMethod("wallet.coins", "GET", "/sapi/v1/capital/config/getall", coins, weighs(0), frozenset()),
    AccountMethod("wallet.tradeFee", "GET", "/sapi/v1/asset/tradeFee", trade_fees, weighs(0), frozenset({"symbol"})),
)
"""Weights are 0 because the wallet counts apart from the market's 6000 a minute."""
