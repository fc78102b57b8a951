"""F01: a TCP reset in the middle of a frame: the part is thrown away, and the stream comes back."""

import pytest
from tests.faults.conftest import Row, repeats
from tests.faults.venues import CASES
from tests.faults.waiting import reached

from brokerwire.streaming.backoff import STABLE_S


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_a_reset_at_a_random_byte_is_survived_within_three_seconds(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        weather = await row.weather(simulator)
        watch = await row.watch(row.client(simulator, weather=weather), "quotes", symbol)
        for number in range(1, repeats(3, 12) + 1):
            await watch.more(60)
            whole = set(watch.events[0].raw)
            weather.set("reset", direction="down", times=1)
            cut = await reached(watch, "recovering")
            assert await reached(watch, "live") - cut <= 3.0
            await watch.more(1)
            assert len(watch.gaps) == watch.reconnects == number
            if venue == "binance":
                assert all(set(event.raw) == whole for event in watch.events)
            assert all(event.bid is not None and event.ask is not None for event in watch.events)
            await row.sleep(STABLE_S)  # by then the connection counts as good, and the next delay is short again

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_a_reset_inside_a_known_frame_delivers_nothing_of_it(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        watch = await row.watch(row.client(simulator), "quotes", symbol)
        await watch.more(5)
        simulator.faults.set("reset_mid_frame", times=1)
        cut = await reached(watch, "recovering")
        assert await reached(watch, "live") - cut <= 3.0
        await watch.more(5)
        assert len(watch.gaps) == 1
        assert watch.errors == []

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_a_server_that_was_away_is_back_after_the_pending_delay(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        watch = await row.watch(row.client(simulator), "quotes", symbol)
        await watch.more(5)
        simulator.faults.set("refuse:503")
        simulator.connections.drop()
        await reached(watch, "recovering")
        await row.sleep(20)
        simulator.faults.clear()
        await reached(watch, "live", within_s=33)
        await watch.more(5)
        assert len(watch.gaps) == 1

    row(main)
