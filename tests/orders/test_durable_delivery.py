import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.orders.events import ACCOUNT, fill, update

from brokerwire.clock import SystemClock
from brokerwire.errors import StreamError
from brokerwire.events import Notice, OrderUpdate, StateChange, Topic
from brokerwire.orders.durable_delivery import WINDOW, DurableDelivery, OrderSink, Receipt
from brokerwire.orders.journal import Journal
from brokerwire.streaming.delivery import DeliveryOptions
from brokerwire.streaming.route import Route
from brokerwire.streaming.subscription import Subscription, SubscriptionControl

TOPIC = Topic("order", ACCOUNT)


async def nothing(*_: object) -> None:
    pass


class Listener:
    """A subscription with its delivery from a journal, and what its callback has heard."""

    def __init__(self, journal: Journal, name: str = "a", *, capacity: int = 10, topic: Topic = TOPIC) -> None:
        self.heard: list[Any] = []
        self.statuses: list[Any] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.news = asyncio.Event()
        options = DeliveryOptions(
            max_pending=capacity, overflow="fail", is_queued=True, status_callback=self.statuses.append
        )
        self.subscription: Subscription[Any] = Subscription(1, callback=self.on_event, options=options, name="orders")
        self.subscription.attach([topic], SubscriptionControl(nothing, nothing, nothing))
        self.delivery = DurableDelivery(name, self.subscription, journal=journal, capacity=capacity)

    async def on_event(self, event: Any) -> None:
        await self.gate.wait()
        self.heard.append(event)
        self.news.set()

    async def hears(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.heard) < count:
                self.news.clear()
                await self.news.wait()


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    journal = Journal(tmp_path / "orders.db", owner="v offline", clock=SystemClock())
    await journal.open()
    yield journal
    await journal.close()


Listen = Callable[..., Awaitable[Listener]]


@pytest.fixture
async def listen(journal: Journal) -> AsyncIterator[Listen]:
    """Returns a listener that has started; ends all of them."""
    listeners: list[Listener] = []

    async def start(name: str = "a", standing: tuple[OrderUpdate, ...] = (), **options: Any) -> Listener:
        listener = Listener(journal, name, **options)
        listeners.append(listener)
        await listener.delivery.start(lambda: standing)
        return listener

    yield start
    for listener in listeners:
        listener.gate.set()
        await listener.subscription.unsubscribe()


async def tell(journal: Journal, listener: Listener, *events: Any) -> None:
    listener.delivery.feed(await journal.record(ACCOUNT, events))


async def position(journal: Journal, name: str = "a") -> int:
    return (await journal.consumer(name)).position


async def test_events_are_marked_when_the_callback_has_returned(journal: Journal, listen: Listen) -> None:
    listener = await listen()
    listener.gate.clear()
    recorded = await journal.record(ACCOUNT, [update("1"), fill("1")])
    for _ in range(2):  # as when it has been read from the journal before the line comes to it
        listener.delivery.feed(recorded)
    await asyncio.sleep(0)
    assert await position(journal) == 0
    listener.gate.set()
    await listener.hears(2)
    await asyncio.sleep(0)
    assert await position(journal) == 2
    assert listener.heard == [update("1"), fill("1")]


async def test_what_was_not_marked_is_told_again_and_the_rest_is_not(journal: Journal, listen: Listen) -> None:
    first = await listen()
    await tell(journal, first, update("1"), update("2"))
    await first.hears(2)
    first.gate.clear()
    await tell(journal, first, update("3"), update("4"))
    first.subscription.cancel()
    second = await listen(standing=(update("9"),))
    await second.hears(2)
    await tell(journal, second, update("5"))
    await second.hears(3)
    assert [event.order_id for event in second.heard] == ["3", "4", "5"]


async def test_a_new_consumer_is_told_what_stands_once(journal: Journal, listen: Listen) -> None:
    await journal.record(ACCOUNT, [update("1"), update("2")])
    listener = await listen(standing=(update("1"), update("2")))
    await listener.hears(2)
    await tell(journal, listener, update("3"))
    await listener.hears(3)
    listener.subscription.cancel()
    again = await listen(standing=(update("1"), update("2"), update("3")))
    await tell(journal, again, update("4"))
    await again.hears(1)
    assert [event.order_id for event in again.heard] == ["4"]


async def test_a_new_consumer_that_was_cut_off_is_told_the_rest_in_order(journal: Journal, listen: Listen) -> None:
    first = await listen(standing=(update("1"), update("2")))
    first.gate.clear()
    await tell(journal, first, update("1", "filled", 10))
    first.subscription.cancel()
    second = await listen(standing=(update("1", "filled", 10), update("2")))
    await second.hears(2)
    assert [(event.order_id, event.status) for event in second.heard] == [("2", "accepted"), ("1", "filled")]


