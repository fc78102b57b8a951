"""Orders, fills and balances of the synthetic exchange in the venue's shapes.

Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints, read 2026-11-20.
"""

from decimal import Decimal
from typing import Any

from brokerwire.simulator.accounts import Account
from brokerwire.simulator.fronts.binance.figures import TimeUnit, decimal8
from brokerwire.simulator.instruments import Instrument
from brokerwire.simulator.trading import SimFill, SimOrder

_STATUS = {
    "held": "NEW",
    "queued": "NEW",
    "working": "NEW",
    "partially_filled": "PARTIALLY_FILLED",
    "filled": "FILLED",
    "rejected": "REJECTED",
    "expired": "EXPIRED",
}


_EXECUTIONS = ("NEW", "TRADE", "CANCELED", "EXPIRED", "REJECTED")


def status_of(order: SimOrder) -> str:
    """Return the venue's status; what the rules of its type ended has expired, only the client's will cancels."""
    if order.status == "cancelled":
        return "EXPIRED" if order.ticket.time_in_force in ("ioc", "fok") else "CANCELED"
    return _STATUS[order.status]


def traded_value(order: SimOrder) -> Decimal:
    """Return what has been traded, in the quote asset."""
    return sum((fill.quantity * fill.price for fill in order.fills), Decimal(0))


def side_of(order: SimOrder) -> str:
    return order.side.upper()


def acknowledgement(order: SimOrder, unit: TimeUnit) -> dict[str, Any]:
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.ticket.extra["clientOrderId"],
        "transactTime": unit.of(order.updated_ns),
    }


def _figures(order: SimOrder) -> dict[str, Any]:
    extra = order.ticket.extra
    return {
        "price": decimal8(order.limit_price or Decimal(0)),
        "origQty": decimal8(order.quantity),
        "executedQty": decimal8(order.filled),
        "origQuoteOrderQty": decimal8(extra["quoteOrderQty"]),
        "cummulativeQuoteQty": decimal8(traded_value(order)),
        "status": status_of(order),
        "timeInForce": extra["timeInForce"],
        "type": extra["type"],
        "side": side_of(order),
    }


def _stops(order: SimOrder) -> dict[str, Any]:
    extra = order.ticket.extra
    found: dict[str, Any] = {}
    if extra["stopPrice"]:
        found["stopPrice"] = decimal8(extra["stopPrice"])
    if extra["trailingDelta"] is not None:
        found["trailingDelta"] = extra["trailingDelta"]
    return found


def _strategy(order: SimOrder) -> dict[str, int]:
    """Return what is there only if it was sent."""
    extra = order.ticket.extra
    return {name: extra[name] for name in ("strategyId", "strategyType") if extra.get(name) is not None}


def result(order: SimOrder, unit: TimeUnit) -> dict[str, Any]:
    return {
        **acknowledgement(order, unit),
        **_figures(order),
        **_stops(order),
        **_strategy(order),
        "workingTime": unit.of(order.created_ns) if order.is_activated else -1,
        "selfTradePreventionMode": order.ticket.extra["selfTradePreventionMode"],
    }


def full_result(order: SimOrder, unit: TimeUnit) -> dict[str, Any]:
    fills = [
        {
            "price": decimal8(fill.price),
            "qty": decimal8(fill.quantity),
            "commission": decimal8(fill.fee),
            "commissionAsset": fill.fee_currency,
            "tradeId": fill.fill_id,
        }
        for fill in order.fills
    ]
    return {**result(order, unit), "fills": fills}


def cancelled(order: SimOrder, *, cancel_id: str, unit: TimeUnit) -> dict[str, Any]:
    return {
        "symbol": order.symbol,
        "origClientOrderId": order.ticket.extra["clientOrderId"],
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": cancel_id,
        "transactTime": unit.of(order.updated_ns),
        **_figures(order),
        **_stops(order),
        **_strategy(order),
        "selfTradePreventionMode": order.ticket.extra["selfTradePreventionMode"],
    }


def queried(order: SimOrder, unit: TimeUnit) -> dict[str, Any]:
    extra = order.ticket.extra
    figures = _figures(order)
    figures["stopPrice"] = decimal8(extra["stopPrice"])
    figures["icebergQty"] = decimal8(extra["icebergQty"])
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": extra["clientOrderId"],
        **figures,
        **_strategy(order),
        "time": unit.of(order.created_ns),
        "updateTime": unit.of(order.updated_ns),
        "isWorking": order.is_activated,
        "workingTime": unit.of(order.created_ns) if order.is_activated else -1,
        "selfTradePreventionMode": extra["selfTradePreventionMode"],
    }


def my_trade(fill: SimFill, unit: TimeUnit) -> dict[str, Any]:
    return {
        "symbol": fill.symbol,
        "id": fill.fill_id,
        "orderId": fill.order_id,
        "orderListId": -1,
        "price": decimal8(fill.price),
        "qty": decimal8(fill.quantity),
        "quoteQty": decimal8(fill.quantity * fill.price),
        "commission": decimal8(fill.fee),
        "commissionAsset": fill.fee_currency,
        "time": unit.of(fill.time_ns),
        "isBuyer": fill.side == "buy",
        "isMaker": fill.liquidity == "maker",
        "isBestMatch": True,
    }


