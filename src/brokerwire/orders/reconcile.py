"""What the journal, the stream and the venue's own list add up to: pure, each change told once and never backwards."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias, TypeVar

from msgspec import structs

from brokerwire.events import Fill, Order, OrderUpdate, Topic, stamp
from brokerwire.orders.executions import Accounted, Executions
from brokerwire.streaming.memory import says_the_same
from brokerwire.venue import OrderRules

OrderEvent: TypeAlias = OrderUpdate | Fill
EventT = TypeVar("EventT", OrderUpdate, Fill)

LIST_LAG_S = 1.0
"""A venue's list may be so much behind its stream: where the two differ and neither is further, the stream is right
about what it said later than that before the list was asked for."""

MISSES = 3
"""So many lists must leave an open order out before it counts as vanished."""

MOST_REMEMBERED = 20_000
"""Orders, and executions, of one account that are remembered; the oldest that have ended are forgotten first."""


def _is_news(old: Order, new: Order) -> bool:
    return not says_the_same(new, old)


PLAIN_RULES = OrderRules(advances=_is_news)
"""For a venue that names its executions and whose orders need no rules of their own."""


def as_update(order: Order) -> OrderUpdate:
    """Return an order of a list as an update, with the venue's message."""
    if isinstance(order, OrderUpdate):
        return order
    return _restamped(OrderUpdate(**{name: getattr(order, name) for name in Order.__struct_fields__}), order)


def _restamped(event: EventT, origin: Order) -> EventT:
    """Give an event the topic and the venue's message of the one that it was made from."""
    stamp(event, origin.topic or Topic("order", origin.account or ""), getattr(origin, "_message", None))
    return event


