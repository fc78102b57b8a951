"""F05: the acknowledgement of a resubscription is no proof of life."""

import pytest
from tests.faults.conftest import Row
from tests.faults.venues import WEBSOCKETS
from tests.faults.waiting import reached


@pytest.mark.parametrize(("venue", "symbol"), WEBSOCKETS)
def test_a_stale_topic_is_live_again_only_when_data_flows(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        watch = await row.watch(row.client(simulator), "quotes", symbol)
        await row.sleep(60)
        simulator.faults.set("mute", heals="reconnect")
        await reached(watch, "stale", within_s=25)
        await watch.more(10)
        assert len(watch.gaps) == 1
        assert watch.states in (["live", "stale", "live"], ["live", "stale", "recovering", "live"])

    row(main)