def account_object(account: Account, *, updated_ns: int, omits_zero: bool, unit: TimeUnit) -> dict[str, Any]:
    balances = [
        {"asset": asset, "free": decimal8(balance.free), "locked": decimal8(balance.locked)}
        for asset, balance in account.balances.items()
        if balance.total or not omits_zero
    ]
    rate = decimal8(account.fee_rate)
    return {
        "makerCommission": int(account.fee_rate * 10_000),
        "takerCommission": int(account.fee_rate * 10_000),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {"maker": rate, "taker": rate, "buyer": "0.00000000", "seller": "0.00000000"},
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": unit.of(updated_ns),
        "accountType": "SPOT",
        "balances": balances,
        "permissions": ["SPOT"],
        "uid": 354_937_868,
    }


def commission_object(symbol: str, rate: Decimal) -> dict[str, Any]:
    nothing = dict.fromkeys(("maker", "taker", "buyer", "seller"), "0.00000000")
    return {
        "symbol": symbol,
        "standardCommission": {**nothing, "maker": decimal8(rate), "taker": decimal8(rate)},
        "specialCommission": nothing,
        "taxCommission": nothing,
        "discount": _discount(),
    }


def order_commission_object(rate: Decimal) -> dict[str, Any]:
    """Return what trades of an order would cost, as the answer to a test order tells it."""
    nothing = dict.fromkeys(("maker", "taker"), "0.00000000")
    return {
        "standardCommissionForOrder": dict.fromkeys(("maker", "taker"), decimal8(rate)),
        "specialCommissionForOrder": nothing,
        "taxCommissionForOrder": nothing,
        "discount": _discount(),
    }


def _discount() -> dict[str, Any]:
    return {
        "enabledForAccount": False,
        "enabledForSymbol": False,
        "discountAsset": "BNB",
        "discount": "0.75000000",
    }


def execution_report(
    order: SimOrder, *, kind: str, fill: SimFill | None, event_ns: int, cancel_id: str | None, unit: TimeUnit
) -> dict[str, Any]:
    """Return the event of one change of an order; ``kind`` is the execution type.

    Source: https://developers.binance.com/docs/binance-spot-api-docs/user-data-stream, read 2026-11-20.
    """
    extra = order.ticket.extra
    zero = Decimal(0)
    report = {
        "e": "executionReport",
        "E": unit.of(event_ns),
        "s": order.symbol,
        "c": cancel_id or extra["clientOrderId"],
        "S": side_of(order),
        "o": extra["type"],
        "f": extra["timeInForce"],
        "q": decimal8(order.quantity),
        "p": decimal8(order.limit_price or zero),
        "P": decimal8(extra["stopPrice"]),
        "F": decimal8(extra["icebergQty"]),
        "g": -1,
        "C": extra["clientOrderId"] if cancel_id else "",
        "x": kind,
        "X": status_of(order),
        "r": "NONE",
        "i": order.order_id,
        "l": decimal8(fill.quantity if fill else zero),
        "z": decimal8(order.filled),
        "L": decimal8(fill.price if fill else zero),
        "n": decimal8(fill.fee) if fill else "0",
        "N": fill.fee_currency if fill else None,
        "T": unit.of(order.updated_ns),
        "t": fill.fill_id if fill else -1,
        "I": order.order_id * 10_000 + len(order.fills) * len(_EXECUTIONS) + _EXECUTIONS.index(kind),
        "w": order.is_open and order.is_activated,
        "m": fill is not None and fill.liquidity == "maker",
        "M": False,
        "O": unit.of(order.created_ns),
        "Z": decimal8(traded_value(order)),
        "Y": decimal8(fill.quantity * fill.price if fill else zero),
        "Q": decimal8(extra["quoteOrderQty"]),
        "V": extra["selfTradePreventionMode"],
    }
    report |= {{"strategyId": "j", "strategyType": "J"}[name]: value for name, value in _strategy(order).items()}
    if order.is_activated:
        report["W"] = unit.of(order.created_ns)
    if kind == "EXPIRED":
        report["eR"] = (
            "UNFILLED_FOK_ORDER_EXPIRED" if extra["timeInForce"] == "FOK" else "UNFILLED_IOC_QUANTITY_EXPIRED"
        )
    return report


def account_position(
    account: Account, instrument: Instrument, *, event_ns: int, updated_ns: int, unit: TimeUnit
) -> dict[str, Any]:
    """Return the event with the balances that an order on a pair may have touched."""
    return {
        "e": "outboundAccountPosition",
        "E": unit.of(event_ns),
        "u": unit.of(updated_ns),
        "B": [
            {
                "a": asset,
                "f": decimal8(account.balance(asset).free),
                "l": decimal8(account.balance(asset).locked),
            }
            for asset in (instrument.base, instrument.quote)
        ],
    }
