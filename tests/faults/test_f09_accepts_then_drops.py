"""F09: a server that accepts, takes the subscription and drops the connection, for ever."""

from itertools import pairwise

import pytest
from tests.faults.conftest import Row, repeats
from tests.faults.venues import CASES

BOUNDS = [min(30.0, 0.5 * 2.0**attempt) for attempt in range(1, 30)]


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_backoff_grows_is_spread_and_is_not_reset_by_a_dial_that_succeeds(row: Row, venue: str, symbol: str) -> None:
    row.converge_s = 320.0

    async def main(row: Row) -> None:
        shares: list[float] = []
        for number in range(repeats(2, 8)):
            simulator = await row.simulator(venue, seed=row.seed + number)
            client = row.client(simulator)
            watch = await row.watch(client, "quotes", symbol, flows=False)
            await watch.more(5)
            simulator.faults.set("close")
            await row.sleep(300)
            dials = [entry.time_ns / 1e9 for entry in simulator.journal.entries("dial")]
            assert 6 <= len(dials) <= 21
            waits = [new - old for old, new in pairwise(dials)][1:]
            assert max(waits) > 5.0
            shares += [wait / bound for wait, bound in zip(waits[3:9], BOUNDS[4:], strict=False)]
            assert watch.subscription.is_active
            await watch.subscription.unsubscribe()
            await simulator.close()
        assert max(shares) - min(shares) >= 0.3

    row(main)
