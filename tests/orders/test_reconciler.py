import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import pytest
from msgspec import structs
from tests.orders.events import ACCOUNT, update

from brokerwire.errors import RequestError, VenueUnavailableError
from brokerwire.events import Fill, Order, OrderUpdate, Topic
from brokerwire.orders.intents import ABSENT_AFTER_S, Intents
from brokerwire.orders.ledger import Intent, Leg
from brokerwire.orders.order_keeper import OrderKeeper
from brokerwire.orders.reconcile import MISSES
from brokerwire.orders.reconciler import DOUBT_PERIOD_S, FAILURES, PERIOD_S, Reconciler
from brokerwire.streaming.delivery import DeliveryOptions
from brokerwire.streaming.subscription import Subscription, SubscriptionControl
from brokerwire.venues.tradestation import VENUE

assert VENUE.orders is not None
RULES = VENUE.orders


class Venue:
    """What the venue lists, when it was asked, and for which accounts."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.ended: list[Order] = []
        self.error: Exception | None = None
        self.asked: list[tuple[float, list[str] | None]] = []
        self.asked_past = 0

    async def current(self, accounts: Sequence[str] | None) -> list[Order]:
        self.asked.append((asyncio.get_running_loop().time(), None if accounts is None else sorted(accounts)))
        if self.error is not None:
            raise self.error
        return list(self.orders)

    async def past(self, accounts: Sequence[str], since: datetime) -> list[Order]:
        self.asked_past += 1
        if not self.ended:
            raise RequestError("no history")
        return list(self.ended)


class Stage:
    """A reconciler with a book of one account, and what its subscription hears."""

    def __init__(self, clock: Any) -> None:
        self.venue = Venue()
        self.heard: list[Any] = []
        self.statuses: list[Any] = []
        self.keeper = OrderKeeper(VENUE, clock=clock, journal=None, wake=lambda: self.reconciler.wake())
        self.intents = Intents(None, clock)
        self.reconciler = Reconciler(self.keeper, self.intents, lists=self.venue, rules=RULES, clock=clock)
        options = DeliveryOptions(status_callback=self.statuses.append)
        self.subscription: Subscription[Any] = Subscription(
            1, callback=self.heard.append, options=options, name="orders"
        )
        self.topic = Topic("order", ACCOUNT)

    async def join(self) -> None:
        async def nothing(*_: object) -> None:
            pass

        self.subscription.attach([self.topic], SubscriptionControl(nothing, nothing, nothing))
        await self.keeper.join(self.subscription, [self.topic], consumer=None, capacity=10)
        view = self.keeper.memory_of(self.topic)
        assert view is not None
        view.pass_to([self.subscription.delivery])
        self.view = view

    async def close(self) -> None:
        await self.reconciler.close()
        self.keeper.leave(self.subscription)
        await self.subscription.unsubscribe()


@pytest.fixture
def run(virtual: Any) -> Callable[[Callable[[Stage], Awaitable[None]]], None]:
    def runner(test: Callable[[Stage], Awaitable[None]]) -> None:
        async def main() -> None:
            stage = Stage(virtual.clock)
            await test(stage)
            await stage.close()

        virtual(main)

    return runner


def at(stage: Stage) -> list[float]:
    return [moment for moment, _ in stage.venue.asked]


def intent(**fields: Any) -> Intent:
    given = {"legs": (Leg("A", "buy", "10"),), "action": "place", "account": ACCOUNT, **fields}
    return Intent(client_order_id="mine", made_ns=1, **given)


def test_the_list_is_asked_for_on_connect_and_then_regularly(run: Any) -> None:
    async def test(stage: Stage) -> None:
        await stage.join()
        stage.view.end_snapshot(1)
        await asyncio.sleep(2 * PERIOD_S + 1)
        assert at(stage) == [0, PERIOD_S, 2 * PERIOD_S]
        assert stage.venue.asked[0][1] == [ACCOUNT]
        for _ in range(5):
            stage.view.end_snapshot(1)
        await asyncio.sleep(5)
        assert len(at(stage)) == 4

    run(test)


def test_streams_that_connect_again_and_again_do_not_flood_the_venue(run: Any) -> None:
    async def test(stage: Stage) -> None:
        await stage.join()
        for _ in range(100):
            stage.view.end_snapshot(1)
            await asyncio.sleep(0.1)
        assert len(at(stage)) <= 11

    run(test)


def test_nobody_is_asked_when_nobody_listens(run: Any) -> None:
    async def test(stage: Stage) -> None:
        stage.reconciler.wake()
        await stage.join()
        stage.view.end_snapshot(1)
        await asyncio.sleep(1)
        stage.keeper.leave(stage.subscription)
        await asyncio.sleep(100)
        assert len(at(stage)) == 1
        assert stage.reconciler._task is not None
        assert stage.reconciler._task.done()

    run(test)


def test_what_the_stream_left_out_is_told(run: Any) -> None:
    async def test(stage: Stage) -> None:
        await stage.join()
        stage.view.end_snapshot(1)
        stage.view.put(update("1"))
        await asyncio.sleep(5)
        stage.venue.orders = [update("1", "filled", 10), structs.replace(update("2"), account="other")]
        await asyncio.sleep(PERIOD_S)
        assert [type(event) for event in stage.heard] == [OrderUpdate, OrderUpdate, Fill]

    run(test)


def test_an_order_in_an_unknown_state_is_asked_for_more_often(run: Any) -> None:
    async def test(stage: Stage) -> None:
        await stage.join()
        stage.view.put(update("1", "unknown"))
        stage.venue.orders = [update("1", "unknown")]
        stage.view.end_snapshot(1)
        await asyncio.sleep(2 * DOUBT_PERIOD_S + 1)
        assert at(stage) == [0, DOUBT_PERIOD_S, 2 * DOUBT_PERIOD_S]

    run(test)


def test_a_list_that_cannot_be_read_is_reported_once_and_read_again(run: Any) -> None:
    async def test(stage: Stage) -> None:
        await stage.join()
        stage.venue.error = VenueUnavailableError("down")
        stage.view.end_snapshot(1)
        await asyncio.sleep((FAILURES + 2) * PERIOD_S)
        (notice,) = stage.statuses
        assert "down" in notice.text
        stage.venue.error, stage.venue.orders = None, [update("1")]
        await asyncio.sleep(PERIOD_S)
        assert stage.heard == [update("1")]

    run(test)


def test_a_bug_does_not_end_the_comparing(run: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def test(stage: Stage) -> None:
        await stage.join()
        stage.venue.error = ZeroDivisionError("oops")
        stage.view.end_snapshot(1)
        await asyncio.sleep(1)
        stage.venue.error, stage.venue.orders = None, [update("1")]
        await asyncio.sleep(PERIOD_S)
        assert stage.heard == [update("1")]
        assert "oops" in caplog.text

    run(test)


def test_an_order_that_left_the_list_is_looked_for_among_those_that_ended(run: Any) -> None:
    async def test(stage: Stage) -> None:
        await stage.join()
        stage.view.put(update("1"))
        await asyncio.sleep(2)
        stage.venue.ended = [update("1", "filled", 10), update("9", "filled", 10)]
        stage.view.end_snapshot(1)
        await asyncio.sleep(1)
        assert [event.kind for event in stage.heard] == ["order", "order", "fill"]
        assert stage.venue.asked_past == 1

    run(test)


def test_an_order_that_nobody_knows_any_more_is_told_as_unknown(run: Any) -> None:
    async def test(stage: Stage) -> None:
        await stage.join()
        stage.view.put(update("1"))
        await asyncio.sleep(2)
        stage.view.end_snapshot(1)
        await asyncio.sleep(MISSES * PERIOD_S + 1)
        assert [event.status for event in stage.heard] == ["accepted", "unknown"]

    run(test)


# Doubts


def test_a_doubt_is_settled_by_the_list_and_told(run: Any) -> None:
    async def test(stage: Stage) -> None:
        await stage.join()
        stage.view.put(update("1"))
        doubt = stage.intents.doubt(intent(account=None))
        stage.venue.orders = [structs.replace(update("1"), time_ns=None), update("2", type="market")]
        stage.reconciler.wake()
        settled = await asyncio.wait_for(doubt.settled, 10)
        assert (settled.outcome, settled.order_id) == ("accepted", "1")
        assert stage.venue.asked[0][1] is None
        named = [event for event in stage.heard if event.client_order_id == "mine"]
        assert [event.order_id for event in named] == ["1"]

    run(test)


def test_what_was_not_placed_is_told_too(run: Any) -> None:
    async def test(stage: Stage) -> None:
        await stage.join()
        doubt = stage.intents.doubt(intent())
        stage.reconciler.wake()
        settled = await asyncio.wait_for(doubt.settled, ABSENT_AFTER_S + DOUBT_PERIOD_S)
        assert settled.outcome == "absent"
        (event,) = stage.heard
        assert (event.status, event.client_order_id) == ("rejected", "mine")
        assert "not placed" in event.reason
        assert at(stage)[1] - at(stage)[0] == DOUBT_PERIOD_S

    run(test)


def test_a_doubt_is_settled_while_nobody_listens(run: Any) -> None:
    async def test(stage: Stage) -> None:
        stage.venue.orders = [update("1", "cancelled")]
        doubts = [
            stage.intents.doubt(intent(action="cancel", order_id="1")),
            stage.intents.doubt(structs.replace(intent(), client_order_id="other")),
        ]
        stage.reconciler.wake()
        for doubt in doubts:
            assert (await asyncio.wait_for(doubt.settled, 10)).outcome == "accepted"

    run(test)


def test_after_the_end_nobody_is_asked(run: Any) -> None:
    async def test(stage: Stage) -> None:
        await stage.join()
        await stage.reconciler.close()
        stage.reconciler.wake()
        await asyncio.sleep(PERIOD_S)
        assert at(stage) == []

    run(test)
