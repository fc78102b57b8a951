import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from brokerwire import Client, Fill, OrderUpdate
from brokerwire.errors import ConfigurationError, SlowConsumerError, StreamError
from brokerwire.events import StateChange, Topic

Test = Callable[[Any, Any], Awaitable[None]]


@pytest.fixture
def run(virtual: Any, offline: Any) -> Callable[[Test], None]:
    """Runs a test with a place that makes clients, and a TradeStation simulator, in virtual time."""

    def runner(test: Test) -> None:
        async def main() -> None:
            async with offline() as venue:
                await test(venue, await venue.simulator("tradestation"))

        virtual(main)

    return runner


async def place(client: Client, quantity: int = 10) -> str:
    order = await client.order_execution.place_order(
        symbol="AAPL", side="buy", quantity=quantity, type="limit", limit_price="1.00", time_in_force="gtc"
    )
    await asyncio.sleep(1)
    return order.order_id


def about(events: list[Any], order_id: str) -> list[tuple[str, Any]]:
    """Return kind and status, or quantity, of the events about an order."""
    mine = [event for event in events if event.order_id == order_id]
    return [(event.kind, event.status if isinstance(event, OrderUpdate) else event.quantity) for event in mine]


def test_a_restart_tells_what_happened_meanwhile_and_nothing_again(run: Any, tmp_path: Path) -> None:
    async def test(venue: Any, simulator: Any) -> None:
        journal = tmp_path / "orders.db"
        heard: list[Any] = []
        client = await venue.client(simulator, journal=journal)
        await (await client.order_execution.stream_order_updates(heard.append)).ready()
        order_id = await place(client)
        simulator.exchange.fill(int(order_id), Decimal(4))
        await asyncio.sleep(1)
        assert about(heard, order_id) == [("order", "accepted"), ("order", "partially_filled"), ("fill", 4)]
        await client.close()
        simulator.exchange.fill(int(order_id))
        again: list[Any] = []
        client = await venue.client(simulator, journal=str(journal))
        await (await client.order_execution.stream_order_updates(again.append)).ready()
        await asyncio.sleep(61)
        assert about(again, order_id) == [("order", "filled"), ("fill", 6)]
        assert len(again) == 2
        assert all(isinstance(event.raw, dict) for event in (*heard, *again))
        await client.close()

    run(test)


def test_what_a_callback_had_not_returned_from_is_told_again_after_a_restart(run: Any, tmp_path: Path) -> None:
    async def test(venue: Any, simulator: Any) -> None:
        heard: list[Any] = []

        async def hang(event: Any) -> None:
            heard.append(event)
            if isinstance(event, Fill):
                await asyncio.Event().wait()

        client = await venue.client(simulator, journal=tmp_path / "orders.db")
        await (await client.order_execution.stream_order_updates(hang)).ready()
        order_id = await place(client)
        simulator.exchange.fill(int(order_id))
        await asyncio.sleep(1)
        await client.close()
        again: list[Any] = []
        client = await venue.client(simulator, journal=tmp_path / "orders.db")
        await client.order_execution.stream_order_updates(again.append)
        await asyncio.sleep(5)
        assert again == [heard[-1]]
        assert again[0].received_ns == heard[-1].received_ns
        assert again[0]["OrderID"] == order_id
        await client.close()

    run(test)


def test_each_consumer_hears_everything_by_itself(run: Any, tmp_path: Path) -> None:
    async def test(venue: Any, simulator: Any) -> None:
        client = await venue.client(simulator, journal=tmp_path / "orders.db")
        stream = client.order_execution.stream_order_updates
        first: list[Any] = []
        second: list[Any] = []
        await (await stream(first.append, consumer="risk")).ready()
        order_id = await place(client)
        await (await stream(second.append)).ready()
        with pytest.raises(ConfigurationError, match="another subscription is the consumer 'risk'"):
            await stream(print, consumer="risk")
        third = await stream(lambda _event: None)
        assert [each.consumer for each in client._office.keeper._consumers.values()] == ["risk", "default", "default-2"]
        await third.unsubscribe()
        simulator.exchange.fill(int(order_id))
        await asyncio.sleep(1)
        assert about(first, order_id) == [("order", "accepted"), ("order", "filled"), ("fill", 10)]
        assert about(second, order_id) == about(first, order_id)
        await client.close()

    run(test)


def test_a_slow_consumer_with_a_journal_misses_nothing(run: Any, tmp_path: Path) -> None:
    async def test(venue: Any, simulator: Any) -> None:
        heard: list[Any] = []

        async def slow(event: Any) -> None:
            heard.append(event)
            await asyncio.sleep(1)

        client = await venue.client(simulator, journal=tmp_path / "orders.db")
        subscription = await client.order_execution.stream_order_updates(slow, max_pending=3)
        await subscription.ready()
        order_id = await place(client, 50)
        for _ in range(50):
            simulator.exchange.fill(int(order_id), Decimal(1))
        await asyncio.sleep(200)
        assert sum(event.quantity for event in heard if isinstance(event, Fill)) == 50
        assert subscription.state == "live"
        assert subscription.stats.dropped == 0
        await client.close()

    run(test)


