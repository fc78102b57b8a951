"""F29: the venue leaves a fill out of a healthy stream: comparing with its list finds it, and it is told once."""

from decimal import Decimal
from typing import Any

import pytest
from tests.faults.conftest import Row, repeats
from tests.faults.waiting import notices, reached, until

from brokerwire import Fill, OrderUpdate
from brokerwire.doctor.listener import Listener, now

PERIOD_S = 30.0
SLACK_S = 1.0


def fills_of(watch: Listener, order_id: str) -> list[Fill]:
    return [event for event in watch.events if isinstance(event, Fill) and event.order_id == order_id]


def newest(watch: Listener, order_id: str) -> OrderUpdate | None:
    mine = [event for event in watch.events if isinstance(event, OrderUpdate) and event.order_id == order_id]
    return mine[-1] if mine else None


def told(watch: Listener, order_id: str) -> Decimal:
    return sum((fill.quantity for fill in fills_of(watch, order_id)), Decimal(0))


async def resting(row: Row, client: Any, simulator: Any, quantity: int = 10) -> str:
    """Place an order that no market meets."""
    order = await client.order_execution.place_order(
        symbol="AAPL", side="buy", quantity=quantity, type="limit", limit_price="1.00", time_in_force="gtc"
    )
    await row.sleep(1)
    assert simulator.exchange.find(int(order.order_id)).is_open
    return str(order.order_id)


def test_a_fill_that_the_stream_leaves_out_is_told_once_within_the_period(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        client = row.client(simulator)
        watch = await row.watch(client, "order_updates", flows=False)
        for _ in range(repeats(2, 10)):
            order_id = await resting(row, client, simulator)
            await row.sleep(row.random.uniform(0, PERIOD_S))
            simulator.faults.set("drop_fill")
            simulator.exchange.fill(int(order_id))
            began = now()
            await until(lambda wanted=order_id: told(watch, wanted) == 10, PERIOD_S + SLACK_S)  # type: ignore[misc]
            assert now() - began <= PERIOD_S + SLACK_S
            simulator.faults.clear()
            await row.sleep(2 * PERIOD_S)
            (fill,) = fills_of(watch, order_id)
            assert fill.price == 1
            assert fill.fill_id == f"{order_id}:AAPL:10"
            update = newest(watch, order_id)
            assert update is not None
            assert update.status == "filled"
        assert watch.gaps == []
        assert watch.reconnects == 0

    row(main)


def test_one_of_several_fills_is_made_up_for_by_the_next(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        client = row.client(simulator)
        watch = await row.watch(client, "order_updates", flows=False)
        order_id = await resting(row, client, simulator)
        for number, quantity in enumerate((2, 2, 4)):
            if number == 1:
                simulator.faults.set("drop_fill", times=1)
            simulator.exchange.fill(int(order_id), Decimal(quantity), Decimal(number + 1))
            await row.sleep(1)
        await row.sleep(2 * PERIOD_S)
        fills = fills_of(watch, order_id)
        assert sum(fill.quantity for fill in fills) == 8
        assert round(sum(fill.quantity * fill.price for fill in fills), 6) == 2 * 1 + 2 * 2 + 4 * 3
        assert len({fill.fill_id for fill in fills}) == len(fills) == 2

    row(main)


@pytest.mark.parametrize("ending", ["fill", "cancel", "expire"])
def test_what_happened_during_an_outage_is_told_once(row: Row, ending: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        client = row.client(simulator)
        watch = await row.watch(client, "order_updates", flows=False)
        order_id = await resting(row, client, simulator)
        simulator.faults.set("refuse:503")
        simulator.connections.drop()
        await reached(watch, "recovering")
        simulator.exchange.fill(int(order_id), Decimal(4))
        if ending == "fill":
            simulator.exchange.fill(int(order_id), price=Decimal("0.90"))
        elif ending == "cancel":
            simulator.exchange.cancel(int(order_id))
        else:
            simulator.exchange.expire(int(order_id))
        await row.sleep(10)
        simulator.faults.clear()
        await reached(watch, "live")
        wanted = 10 if ending == "fill" else 4
        await until(lambda: told(watch, order_id) == wanted, 5)
        await row.sleep(2 * PERIOD_S)
        fills = fills_of(watch, order_id)
        assert sum(fill.quantity for fill in fills) == wanted
        assert len({fill.fill_id for fill in fills}) == len(fills)
        update = newest(watch, order_id)
        assert update is not None
        assert update.status == {"fill": "filled", "cancel": "cancelled", "expire": "expired"}[ending]
        assert len(watch.gaps) == len(watch.subscription.topics)

    row(main)


def test_an_order_that_came_and_went_during_an_outage_is_told_with_its_fills(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        client = row.client(simulator)
        other = row.client(simulator)
        watch = await row.watch(client, "order_updates", flows=False)
        await row.sleep(5)
        simulator.faults.set("refuse:503", channel="/stream/")
        simulator.connections.drop()
        await reached(watch, "recovering")
        order_id = await resting(row, other, simulator)
        simulator.exchange.fill(int(order_id))
        simulator.faults.clear()
        await reached(watch, "live")
        await until(lambda: told(watch, order_id) == 10, 5)
        await row.sleep(2 * PERIOD_S)
        assert len(fills_of(watch, order_id)) == 1

    row(main)


def test_the_list_is_asked_for_within_the_venues_budget(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        client = row.client(simulator)
        watches = [await row.watch(client, "order_updates", flows=False) for _ in range(3)]
        await row.sleep(600)
        asked = [
            entry.time_ns / 1e9
            for entry in simulator.journal.entries("request")
            if entry.detail["path"].endswith("/orders") and "/stream/" not in entry.detail["path"]
        ]
        assert 19 <= len(asked) <= 24
        assert all(watch.subscription.state == "live" for watch in watches)

    row(main)


def test_a_list_that_cannot_be_read_is_reported_and_read_again(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        client = row.client(simulator)
        watch = await row.watch(client, "order_updates", flows=False)
        order_id = await resting(row, client, simulator)
        simulator.faults.set("refuse:503", channel="/orders")
        simulator.faults.set("drop_fill")
        await row.sleep(1)
        simulator.exchange.fill(int(order_id))
        await row.sleep(4 * PERIOD_S)
        assert [text for text in notices(watch) if "compared" in text]
        simulator.faults.clear()
        await until(lambda: told(watch, order_id) == 10, PERIOD_S + SLACK_S)

    row(main)
