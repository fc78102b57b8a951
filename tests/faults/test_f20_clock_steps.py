"""F20: the wall clock is stepped, or the machine sleeps: timers are monotonic, and nothing storms."""

from typing import Any

import pytest
from tests.faults.conftest import Row
from tests.faults.venues import CASES, VENUES, login_of
from tests.faults.waiting import until

HOUR = 3600.0


@pytest.mark.parametrize(("venue", "symbol"), CASES)
@pytest.mark.parametrize("step_s", [HOUR, 24 * HOUR, -HOUR, -24 * HOUR])
def test_a_step_of_the_wall_clock_changes_nothing(row: Row, venue: str, symbol: str, step_s: float) -> None:
    row.keeps_time = False

    async def main(row: Row) -> None:
        simulator = await row.simulator(venue, settings=login_of(venue))
        client = row.client(simulator)
        watch = await row.watch(client, "quotes", symbol)
        await row.sleep(45)
        row.step_wall_clock(step_s)
        await row.sleep(60)
        assert watch.states == ["live"]
        assert watch.reconnects == 0
        assert client.tokens is None or client.tokens.refresh_count == 1
        await client.market_data.get_quotes([symbol])
        assert client.tokens is None or client.tokens.refresh_count == 1
        await watch.more(10)
        if client.tokens is not None:
            await row.sleep(900)
            assert client.tokens.refresh_count == 2

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_after_an_hour_asleep_nothing_is_called_silent(row: Row, venue: str, symbol: str) -> None:
    row.keeps_time = False

    async def main(row: Row) -> None:
        simulator = await row.simulator(venue, settings=login_of(venue))
        weather = await row.weather(simulator)
        client = row.client(simulator, weather=weather)
        watch = await row.watch(client, "quotes", symbol)
        await row.sleep(45)
        weather.set("black_hole", direction="down")
        loop: Any = row.loop()
        loop._virtual.now_s += HOUR
        await row.sleep(1)
        weather.clear()
        await row.sleep(5)
        await watch.more(10)
        assert "stale" not in watch.states
        assert watch.reconnects <= (1 if VENUES[venue].is_websocket else 0)
        if client.tokens is not None:
            await until(lambda: client.tokens is not None and client.tokens.is_valid, 30)
            assert client.tokens.refresh_count == 2
        assert simulator.journal.count("dial") <= 2

    row(main)
