"""F26: doubled, reordered and missing updates: the book is the venue's again, and other symbols never notice."""

from itertools import pairwise

import pytest
from tests.faults.books import agrees_with_the_venue, snapshots_of
from tests.faults.conftest import Row
from tests.faults.waiting import reached, until

FAULTS = ["duplicate", "reorder", "gap"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_book_is_the_venues_again_and_the_other_is_untouched(row: Row, fault: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance", settings={"rate": 3})
        client = row.client(simulator)
        hurt = await row.watch(client, "market_depth", "BTCUSDT")
        other = await row.watch(client, "market_depth", "ETHUSDT")
        await hurt.subscription.ready()
        await other.subscription.ready()
        await hurt.more(20)
        asked = len(snapshots_of(simulator, "BTCUSDT"))
        simulator.faults.set(fault, times=5, probability=0.2, channel="btcusdt@depth")
        await hurt.more(150)
        await until(lambda: fault not in simulator.faults.names())
        await reached(hurt, "live")
        await agrees_with_the_venue(simulator, hurt)
        await agrees_with_the_venue(simulator, other)
        assert other.states == ["live"]
        assert other.gaps == []
        times = snapshots_of(simulator, "BTCUSDT")
        assert all(new - old >= 0.99 for old, new in pairwise(times))
        assert len(times) > asked or fault == "duplicate"
        assert bool(hurt.gaps) == (fault != "duplicate")

    row(main)


def test_a_storm_of_gaps_asks_for_one_snapshot_a_second_at_most(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance")
        hurt = await row.watch(row.client(simulator), "market_depth", "BTCUSDT", flows=False)
        await hurt.subscription.ready()
        simulator.faults.set("gap", probability=0.5, channel="btcusdt@depth")
        await row.sleep(30)
        times = snapshots_of(simulator, "BTCUSDT")
        assert len(times) >= 5
        assert all(new - old >= 0.99 for old, new in pairwise(times))
        simulator.faults.clear()
        await hurt.more(20)
        await reached(hurt, "live")
        await agrees_with_the_venue(simulator, hurt)

    row(main)


def test_a_position_in_the_numbering_is_never_delivered_twice_after_a_reconnect(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance")
        watch = await row.watch(row.client(simulator), "trades", "BTCUSDT")
        for _ in range(3):
            await watch.more(20)
            simulator.connections.drop()
            await reached(watch, "recovering")
            await reached(watch, "live")
        await watch.more(20)
        ids = [event.trade_id for event in watch.events]
        assert ids == sorted(set(ids))

    row(main)
