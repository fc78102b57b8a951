"""Orders on the synthetic exchange: what a client asks for, what became of it, and what is told about it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal, TypeAlias

import msgspec

Side: TypeAlias = Literal["buy", "sell", "sell_short", "buy_to_cover"]
Effect: TypeAlias = Literal["open", "close"]
OrderType: TypeAlias = Literal["market", "limit", "stop", "stop_limit"]
TimeInForce: TypeAlias = Literal["day", "gtc", "gtd", "ioc", "fok", "opg", "cls"]
GroupType: TypeAlias = Literal["normal", "oco", "bracket"]
OrderStatus: TypeAlias = Literal[
    "held", "queued", "working", "partially_filled", "filled", "cancelled", "rejected", "expired"
]
ChangeKind: TypeAlias = Literal[
    "held", "queued", "accepted", "triggered", "fill", "cancel_pending", "cancelled", "replaced", "rejected", "expired"
]

OPEN_STATUSES = frozenset({"held", "queued", "working", "partially_filled"})


class TicketLeg(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument of an order, with the position effect where the venue asks for it."""

    symbol: str
    side: Side
    quantity: Decimal
    effect: Effect | None = None


class PriceCondition(msgspec.Struct, frozen=True, kw_only=True):
    """The order waits until the last price of ``symbol`` stands to ``price`` as ``relation`` says."""

    symbol: str
    relation: Literal["lt", "lte", "gt", "gte"]
    price: Decimal
    joins_with_or: bool = False


class OrderTicket(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for. ``trail_percent`` 5 means 5 %; ``extra`` is the front's own and is handed back.

    A combination's ``limit_price`` is per unit (quantities divided by their greatest common divisor): positive pays,
    negative receives.
    """

    account_id: str
    legs: tuple[TicketLeg, ...]
    type: OrderType = "market"
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    time_in_force: TimeInForce = "day"
    expire_ns: int | None = None
    client_order_id: str | None = None
    post_only: bool = False
    all_or_none: bool = False
    conditions: tuple[PriceCondition, ...] = ()
    not_before_ns: int | None = None
    children: tuple["TicketGroup", ...] = ()
    extra: Mapping[str, Any] = msgspec.field(default_factory=dict)

    @property
    def symbol(self) -> str:
        return self.legs[0].symbol

    @property
    def side(self) -> Side:
        return self.legs[0].side

    @property
    def quantity(self) -> Decimal:
        return self.legs[0].quantity

    @property
    def is_trailing(self) -> bool:
        return self.trail_amount is not None or self.trail_percent is not None


class TicketGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Orders that belong together: siblings of a group, or what a parent sends when it has filled."""

    type: GroupType
    tickets: tuple[OrderTicket, ...]


class SimFill(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of one leg; ids rise and are never reused."""

    fill_id: int
    order_id: int
    account_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    liquidity: Literal["maker", "taker"]
    time_ns: int


class SimLeg(msgspec.Struct, kw_only=True):
    """What became of one leg; ``average_price`` is 0 until something has filled."""

    symbol: str
    side: Side
    effect: Effect | None
    quantity: Decimal
    filled: Decimal = Decimal(0)
    average_price: Decimal = Decimal(0)

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled


class SimOrder(msgspec.Struct, kw_only=True, eq=False):
    """An order and what became of it. Quantities of the order are those of its first leg."""

    order_id: int
    ticket: OrderTicket
    legs: list[SimLeg]
    type: OrderType
    limit_price: Decimal | None
    stop_price: Decimal | None
    created_ns: int
    updated_ns: int
    status: OrderStatus = "working"
    is_cancel_pending: bool = False
    is_triggered: bool = False
    is_activated: bool = False
    closed_ns: int | None = None
    reason: str = ""
    fee: Decimal = Decimal(0)
    average_price: Decimal = Decimal(0)
    fills: list[SimFill] = msgspec.field(default_factory=list)
    trail_reference: Decimal | None = None
    parent_id: int | None = None
    child_ids: list[int] = msgspec.field(default_factory=list)
    sibling_ids: list[int] = msgspec.field(default_factory=list)
    group_type: GroupType | None = None
    group_id: int | None = None

    @property
    def account_id(self) -> str:
        return self.ticket.account_id

    @property
    def symbol(self) -> str:
        return self.legs[0].symbol

    @property
    def side(self) -> Side:
        return self.legs[0].side

    @property
    def quantity(self) -> Decimal:
        return self.legs[0].quantity

    @property
    def filled(self) -> Decimal:
        return self.legs[0].filled

    @property
    def remaining(self) -> Decimal:
        return self.legs[0].remaining

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES


class OrderChange(msgspec.Struct, frozen=True):
    """Something happened to an order; ``fills`` holds the executions of a fill, one per leg."""

    order: SimOrder
    kind: ChangeKind
    time_ns: int
    fills: tuple[SimFill, ...] = ()


class OrderRefused(Exception):
    """The exchange does not take the order, the replacement or the cancellation.

    ``code`` is for the front to word: ``unknown_symbol not_tradable unknown_account wrong_account quantity lot tick
    price not_long not_short is_long is_short funds duplicate unknown_order not_open cancel_pending triggered would_take
    reason``. ``quantity`` is the position that stands in the way.
    """

    def __init__(self, code: str, text: str, *, quantity: Decimal = Decimal(0)) -> None:
        super().__init__(text)
        self.code = code
        self.quantity = quantity