async def test_what_is_too_much_waits_in_the_journal(journal: Journal, listen: Listen) -> None:
    listener = await listen(capacity=2)
    listener.gate.clear()
    count = 2 * WINDOW + 500
    for start in range(0, count, 500):
        await tell(journal, listener, *(update(str(number)) for number in range(start, start + 500)))
    assert listener.subscription.stats.pending <= 2
    assert len(listener.delivery._waiting) <= WINDOW
    listener.gate.set()
    await listener.hears(WINDOW)
    await tell(journal, listener, update("last"))
    await listener.hears(count + 1)
    assert [event.order_id for event in listener.heard] == [*(str(number) for number in range(count)), "last"]
    stats = listener.subscription.stats
    assert (stats.received, stats.dropped) == (count + 1, 0)


async def test_events_that_come_while_the_journal_is_read_are_not_overlooked(journal: Journal, listen: Listen) -> None:
    listener = Listener(journal)
    starting = asyncio.create_task(listener.delivery.start(lambda: ()))
    await asyncio.sleep(0)
    for number in range(50):
        await tell(journal, listener, update(str(number)))
    await starting
    await listener.hears(50)
    assert [event.order_id for event in listener.heard] == [str(number) for number in range(50)]
    await listener.subscription.unsubscribe()


async def test_a_subscription_to_some_orders_hears_of_no_others(journal: Journal, listen: Listen) -> None:
    listener = await listen(topic=Topic("order", ACCOUNT, "2,3"))
    await tell(journal, listener, update("1"), update("2"))
    listener.delivery.feed(await journal.record("other", [update("3")]))
    await tell(journal, listener, update("3"))
    await listener.hears(2)
    assert [event.order_id for event in listener.heard] == ["2", "3"]


async def test_a_raising_callback_has_heard_its_event(journal: Journal) -> None:
    errors: list[Exception] = []

    def fail(event: Any) -> None:
        raise ValueError(event.order_id)

    options = DeliveryOptions(is_queued=True, error_callback=lambda error, _event: errors.append(error))
    subscription: Subscription[Any] = Subscription(1, callback=fail, options=options, name="orders")
    subscription.attach([TOPIC], SubscriptionControl(nothing, nothing, nothing))
    delivery = DurableDelivery("a", subscription, journal=journal, capacity=10)
    await delivery.start(lambda: ())
    delivery.feed(await journal.record(ACCOUNT, [update("1")]))
    async with asyncio.timeout(10):
        while await position(journal) == 0:
            continue
    assert len(errors) == 1
    await subscription.unsubscribe()


async def test_an_iterated_event_is_marked_when_the_next_is_asked_for(journal: Journal) -> None:
    options = DeliveryOptions(is_queued=True)
    subscription: Subscription[Any] = Subscription(1, callback=None, options=options, name="orders")
    subscription.attach([TOPIC], SubscriptionControl(nothing, nothing, nothing))
    delivery = DurableDelivery("a", subscription, journal=journal, capacity=10)
    await delivery.start(lambda: ())
    delivery.feed(await journal.record(ACCOUNT, [update("1"), update("2")]))
    seen = []
    async for event in subscription:
        seen.append((event.order_id, await position(journal)))
        if len(seen) == 2:
            break
    assert seen == [("1", 0), ("2", 1)]
    await subscription.unsubscribe()


async def test_states_of_an_account_that_is_added_are_told(journal: Journal, listen: Listen) -> None:
    listener = await listen()
    listener.delivery.put(update("1"))
    listener.delivery.open()
    listener.delivery.put(update("2"))
    listener.delivery.flush()
    await listener.hears(1)
    assert [event.order_id for event in listener.heard] == ["2"]
    assert listener.delivery.inbox == []


async def test_a_journal_that_fails_while_it_is_read_ends_nothing(journal: Journal, listen: Listen) -> None:
    listener = await listen()
    await journal.close()
    listener.delivery._is_behind = True
    listener.delivery.feed([])
    await asyncio.sleep(0)
    assert listener.subscription.is_active


# The sink


async def test_what_a_stream_says_is_said_behind_what_is_being_written(journal: Journal, listen: Listen) -> None:
    listener = await listen()
    waiting: list[Callable[[], None]] = []
    sink = OrderSink(listener.subscription, listener.delivery, behind=waiting.append)
    sink.set_topic_state(TOPIC, "live", "accepted")
    sink.mark_ready(TOPIC)
    sink.put_status(Notice("hello"))
    sink.follow(ACCOUNT, Route("order"))
    assert sink.delivery is listener.delivery
    assert listener.subscription.state == "pending"
    for act in waiting:
        act()
    await listener.subscription.ready()
    assert listener.subscription.state == "live"
    sink.refuse_topic(TOPIC, StreamError("no"))
    waiting[-1]()
    assert listener.subscription.state == "failed"
    with pytest.raises(StreamError, match="no"):
        await listener.subscription.wait_closed()
    assert [type(status) for status in listener.statuses] == [StateChange, Notice, StateChange]


def test_a_receipt_tells_the_user_nothing() -> None:
    reached: list[int] = []
    assert Receipt(lambda: reached.append(1)).statuses() == ()
    assert reached == [1]
