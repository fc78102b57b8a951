"""F42: cancellations and changes race fills, and the stream loses, repeats and reorders: quantities are conserved."""

import asyncio
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
from tests.faults.conftest import Row, trials
from tests.faults.waiting import until

from brokerwire import BrokerwireError, Client, Fill, OrderUpdate
from brokerwire.simulator import Simulator

WIRE_FAULTS = ("drop_fill", "duplicate", "reorder", None, None)
PAUSES = (0.0, 0.001, 0.01, 0.1, 0.5)


class Race:
    """One order that is filled, changed and cancelled at once, on a wire that may fail."""

    def __init__(self, row: Row, simulator: Simulator, client: Client) -> None:
        self.row = row
        self.dice = row.random
        self.simulator = simulator
        self.exchange = simulator.exchange
        self.orders = client.order_execution
        self.order_id = ""

    async def run(self) -> str:
        """Return the id of the order."""
        self.exchange.cancel_delay_s = self.dice.choice(PAUSES)
        self.exchange.replace_delay_s = self.dice.choice(PAUSES)
        fault = self.dice.choice(WIRE_FAULTS)
        if fault is not None:
            self.simulator.faults.set(fault, channel="" if fault == "drop_fill" else "orders", probability=0.5)
        order = await self.orders.place_order(
            symbol="AAPL", side="buy", quantity=20, type="limit", limit_price="1.00", time_in_force="gtc"
        )
        self.order_id = order.order_id
        racers = (self.fill(), self.change(), self.cancel(), self.drop())
        for outcome in await asyncio.gather(*racers, return_exceptions=True):
            assert outcome is None or isinstance(outcome, BrokerwireError), outcome
        return self.order_id

    async def pause(self) -> None:
        await self.row.sleep(self.dice.choice(PAUSES))

    async def fill(self) -> None:
        for _ in range(self.dice.randint(0, 4)):
            await self.pause()
            if self.exchange.find(int(self.order_id)).is_open:
                quantity, price = self.dice.randint(1, 8), self.dice.randint(1, 5)
                self.exchange.fill(int(self.order_id), Decimal(quantity), Decimal(price))

    async def change(self) -> None:
        for _ in range(self.dice.randint(0, 2)):
            await self.pause()
            await self.orders.replace_order(self.order_id, quantity=self.dice.randint(5, 30))

    async def cancel(self) -> None:
        await self.pause()
        if self.dice.random() < 0.6:
            await self.orders.cancel_order(self.order_id)

    async def drop(self) -> None:
        await self.pause()
        if self.dice.random() < 0.3:
            self.simulator.connections.drop()


def by_order(events: list[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for event in events:
        found[event.order_id].append(event)
    return found


def told(events: list[Any]) -> Decimal:
    """Return how much was told as executed."""
    return sum((event.quantity for event in events if isinstance(event, Fill)), Decimal(0))


def check_told(events: list[Any], simulator: Simulator, order_ids: list[str]) -> None:
    fill_ids = [event.fill_id for event in events if isinstance(event, Fill)]
    assert len(set(fill_ids)) == len(fill_ids), "I3: a fill was told twice"
    mine = by_order(events)
    for order_id in order_ids:
        order = simulator.exchange.find(int(order_id))
        assert told(mine[order_id]) == order.filled, f"order {order_id}"
        updates = [event for event in mine[order_id] if isinstance(event, OrderUpdate)]
        filled = [event.filled_quantity or Decimal(0) for event in updates]
        assert filled == sorted(filled), f"order {order_id} went backwards: {filled}"
        endings = [event.is_terminal for event in updates]
        assert endings == sorted(endings), f"order {order_id} left its end: {[event.status for event in updates]}"
        assert updates[-1].filled_quantity == order.filled


def position_of(simulator: Simulator, account: Any) -> Decimal:
    position = simulator.exchange.accounts[account].positions.get("AAPL")
    return Decimal(0) if position is None else position.quantity


@pytest.mark.timeout(3600)
def test_the_fills_that_are_told_add_up_to_the_position_in_any_schedule(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation", settings={"limit_scale": 1000.0})
        client = row.client(simulator)
        watch = await row.watch(client, "order_updates", flows=False)
        account = next(topic.symbol for topic in watch.subscription.topics if topic.symbol.endswith("M"))
        await row.sleep(1)
        before, order_ids, heard = position_of(simulator, account), [], 0
        for number in range(trials(40, full=200, contract=1_000)):
            order_ids.append(await Race(row, simulator, client).run())
            simulator.faults.clear()
            if number % 5 == 4:
                recent = order_ids[-5:]
                await until(lambda ids=recent, since=heard: all_told(watch.events[since:], simulator, ids), 65)  # type: ignore[misc]
                check_told(watch.events[heard:], simulator, recent)
                heard = len(watch.events)
        await row.sleep(65)
        check_told(watch.events, simulator, order_ids)
        mine = by_order(watch.events)
        assert sum(told(mine[order_id]) for order_id in order_ids) == position_of(simulator, account) - before

    row.extra_dials = 1_000
    row(main)


def all_told(events: list[Any], simulator: Simulator, order_ids: list[str]) -> bool:
    newest = {event.order_id: event for event in events if isinstance(event, OrderUpdate)}
    return all(
        order_id in newest
        and newest[order_id].filled_quantity == simulator.exchange.find(int(order_id)).filled
        and newest[order_id].is_terminal != simulator.exchange.find(int(order_id)).is_open
        for order_id in order_ids
    )
