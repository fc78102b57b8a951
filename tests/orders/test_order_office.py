import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from brokerwire import OrderOutcomeUnknownError
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


def test_an_office_is_opened_and_closed_twice(virtual: Any, offline: Any, tmp_path: Path) -> None:
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
