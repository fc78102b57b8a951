"""F39: the venue still counts connections that have ended: the slow lane, no storm, and back once the slot is free."""

from itertools import pairwise

import pytest
from tests.faults.conftest import Row
from tests.faults.venues import VENUES
from tests.faults.waiting import reached, until

from brokerwire.doctor.listener import Listener
from brokerwire.simulator import Simulator
from brokerwire.streaming.backoff import SLOW_LONGEST_S

HOLD_S = 90.0
CAP = 3
SLOW_LANE_S = [5, 10, 20, 40, 60]
"""What design section 5 asks for where a venue does not say how long it holds a slot."""


async def fill_up(row: Row, simulator: Simulator) -> list[Listener]:
    """Take every slot that the venue has."""
    client = row.client(simulator)
    watches = [await row.watch(client, "market_depth", symbol) for symbol in ("AAPL", "MSFT", "SPY")]
    for watch in watches:
        await watch.more(3)
    return watches


def dials(simulator: Simulator, *, since: float, path: str = "") -> list[float]:
    """Return when it was dialled after ``since``, in the clock's seconds."""
    entries = [entry for entry in simulator.journal.entries("dial") if path in entry.detail["path"]]
    return [entry.time_ns / 1e9 for entry in entries if entry.time_ns / 1e9 > since]


async def all_live(watches: list[Listener], within_s: float) -> float:
    return await until(lambda: all(watch.subscription.state == "live" for watch in watches), within_s)


def test_a_slot_that_stays_taken_is_asked_for_ever_more_seldom_until_it_is_free(row: Row) -> None:
    row.allows_violations = True

    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation", settings={"concurrency": {"streaming-marketdepth": CAP}})
        watches = await fill_up(row, simulator)
        simulator.faults.set(f"stale_slot:{HOLD_S:g}")
        began = row.clock.time_ns() / 1e9
        simulator.connections.drop()
        for watch in watches:
            await reached(watch, "recovering")
        simulator.faults.clear()
        await all_live(watches, HOLD_S + SLOW_LONGEST_S + 10)
        assert row.clock.time_ns() / 1e9 - began >= HOLD_S
        asked = dials(simulator, since=began)
        assert len(asked) <= CAP * len(SLOW_LANE_S)
        for watch in watches:
            mine = dials(simulator, since=began, path=f"/{watch.subscription.topics[0].symbol}")
            waits = [round(later - earlier) for earlier, later in pairwise(mine)]
            assert waits[0] in SLOW_LANE_S[:2]  # the loss that came first counts as an attempt
            assert all(later == min(SLOW_LONGEST_S, 2 * earlier) for earlier, later in pairwise(waits))
        for watch in watches:
            await watch.more(5)

    row(main)


@pytest.mark.parametrize(
    ("venue", "symbol", "hold_s"),
    [
        ("tradestation", "AAPL", HOLD_S),
        ("binance", "BTCUSDT", 300),
        ("tradingview", "BINANCE:BTCUSDT", HOLD_S),
    ],
)
def test_a_hold_that_the_venue_states_is_kept_and_not_much_longer(
    row: Row, venue: str, symbol: str, hold_s: float
) -> None:
    row.allows_violations = True

    async def main(row: Row) -> None:
        settings = {"connects_per_5_minutes": 1} if venue == "binance" else {}
        simulator = await row.simulator(venue, settings=settings)
        watch = await row.watch(row.client(simulator), "quotes", symbol)
        await watch.more(3)
        if venue != "binance":
            simulator.faults.set(f"rate_limit:{hold_s:g}", channel=VENUES[venue].dial, times=1)
        began = row.clock.time_ns() / 1e9
        simulator.connections.drop()
        broken = await reached(watch, "recovering")
        back = await reached(watch, "live", within_s=hold_s + 10)
        refused, accepted = dials(simulator, since=began)
        assert hold_s - 1 <= accepted - refused <= hold_s + 2
        assert back - broken <= hold_s + 10
        await watch.more(5)

    row(main)


def test_a_venue_that_counts_too_many_connections_is_left_alone_for_a_minute(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradingview")
        watch = await row.watch(row.client(simulator), "quotes", "BINANCE:BTCUSDT")
        await watch.more(3)
        simulator.faults.set("stream_error:user connections limit reached", times=1)
        broken = await reached(watch, "recovering")
        assert 60 <= await reached(watch, "live", within_s=90) - broken <= 70
        first, second = dials(simulator, since=0.0)
        assert second - first >= 60
        await watch.more(5)

    row(main)
