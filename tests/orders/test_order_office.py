import asyncio
import random
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from brokerwire import BrokerwireError, Client, OrderOutcomeUnknownError
from brokerwire.orders.journal_file import FileLock
from brokerwire.orders.order_office import OrderOffice, VenueLists
from brokerwire.testing.virtual_time import EPOCH_NS


def test_what_was_in_doubt_is_settled_after_a_restart(virtual: Any, offline: Any, tmp_path: Path) -> None:
    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator("tradestation")
            client = await venue.client(simulator, journal=tmp_path / "orders.db")
            await client.brokerage.get_accounts()
            simulator.faults.set("drop_answer", channel="orderexecution")
            with pytest.raises(OrderOutcomeUnknownError):
                await client.order_execution.place_order(
                    symbol="AAPL", side="buy", quantity=3, type="limit", limit_price="1.00", client_order_id="mine"
                )
            await client.close()
            simulator.faults.clear()
            client = await venue.client(simulator, journal=tmp_path / "orders.db")
            order = await client.order_execution.resolve_order("mine")
            assert (order.quantity, order.client_order_id) == (3, "mine")
            assert order.order_id in {str(order_id) for order_id in simulator.exchange.orders}
            await client.close()

    virtual(main)


def test_an_office_is_opened_and_closed_twice_and_nothing_fails(
    virtual: Any, offline: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("tradestation"))
            office = OrderOffice(client._link, journal=tmp_path / "orders.db", owner="tradestation offline")
            for _ in range(2):
                await office.open()
            assert office.journal is not None
            assert office.journal.is_open
            for _ in range(2):
                await office.close()

    virtual(main)
    assert "journal" not in caplog.text


def test_a_venue_without_lists_is_not_asked(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("binance"))
            assert not VenueLists(client._link).exist
            office = OrderOffice(client._link, journal=None, owner="binance offline")
            await office.open()
            office.keeper.snapshot_ended()
            await asyncio.sleep(0)
            assert office.reconciler._task is None
            await office.close()

    virtual(main)


def test_the_venues_own_operations_list_orders(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("tradestation"))
            await client.order_execution.place_order(symbol="AAPL", side="buy", quantity=1)
            lists = VenueLists(client._link)
            assert lists.exist
            orders = await lists.current(None)
            accounts = sorted({order.account for order in orders if order.account})
            assert await lists.current(accounts)
            since = datetime.fromtimestamp(EPOCH_NS / 1e9, UTC) - timedelta(days=5)
            ended = await lists.past(accounts, since)
            assert all(order.is_terminal for order in ended)
            without = client._link.to(structs.replace(client._link.venue, operations={}))
            assert await VenueLists(without).past(accounts, since) == []

    virtual(main)


def test_a_client_closed_at_any_moment_leaves_nothing_of_its_journal(
    virtual: Any, offline: Any, tmp_path: Path
) -> None:
    """Thirty schedules: opening, placing and cancelling, with requests that fail, cut off anywhere."""
    dice = random.Random(7)
    path = tmp_path / "orders.db"

    async def use(client: Client) -> None:
        await client.order_execution.stream_order_updates(lambda _event: None)
        await client.order_execution.place_order(
            symbol="AAPL", side="buy", quantity=1, type="limit", limit_price="1.00"
        )

    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator("tradestation", settings={"limit_scale": 100.0})
            for _ in range(30):
                client = await venue.client(simulator, journal=path)
                if dice.random() < 0.3:
                    simulator.faults.set(dice.choice(["drop_answer", "silent_accept", "refuse:503", "late_ack:3"]))
                using = [asyncio.create_task(use(client)) for _ in range(dice.randint(1, 3))]
                for _ in range(dice.randint(0, 100)):
                    await asyncio.sleep(0)
                await asyncio.sleep(dice.choice([0, 0, 0.001, 0.1, 1.0]))
                for task in using:
                    if dice.random() < 0.7:
                        task.cancel()
                await client.close()
                async with asyncio.timeout(1):
                    outcomes = await asyncio.gather(*using, return_exceptions=True)
                expected = (BrokerwireError, asyncio.CancelledError)
                assert all(outcome is None or isinstance(outcome, expected) for outcome in outcomes), outcomes
                assert not [thread for thread in threading.enumerate() if "journal" in thread.name]
                FileLock(path).release()
                simulator.faults.clear()

    virtual(main)