class OrderBook:
    """The orders of one account as far as they are known; what it is told, it answers with what is new in it.

    Before its baseline, a whole list of the account's orders, an order that shows up may be old: it is told as it
    stands. After it, an order that shows up is new, and so is everything that was executed of it. ``now`` and
    ``asked_at`` are seconds on one clock.
    """

    def __init__(
        self,
        account: str,
        rules: OrderRules,
        *,
        venue: str = "",
        known: Iterable[OrderUpdate] = (),
        accounted: Iterable[Accounted] = (),
        has_baseline: bool = False,
    ) -> None:
        self.account = account
        self._venue = venue
        self.has_baseline = has_baseline
        self._rules = rules
        self._orders = {order.order_id: order for order in known if order.order_id}
        self._changed_at: dict[str, float] = {}
        self.executions = Executions(accounted)
        self._fill_ids: dict[str, None] = {}
        self._names: dict[str, str] = {}
        self._expected: dict[str, None] = {}
        self._misses: dict[str, int] = {}

    @property
    def orders(self) -> Mapping[str, OrderUpdate]:
        """The newest state of each order, by its id."""
        return self._orders

    @property
    def has_unknown(self) -> bool:
        """Whether the state of an order that the venue lists is not known."""
        return any(order.status == "unknown" and order.order_id not in self._misses for order in self._orders.values())

    def name(self, order_id: str, client_order_id: str) -> None:
        """Take note of the id that we gave an order of ours; venues need not repeat it."""
        self._names[order_id] = client_order_id
        known = self._orders.get(order_id)
        if known is not None:
            self._orders[order_id] = self._completed(known, known)

    def expect(self, order_id: str, client_order_id: str) -> None:
        """Take note of an order that was placed just now: everything of it is new, also before the baseline."""
        self._expected[order_id] = None
        self.name(order_id, client_order_id)

    def set_baseline(self) -> None:
        """Take note that the account's whole list has been taken in."""
        self.has_baseline = True

    # What is told

    def hear(self, event: OrderEvent, *, now: float) -> list[OrderEvent]:
        """Take what the stream says, and return what is new in it: an update, followed by its executions.

        Where the venue names no executions they follow from how an order has grown since it was last heard of,
        whoever said so; what a session made of it is passed over.
        """
        if isinstance(event, Fill):
            return self._hear_fill(event)
        return self._advance(event, now=now, is_current=True)

    def _hear_fill(self, fill: Fill) -> list[OrderEvent]:
        if not self._rules.names_executions or fill.fill_id in self._fill_ids:
            return []
        self._fill_ids[fill.fill_id] = None
        if len(self._fill_ids) > MOST_REMEMBERED:
            del self._fill_ids[next(iter(self._fill_ids))]
        return [fill]

    def read(self, orders: Sequence[Order], *, asked_at: float, now: float) -> list[OrderEvent]:
        """Take rows of the venue's list, asked for at ``asked_at``, and return what is new in them.

        A list that is older than what the stream has said since changes nothing.
        """
        news: list[OrderEvent] = []
        for order in orders:
            self._misses.pop(order.order_id, None)
            is_current = self._is_older(order.order_id, asked_at)
            news += self._advance(as_update(order), now=now, is_current=is_current)
        return news

    def _advance(self, new: OrderUpdate, *, now: float, is_current: bool) -> list[OrderEvent]:
        old = self._orders.get(new.order_id)
        new = self._completed(old, new)
        advances = self._rules.advances
        if old is not None and (not advances(old, new) or (not is_current and advances(new, old))):
            return []
        self._remember(new, now)
        if old is None and not self.has_baseline and new.order_id not in self._expected:
            self.executions.adopt(new)
            return [new]
        return [new, *self._fills(new)]

    def _completed(self, old: OrderUpdate | None, new: OrderUpdate) -> OrderUpdate:
        """Add what the venue left out: the id that we gave it, and a status where it says none."""
        status = old.status if old is not None and new.status == "unknown" else new.status
        name = new.client_order_id or self._names.get(new.order_id) or (old.client_order_id if old else None)
        if (status, name) == (new.status, new.client_order_id):
            return new
        return _restamped(structs.replace(new, status=status, client_order_id=name), new)

    def _fills(self, new: OrderUpdate) -> list[Fill]:
        if self._rules.names_executions:
            return []
        fills = self.executions.grow(new)
        return [_restamped(fill, new) for fill in fills]

    def _remember(self, order: OrderUpdate, now: float) -> None:
        self._orders.pop(order.order_id, None)
        self._orders[order.order_id] = order
        self._changed_at[order.order_id] = now
        if len(self._orders) > MOST_REMEMBERED:
            oldest = next((each for each in self._orders.values() if each.is_terminal), order)
            for memory in (self._orders, self._changed_at, self._names, self._misses, self._expected):
                memory.pop(oldest.order_id, None)
            self.executions.forget(oldest.order_id)

    def settle(self, client_order_id: str, *, order_id: str, reason: str, received_ns: int) -> list[OrderEvent]:
        """Return what to tell about a request whose outcome was in doubt: the order as it stands, or that none exists.

        An order that is not known yet is told when the venue's list brings it.
        """
        if order_id:
            self.expect(order_id, client_order_id)
            known = self._orders.get(order_id)
            return [] if known is None else [_restamped(structs.replace(known, received_ns=received_ns), known)]
        return [self._unplaced(client_order_id, reason, received_ns)]

    def _unplaced(self, client_order_id: str, reason: str, received_ns: int) -> OrderUpdate:
        update = OrderUpdate(
            self._venue,
            "",
            None,
            received_ns,
            account=self.account,
            client_order_id=client_order_id,
            status="rejected",
            reason=reason,
        )
        stamp(update, Topic("order", self.account), None)
        return update

    # What is no longer told

    def missing_from(self, orders: Iterable[Order], *, asked_at: float) -> list[str]:
        """Return the open orders that a whole list leaves out although they are older than it."""
        listed = {order.order_id for order in orders}
        open_ids = [order_id for order_id, order in self._orders.items() if not order.is_terminal and order_id]
        return [
            order_id
            for order_id in open_ids
            if order_id not in listed and self._misses.get(order_id, 0) < MISSES and self._is_older(order_id, asked_at)
        ]

    def _is_older(self, order_id: str, asked_at: float) -> bool:
        """Tell whether a list that was asked for then must know what was said last of an order."""
        changed_at = self._changed_at.get(order_id)
        return changed_at is None or changed_at + LIST_LAG_S <= asked_at

    def miss(self, order_ids: Iterable[str], *, received_ns: int) -> list[OrderEvent]:
        """Take note that nothing tells of these orders; those that were missed too often are told as unknown, once."""
        news: list[OrderEvent] = []
        for order_id in order_ids:
            misses = self._misses[order_id] = self._misses.get(order_id, 0) + 1
            if misses == MISSES:
                old = self._orders[order_id]
                reason = "the venue no longer lists this order, nor says what became of it"
                changed = structs.replace(old, status="unknown", reason=reason, time_ns=None, received_ns=received_ns)
                lost = _restamped(changed, old)
                self._orders[order_id] = lost
                news.append(lost)
        return news
