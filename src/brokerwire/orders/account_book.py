"""The book of one account, and the views of it that stand before the subscriptions of its topics."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from brokerwire.clock import Clock
from brokerwire.events import Event, Fill, Order, OrderUpdate, Topic
from brokerwire.orders.reconcile import OrderBook, OrderEvent
from brokerwire.streaming.memory import Delivers


class BookOwner(Protocol):
    """Who keeps a book and passes on what is new in it."""

    def tell(self, book: "AccountBook", news: Sequence[OrderEvent]) -> None:
        """Pass on what is new."""
        ...

    def baseline_set(self, book: "AccountBook") -> None:
        """Hear that the account's whole list has been taken in for the first time."""
        ...

    def snapshot_ended(self) -> None:
        """Hear that a stream has told all that stands: the time to compare it with the venue's list."""
        ...


class AccountBook:
    """What is known of one account's orders; whoever hears of them first, everybody is told, once."""

    def __init__(self, book: OrderBook, *, clock: Clock, owner: BookOwner) -> None:
        self.book = book
        self.account = book.account
        self._clock = clock
        self._owner = owner
        self._views: list[OrderView] = []

    def view(self, order_ids: frozenset[str]) -> "OrderView":
        """Return a new view: of some orders, or of all if none are named."""
        view = OrderView(self, order_ids)
        self._views.append(view)
        return view

    def hear(self, event: OrderEvent) -> None:
        """Take what a stream says."""
        self.tell(self.book.hear(event, now=self._clock.monotonic()))

    def read(self, orders: Sequence[Order], *, asked_at: float) -> None:
        """Take rows of the venue's list, asked for at a time of the loop."""
        self.tell(self.book.read(orders, asked_at=asked_at, now=self._clock.monotonic()))

    def tell(self, news: Sequence[OrderEvent]) -> None:
        """Pass on what is new."""
        if news:
            self._owner.tell(self, news)

    def set_baseline(self) -> None:
        """Take note that the account's whole list has been taken in."""
        if not self.book.has_baseline:
            self.book.set_baseline()
            self._owner.baseline_set(self)

    def snapshot_ended(self) -> None:
        """Hear that a stream has told all that stands."""
        self._owner.snapshot_ended()

    def pass_on(self, news: Iterable[OrderEvent]) -> None:
        """Hand events to the subscriptions of every view that is about them."""
        for event in news:
            for view in self._views:
                view.pass_on(event)


class OrderView:
    """Stands before the subscriptions of one topic: an account, or some orders of it."""

    is_about_many = True

    def __init__(self, book: AccountBook, order_ids: frozenset[str]) -> None:
        self._book = book
        self._order_ids = order_ids
        self._deliveries: Sequence[Delivers] = ()

    def pass_to(self, deliveries: Sequence[Delivers]) -> None:
        """Pass events on to these from now on."""
        self._deliveries = deliveries

    def pass_on(self, event: OrderEvent) -> None:
        """Hand an event on if it is about an order of the view."""
        if is_about(event, self._order_ids):
            for delivery in self._deliveries:
                delivery.put(event)

    def put(self, event: Event) -> None:
        """Take what the stream of this topic says."""
        if isinstance(event, OrderUpdate | Fill):
            self._book.hear(event)

    def put_all(self, events: Sequence[Event]) -> None:
        """Take several things that it says."""
        for event in events:
            self.put(event)

    def expect_snapshot(self) -> None:
        """Do nothing: the book knows what it has told."""

    def end_snapshot(self, received_ns: int) -> None:
        """Hear that the stream has told every order; only the stream of a whole account can say so."""
        if not self._order_ids:
            self._book.set_baseline()
        self._book.snapshot_ended()

    def last_about(self, event: Event) -> Event | None:
        """Return the newest state of the order."""
        return self._book.book.orders.get(getattr(event, "order_id", ""))

    def recollection(self) -> Iterable[OrderUpdate]:
        """Return the orders as they stand; executions are told once."""
        return [order for order in self._book.book.orders.values() if is_about(order, self._order_ids)]


def is_about(event: OrderEvent, order_ids: frozenset[str]) -> bool:
    """Tell whether an event is about one of some orders; none named means all."""
    return not order_ids or event.order_id in order_ids


def ids_of(topic: Topic) -> frozenset[str]:
    """Return the orders that a topic is about; none means all of its account."""
    return frozenset(topic.variant.split(",")) if topic.variant else frozenset()
