"""Executions that a venue does not name, worked out from how far its orders are executed: each told once."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from brokerwire.events import Fill, Order, OrderLeg


class Accounted(Struct, frozen=True):
    """How much of one leg has been told, and what it cost in all; None where that was never known."""

    order_id: str
    symbol: str
    quantity: Decimal
    money: Decimal | None = None


class Executions:
    """What has been told of the executions of one account.

    An execution is what a leg has grown by since it was last accounted for, whoever says so: its id is
    ``order:symbol:executed so far``, its price what moves the average from the one to the other. What has no price
    yet is told when it has one.
    """

    def __init__(self, known: Iterable[Accounted] = ()) -> None:
        self._legs: dict[str, dict[str, Accounted]] = {}
        for leg in known:
            self._set(leg)

    def _set(self, leg: Accounted) -> None:
        self._legs.setdefault(leg.order_id, {})[leg.symbol] = leg

    def of(self, order_id: str) -> list[Accounted]:
        """Return what is accounted for of an order."""
        return list(self._legs.get(order_id, {}).values())

    def forget(self, order_id: str) -> None:
        """Forget an order that has ended long ago."""
        self._legs.pop(order_id, None)

    def adopt(self, order: Order) -> None:
        """Account for what is executed of an order without telling it."""
        for leg in order.legs:
            quantity, average = _executed(order, leg)
            self._set(Accounted(order.order_id, leg.symbol, quantity, None if average is None else quantity * average))

    def grow(self, order: Order) -> list[Fill]:
        """Return the executions that lead from what is accounted for to this state, and account for them."""
        fills = (self._grow_leg(order, leg) for leg in order.legs)
        return [fill for fill in fills if fill is not None]

    def _grow_leg(self, order: Order, leg: OrderLeg) -> Fill | None:
        total, average = _executed(order, leg)
        known = self._legs.get(order.order_id, {}).get(leg.symbol, Accounted("", "", Decimal(0), Decimal(0)))
        if average is None or (total == known.quantity and known.money is not None):
            return None
        self._set(Accounted(order.order_id, leg.symbol, total, total * average))
        if total <= known.quantity:
            return None  # the price of what was told before, or a trade that was taken back
        grown = total - known.quantity
        price = average if known.money is None else _plain((total * average - known.money) / grown)
        return _fill(order, leg, total=total, quantity=grown, price=price)


def _executed(order: Order, leg: OrderLeg) -> tuple[Decimal, Decimal | None]:
    """Return executed quantity and average price of a leg, None where there is no price yet."""
    average = leg.average_price or (order.average_price if len(order.legs) == 1 else None)
    return leg.filled_quantity or Decimal(0), average or None


def _fill(order: Order, leg: OrderLeg, *, total: Decimal, quantity: Decimal, price: Decimal) -> Fill:
    return Fill(
        order.venue,
        leg.symbol,
        order.time_ns if order.is_terminal else None,
        order.received_ns,
        order.account,
        order.order_id,
        f"{order.order_id}:{leg.symbol}:{_plain(total):f}",
        price,
        quantity,
        leg.side,
    )


def _plain(value: Decimal) -> Decimal:
    """Return ``value`` without trailing zeros, rounded to the ten decimals that averages carry."""
    value = round(value, 10).normalize()
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value
