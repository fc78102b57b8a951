import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from tests.orders.events import update

from brokerwire.clock import SystemClock
from brokerwire.errors import ConfigurationError, OrderOutcomeUnknownError, OrderRejectedError, RateLimitError
from brokerwire.events import Order
from brokerwire.orders.intents import Intents
from brokerwire.orders.journal import Journal
from brokerwire.orders.ledger import Intent, Ledger
from brokerwire.orders.order_keeper import OrderKeeper
from brokerwire.orders.placing import Placing
from brokerwire.orders.reconcile import PLAIN_RULES
from brokerwire.orders.reconciler import Reconciler
from brokerwire.venues.tradestation import VENUE


class Nobody:
    """A venue that lists nothing."""

    async def current(self, _accounts: Any) -> list[Order]:
        return []

    async def past(self, _accounts: Any, _since: Any) -> list[Order]:
        return []


class Stage:
    def __init__(self, journal: Journal | None) -> None:
        clock = SystemClock()
        self.intents = Intents(journal, clock)
        self.keeper = OrderKeeper(VENUE, clock=clock, journal=None, wake=lambda: None)
        self.reconciler = Reconciler(self.keeper, self.intents, lists=Nobody(), rules=PLAIN_RULES, clock=clock)
        self.placing = Placing(self.intents, self.keeper, self.reconciler)

    async def outcome(self, name: str = "mine") -> str:
        found = await self.intents.find(name)
        return "none" if found is None else "doubt" if name in self.intents.doubts else found.outcome


@pytest.fixture
async def stage() -> Any:
    stage = Stage(None)
    yield stage
    await stage.reconciler.close()
    stage.intents.close()


def intent(name: str = "mine", action: Any = "place") -> Intent:
    return Intent(client_order_id=name, action=action, made_ns=1)


def answering(*answers: Any) -> Callable[[], Awaitable[Any]]:
    """Return a request that is answered, or fails."""

    async def request() -> Any:
        (answer,) = answers
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return request


async def test_an_accepted_order_is_kept_with_its_id(stage: Stage) -> None:
    order = await stage.placing.send(intent(), answering(update("7")))
    assert order.order_id == "7"
    found = await stage.placing.resolve("mine")
    assert found is not None
    assert (found.outcome, found.order_id) == ("accepted", "7")
    await stage.placing.send(intent("cancellation", "cancel"), answering(update("7")))
    assert await stage.outcome("cancellation") == "accepted"
    assert stage.keeper._names == {"7": "mine"}


@pytest.mark.parametrize("error", [OrderRejectedError("no"), RateLimitError("later"), ConfigurationError("wrong")])
async def test_a_refused_order_is_kept_as_rejected(stage: Stage, error: Exception) -> None:
    with pytest.raises(type(error)):
        await stage.placing.send(intent(), answering(error))
    assert await stage.outcome() == "rejected"


async def test_a_lost_answer_leaves_a_doubt_and_names_the_request(stage: Stage) -> None:
    with pytest.raises(OrderOutcomeUnknownError) as caught:
        await stage.placing.send(intent(), answering(OrderOutcomeUnknownError("lost")))
    assert caught.value.client_order_id == caught.value.facts["client_order_id"] == "mine"
    assert await stage.outcome() == "doubt"
    assert stage.reconciler._task is not None


async def test_a_bug_in_a_request_leaves_a_doubt(stage: Stage) -> None:
    with pytest.raises(ZeroDivisionError):
        await stage.placing.send(intent(), answering(ZeroDivisionError()))
    assert await stage.outcome() == "doubt"


async def test_whoever_gives_up_waiting_leaves_a_doubt(stage: Stage) -> None:
    async def hang() -> Order:
        await asyncio.Event().wait()
        raise AssertionError

    sending = asyncio.create_task(stage.placing.send(intent(), hang))
    await asyncio.sleep(0)
    assert await stage.outcome() == "open"
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert await stage.outcome() == "doubt"


async def test_whoever_asks_waits_for_the_outcome(stage: Stage) -> None:
    doubt = stage.intents.doubt(intent())
    asking = asyncio.create_task(stage.placing.resolve("mine"))
    impatient = asyncio.create_task(stage.placing.resolve("mine"))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.sleep(0)
    stage.intents.settle(doubt.intent, "absent")
    found = await asking
    assert found is not None
    assert found.outcome == "absent"
    assert await stage.placing.resolve("never") is None


# Groups


async def test_the_orders_of_a_group_are_kept_one_by_one(stage: Stage) -> None:
    answers = [structs.replace(update("7"), client_order_id="a"), structs.replace(update("8"), client_order_id=None)]
    assert await stage.placing.send_group([intent("a"), intent("b")], answering(answers)) == answers
    assert (await stage.outcome("a"), await stage.outcome("b")) == ("accepted", "doubt")


async def test_a_group_of_which_some_were_taken_leaves_doubts(stage: Stage) -> None:
    error = OrderRejectedError("one", accepted=(update("7"),))
    with pytest.raises(OrderRejectedError):
        await stage.placing.send_group([intent("a"), intent("b")], answering(error))
    assert (await stage.outcome("a"), await stage.outcome("b")) == ("doubt", "doubt")


async def test_a_refused_group_is_kept_as_rejected(stage: Stage) -> None:
    with pytest.raises(OrderRejectedError):
        await stage.placing.send_group([intent("a"), intent("b")], answering(OrderRejectedError("no")))
    assert (await stage.outcome("a"), await stage.outcome("b")) == ("rejected", "rejected")


# The journal


async def test_the_request_leaves_only_after_it_is_on_disk(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "orders.db", owner="v", clock=SystemClock())
    await journal.open()
    stage = Stage(journal)
    seen: list[Intent] = []

    async def request() -> Order:
        def read(ledger: Ledger) -> list[Intent]:
            return ledger.open_intents()

        seen.extend(await journal._submit(read))
        return update("7")

    await stage.placing.send(intent(), request)
    assert seen == [intent()]
    assert await journal.open_intents() == []
    await journal.close()


async def test_nothing_is_sent_when_it_cannot_be_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "orders.db", owner="v", clock=SystemClock())
    stage = Stage(journal)
    sent: list[int] = []

    async def request() -> Order:
        sent.append(1)
        return update("7")

    with pytest.raises(ConfigurationError, match="closed"):
        await stage.placing.send(intent(), request)
    assert sent == []
