"""Order lists and amendments: no symbol takes any here, as its object says, and this is how they are refused.

Source: https://developers.binance.com/docs/binance-spot-api-docs/errors, read 2026-11-20.
"""

from collections.abc import Callable
from typing import Any, NoReturn

from brokerwire.simulator.fronts.binance import refusals
from brokerwire.simulator.fronts.binance.arguments import Arguments
from brokerwire.simulator.fronts.binance.figures import TimeUnit
from brokerwire.simulator.fronts.binance.trading_desk import TradingDesk

# The document has no text for OTO; it is made after that of OPO.
_TEXTS = {
    "OCO": "OCO orders are not supported for this symbol",
    "OTO": "OTO orders are not supported for this symbol.",
    "OPO": "OPO orders are not supported for this symbol.",
}


def refuses(kind: str) -> Callable[[TradingDesk, Arguments, TimeUnit], NoReturn]:
    """Return what refuses to place a list of a kind: ``OCO``, ``OTO`` or ``OPO``."""

    def refuse(trading: TradingDesk, arguments: Arguments, _unit: TimeUnit) -> NoReturn:
        trading.desk.listing.find(arguments.symbol())
        raise refusals.order_refused(_TEXTS[kind])

    return refuse


def listed(_trading: TradingDesk, _arguments: Arguments, _unit: TimeUnit) -> list[dict[str, Any]]:
    """List the order lists: there are none."""
    return []


def status(_trading: TradingDesk, arguments: Arguments, _unit: TimeUnit) -> NoReturn:
    """Query one order list: it does not exist. The text is the venue's; its code is that of orders."""
    if not arguments.has("orderListId") and not arguments.has("origClientOrderId"):
        raise refusals.one_missing("orderListId", "origClientOrderId")
    raise refusals.Refusal(-2013, "Order list does not exist.")


def cancel(trading: TradingDesk, arguments: Arguments, _unit: TimeUnit) -> NoReturn:
    """Cancel an order list: it is unknown."""
    trading.desk.listing.find(arguments.symbol())
    if not arguments.has("orderListId") and not arguments.has("listClientOrderId"):
        raise refusals.one_missing("orderListId", "listClientOrderId")
    raise refusals.cancel_refused("Unknown order list sent.")


def amend(trading: TradingDesk, arguments: Arguments, _unit: TimeUnit) -> NoReturn:
    """Make an order smaller in its place: no symbol allows it."""
    trading.desk.listing.find(arguments.symbol())
    raise refusals.Refusal(-2038, "Order amend is not supported for this symbol.")


def amendments(trading: TradingDesk, arguments: Arguments, _unit: TimeUnit) -> list[dict[str, Any]]:
    """List how an order has been amended: never."""
    trading.desk.listing.find(arguments.symbol())
    if not arguments.has("orderId"):
        raise refusals.missing("orderId")
    return []
