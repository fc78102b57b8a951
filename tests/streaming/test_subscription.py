import asyncio
from typing import Any

import pytest

from brokerwire.errors import ConfigurationError, InvalidSymbolError, SlowConsumerError, StreamError
from brokerwire.events import Event, Quote, StateChange, Topic, tie
from brokerwire.streaming.delivery import DeliveryOptions
from brokerwire.streaming.subscription import Subscription, SubscriptionControl

A, B = Topic("quote", "A"), Topic("quote", "B")


def quote(index: int, topic: Topic = A) -> Quote:
    event = Quote("v", topic.symbol, None, index, float(index))
    tie(event, "_topic", topic)
    return event


class Desk:
    """Makes subscriptions and counts what they give back."""

    def __init__(self) -> None:
        self.released = 0
        self.statuses: list[Any] = []
        self.errors: list[Exception] = []

    async def _release(self) -> None:
        self.released += 1

    async def _nothing(self, _symbols: object) -> None:
        return

    def subscription(self, callback: Any = None, *topics: Topic, **options: Any) -> Subscription[Any]:
        chosen = DeliveryOptions(
            status_callback=self.statuses.append,
            error_callback=lambda exc, _event: self.errors.append(exc),
            **options,
        )
        subscription: Subscription[Any] = Subscription(1, callback=callback, options=chosen, name="test")
        subscription.attach(topics or (A,), SubscriptionControl(self._nothing, self._nothing, self._release))
        return subscription

    @property
    def states(self) -> list[str]:
        return [status.new for status in self.statuses if isinstance(status, StateChange)]


async def test_acceptance_of_every_topic_makes_it_live() -> None:
    desk = Desk()
    subscription = desk.subscription(print, A, B)
    assert subscription.state == "pending"
    subscription.set_topic_state(A, "live", "ok")
    assert subscription.state == "pending"
    subscription.set_topic_state(B, "live", "ok")
    await asyncio.wait_for(subscription.accepted(), 1)
    assert subscription.state == "live"
    await subscription.unsubscribe()


async def test_the_state_is_the_worst_of_its_topics() -> None:
    desk = Desk()
    subscription = desk.subscription(print, A, B)
    for topic in (A, B):
        subscription.set_topic_state(topic, "live", "ok")
    subscription.set_topic_state(A, "stale", "silent")
    subscription.set_topic_state(B, "recovering", "lost")
    assert subscription.state == "recovering"
    subscription.set_topic_state(B, "live", "back")
    assert subscription.state == "stale"
    subscription.set_topic_state(A, "live", "back")
    assert desk.states == ["live", "stale", "recovering", "stale", "live"]
    await subscription.unsubscribe()


async def test_a_topic_refused_before_acceptance_fails_the_call() -> None:
    subscription = Desk().subscription(print, A, B)
    subscription.refuse_topic(B, InvalidSymbolError("no B"))
    with pytest.raises(InvalidSymbolError, match="no B"):
        await subscription.accepted()
    await subscription.unsubscribe()


async def test_a_topic_refused_later_is_reported_and_the_last_one_fails_the_subscription() -> None:
    desk = Desk()
    subscription = desk.subscription(print, A, B)
    for topic in (A, B):
        subscription.set_topic_state(topic, "live", "ok")
    subscription.refuse_topic(B, InvalidSymbolError("no B"))
    assert [str(error) for error in desk.errors] == ["no B"]
    assert subscription.is_active
    subscription.refuse_topic(A, InvalidSymbolError("no A"))
    with pytest.raises(InvalidSymbolError, match="no A"):
        await subscription.wait_closed()
    assert (subscription.state, desk.released) == ("failed", 1)


async def test_ready_waits_for_every_topic() -> None:
    subscription = Desk().subscription(print, A, B)
    ready = asyncio.create_task(subscription.ready())
    subscription.mark_ready(A)
    await asyncio.sleep(0)
    assert not ready.done()
    subscription.mark_ready(B)
    await asyncio.wait_for(ready, 1)
    await subscription.unsubscribe()


async def test_ready_raises_when_the_subscription_ends_before() -> None:
    subscription = Desk().subscription(print)
    ready = asyncio.create_task(subscription.ready())
    await asyncio.sleep(0)
    await subscription.unsubscribe()
    with pytest.raises(StreamError, match="closed"):
        await ready


async def test_unsubscribing_twice_releases_once() -> None:
    desk = Desk()
    subscription = desk.subscription(print)
    await asyncio.gather(subscription.unsubscribe(), subscription.unsubscribe())
    await subscription.wait_closed()
    assert (subscription.state, desk.released) == ("closed", 1)
    assert not subscription.is_active