def test_a_slow_consumer_without_a_journal_fails_and_the_next_hears_what_stands(run: Any) -> None:
    async def test(venue: Any, simulator: Any) -> None:
        async def hang(_event: Any) -> None:
            await asyncio.Event().wait()

        client = await venue.client(simulator)
        subscription = await client.order_execution.stream_order_updates(hang, max_pending=40)
        order_id = await place(client, 50)
        for _ in range(50):
            simulator.exchange.fill(int(order_id), Decimal(1))
        with pytest.raises(SlowConsumerError):
            await subscription.wait_closed()
        heard: list[Any] = []
        await (await client.order_execution.stream_order_updates(heard.append)).ready()
        assert about(heard, order_id) == [("order", "filled")]
        await client.close()

    run(test)


def test_a_journal_that_cannot_be_written_fails_the_subscription_loudly(run: Any, tmp_path: Path) -> None:
    async def test(venue: Any, simulator: Any) -> None:
        heard: list[Any] = []
        client = await venue.client(simulator, journal=tmp_path / "orders.db")
        subscription = await client.order_execution.stream_order_updates(heard.append)
        await subscription.ready()
        ledger = client._office.journal._ledger
        other = await venue.client(simulator)
        await asyncio.get_running_loop().run_in_executor(
            client._office.journal._writer, lambda: ledger._rows("PRAGMA query_only=1")
        )
        known = len(heard)
        await place(other)
        with pytest.raises(StreamError, match="cannot be kept"):
            await subscription.wait_closed()
        assert len(heard) == known
        with pytest.raises(ConfigurationError, match="cannot be written"):
            await place(client)
        await client.close()

    run(test)


def test_an_account_that_is_added_is_kept_too(run: Any, tmp_path: Path) -> None:
    async def test(venue: Any, simulator: Any) -> None:
        client = await venue.client(simulator, journal=tmp_path / "orders.db")
        futures, stocks = sorted(simulator.exchange.accounts, key=lambda name: name.endswith("M"))[:2]
        heard: list[Any] = []
        subscription = await client.order_execution.stream_order_updates(heard.append, accounts=futures)
        await subscription.ready()
        await subscription.add_symbols(stocks)
        order_id = await place(client)
        assert about(heard, order_id) == [("order", "accepted")]
        await subscription.unsubscribe()
        assert client._office.keeper.books == {}
        await client.close()

    run(test)


def test_the_ids_of_orders_are_remembered_within_bounds(run: Any) -> None:
    async def test(venue: Any, simulator: Any) -> None:
        client = await venue.client(simulator)
        keeper = client._office.keeper
        for number in range(20_010):
            keeper.name(str(number), f"mine-{number}")
        assert len(keeper._names) == 20_000
        assert keeper.memory_of(Topic("quote", "AAPL")) is None

    run(test)


def test_a_consumer_needs_a_journal(run: Any) -> None:
    async def test(venue: Any, simulator: Any) -> None:
        client = await venue.client(simulator)
        with pytest.raises(ConfigurationError, match="give the client journal="):
            await client.order_execution.stream_order_updates(print, consumer="risk")
        assert client.subscriptions == ()

    run(test)


def test_statuses_come_behind_the_events_before_them(run: Any, tmp_path: Path) -> None:
    async def test(venue: Any, simulator: Any) -> None:
        told: list[Any] = []
        client = await venue.client(simulator, journal=tmp_path / "orders.db")
        subscription = await client.order_execution.stream_order_updates(told.append, status_callback=told.append)
        await subscription.ready()
        order_id = await place(client)
        simulator.exchange.fill(int(order_id))
        simulator.connections.drop()
        await asyncio.sleep(10)
        kinds = [type(each) for each in told]
        recovering = next(
            index for index, each in enumerate(told) if isinstance(each, StateChange) and each.new == "recovering"
        )
        assert Fill in kinds
        assert subscription.state == "live"
        assert recovering > 0
        await client.close()

    run(test)


def contents(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def test_a_journal_holds_no_secret(virtual: Any, offline: Any, canaries: dict[str, str], tmp_path: Path) -> None:
    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator("tradestation")
            client = await venue.client(simulator, journal=tmp_path / "orders.db", credentials=canaries)
            await client.order_execution.stream_order_updates(lambda _event: None)
            order_id = await place(client)
            simulator.exchange.fill(int(order_id))
            await asyncio.sleep(1)
            token = client.tokens.current.reveal()
            await client.close()
            written = contents(tmp_path)
            assert order_id.encode() in written
            assert not any(secret.encode() in written for secret in (*canaries.values(), token))

    virtual(main)


def test_a_second_client_with_the_same_journal_is_refused(run: Any, tmp_path: Path) -> None:
    async def test(venue: Any, simulator: Any) -> None:
        first = await venue.client(simulator, journal=tmp_path / "orders.db")
        await first.brokerage.get_accounts()
        second = await venue.client(simulator, journal=tmp_path / "orders.db")
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="in use by another client"):
                await second.brokerage.get_accounts()
        await first.close()
        assert await second.brokerage.get_accounts()

    run(test)


def test_a_kept_file_is_whole_after_close(run: Any, tmp_path: Path) -> None:
    async def test(venue: Any, simulator: Any) -> None:
        client = await venue.client(simulator, journal=tmp_path / "orders.db")
        await client.order_execution.stream_order_updates(lambda _event: None)
        await client.close()
        with sqlite3.connect(tmp_path / "orders.db") as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()

    run(test)
