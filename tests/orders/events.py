"""Orders and executions for the tests of this folder."""

from decimal import Decimal
from typing import Any

from brokerwire.events import Fill, OrderLeg, OrderStatus, OrderUpdate, Topic, stamp

ACCOUNT = "acct"


def update(
    order_id: str = "1",
    status: OrderStatus = "accepted",
    filled: int = 0,
    *,
    quantity: int = 10,
    average: str | None = None,
    at: int = 1,
    **fields: Any,
) -> OrderUpdate:
    price = Decimal(average or "5") if filled else None
    leg = OrderLeg(
        symbol="A",
        side="buy",
        quantity=Decimal(quantity),
        filled_quantity=Decimal(filled),
        average_price=price,
        ratio=1,
    )
    given = {"side": "buy", "type": "limit", "limit_price": Decimal(5), **fields}
    order = OrderUpdate(
        "tradestation",
        "A",
        None,
        at,
        ACCOUNT,
        order_id,
        status=status,
        quantity=Decimal(quantity),
        filled_quantity=Decimal(filled),
        remaining_quantity=Decimal(quantity - filled),
        average_price=price,
        legs=(leg,),
        **given,
    )
    stamp(order, Topic("order", ACCOUNT), b'{"OrderID":"%s","Status":"X"}' % order_id.encode())
    return order


def fill(order_id: str = "1", total: int = 1, quantity: int = 1) -> Fill:
    found = Fill("v", "A", None, 1, ACCOUNT, order_id, f"{order_id}:A:{total}", Decimal(5), Decimal(quantity))
    stamp(found, Topic("order", ACCOUNT), {"Deep": [1]})
    return found
