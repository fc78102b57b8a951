"""Every order of the exchange: ids, client order ids, groups, and which orders are open."""

from collections.abc import Callable, Iterable, Sequence

from brokerwire.simulator.trading import GroupType, OrderRefused, OrderTicket, SimLeg, SimOrder


class OrderRegister:
    """Keeps orders by id. Ids rise; an order that has ended stays, and never opens again."""

    def __init__(self, *, first_id: int, now_ns: Callable[[], int]) -> None:
        self.orders: dict[int, SimOrder] = {}
        self._open: dict[int, SimOrder] = {}
        self._client_ids: dict[tuple[str, str], int] = {}
        self._next_id = first_id
        self._next_group_id = 3_390_000_001
        self._now_ns = now_ns

    def take_id(self) -> int:
        """Return an order id that has not been used."""
        self._next_id += 1
        return self._next_id - 1

    def admit(self, ticket: OrderTicket) -> SimOrder:
        """Make an order of a ticket."""
        now_ns = self._now_ns()
        order = SimOrder(
            order_id=self.take_id(),
            ticket=ticket,
            legs=[SimLeg(symbol=x.symbol, side=x.side, effect=x.effect, quantity=x.quantity) for x in ticket.legs],
            type=ticket.type,
            limit_price=ticket.limit_price,
            stop_price=ticket.stop_price,
            created_ns=now_ns,
            updated_ns=now_ns,
        )
        self.orders[order.order_id] = self._open[order.order_id] = order
        if ticket.client_order_id:
            self._client_ids[ticket.account_id, ticket.client_order_id] = order.order_id
        return order

    def tie(self, orders: Sequence[SimOrder], group_type: GroupType) -> None:
        """Make orders siblings."""
        for order in orders:
            order.group_type = group_type
            order.group_id = self._next_group_id
            order.sibling_ids = [other.order_id for other in orders if other is not order]
        self._next_group_id += 1

    def record_past(self, orders: Iterable[SimOrder]) -> None:
        """Add orders of former days as they are."""
        for order in orders:
            self.orders[order.order_id] = order

    def find(self, order_id: int) -> SimOrder:
        """Return an order.

        Raises:
            OrderRefused: There is none with this id.
        """
        order = self.orders.get(order_id)
        if order is None:
            raise OrderRefused("unknown_order", "there is no such order")
        return order

    def find_by_client_id(self, account_id: str, client_order_id: str | None) -> SimOrder | None:
        """Return the order that was placed with this client order id."""
        order_id = self._client_ids.get((account_id, client_order_id or ""))
        return None if order_id is None else self.orders[order_id]

    def open_orders(self, account_id: str | None = None) -> list[SimOrder]:
        """Return the open orders, of one account if given, oldest first."""
        self._open = {order_id: order for order_id, order in self._open.items() if order.is_open}
        return [order for order in self._open.values() if account_id in (None, order.account_id)]

    def open_on(self, symbol: str) -> list[SimOrder]:
        """Return the open orders that a tick of ``symbol`` can move."""
        return [
            order
            for order in self.open_orders()
            if any(leg.symbol == symbol for leg in order.legs)
            or any(condition.symbol == symbol for condition in order.ticket.conditions)
        ]
