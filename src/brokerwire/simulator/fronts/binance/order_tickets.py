"""From the arguments of a new order to a ticket for the synthetic exchange, with the venue's checks on the way."""

import re
from decimal import Decimal
from typing import Any, Literal

from brokerwire.simulator.fronts.binance import refusals
from brokerwire.simulator.fronts.binance.arguments import Arguments
from brokerwire.simulator.fronts.binance.listing import (
    ALLOWED_PREVENTIONS,
    DEFAULT_PREVENTION,
    ORDER_TYPES,
    Listing,
    largest_price,
    largest_size,
    least_notional,
)
from brokerwire.simulator.instruments import Instrument
from brokerwire.simulator.market import Market
from brokerwire.simulator.trading import OrderTicket, OrderType, PriceCondition, Side, TicketLeg, TimeInForce

_NAMES = (
    "symbol side type timeInForce quantity quoteOrderQty price newClientOrderId stopPrice trailingDelta icebergQty "
    "newOrderRespType selfTradePreventionMode strategyId strategyType"
)
NEW_ORDER_NAMES = frozenset(_NAMES.split())
_MANDATORY = {
    "LIMIT": ("timeInForce", "quantity", "price"),
    "LIMIT_MAKER": ("quantity", "price"),
    "MARKET": (),
    "STOP_LOSS": ("quantity",),
    "STOP_LOSS_LIMIT": ("timeInForce", "quantity", "price"),
    "TAKE_PROFIT": ("quantity",),
    "TAKE_PROFIT_LIMIT": ("timeInForce", "quantity", "price"),
}
_TYPES: dict[str, OrderType] = {
    "LIMIT": "limit",
    "LIMIT_MAKER": "limit",
    "MARKET": "market",
    "STOP_LOSS": "stop",
    "STOP_LOSS_LIMIT": "stop_limit",
    "TAKE_PROFIT": "market",
    "TAKE_PROFIT_LIMIT": "limit",
}
_TIMES: dict[str, TimeInForce] = {"GTC": "gtc", "IOC": "ioc", "FOK": "fok"}
_SIDES: dict[str, Side] = {"BUY": "buy", "SELL": "sell"}
_CLIENT_ID = re.compile(r"[a-zA-Z0-9\-_.:/]{1,36}")
_MOST_PLACES = -8
_RESPONSES = ("ACK", "RESULT", "FULL")
_PREVENTIONS = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER")
_LEAST_STRATEGY_TYPE = 1_000_000
_RESTRICTIONS = {"": ("NEW", "PARTIALLY_FILLED"), "ONLY_NEW": ("NEW",), "ONLY_PARTIALLY_FILLED": ("PARTIALLY_FILLED",)}


def build_ticket(
    arguments: Arguments, *, listing: Listing, market: Market, account_id: str, client_order_id: str
) -> OrderTicket:
    """Build the ticket of a new order; ``extra`` keeps what the venue repeats in its answers.

    Raises:
        Refusal: An argument is missing, malformed, superfluous, or fails a filter.

    Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints, read 2026-11-20.
    """
    pair = listing.find(arguments.symbol())
    side, kind = _side(arguments), _kind(arguments)
    _check_presence(arguments, kind)
    time_in_force = arguments.choice("timeInForce", tuple(_TIMES), refusals.Refusal(-1115, "Invalid timeInForce."))
    price = _checked(arguments, "price", pair) if _TYPES[kind] in ("limit", "stop_limit") else None
    stop = _checked(arguments, "stopPrice", pair) if arguments.has("stopPrice") else None
    quantity = _quantity(arguments, pair, market, side=side)
    _check_filters(pair, market, side=side, quantity=quantity, price=price)
    _check_trigger(market, pair, kind=kind, side=side, stop=stop)
    delta = arguments.optional_integer("trailingDelta")
    is_stop = kind.startswith("STOP_LOSS")
    return OrderTicket(
        account_id=account_id,
        legs=(TicketLeg(symbol=pair.symbol, side=side, quantity=quantity),),
        type=_TYPES[kind],
        limit_price=price,
        stop_price=stop if is_stop else None,
        trail_percent=Decimal(delta) / 100 if delta is not None and is_stop else None,
        time_in_force="ioc" if kind == "MARKET" else _TIMES[time_in_force],
        post_only=kind == "LIMIT_MAKER",
        conditions=_conditions(pair, kind=kind, side=side, stop=stop),
        extra=_extra(arguments, kind=kind, time_in_force=time_in_force, client_order_id=client_order_id, stop=stop),
    )


def _extra(
    arguments: Arguments, *, kind: str, time_in_force: str, client_order_id: str, stop: Decimal | None
) -> dict[str, Any]:
    return {
        "clientOrderId": client_order_id,
        "type": kind,
        "timeInForce": time_in_force,
        "stopPrice": stop or Decimal(0),
        "icebergQty": arguments.optional_decimal("icebergQty") or Decimal(0),
        "quoteOrderQty": arguments.optional_decimal("quoteOrderQty") or Decimal(0),
        "selfTradePreventionMode": _prevention(arguments),
        "trailingDelta": arguments.optional_integer("trailingDelta"),
        "strategyId": arguments.optional_integer("strategyId"),
        "strategyType": _strategy_type(arguments),
    }


def _prevention(arguments: Arguments) -> str:
    """Return how trades with oneself are prevented.

    Source: https://developers.binance.com/docs/binance-spot-api-docs/faqs/stp_faq, read 2026-11-20. What a mode is
    answered with that the venue does not know at all is not documented: here as any other data that is not valid.
    """
    mode = arguments.optional("selfTradePreventionMode")
    if mode is None:
        return DEFAULT_PREVENTION
    if mode not in _PREVENTIONS:
        raise refusals.invalid_data("selfTradePreventionMode")
    if mode not in ALLOWED_PREVENTIONS:
        raise refusals.Refusal(-1013, "This symbol does not allow the specified self-trade prevention mode.")
    return mode


