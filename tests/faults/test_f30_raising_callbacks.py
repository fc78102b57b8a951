"""F30: callbacks that raise, always or now and then."""

from typing import Any

import pytest
from tests.faults.conftest import Row
from tests.faults.venues import CASES
from tests.faults.waiting import reached


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_one_that_always_raises_is_paused_after_a_hundred_and_can_resume(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue, settings={"rate": 10})
        is_broken = [True]

        async def behave(_event: Any) -> None:
            if is_broken[0]:
                raise ValueError("broken callback")

        client = row.client(simulator)
        watch = await row.watch(client, "quotes", symbol, behave=behave, flows=False)
        other = await row.watch(client, "quotes", symbol)
        await reached(watch, "paused")
        assert watch.subscription.stats.errors == len(watch.errors) == 100
        assert all(str(error) == "broken callback" for error, _ in watch.errors)
        assert watch.errors[0][1] is watch.events[0]
        heard = len(watch.events)
        await other.more(50)
        assert len(watch.events) == heard
        assert watch.states == ["live", "paused"]  # told at once, though what waits is not delivered
        is_broken[0] = False
        watch.subscription.resume()
        await watch.more(50)
        assert watch.subscription.state == "live"
        assert other.states == ["live"]

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_one_that_raises_now_and_then_goes_on(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue, settings={"rate": 10})

        async def behave(_event: Any) -> None:
            if row.random.random() < 0.05:
                raise ValueError("now and then")

        watch = await row.watch(row.client(simulator), "quotes", symbol, behave=behave)
        await watch.more(500, within_s=120)
        assert watch.subscription.state == "live"
        assert 5 <= watch.subscription.stats.errors == len(watch.errors)
        assert watch.reconnects == 0

    row(main)


def test_a_plain_function_that_always_raises_is_paused_too(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance", settings={"rate": 10})
        client = row.client(simulator)
        other = await row.watch(client, "quotes", "ETHUSDT")

        def broken(_event: Any) -> None:
            raise ValueError("broken function")

        errors: list[Exception] = []
        subscription = await client.market_data.stream_quotes(
            "ETHUSDT", broken, error_callback=lambda error, _event: errors.append(error)
        )
        await other.more(300, within_s=120)
        assert subscription.state == "paused"
        stats = subscription.stats
        assert stats.errors == len(errors) == 100
        assert stats.received == stats.delivered + stats.dropped
        assert stats.dropped_by_reason == {"paused": stats.dropped}
        await subscription.unsubscribe()

    row(main)
