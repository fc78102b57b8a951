"""F10: fifty streams are cut at once and come back one after the other."""

from itertools import pairwise
from typing import Any

import pytest
from tests.faults.conftest import Row
from tests.faults.venues import VENUES
from tests.faults.waiting import reached, until

from brokerwire.doctor.listener import Listener

DIALS_S = 61.0
"""By then the budgets of dials are whole again, our own politeness among them."""


async def fifty(row: Row, client: Any, venue: str) -> list[Listener]:
    """Open fifty connections: exclusive ones, so that none is shared."""
    symbols = VENUES[venue].symbols
    return [
        await row.watch(client, "quotes", symbols[number % len(symbols)], overflow="block")
        for number in range(VENUES[venue].most_streams)
    ]


@pytest.mark.parametrize("venue", VENUES)
def test_fifty_streams_return_within_a_minute_at_two_dials_a_second(row: Row, venue: str) -> None:
    row.shares_wire = False

    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        count = VENUES[venue].most_streams
        client = row.client(simulator, max_concurrent_streams=50, subscribe_timeout=100)
        watches = await fifty(row, client, venue)
        assert len(simulator.connections) == count
        await row.sleep(DIALS_S)
        simulator.journal.clear()
        cut = row.now()
        assert simulator.connections.drop() == count
        for watch in watches:
            await until(lambda heard=watch: "recovering" in heard.states)  # type: ignore[misc]  # bound early
        for watch in watches:
            await reached(watch, "live", within_s=cut + 60 - row.now())
        dials = [entry.time_ns / 1e9 for entry in simulator.journal.entries("dial")]
        assert len(dials) == count
        assert all(new - old >= 0.49 for old, new in pairwise(dials))
        for watch in watches:
            await watch.more(1)
            assert len(watch.gaps) == 1

    row(main)