def _strategy_type(arguments: Arguments) -> int | None:
    kind = arguments.optional_integer("strategyType")
    if kind is not None and kind < _LEAST_STRATEGY_TYPE:
        # The list of errors describes -1134 with these words; nobody shows the answer itself.
        raise refusals.Refusal(-1134, "strategyType was less than 1000000.")
    return kind


def cancellable_statuses(arguments: Arguments) -> tuple[str, ...]:
    """Return which statuses an order may have to be cancelled, as ``cancelRestrictions`` says.

    Raises:
        Refusal: There is no such restriction (-1145).
    """
    found = _RESTRICTIONS.get(arguments.optional("cancelRestrictions") or "")
    if found is None:
        raise refusals.Refusal(-1145, "Invalid cancelRestrictions")
    return found


def response_type(arguments: Arguments, kind: str) -> str:
    """Return the shape asked for; market and limit orders are answered in full by default."""
    if not arguments.has("newOrderRespType"):
        return "FULL" if kind in ("MARKET", "LIMIT") else "ACK"
    return arguments.choice("newOrderRespType", _RESPONSES, refusals.invalid_data("newOrderRespType"))


def client_order_id(arguments: Arguments, made: str) -> str:
    """Return the client's id for the order, or the one made for it."""
    sent = arguments.optional("newClientOrderId")
    if sent is None:
        return made
    if not _CLIENT_ID.fullmatch(sent):
        raise refusals.illegal("newClientOrderId", r"^[a-zA-Z0-9-_.:/]{1,36}$")
    return sent


def _side(arguments: Arguments) -> Literal["buy", "sell"]:
    text = arguments.text("side")
    if text not in _SIDES:
        raise refusals.Refusal(-1117, "Invalid side.")
    return "buy" if text == "BUY" else "sell"


def _kind(arguments: Arguments) -> str:
    kind = arguments.text("type")
    if kind not in ORDER_TYPES:
        raise refusals.Refusal(-1116, "Invalid orderType.")
    return kind


def _check_presence(arguments: Arguments, kind: str) -> None:
    for name in _MANDATORY[kind]:
        arguments.text(name)
    if kind == "MARKET" and not (arguments.has("quantity") or arguments.has("quoteOrderQty")):
        raise refusals.one_missing("quantity", "quoteOrderQty")
    if kind.startswith(("STOP_LOSS", "TAKE_PROFIT")):
        if not (arguments.has("stopPrice") or arguments.has("trailingDelta")):
            raise refusals.one_missing("stopPrice", "trailingDelta")
    elif arguments.has("stopPrice"):
        raise refusals.not_required("stopPrice")
    for name in ("price", "timeInForce"):
        if kind in ("MARKET", "STOP_LOSS", "TAKE_PROFIT") and arguments.has(name):
            raise refusals.not_required(name)


def _precise(arguments: Arguments, name: str) -> Decimal:
    value = arguments.decimal(name)
    exponent = value.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < _MOST_PLACES:
        raise refusals.too_precise(name)
    return value


def _checked(arguments: Arguments, name: str, pair: Instrument) -> Decimal:
    price = _precise(arguments, name)
    if price <= 0 or price % pair.tick or price > largest_price(pair):
        raise refusals.filter_failed("PRICE_FILTER")
    return price


def _quantity(arguments: Arguments, pair: Instrument, market: Market, *, side: Side) -> Decimal:
    if arguments.has("quantity"):
        quantity = _precise(arguments, "quantity")
    else:
        quantity = _bought_with(_precise(arguments, "quoteOrderQty"), pair, market, side=side)
    if quantity < pair.lot or quantity % pair.lot or quantity > largest_size(pair):
        raise refusals.filter_failed("LOT_SIZE")
    return quantity


def _bought_with(value: Decimal, pair: Instrument, market: Market, *, side: Side) -> Decimal:
    """Return how much a value in the quote asset buys or is sold for, taking the book level by level."""
    book = market.book(pair.symbol, 100)
    quantity = Decimal(0)
    for entry in book.asks if side == "buy" else book.bids:
        taken = min(entry.size, value / entry.price)
        quantity += taken
        value -= taken * entry.price
    return quantity // pair.lot * pair.lot


def _check_filters(pair: Instrument, market: Market, *, side: Side, quantity: Decimal, price: Decimal | None) -> None:
    last = market.last_trade(pair.symbol).price
    if price is not None and not last / 5 <= price <= last * 5:
        raise refusals.filter_failed("PERCENT_PRICE_BY_SIDE")
    if quantity * (price or last) < least_notional(pair):
        raise refusals.filter_failed("NOTIONAL")


def _check_trigger(market: Market, pair: Instrument, *, kind: str, side: Side, stop: Decimal | None) -> None:
    if stop is None:
        return
    last = market.last_trade(pair.symbol).price
    rises = (kind.startswith("STOP_LOSS")) == (side == "buy")
    if (last >= stop) if rises else (last <= stop):
        raise refusals.order_refused("Stop price would trigger immediately.")


def _conditions(pair: Instrument, *, kind: str, side: Side, stop: Decimal | None) -> tuple[PriceCondition, ...]:
    """A take-profit order waits for the price on the far side of a stop's; the exchange takes it as a condition."""
    if stop is None or not kind.startswith("TAKE_PROFIT"):
        return ()
    return (PriceCondition(symbol=pair.symbol, relation="lte" if side == "buy" else "gte", price=stop),)
