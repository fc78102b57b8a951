"""F32: coalescing while the task drains, and the end in the middle of a backlog."""

import asyncio
from typing import Any

import pytest
from tests.faults.conftest import Row
from tests.faults.venues import CASES

BOUND = 20


def slow(delay_s: float) -> Any:
    async def behave(_event: Any) -> None:
        await asyncio.sleep(delay_s)

    return behave


@pytest.mark.parametrize(("venue", "symbol"), CASES)
@pytest.mark.parametrize("delay_s", [0.2, 2.0])
def test_coalescing_keeps_exact_accounts_and_the_order(row: Row, venue: str, symbol: str, delay_s: float) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue, settings={"rate": 10})
        client = row.client(simulator)
        watch = await row.watch(
            client, "quotes", symbol, behave=slow(delay_s), flows=False, max_pending=BOUND, overflow="coalesce"
        )
        for _ in range(90):
            await row.sleep(1)
            stats = watch.subscription.stats
            assert 0 <= stats.pending <= BOUND
        assert stats.coalesced > 100
        assert len(set(map(id, watch.events))) == len(watch.events)
        last_s = (watch.subscription.latest().received_ns - watch.events[-1].received_ns) / 1e9
        assert last_s <= 2 * delay_s + 1.0

    row(main)


@pytest.mark.parametrize("policy", ["drop_oldest", "drop_newest", "coalesce"])
@pytest.mark.parametrize("how", ["close", "unsubscribe"])
def test_the_end_in_the_middle_of_a_backlog_raises_nothing(row: Row, policy: str, how: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance", settings={"rate": 10})
        client = row.client(simulator)
        watch = await row.watch(
            client, "quotes", "BTCUSDT", behave=slow(0.3), flows=False, max_pending=BOUND, overflow=policy
        )
        await row.sleep(20)
        assert watch.subscription.stats.pending >= 2
        await (client.close() if how == "close" else watch.subscription.unsubscribe())
        assert watch.subscription.stats.pending == 0

    row(main)
