"""The synthetic exchange: accepts, matches, cancels and replaces orders, keeps accounts, and tells listeners."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Literal, TypeAlias

from brokerwire.simulator import matching
from brokerwire.simulator.accounts import Account, AccountChange, SimPosition, is_buying
from brokerwire.simulator.checks import check_ticket
from brokerwire.simulator.market import Market
from brokerwire.simulator.matching import Slice
from brokerwire.simulator.order_register import OrderRegister
from brokerwire.simulator.price_path import DAY_NS, HOUR_NS
from brokerwire.simulator.settlement import Settlement
from brokerwire.simulator.ticks import SimQuote, SimTrade, Tick
from brokerwire.simulator.timers import OrderTimers
from brokerwire.simulator.trading import (
    ChangeKind,
    OrderChange,
    OrderRefused,
    OrderTicket,
    OrderType,
    SimFill,
    SimLeg,
    SimOrder,
    TicketGroup,
)

OrderListener: TypeAlias = Callable[[OrderChange], None]
Liquidity: TypeAlias = Literal["maker", "taker"]
Ending: TypeAlias = Literal["cancelled", "rejected", "expired"]
AccountListener: TypeAlias = Callable[[AccountChange], None]


class Exchange:
    """Accounts, orders and the market they meet.

    ``cancel_delay_s`` and ``replace_delay_s`` are how long a cancellation or a replacement stays pending; at 0 they are
    carried out before the call returns. Arriving orders are matched before ``place`` returns.
    """

    def __init__(self, market: Market) -> None:
        self.market = market
        self.accounts: dict[str, Account] = {}
        self._register = OrderRegister(first_id=960_000_001 + market.seed % 1_000_000, now_ns=market.now_ns)
        self.orders = self._register.orders
        self.cancel_delay_s = 0.0
        self.replace_delay_s = 0.0
        self._settlement = Settlement(market, self.accounts)
        self._timers = OrderTimers()
        self._order_listeners: list[OrderListener] = []
        self._account_listeners: list[AccountListener] = []
        self._watched: dict[str, Callable[[], None]] = {}

    def now_ns(self) -> int:
        """Return the market's time."""
        return self.market.now_ns()

    def listen(self, listener: OrderListener) -> Callable[[], None]:
        """Call ``listener`` with every change of every order; returns the function that stops it."""
        return _join(self._order_listeners, listener)

    def listen_accounts(self, listener: AccountListener) -> Callable[[], None]:
        """Call ``listener`` with every change of a position or balance; returns the function that stops it."""
        return _join(self._account_listeners, listener)

    def add_account(self, account: Account) -> Account:
        """Open an account."""
        self.accounts[account.account_id] = account
        return account

    def give_position(
        self, account_id: str, symbol: str, *, quantity: Decimal, average_price: Decimal, opened_ns: int | None = None
    ) -> SimPosition:
        """Put a position into an account without a trade."""
        return self._settlement.give_position(
            self.accounts[account_id],
            symbol,
            quantity=quantity,
            average_price=average_price,
            opened_ns=self.now_ns() if opened_ns is None else opened_ns,
        )

    def take_order_id(self) -> int:
        """Return an order id that has not been used."""
        return self._register.take_id()

    def find_by_client_id(self, account_id: str, client_order_id: str) -> SimOrder | None:
        """Return the order that was placed with this client order id."""
        return self._register.find_by_client_id(account_id, client_order_id)

    def find(self, order_id: int) -> SimOrder:
        """Return an order.

        Raises:
            OrderRefused: There is none with this id.
        """
        return self._register.find(order_id)

    def check(self, ticket: OrderTicket) -> None:
        """Say whether the order would be taken, without placing it.

        Raises:
            OrderRefused: It would not.
        """
        if self._register.find_by_client_id(ticket.account_id, ticket.client_order_id) is not None:
            raise OrderRefused("duplicate", "the client order id has been used")
        check_ticket(ticket, market=self.market, accounts=self.accounts)

    def place(self, ticket: OrderTicket) -> SimOrder:
        """Accept an order, with the children it sends, and match it.

        Raises:
            OrderRefused: The exchange does not take it; nothing was placed.
        """
        self.check(ticket)
        order = self._register.admit(ticket)
        for group in ticket.children:
            self._admit_children(order, group)
        self._activate(order)
        return order

    def place_group(self, group: TicketGroup) -> list[SimOrder]:
        """Accept orders that belong together.

        Raises:
            OrderRefused: One of them is not taken; none was placed.
        """
        for ticket in group.tickets:
            self.check(ticket)
        orders = [self._register.admit(ticket) for ticket in group.tickets]
        self._register.tie(orders, group.type)
        for order in orders:
            order.status = "held"
        for order in orders:
            for children in order.ticket.children:
                self._admit_children(order, children)
        for order in orders:
            if order.is_open:  # an earlier sibling may have ended it
                self._activate(order)
        return orders

    def _admit_children(self, parent: SimOrder, group: TicketGroup) -> None:
        children = [self._register.admit(ticket) for ticket in group.tickets]
        if len(children) > 1:
            self._register.tie(children, group.type)
        for child in children:
            child.parent_id = parent.order_id
            parent.child_ids.append(child.order_id)
            child.status = "held"
            self._tell(child, "held")

    def _activate(self, order: SimOrder) -> None:
        """Let an order loose on the market: on arrival, when its parent has filled, when its conditions hold."""
        order.status = "working"
        self._settlement.lock(order)
        if self._waits(order):
            order.status = "queued"
            self._tell(order, "queued")
            self._watch_for(order)
        else:
            self._work(order)
        if order.is_open:
            self._schedule_expiry(order)

    def _waits(self, order: SimOrder) -> bool:
        ticket = order.ticket
        now_ns = self.now_ns()
        if ticket.not_before_ns is not None and now_ns < ticket.not_before_ns:
            return True
        if ticket.conditions:
            last = {c.symbol: self.market.last_trade(c.symbol).price for c in ticket.conditions}
            return not matching.conditions_hold(ticket.conditions, last)
        if ticket.time_in_force in ("opg", "cls"):
            return True
        return not self.market.is_open(order.symbol)

    def _work(self, order: SimOrder) -> None:
        order.is_activated = True
        order.status = "working"
        if order.ticket.is_trailing:
            self._trail(order, self.market.last_trade(order.symbol).price)
        self._tell(order, "accepted")
        if order.type in ("stop", "stop_limit") and not order.is_triggered:
            if not order.ticket.is_trailing and self._stop_hit_now(order):
                self._trigger(order)
        else:
            self._take(order)
        self._settle_arrival(order)

    def _trail(self, order: SimOrder, last: Decimal) -> None:
        matching.trail(order, last, self.market.instrument(order.symbol).tick)

    def _stop_hit_now(self, order: SimOrder) -> bool:
        return matching.stop_is_hit(order, self.market.last_trade(order.symbol).price)

    def _settle_arrival(self, order: SimOrder) -> None:
        if not order.is_open:
            return
        if order.ticket.time_in_force in ("ioc", "fok"):
            self._finish(order, "cancelled")
        else:
            self._watch_for(order)

    def _take(self, order: SimOrder) -> None:
        if len(order.legs) > 1:
            self._take_combination(order)
            return
        slices = matching.walk_book(order, self.market.book(order.symbol, 100))
        total = sum((piece.quantity for piece in slices), Decimal(0))
        wants_all = order.ticket.time_in_force == "fok" or order.ticket.all_or_none
        if wants_all and total < order.remaining:
            return
        for piece in slices:
            self._fill(order, piece, liquidity="taker")

    def _take_combination(self, order: SimOrder) -> None:
        quotes = {leg.symbol: self.market.quote(leg.symbol) for leg in order.legs}
        net = matching.combination_price(order, quotes)
        if order.type == "limit" and order.limit_price is not None and net > order.limit_price:
            return
        fills = [
            self._execute(order, leg, Slice(leg.remaining, _taken_price(leg, quotes[leg.symbol])), liquidity="taker")
            for leg in order.legs
        ]
        order.average_price = net
        self._after_fill(order, tuple(fills))

    def _execute(self, order: SimOrder, leg: SimLeg, piece: Slice, *, liquidity: Liquidity) -> SimFill:
        fill, changes = self._settlement.execute(order, leg, piece, liquidity=liquidity)
        for change in changes:
            self._tell_account(change)
        return fill

    def _fill(self, order: SimOrder, piece: Slice, *, liquidity: Liquidity) -> None:
        if piece.quantity <= 0 or not order.is_open:
            return
        before = order.filled
        fill = self._execute(order, order.legs[0], piece, liquidity=liquidity)
        order.average_price = (order.average_price * before + piece.price * piece.quantity) / order.filled
        self._after_fill(order, (fill,))

    def _tell_account(self, change: AccountChange) -> None:
        for listener in list(self._account_listeners):
            listener(change)

    def _after_fill(self, order: SimOrder, fills: tuple[SimFill, ...]) -> None:
        is_done = all(leg.remaining <= 0 for leg in order.legs)
        order.status = "filled" if is_done else "partially_filled"
        if is_done:
            self._close(order)
        self._tell(order, "fill", fills)
        self._settle_siblings(order, fills[0].quantity)
        if is_done:
            self._release_children(order)

    def _settle_siblings(self, order: SimOrder, quantity: Decimal) -> None:
        for sibling_id in order.sibling_ids:
            sibling = self.orders[sibling_id]
            if not sibling.is_open:
                continue
            if order.group_type == "oco" or (order.group_type == "bracket" and order.status == "filled"):
                self._finish(sibling, "cancelled")
            elif order.group_type == "bracket":
                self._settlement.unlock(sibling)
                sibling.legs[0].quantity -= min(quantity, sibling.remaining)
                self._settlement.lock(sibling)
                self._tell(sibling, "replaced")

    def _release_children(self, order: SimOrder) -> None:
        for child_id in order.child_ids:
            child = self.orders[child_id]
            if child.status == "held":
                if order.filled < child.quantity and len(child.legs) == 1 and order.filled < order.quantity:
                    child.legs[0].quantity = order.filled
                self._activate(child)

    def _close(self, order: SimOrder) -> None:
        order.closed_ns = self.now_ns()
        order.is_cancel_pending = False
        for purpose in ("expire", "cancel", "replace", "reject"):
            self._timers.disarm(purpose, order.order_id)

    def _finish(self, order: SimOrder, status: Ending, reason: str = "") -> None:
        if not order.is_open:
            return
        if order.status != "held":
            self._settlement.unlock(order)
        order.status = status
        order.reason = reason or order.reason
        self._close(order)
        self._tell(order, status)
        if order.filled > 0:
            self._release_children(order)
        else:
            for child_id in order.child_ids:
                self._finish(self.orders[child_id], "cancelled")

    def cancel(self, order_id: int) -> SimOrder:
        """Ask for the cancellation of an open order; it may still fill until it is carried out.

        Raises:
            OrderRefused: There is no such order, it is not open, or its cancellation is under way.
        """
        order = self.find(order_id)
        if not order.is_open:
            raise OrderRefused("not_open", "the order is not open")
        if order.is_cancel_pending:
            raise OrderRefused("cancel_pending", "its cancellation is under way")
        order.is_cancel_pending = True
        if self.cancel_delay_s <= 0:
            self._finish(order, "cancelled")
            return order
        self._tell(order, "cancel_pending")
        self._timers.arm(
            "cancel", order.order_id, wait_s=self.cancel_delay_s, act=lambda: self._finish(order, "cancelled")
        )
        return order

    def replace(
        self,
        order_id: int,
        *,
        quantity: Decimal | None = None,
        limit_price: Decimal | None = None,
        stop_price: Decimal | None = None,
        order_type: OrderType | None = None,
        changes: dict[str, object] | None = None,
    ) -> SimOrder:
        """Change an open order under its own id; ``changes`` are further fields of its ticket.

        Raises:
            OrderRefused: There is no such order, or it is not open or cannot be changed any more.
        """
        order = self.find(order_id)
        self._check_replaceable(order, quantity)

        def carry_out() -> None:
            self._settlement.unlock(order)
            _amend(order, quantity=quantity, limit_price=limit_price, stop_price=stop_price, order_type=order_type)
            if changes:
                order.ticket = _with(order.ticket, changes)
            self._settlement.lock(order)
            self._tell(order, "replaced")
            if order.is_activated and (order.type in ("market", "limit") or order.is_triggered):
                self._take(order)

        if self.replace_delay_s <= 0:
            carry_out()
        else:
            self._timers.arm("replace", order.order_id, wait_s=self.replace_delay_s, act=carry_out)
        return order

    @staticmethod
    def _check_replaceable(order: SimOrder, quantity: Decimal | None) -> None:
        if not order.is_open:
            raise OrderRefused("not_open", "the order is not open")
        if order.is_cancel_pending:
            raise OrderRefused("cancel_pending", "its cancellation is under way")
        if order.is_triggered and order.type == "stop":
            raise OrderRefused("triggered", "its stop has been triggered")
        if quantity is not None and quantity <= order.filled:
            raise OrderRefused("quantity", "more than that has been filled")

    def place_rejected(self, ticket: OrderTicket, reason: str) -> SimOrder:
        """Accept an order and reject it a moment later, before anything of it can fill."""
        self.check(ticket)
        order = self._register.admit(ticket)
        self._settlement.lock(order)
        self._tell(order, "accepted")
        order_id = order.order_id
        self._timers.arm("reject", order_id, wait_s=self.cancel_delay_s, act=lambda: self.reject(order_id, reason))
        return order

    def reject(self, order_id: int, reason: str) -> None:
        """Reject an open order, as a venue does that has acknowledged it too early."""
        self._finish(self.find(order_id), "rejected", reason)

    def fill(self, order_id: int, quantity: Decimal | None = None, price: Decimal | None = None) -> SimOrder:
        """Fill an open order now, wholly or in part, at its own price or at ``price``, as if the market had come.

        Raises:
            OrderRefused: There is no such order, or it is not open.
        """
        order = self.find(order_id)
        if not order.is_open or order.status == "held" or len(order.legs) > 1:
            raise OrderRefused("not_open", "the order is not open")
        own = order.limit_price or order.stop_price or self.market.last_trade(order.symbol).price
        amount = min(order.remaining, quantity or order.remaining)
        self._fill(order, Slice(amount, own if price is None else price), liquidity="maker")
        return order

    def expire(self, order_id: int) -> None:
        """Let an open order expire now."""
        self._finish(self.find(order_id), "expired")

    def _watch_for(self, order: SimOrder) -> None:
        symbols = {leg.symbol for leg in order.legs} | {c.symbol for c in order.ticket.conditions}
        for symbol in symbols - self._watched.keys():
            self._watched[symbol] = self.market.watch(symbol, self._on_tick, with_book=False)

    def _on_tick(self, tick: Tick) -> None:
        is_needed = False
        for order in self._register.open_on(tick.symbol):
            is_needed = True
            self._meet(order, tick)
        if not is_needed and (stop := self._watched.pop(tick.symbol, None)) is not None:
            stop()

    def open_orders(self, account_id: str | None = None) -> list[SimOrder]:
        """Return the open orders, of one account if given, oldest first."""
        return self._register.open_orders(account_id)

    def _meet(self, order: SimOrder, tick: Tick) -> None:
        if not order.is_open:  # closed by what happened to an order before it
            return
        if order.status == "queued":
            if not self._waits(order):
                self._work(order)
        elif order.status != "held" and tick.symbol == order.symbol:
            if isinstance(tick, SimTrade):
                self._meet_trade(order, tick)
            elif isinstance(tick, SimQuote):
                self._meet_quote(order, tick)

    def _meet_trade(self, order: SimOrder, trade: SimTrade) -> None:
        if order.type not in ("stop", "stop_limit") or order.is_triggered:
            return
        if order.ticket.is_trailing:
            self._trail(order, trade.price)
        if matching.stop_is_hit(order, trade.price):
            self._trigger(order)

    def _trigger(self, order: SimOrder) -> None:
        order.is_triggered = True
        self._tell(order, "triggered")
        self._take(order)

    def _meet_quote(self, order: SimOrder, quote: SimQuote) -> None:
        if order.type == "stop" or (order.type == "stop_limit" and not order.is_triggered):
            return
        if len(order.legs) > 1:
            self._take_combination(order)
            return
        piece = matching.rest_against(order, quote)
        if piece is not None and not (order.ticket.all_or_none and piece.quantity < order.remaining):
            self._fill(order, piece, liquidity="maker")

    def _schedule_expiry(self, order: SimOrder) -> None:
        expire_ns = order.ticket.expire_ns
        if expire_ns is None and order.ticket.time_in_force in ("day", "opg", "cls"):
            expire_ns = self._day_end_ns()
        if expire_ns is not None:
            wait_s = max(0.0, (expire_ns - self.now_ns()) / 1e9)
            self._timers.arm("expire", order.order_id, wait_s=wait_s, act=lambda: self._finish(order, "expired"))

    def _day_end_ns(self) -> int:
        """Return when day orders lapse: at midnight UTC, but an order lives for an hour at least."""
        return -(-(self.now_ns() + HOUR_NS) // DAY_NS) * DAY_NS

    def _tell(self, order: SimOrder, kind: ChangeKind, fills: tuple[SimFill, ...] = ()) -> None:
        order.updated_ns = self.now_ns()
        change = OrderChange(order, kind, order.updated_ns, fills)
        for listener in list(self._order_listeners):
            listener(change)

    def record_past(self, orders: Iterable[SimOrder]) -> None:
        """Add orders of former days to the books as they are."""
        self._register.record_past(orders)

    async def close(self) -> None:
        """Stop every timer and the market."""
        self._timers.close()
        for stop in self._watched.values():
            stop()
        self._watched.clear()
        await self.market.close()


def _join(listeners: list[Callable[..., None]], listener: Callable[..., None]) -> Callable[[], None]:
    listeners.append(listener)

    def leave() -> None:
        if listener in listeners:
            listeners.remove(listener)

    return leave


def _taken_price(leg: SimLeg, quote: SimQuote) -> Decimal:
    return quote.ask if is_buying(leg.side) else quote.bid


def _amend(
    order: SimOrder,
    *,
    quantity: Decimal | None,
    limit_price: Decimal | None,
    stop_price: Decimal | None,
    order_type: OrderType | None,
) -> None:
    if quantity is not None:
        order.legs[0].quantity = quantity
    if limit_price is not None:
        order.limit_price = limit_price
    if stop_price is not None:
        order.stop_price = stop_price
    if order_type is not None:
        order.type = order_type
        if order_type == "market":
            order.limit_price = order.stop_price = None


def _with(ticket: OrderTicket, changes: dict[str, object]) -> OrderTicket:
    fields = {name: getattr(ticket, name) for name in ticket.__struct_fields__}
    return OrderTicket(**{**fields, **changes})
