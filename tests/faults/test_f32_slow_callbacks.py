"""F32: a callback slower than its feed: the chosen policy, exact accounts, and an open socket."""

import asyncio
from typing import Any

import pytest
from tests.faults.conftest import Row
from tests.faults.venues import CASES
from tests.faults.waiting import until

from brokerwire import Overflow, SlowConsumerError

BOUND = 20


def slow(delay_s: float) -> Any:
    async def behave(_event: Any) -> None:
        await asyncio.sleep(delay_s)

    return behave


@pytest.mark.parametrize(("venue", "symbol"), CASES)
@pytest.mark.parametrize("policy", ["drop_oldest", "drop_newest"])
def test_what_overflows_is_dropped_as_chosen_and_counted(row: Row, venue: str, symbol: str, policy: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue, settings={"rate": 10})
        client = row.client(simulator)
        other = await row.watch(client, "quotes", symbol)
        watch = await row.watch(
            client, "quotes", symbol, behave=slow(2.0), flows=False, max_pending=BOUND, overflow=policy
        )
        for _ in range(60):
            await row.sleep(1)
            assert watch.subscription.stats.pending <= BOUND
        stats = watch.subscription.stats
        assert stats.dropped > 100
        assert stats.dropped == stats.dropped_by_reason.get("overflow", 0)
        told = sum(status.dropped for status in watch.statuses if isinstance(status, Overflow))
        assert told > 0
        assert other.subscription.stats.dropped == 0
        assert watch.states == other.states == ["live"]
        assert watch.reconnects == 0

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_fail_ends_the_subscription_loudly_and_the_other_goes_on(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue, settings={"rate": 10})
        client = row.client(simulator)
        other = await row.watch(client, "quotes", symbol)
        watch = await row.watch(
            client, "quotes", symbol, behave=slow(2.0), flows=False, max_pending=BOUND, overflow="fail"
        )
        with pytest.raises(SlowConsumerError):
            await watch.subscription.wait_closed()
        await other.more(20)
        assert other.states == ["live"]

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), [case for case in CASES if case[0] != "tradingview"])
def test_block_holds_the_reading_back_and_loses_nothing(row: Row, venue: str, symbol: str) -> None:
    row.shares_wire = False

    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = row.client(simulator)
        other = await row.watch(client, "quotes", symbol)
        watch = await row.watch(
            client, "quotes", symbol, behave=slow(0.6), flows=False, max_pending=BOUND, overflow="block"
        )
        for _ in range(60):
            await row.sleep(1)
            assert watch.subscription.stats.pending <= BOUND
        assert watch.subscription.stats.dropped == 0
        assert watch.reconnects == 0
        assert other.states == watch.states == ["live"]

    row(main)


def test_block_where_heartbeats_wait_behind_data_costs_the_connection_and_says_so(row: Row) -> None:
    row.shares_wire = False
    row.allows_violations = True  # the simulator takes note of heartbeats that are not answered

    async def main(row: Row) -> None:
        simulator = await row.simulator("tradingview")
        client = row.client(simulator)
        other = await row.watch(client, "quotes", "BINANCE:BTCUSDT")
        watch = await row.watch(
            client, "quotes", "BINANCE:BTCUSDT", behave=slow(0.6), flows=False, max_pending=BOUND, overflow="block"
        )
        for _ in range(60):
            await row.sleep(1)
            assert watch.subscription.stats.pending <= BOUND
        assert watch.subscription.stats.dropped == 0
        assert watch.subscription.is_active
        await until(lambda: bool(watch.gaps))
        assert watch.reconnects >= 1
        assert other.states == ["live"]

    row(main)


def test_orders_are_never_dropped_but_fail_loudly(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        client = row.client(simulator)
        watch = await row.watch(client, "order_updates", behave=slow(5.0), flows=False, max_pending=5)
        (account, *_) = [topic.symbol for topic in watch.subscription.topics]
        for _ in range(12):
            await client.order_execution.place_order(
                account=account, symbol="MSFT", side="buy", quantity=1, type="market"
            )
        with pytest.raises(SlowConsumerError):
            await watch.subscription.wait_closed()
        assert set(watch.subscription.stats.dropped_by_reason) <= {"overflow", "closed"}

    row(main)
