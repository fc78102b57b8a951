"""OrderKeeper: the books of a client's accounts, who hears from them, and the journal behind them."""

from collections.abc import Callable, Sequence
from typing import Any

from brokerwire.clock import Clock
from brokerwire.errors import ConfigurationError, StreamError
from brokerwire.events import Fill, Notice, OrderUpdate, Topic
from brokerwire.orders.account_book import AccountBook, ids_of, is_about
from brokerwire.orders.commit_line import CommitLine
from brokerwire.orders.durable_delivery import DurableDelivery, OrderSink
from brokerwire.orders.journal import Journal
from brokerwire.orders.ledger import Known
from brokerwire.orders.reconcile import MOST_REMEMBERED, PLAIN_RULES, OrderBook, OrderEvent
from brokerwire.streaming.memory import Memory
from brokerwire.streaming.route import Sink
from brokerwire.streaming.subscription import Subscription
from brokerwire.venue import Venue

FIRST_CONSUMER = "default"
NOTHING = Known((), (), has_baseline=False)


class OrderKeeper:
    """Keeps one book for each account that is subscribed to, shared by all subscriptions.

    With a journal, what is new is written before anybody hears it, and each subscription is a named consumer that
    is told what it had not finished hearing when the process ended.
    """

    def __init__(self, venue: Venue, *, clock: Clock, journal: Journal | None, wake: Callable[[], None]) -> None:
        self.books: dict[str, AccountBook] = {}
        self.on_fill: Callable[[str], None] = _ignore
        """Hears of the account of each execution, as soon as it is known."""
        self._venue = venue.name
        self._rules = venue.orders or PLAIN_RULES
        self._clock = clock
        self._journal = journal
        self._wake = wake
        self._names: dict[str, str] = {}
        self._joined: dict[int, tuple[Subscription[Any], set[str]]] = {}
        self._consumers: dict[int, DurableDelivery] = {}
        self._line = None if journal is None else CommitLine(journal, on_failure=self._fail)

    def memory_of(self, topic: Topic) -> Memory | None:
        """Return what stands before the subscriptions of a topic to orders; None for the others."""
        if topic.channel != "order":
            return None
        return self._book_of(topic.symbol, NOTHING).view(ids_of(topic))

    # Subscriptions

    async def join(
        self, subscription: Subscription[Any], topics: Sequence[Topic], *, consumer: str | None, capacity: int
    ) -> Sink:
        """Get ready for a subscription to orders, and return where its stream is to deliver.

        Raises:
            ConfigurationError: Another subscription is this consumer, or the journal cannot be read.
        """
        if self._journal is None and consumer is not None:
            raise ConfigurationError("consumer= names who hears from a journal; give the client journal=")
        self._joined[subscription.id] = (subscription, set())
        await self.extend(subscription, topics)
        if self._journal is None or self._line is None:
            return subscription
        name = self._free_name(consumer)
        delivery = DurableDelivery(name, subscription, journal=self._journal, capacity=capacity)
        self._consumers[subscription.id] = delivery
        self._line.consumers.append(delivery)
        await delivery.start(lambda: self._standing(topics))
        return OrderSink(subscription, delivery, behind=self._line.behind)

    def _free_name(self, consumer: str | None) -> str:
        taken = {delivery.consumer for delivery in self._consumers.values()}
        if consumer in taken:
            raise ConfigurationError(f"another subscription is the consumer {consumer!r}; give each a name of its own")
        names = [consumer or FIRST_CONSUMER, *(f"{FIRST_CONSUMER}-{number}" for number in range(2, len(taken) + 3))]
        return next(name for name in names if name not in taken)

    def _standing(self, topics: Sequence[Topic]) -> list[OrderUpdate]:
        return [
            order
            for topic in topics
            for order in self.books[topic.symbol].book.orders.values()
            if is_about(order, ids_of(topic))
        ]

    async def extend(self, subscription: Subscription[Any], topics: Sequence[Topic]) -> None:
        """Get the books of more accounts ready.

        Raises:
            ConfigurationError: The journal cannot be read.
        """
        _, accounts = self._joined[subscription.id]
        for account in dict.fromkeys(topic.symbol for topic in topics):
            accounts.add(account)
            if account not in self.books:
                self._book_of(account, NOTHING if self._journal is None else await self._journal.known(account))

    def _book_of(self, account: str, known: Known) -> AccountBook:
        if account not in self.books:
            book = OrderBook(
                account,
                self._rules,
                venue=self._venue,
                known=known.orders,
                accounted=known.accounted,
                has_baseline=known.has_baseline,
            )
            for order_id, name in self._names.items():
                book.name(order_id, name)
            self.books[account] = AccountBook(book, clock=self._clock, owner=self)
        return self.books[account]

    def opened(self, subscription: Subscription[Any]) -> None:
        """Hear that a subscription has been accepted by the venue."""
        delivery = self._consumers.get(subscription.id)
        if delivery is not None:
            delivery.open()

    def leave(self, subscription: Subscription[Any]) -> None:
        """Forget a subscription that has ended, and the accounts that only it wanted."""
        _, accounts = self._joined.pop(subscription.id, (None, set()))
        delivery = self._consumers.pop(subscription.id, None)
        if delivery is not None and self._line is not None:
            self._line.consumers.remove(delivery)
        wanted = {account for _, others in self._joined.values() for account in others}
        for account in accounts - wanted:
            self.books.pop(account, None)
        self._wake()

    # Telling

    def tell(self, book: AccountBook, news: Sequence[OrderEvent]) -> None:
        """Pass on what is new in a book: to the journal first if there is one."""
        if any(isinstance(event, Fill) for event in news):
            self.on_fill(book.account)
        if self._line is None:
            book.pass_on(news)
        else:
            self._line.tell(book, news)

    def _fail(self, error: BaseException) -> None:
        """The journal cannot be written: better no subscription than one whose events are not kept."""
        reason = StreamError(f"order events cannot be kept: {error}")
        for subscription, _ in list(self._joined.values()):
            subscription.fail(reason)

    def baseline_set(self, book: AccountBook) -> None:
        """Keep that the account's whole list has been taken in."""
        if self._journal is not None:
            self._journal.set_baseline(book.account)

    def snapshot_ended(self) -> None:
        """Ask for the venue's list now."""
        self._wake()

    def name(self, order_id: str, client_order_id: str) -> None:
        """Take note of the id that an order was given that was placed just now."""
        self._names[order_id] = client_order_id
        if len(self._names) > MOST_REMEMBERED:
            del self._names[next(iter(self._names))]
        for book in self.books.values():
            book.book.expect(order_id, client_order_id)

    def notify(self, text: str) -> None:
        """Tell every subscription to orders something that concerns all of them."""
        for subscription, _ in list(self._joined.values()):
            subscription.put_status(Notice(text))


def _ignore(_account: str) -> None:
    """Nobody wants to know."""
