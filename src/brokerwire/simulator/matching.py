"""Pure rules of the matching engine: when an order triggers, and at which prices how much of it fills."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import gcd

import msgspec

from brokerwire.simulator.accounts import is_buying
from brokerwire.simulator.ticks import BookLevel, SimBook, SimQuote
from brokerwire.simulator.trading import PriceCondition, SimOrder

_MAX_SLICES = 6


class Slice(msgspec.Struct, frozen=True):
    """So much at such a price."""

    quantity: Decimal
    price: Decimal


def walk_book(order: SimOrder, book: SimBook) -> list[Slice]:
    """Return what an arriving order takes from the other side of the book.

    A market order always fills wholly: beyond the sixth level the rest fills at that level's price. A limit order
    takes what is displayed at its limit or better.
    """
    levels = book.asks if is_buying(order.side) else book.bids
    taken: list[Slice] = []
    open_quantity = order.remaining
    for number, level in enumerate(_within(order, levels), 1):
        is_last = number == _MAX_SLICES and order.limit_price is None
        quantity = open_quantity if is_last else min(open_quantity, level.size)
        taken.append(Slice(quantity, level.price))
        open_quantity -= quantity
        if open_quantity <= 0:
            break
    return taken


def _within(order: SimOrder, levels: Sequence[BookLevel]) -> list[BookLevel]:
    limit = order.limit_price
    if limit is None or order.type in ("market", "stop"):
        return list(levels)
    if is_buying(order.side):
        return [level for level in levels if level.price <= limit]
    return [level for level in levels if level.price >= limit]


def rest_against(order: SimOrder, quote: SimQuote) -> Slice | None:
    """Return what a resting limit order gets when the market has come to it: its own price, the displayed size."""
    limit = order.limit_price
    if limit is None:
        return None
    if is_buying(order.side):
        return Slice(min(order.remaining, quote.ask_size), limit) if quote.ask <= limit else None
    return Slice(min(order.remaining, quote.bid_size), limit) if quote.bid >= limit else None


def stop_is_hit(order: SimOrder, last: Decimal) -> bool:
    """Say whether a trade at ``last`` triggers the stop."""
    if order.stop_price is None:
        return False
    return last >= order.stop_price if is_buying(order.side) else last <= order.stop_price


def trail(order: SimOrder, last: Decimal, tick: Decimal) -> None:
    """Move a trailing stop after the market: down with a buying one, up with a selling one, never back.

    The stop lies on a whole ``tick``.
    """
    reference = order.trail_reference
    if reference is None:
        reference = last
    reference = min(reference, last) if is_buying(order.side) else max(reference, last)
    order.trail_reference = reference
    distance = order.ticket.trail_amount
    if distance is None:
        distance = reference * (order.ticket.trail_percent or Decimal(0)) / 100
    stop = reference + distance if is_buying(order.side) else reference - distance
    order.stop_price = (stop / tick).to_integral_value() * tick


def conditions_hold(conditions: Sequence[PriceCondition], last: Mapping[str, Decimal]) -> bool:
    """Evaluate activation rules from left to right."""
    result = True
    for number, condition in enumerate(conditions):
        price = last[condition.symbol]
        holds = {
            "lt": price < condition.price,
            "lte": price <= condition.price,
            "gt": price > condition.price,
            "gte": price >= condition.price,
        }[condition.relation]
        if number == 0:
            result = holds
        elif condition.joins_with_or:
            result = result or holds
        else:
            result = result and holds
    return result


def units_of(order: SimOrder) -> int:
    """Return how many times a combination's smallest whole unit was ordered."""
    return gcd(*(int(leg.quantity) for leg in order.legs)) or 1


def combination_price(order: SimOrder, quotes: Mapping[str, SimQuote]) -> Decimal:
    """Return the net price per unit of filling every leg now: positive pays, negative receives."""
    units = units_of(order)
    net = Decimal(0)
    for leg in order.legs:
        quote, ratio = quotes[leg.symbol], leg.quantity / units
        net += quote.ask * ratio if is_buying(leg.side) else -quote.bid * ratio
    return net
