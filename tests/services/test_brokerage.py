import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from brokerwire import Client
from brokerwire.errors import BrokerwireError, UnsupportedError

Test = Callable[[Any, Client], Awaitable[None]]


@pytest.fixture
def run(virtual: Any, offline: Any) -> Callable[..., None]:
    """Runs a test with a simulator and its client, in virtual time."""

    def runner(test: Test, venue_name: str = "tradestation") -> None:
        async def main() -> None:
            async with offline() as venue:
                simulator = await venue.simulator(venue_name)
                await test(simulator, await venue.client(simulator))

        virtual(main)

    return runner


def test_accounts_balances_and_positions_agree(run: Any) -> None:
    async def test(_simulator: Any, client: Client) -> None:
        accounts = {account.account_id for account in await client.brokerage.get_accounts()}
        assert accounts
        balances = await client.brokerage.get_balances()
        assert {balance.account for balance in balances} <= accounts
        assert all(isinstance(balance.cash, Decimal | None) for balance in balances)
        assert {position.account for position in await client.brokerage.get_positions()} <= accounts
        assert {balance.account for balance in await client.brokerage.get_beginning_of_day_balances()} <= accounts
        assert isinstance(await client.brokerage.get_historical_orders(since=date(2026, 11, 1)), list)

    run(test)


def test_one_account_may_be_asked_for_alone(run: Any) -> None:
    async def test(_simulator: Any, client: Client) -> None:
        every = await client.brokerage.get_balances()
        chosen = every[0].account
        assert chosen is not None
        for accounts in (chosen, [chosen]):
            found = await client.brokerage.get_balances(accounts=accounts)
            assert {balance.account for balance in found} == {chosen}
        with pytest.raises(BrokerwireError):
            await client.brokerage.get_balances(accounts="NOSUCHACCOUNT")

    run(test)


def test_a_fill_shows_in_the_positions_and_their_stream(run: Any) -> None:
    async def test(_simulator: Any, client: Client) -> None:
        changes: list[Any] = []
        bought = asyncio.Event()

        def on_change(position: Any) -> None:
            changes.append(position)
            if position.symbol == "NVDA" and position.quantity:
                bought.set()

        subscription = await client.brokerage.stream_position_changes(on_change)
        assert subscription.state == "live"
        await client.order_execution.place_order(symbol="NVDA", side="buy", quantity=3)
        async with asyncio.timeout(60):
            await bought.wait()
        await asyncio.sleep(5)
        held = {position.symbol: position for position in await client.brokerage.get_positions()}
        newest = subscription.latest("NVDA")
        assert newest is not None
        assert newest.quantity == held["NVDA"].quantity

    run(test)


def test_balances_are_asked_for_regularly(run: Any) -> None:
    async def test(_simulator: Any, client: Client) -> None:
        seen: list[Any] = []
        subscription = await client.brokerage.stream_balance_changes(seen.append)
        assert subscription.state == "live"
        async with asyncio.timeout(30):
            await subscription.ready()
        await client.order_execution.place_order(symbol="NVDA", side="buy", quantity=3)
        before = len(seen)
        await asyncio.sleep(30)
        assert len(seen) > before
        assert seen[-1].account is not None
        assert subscription.state == "live"

    run(test)


def test_a_fill_that_is_heard_of_has_the_balance_asked_for_at_once(run: Any) -> None:
    async def test(_simulator: Any, client: Client) -> None:
        seen: list[Any] = []
        balances = await client.brokerage.stream_balance_changes(seen.append)
        await balances.ready()
        await (await client.order_execution.stream_order_updates(lambda _: None)).ready()
        before = len(seen)
        await client.order_execution.place_order(symbol="NVDA", side="buy", quantity=3)
        await asyncio.sleep(2)
        assert len(seen) > before

    run(test)


def test_a_venue_without_accounts_says_who_has_them(run: Any) -> None:
    async def test(_simulator: Any, client: Client) -> None:
        for call in (
            client.brokerage.get_accounts(),
            client.brokerage.get_positions(),
            client.brokerage.stream_position_changes(print),
            client.brokerage.stream_balance_changes(print),
            client.order_execution.stream_order_updates(print),
        ):
            with pytest.raises(UnsupportedError, match="tradestation"):
                await call
        with pytest.raises(UnsupportedError):
            await client.brokerage.get_activities()
        with pytest.raises(UnsupportedError):
            await client.brokerage.get_assets()

    run(test, "binance")
