"""Cancelling an order and placing another in one request."""

from typing import Any

from brokerwire.simulator.fronts.binance import order_tickets, refusals
from brokerwire.simulator.fronts.binance.arguments import Arguments
from brokerwire.simulator.fronts.binance.figures import TimeUnit
from brokerwire.simulator.fronts.binance.refusals import Refusal
from brokerwire.simulator.fronts.binance.trading_desk import TradingDesk

_CANCEL_NAMES = {
    "cancelOrderId": "orderId",
    "cancelOrigClientOrderId": "origClientOrderId",
    "cancelNewClientOrderId": "newClientOrderId",
    "cancelRestrictions": "cancelRestrictions",
}
_OWN_NAMES = frozenset({"cancelReplaceMode", "orderRateLimitExceededMode", *_CANCEL_NAMES})
NAMES = order_tickets.NEW_ORDER_NAMES | _OWN_NAMES
_MODES = ("STOP_ON_FAILURE", "ALLOW_FAILURE")


def cancel_replace(trading: TradingDesk, arguments: Arguments, unit: TimeUnit) -> dict[str, Any]:
    """Cancel an order, then place one; whether the second happens without the first depends on the mode.

    Raises:
        Refusal: Both failed, or the first in STOP_ON_FAILURE mode (-2022); one of them (-2021).

    Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints, read 2026-11-20.
    """
    arguments.text("cancelReplaceMode")
    mode = arguments.choice("cancelReplaceMode", _MODES, refusals.missing("cancelReplaceMode"))
    if not arguments.has("cancelOrderId") and not arguments.has("cancelOrigClientOrderId"):
        raise refusals.one_missing("cancelOrigClientOrderId", "cancelOrderId")
    cancel_part = _cancel_part(arguments)
    order_tickets.cancellable_statuses(cancel_part)
    cancelled, cancel_response = _tried(trading, cancel_part, unit, is_cancel=True)
    if not cancelled and mode == "STOP_ON_FAILURE":
        placed, new_response = None, None
    else:
        placed, new_response = _tried(trading, _new_part(arguments), unit, is_cancel=False)
    answer = {
        "cancelResult": _word(cancelled),
        "newOrderResult": _word(placed),
        "cancelResponse": cancel_response,
        "newOrderResponse": new_response,
    }
    if cancelled and placed:
        return answer
    if cancelled or placed:
        raise Refusal(-2021, "Order cancel-replace partially failed.", status=409, data=answer)
    raise Refusal(-2022, "Order cancel-replace failed.", data=answer)


def _word(outcome: bool | None) -> str:
    return {True: "SUCCESS", False: "FAILURE", None: "NOT_ATTEMPTED"}[outcome]


def _tried(
    trading: TradingDesk, arguments: Arguments, unit: TimeUnit, *, is_cancel: bool
) -> tuple[bool, dict[str, Any]]:
    try:
        return True, (trading.cancel if is_cancel else trading.place)(arguments, unit)
    except Refusal as refusal:
        return False, dict(refusal.body)


def _cancel_part(arguments: Arguments) -> Arguments:
    found = {own: arguments.optional(name) for name, own in _CANCEL_NAMES.items()}
    return Arguments({"symbol": arguments.symbol(), **{name: value for name, value in found.items() if value}})


def _new_part(arguments: Arguments) -> Arguments:
    found = {name: arguments.optional(name) for name in arguments.names if name not in _OWN_NAMES}
    return Arguments({name: value for name, value in found.items() if value is not None})