async def test_no_callback_runs_after_cancel() -> None:
    seen: list[Event] = []
    subscription = Desk().subscription(seen.append)
    subscription.cancel()
    subscription.delivery.put(quote(1))
    await subscription.wait_closed()
    assert seen == []
    assert subscription.stats.dropped_by_reason == {"closed": 1}


async def test_unsubscribe_from_its_own_callback_returns() -> None:
    done = asyncio.Event()
    desk = Desk()

    async def callback(_event: Event) -> None:
        await subscription.unsubscribe()
        done.set()

    subscription = desk.subscription(callback)
    subscription.delivery.put(quote(1))
    subscription.delivery.put(quote(2))
    await asyncio.wait_for(done.wait(), 2)
    await asyncio.wait_for(subscription.wait_closed(), 2)
    stats = subscription.stats
    assert (stats.received, stats.delivered, stats.dropped) == (2, 1, 1)


async def test_iteration_yields_events_and_ends_with_the_subscription() -> None:
    subscription = Desk().subscription()
    subscription.delivery.put(quote(1))
    subscription.delivery.put(quote(2))
    seen: list[int] = []
    async for event in subscription:
        seen.append(event.received_ns)
        if len(seen) == 2:
            subscription.cancel()
    assert seen == [1, 2]
    await subscription.wait_closed()


async def test_iteration_raises_why_the_subscription_failed() -> None:
    subscription = Desk().subscription()
    subscription.delivery.put(quote(1))
    subscription.fail(StreamError("broken"))
    assert (await anext(subscription)).received_ns == 1
    with pytest.raises(StreamError, match="broken"):
        await anext(subscription)
    await subscription.unsubscribe()


async def test_iteration_tells_statuses_in_their_place() -> None:
    desk = Desk()
    subscription = desk.subscription()
    aiter(subscription)
    subscription.delivery.put(quote(1))
    subscription.set_topic_state(A, "live", "ok")
    assert desk.states == []
    subscription.delivery.put(quote(2))
    assert (await anext(subscription)).received_ns == 1
    assert desk.states == []
    assert (await anext(subscription)).received_ns == 2
    assert desk.states == ["live"]
    await subscription.unsubscribe()


async def test_a_subscription_with_a_callback_cannot_be_iterated() -> None:
    subscription = Desk().subscription(print)
    with pytest.raises(ConfigurationError, match="has a callback"):
        aiter(subscription)
    await subscription.unsubscribe()


async def test_the_failing_policy_fails_it_with_a_slow_consumer_error() -> None:
    async def callback(_event: Event) -> None:
        await asyncio.Event().wait()

    subscription = Desk().subscription(callback, overflow="fail", max_pending=2)
    for index in range(4):
        subscription.delivery.put(quote(index))
    with pytest.raises(SlowConsumerError, match="2 events were pending"):
        await asyncio.wait_for(subscription.wait_closed(), 5)
    stats = subscription.stats
    assert stats.received == stats.delivered + stats.dropped + stats.coalesced + stats.pending == 4


async def test_pausing_ends_with_resume() -> None:
    desk = Desk()
    is_broken = True

    def callback(_event: Event) -> None:
        if is_broken:
            raise RuntimeError

    subscription = desk.subscription(callback)
    subscription.set_topic_state(A, "live", "ok")
    for index in range(100):
        subscription.delivery.put(quote(index))
    assert subscription.state == "paused"
    subscription.set_topic_state(A, "recovering", "lost")
    assert subscription.state == "paused"
    is_broken = False
    subscription.resume()
    assert subscription.state == "recovering"
    assert subscription.stats.errors == 100
    await subscription.unsubscribe()


async def test_leaving_the_context_unsubscribes() -> None:
    desk = Desk()
    async with desk.subscription(print) as subscription:
        assert subscription.topics == (A,)
    assert (subscription.state, desk.released) == ("closed", 1)


async def test_changing_symbols_after_the_end_says_so() -> None:
    subscription = Desk().subscription(print)
    await subscription.unsubscribe()
    with pytest.raises(StreamError, match="subscribe again"):
        await subscription.add_symbols("B")


async def test_repr_names_what_it_is() -> None:
    subscription = Desk().subscription(print)
    assert repr(subscription) == "<Subscription 1 test pending>"
    await subscription.unsubscribe()


async def test_symbols_that_come_too_late_do_not_bring_an_ended_subscription_back() -> None:
    desk = Desk()
    subscription = desk.subscription(None, A, B)
    for topic in (A, B):
        subscription.set_topic_state(topic, "live", "accepted")
    await subscription.unsubscribe()
    with pytest.raises(StreamError, match="has ended"):
        subscription.add_topics([Topic("trade", "C")])
    subscription.remove_topic(A, "A")
    assert subscription.state == "closed"
    assert not subscription.is_active
