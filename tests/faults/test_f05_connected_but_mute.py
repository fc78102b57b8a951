"""F05: the connection lives, heartbeats and all, and the data has stopped."""

import pytest
from tests.faults.conftest import Row
from tests.faults.venues import CASES, VENUES, WEBSOCKETS
from tests.faults.waiting import reached

STALE_S = 25.0


@pytest.mark.parametrize(
    ("rung", "reconnects"), [("resubscribe", 0), ("reconnect", 1)], ids=["resubscribe", "reconnect"]
)
@pytest.mark.parametrize("venue", [venue for venue, _ in WEBSOCKETS])
def test_a_mute_websocket_is_healed_by_the_rung_that_helps(row: Row, venue: str, rung: str, reconnects: int) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        symbols = VENUES[venue].symbols[:2]
        watch = await row.watch(row.client(simulator), "quotes", symbols)
        await row.sleep(60)
        before = simulator.journal.count("subscribe")
        simulator.faults.set("mute", heals=rung)
        muted = row.now()
        stale = await reached(watch, "stale")
        assert stale - muted <= STALE_S
        await row.sleep(max(0.0, muted + 2 * STALE_S - row.now()))
        heard = len(watch.events)
        await watch.more(10)
        assert watch.times[heard] - muted <= 2 * STALE_S + 1.0
        assert watch.subscription.state == "live"
        assert watch.reconnects == reconnects
        assert simulator.journal.count("subscribe") >= before + 2
        assert {gap.topic.symbol for gap in watch.gaps} == set(symbols)
        assert watch.states[-1] == "live"

    row(main)


def test_a_mute_http_stream_is_replaced(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        watch = await row.watch(row.client(simulator), "quotes", "AAPL")
        await row.sleep(60)
        simulator.faults.set("mute", times=1)
        muted = row.now()
        assert await reached(watch, "stale") - muted <= STALE_S
        heard = len(watch.events)
        await watch.more(10)
        assert watch.times[heard] - muted <= 2 * STALE_S
        assert watch.subscription.state == "live"
        assert watch.reconnects == 1
        assert len(watch.gaps) == 1

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_a_feed_that_stays_mute_stays_reported_and_is_not_hammered(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        watch = await row.watch(row.client(simulator), "quotes", symbol)
        await row.sleep(60)
        simulator.faults.set("mute")
        await reached(watch, "stale", within_s=STALE_S)
        await row.sleep(300)
        assert simulator.journal.count("dial") <= 4
        simulator.faults.clear()
        await watch.more(10)

    row(main)
