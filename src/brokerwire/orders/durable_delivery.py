"""What a named consumer hears: from the journal, in order, as fast as it can take it, marked once it has."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from brokerwire.errors import BrokerwireError
from brokerwire.events import OrderUpdate, Status, StreamState, Topic
from brokerwire.orders.account_book import ids_of, is_about
from brokerwire.orders.journal import Journal
from brokerwire.orders.ledger import OrderEvent, Recorded
from brokerwire.streaming.event_queue import Marker
from brokerwire.streaming.route import Route
from brokerwire.streaming.subscription import Subscription

WINDOW = 1_000
"""Events of one consumer that are held in memory besides its queue; more wait in the journal."""


class Receipt(Marker):
    """A place in the queue: when it is reached, every callback has returned from the event before it."""

    __slots__ = ("_on_reached",)

    def __init__(self, on_reached: Callable[[], None]) -> None:
        super().__init__()
        self._on_reached = on_reached

    def statuses(self) -> tuple[Status, ...]:
        """Tell nothing to the user; the delivery asks for this as it passes the place."""
        self._on_reached()
        return ()


class DurableDelivery:
    """Feeds one subscription from the journal; what it has heard is marked, what it could not take waits there.

    It takes the place of the subscription's queue before a stream: what the stream says comes by way of the journal.
    """

    def __init__(self, consumer: str, subscription: Subscription[Any], *, journal: Journal, capacity: int) -> None:
        self.consumer = consumer
        self.inbox: list[Any] = []
        self._subscription = subscription
        self._journal = journal
        self._capacity = capacity
        self._waiting: deque[Recorded] = deque()
        self._read_to = 0
        self._in_hand = 0
        self._is_behind = True
        self._has_skipped = False
        self._reading: asyncio.Future[Any] | None = None
        self._unheard_states = 0
        self._is_started = False
        self._is_open = False

    # As a place where a stream delivers

    def put(self, event: OrderEvent) -> None:
        """Take the state of an order that stands when an account is added; news come by ``feed``."""
        if self._is_open:
            self._waiting.append(Recorded(0, event))
            self._pour()

    def flush(self) -> None:
        """Do nothing: nothing is laid into the inbox of a topic with a memory."""

    # From the journal

    async def start(self, standing: Callable[[], Iterable[OrderUpdate]]) -> None:
        """Begin with what this consumer has not heard; one that was never here is told the orders as they stand.

        Raises:
            ConfigurationError: The journal cannot be read.
        """
        asked = self._journal.consumer(self.consumer)
        states = list(standing())  # as of the very position that was asked for
        known = await asked
        self._read_to = known.position
        if known.is_fresh:
            await self._repeat(states)
        self._is_started = True
        self._pour()

    async def _repeat(self, states: Sequence[OrderUpdate]) -> None:
        """Tell the orders as they stand, but for those that the journal has something newer of."""
        newer = await self._journal.events_after(self._read_to, self._accounts(), WINDOW)
        order_ids = {each.event.order_id for each in newer}
        told = [Recorded(0, state) for state in states if state.order_id not in order_ids]
        self._waiting.extend(told)
        self._unheard_states = len(told)
        if not told:
            self._journal.mark(self.consumer, 0)

    def open(self) -> None:
        """Tell what stands in accounts that are added from now on."""
        self._is_open = True

    def feed(self, recorded: Sequence[Recorded]) -> None:
        """Take events that have just been committed, unless there are earlier ones still to be read."""
        for each in recorded:
            if self._is_behind or len(self._waiting) >= WINDOW:
                self._is_behind = self._has_skipped = True
            elif each.seq > self._read_to:
                self._take(each)
        self._pour()

    def _take(self, each: Recorded) -> None:
        self._read_to = each.seq
        if self._wants(each.event):
            self._waiting.append(each)

    def _wants(self, event: OrderEvent) -> bool:
        topics = self._subscription.topics
        return any(topic.symbol == event.topic.symbol and is_about(event, ids_of(topic)) for topic in topics)  # type: ignore[union-attr]  # all of ours have one

    def _pour(self) -> None:
        """Fill the queue up to what the user allows to be pending; each event is followed by a receipt."""
        if not self._is_started:
            return
        delivery = self._subscription.delivery
        while self._waiting and self._in_hand < self._capacity and self._subscription.is_active:
            each = self._waiting.popleft()
            self._in_hand += 1
            delivery.put(each.event)
            delivery.queue.put_marker(Receipt(partial(self._heard, each.seq)))
        if not self._waiting and self._is_behind:
            self._read_more()

    def _heard(self, seq: int) -> None:
        self._in_hand -= 1
        if not seq:
            self._unheard_states -= 1
        if seq or self._unheard_states == 0:
            self._journal.mark(self.consumer, seq)
        self._pour()

    def _accounts(self) -> list[str]:
        return list(dict.fromkeys(topic.symbol for topic in self._subscription.topics))

    def _read_more(self) -> None:
        accounts = self._accounts()
        if self._reading is not None or not self._subscription.is_active or not accounts:
            return
        self._has_skipped = False
        self._reading = self._journal.events_after(self._read_to, accounts, WINDOW)
        self._reading.add_done_callback(self._have_read)

    def _have_read(self, reading: "asyncio.Future[list[Recorded]]") -> None:
        self._reading = None
        if reading.cancelled() or reading.exception() is not None:
            return  # the journal has failed, and whoever writes into it says so
        rows = reading.result()
        for each in rows:
            self._take(each)
        self._is_behind = self._has_skipped or len(rows) == WINDOW
        self._pour()


class OrderSink:
    """A subscription as a stream sees it when a journal stands in between; nothing overtakes what is being written.

    ``behind`` calls a function once everything that was said before is on disk.
    """

    def __init__(
        self,
        subscription: Subscription[Any],
        delivery: DurableDelivery,
        *,
        behind: Callable[[Callable[[], None]], None],
    ) -> None:
        self.delivery = delivery
        self._subscription = subscription
        self._behind = behind

    def follow(self, symbol: str, route: Route) -> None:
        """Hear where the events of an account pass."""
        self._subscription.follow(symbol, route)

    def set_topic_state(self, topic: Topic, state: StreamState, reason: str) -> None:
        """Hear how a topic is doing."""
        self._behind(partial(self._subscription.set_topic_state, topic, state, reason))

    def mark_ready(self, topic: Topic) -> None:
        """Hear that a topic has its whole snapshot."""
        self._behind(partial(self._subscription.mark_ready, topic))

    def refuse_topic(self, topic: Topic, error: BrokerwireError) -> None:
        """Hear that the venue will not serve a topic."""
        self._behind(partial(self._subscription.refuse_topic, topic, error))

    def put_status(self, status: Status) -> None:
        """Hear a status, in its place between the events."""
        self._behind(partial(self._subscription.put_status, status))

    def look(self, now: float) -> None:
        """Report a callback that does not return."""
        self._subscription.look(now)
