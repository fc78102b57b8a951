"""F31: a callback that never returns harms nobody else, and cannot hold up the end."""

import asyncio
import logging
from itertools import pairwise
from typing import Any

import pytest
from tests.faults.conftest import Row
from tests.faults.venues import CASES


async def hang(_event: Any) -> None:
    await asyncio.Event().wait()


async def insist(_event: Any) -> None:
    """Hang, and put off the cancellation for a while."""
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.5)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
@pytest.mark.parametrize("behave", [hang, insist], ids=["hangs", "insists"])
def test_others_go_on_and_the_client_closes_in_time(row: Row, venue: str, symbol: str, behave: Any) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = row.client(simulator)
        other = await row.watch(client, "quotes", symbol)
        await other.more(40)
        usual_s = longest_wait(other.times)
        watch = await row.watch(client, "quotes", symbol, behave=behave, flows=False)
        await row.sleep(60)
        assert len(watch.events) == 1
        assert watch.subscription.stats.pending >= 1
        assert longest_wait(other.times) <= 1.1 * usual_s + 0.5
        assert other.states == ["live"]
        assert watch.reconnects == 0

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_a_callback_timeout_cancels_it_and_reports_it(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = row.client(simulator, callback_timeout=2.0)
        watch = await row.watch(client, "quotes", symbol, behave=hang)
        await row.sleep(21)
        assert 8 <= len(watch.events) <= 12
        assert len(watch.errors) >= 8
        assert all(isinstance(error, TimeoutError) for error, _ in watch.errors)
        assert watch.subscription.state == "live"

    row(main)


def test_unsubscribing_from_inside_the_callback_returns(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance")
        client = row.client(simulator)
        finished = asyncio.Event()

        async def leave(_event: Any) -> None:
            await watch.subscription.unsubscribe()
            finished.set()

        watch = await row.watch(client, "quotes", "BTCUSDT", flows=False)
        watch.behave = leave
        async with asyncio.timeout(10):
            await finished.wait()
            await watch.subscription.wait_closed()
        assert len(client.streams) == 0

    row(main)


def longest_wait(times: list[float]) -> float:
    return max(new - old for old, new in pairwise(times))


async def never_ending_story(_event: Any) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_it_is_reported_once_with_its_stack(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        await row.watch(row.client(simulator), "quotes", symbol, behave=never_ending_story, flows=False)
        await row.sleep(120)
        (line,) = row.lines("has not returned", logging.WARNING)
        assert "never_ending_story (" in line
        assert __file__ in line

    row(main)
