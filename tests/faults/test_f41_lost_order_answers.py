"""F41: the answer to an order is lost in any way: it is never sent again, and what became of it is found out."""

import asyncio
from typing import Any

import pytest
from tests.faults.conftest import Row, trials
from tests.faults.waiting import until

from brokerwire import Client, OrderOutcomeUnknownError, OrderRejectedError, OrderUpdate
from brokerwire.simulator import Simulator

LOSSES: dict[str, dict[str, Any]] = {
    "drop_answer": {},
    "drop_answer:504": {},
    "drop_answer:500": {},
    "drop_answer mid_body": {"mid_body": True},
    "drop_answer hang": {"hang": True},
    "refuse:503": {},
    "silent_accept": {},
    "late_ack:60": {},
}
"""Ways to lose an answer; the first five and the last leave an order at the venue, the others none."""

DECIDED_WITHIN_S = 45.0


def orders_at(simulator: Simulator) -> list[int]:
    return list(simulator.exchange.orders)


def set_loss(simulator: Simulator, loss: str) -> None:
    script = loss.partition(" ")[0]
    simulator.faults.set(script, channel="orderexecution", **LOSSES[loss])


async def place(client: Client, number: int) -> Any:
    """Every trial has terms of its own, so that the venue's orders can be told apart."""
    return await client.order_execution.place_order(
        symbol="AAPL",
        side="buy",
        quantity=number % 97 + 1,
        type="limit",
        limit_price=f"{1 + number // 97 / 100:.2f}",
        client_order_id=f"trial-{number}",
    )


async def place_in_vain(row: Row, client: Client, number: int) -> None:
    """Place an order whose answer is lost; now and then the caller gives up waiting."""
    placing = asyncio.create_task(place(client, number))
    if row.random.random() < 0.3:
        await row.sleep(row.random.choice([0.0, 0.001, 0.01, 0.1, 1.0]))
        placing.cancel()
    (outcome,) = await asyncio.gather(placing, return_exceptions=True)
    if isinstance(outcome, OrderOutcomeUnknownError):
        assert outcome.client_order_id == f"trial-{number}"
    else:
        assert isinstance(outcome, asyncio.CancelledError), outcome


async def resolved(client: Client, number: int) -> Any:
    """Return the order as the venue has it, None if there is none."""
    try:
        async with asyncio.timeout(DECIDED_WITHIN_S):
            return await client.order_execution.resolve_order(f"trial-{number}")
    except OrderRejectedError:
        return None


@pytest.mark.timeout(3600)
def test_an_order_whose_answer_is_lost_is_there_once_or_not_at_all(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation", settings={"limit_scale": 1000.0})
        client = row.client(simulator)
        watch = await row.watch(client, "order_updates", flows=False)
        await client.brokerage.get_accounts()
        account = next(topic.symbol for topic in watch.subscription.topics if topic.symbol.endswith("M"))
        found = absent = 0
        for number in range(trials(20, full=200, contract=10_000)):
            before, heard = set(orders_at(simulator)), len(watch.events)
            set_loss(simulator, row.random.choice(list(LOSSES)))
            await place_in_vain(row, client, number)
            simulator.faults.clear()
            order = await resolved(client, number)
            placed = [order_id for order_id in orders_at(simulator) if order_id not in before]
            assert len(placed) <= 1, f"trial {number}: doubled"
            assert (order is not None) == bool(placed), f"trial {number}: {order} but {placed}"
            if order is not None:
                assert order.order_id == str(placed[0])
                assert order.account == account
                assert order.client_order_id == f"trial-{number}"
                await client.order_execution.cancel_order(order.order_id)
                del simulator.exchange.orders[placed[0]]  # thousands of them would make every list long
                found += 1
            else:
                absent += 1
            await until(lambda since=heard, name=f"trial-{number}": is_told(watch.events[since:], name), 5)  # type: ignore[misc]
        assert found
        assert absent

    row(main)


def is_told(events: list[Any], client_order_id: str) -> bool:
    """Tell whether the subscription has heard something definite of a request."""
    mine = [event for event in events if isinstance(event, OrderUpdate) and event.client_order_id == client_order_id]
    return any(event.status != "unknown" for event in mine)


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_every_way_to_lose_an_answer_is_settled_without_a_subscription(row: Row, loss: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        client = row.client(simulator)
        await client.brokerage.get_accounts()
        before = len(orders_at(simulator))
        set_loss(simulator, loss)
        with pytest.raises(OrderOutcomeUnknownError):
            await place(client, 1)
        simulator.faults.clear()
        order = await resolved(client, 1)
        assert len(orders_at(simulator)) - before == (order is not None)
        assert (order is None) == (loss in {"refuse:503", "silent_accept"})

    row(main)


@pytest.mark.parametrize("loss", ["drop_answer", "drop_answer:504", "drop_answer hang", "refuse:503"])
def test_a_lost_answer_to_a_cancellation_is_settled_by_the_order_itself(row: Row, loss: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        client = row.client(simulator)
        watch = await row.watch(client, "order_updates", flows=False)
        order = await place(client, 1)
        await row.sleep(1)
        set_loss(simulator, loss)
        with pytest.raises(OrderOutcomeUnknownError) as caught:
            await client.order_execution.cancel_order(order.order_id)
        simulator.faults.clear()
        intents = client._office.intents
        assert caught.value.client_order_id in intents.doubts
        await until(lambda: not intents.doubts, DECIDED_WITHIN_S)
        is_cancelled = simulator.exchange.find(int(order.order_id)).status == "cancelled"
        told = [event.status for event in watch.events if event.order_id == order.order_id]
        assert (told[-1] == "cancelled") == is_cancelled == (loss != "refuse:503")
        deletions = [entry for entry in simulator.journal.entries("request") if entry.detail["method"] == "DELETE"]
        assert len(deletions) == 1

    row(main)


@pytest.mark.parametrize("loss", ["drop_answer", "refuse:503"])
def test_a_lost_answer_to_a_change_is_settled_by_the_order_itself(row: Row, loss: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        client = row.client(simulator)
        watch = await row.watch(client, "order_updates", flows=False)
        order = await place(client, 1)
        await row.sleep(1)
        set_loss(simulator, loss)
        with pytest.raises(OrderOutcomeUnknownError):
            await client.order_execution.replace_order(order.order_id, limit_price="0.50")
        simulator.faults.clear()
        await until(lambda: not client._office.intents.doubts, DECIDED_WITHIN_S)
        prices = [str(event.limit_price) for event in watch.events if event.order_id == order.order_id]
        assert (float(prices[-1]) == 0.5) == (loss == "drop_answer")
        changes = [entry for entry in simulator.journal.entries("request") if entry.detail["method"] == "PUT"]
        assert len(changes) == 1

    row(main)


def test_the_orders_of_a_group_are_settled_one_by_one(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        client = row.client(simulator)
        await client.brokerage.get_accounts()
        before = len(orders_at(simulator))
        names = ["first", "second"]
        orders = [
            {
                "symbol": "AAPL",
                "side": "buy",
                "quantity": 1,
                "type": "limit",
                "limit_price": price,
                "client_order_id": name,
            }
            for name, price in zip(names, ("1.00", "1.10"), strict=True)
        ]
        set_loss(simulator, "drop_answer")
        with pytest.raises(OrderOutcomeUnknownError):
            await client.order_execution.place_group_order("oco", orders)
        simulator.faults.clear()
        found = [await client.order_execution.resolve_order(name) for name in names]
        assert [float(order.limit_price or 0) for order in found] == [1.0, 1.1]
        assert len(orders_at(simulator)) == before + 2

    row(main)
