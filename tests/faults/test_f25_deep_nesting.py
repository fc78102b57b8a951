"""F25: a message nested a hundred thousand levels deep is one bad frame."""

import time

import pytest
from tests.faults import frames
from tests.faults.conftest import Row
from tests.faults.venues import CASES, VENUES
from tests.faults.waiting import until

DEPTH = 100_000


def deep(venue: str) -> list[bytes]:
    """Return frames that are deep at their top, in a field we read, and in one we do not."""
    pit = b"[" * DEPTH + b"]" * DEPTH
    good = frames.body(venue, 3)
    bodies = [pit, good.replace(frames.figure(venue, 3), pit), good[:-1] + b',"Unread":' + pit + b"}"]
    return [frames.wrap(venue, body) for body in bodies]


@pytest.mark.parametrize("venue", VENUES)
def test_a_deep_message_is_passed_over_in_no_time(row: Row, venue: str) -> None:
    async def main(row: Row) -> None:
        place = await row.scripted(venue, [*deep(venue), frames.quote(venue, 4)], pause_s=1.0)
        client = row.client(place)
        watch = await row.watch(client, "quotes", frames.SYMBOLS[venue], flows=False)
        (stream,) = client.streams.active_streams
        connection = stream._lifeline.connection
        assert connection is not None
        await until(lambda: bool(watch.events))
        assert watch.events[-1].bid == 4.5
        assert place.dials == 1
        longest = 0.0
        for frame in deep(venue):
            began = time.perf_counter()
            connection.on_frames([frame])
            longest = max(longest, time.perf_counter() - began)
        assert longest < 0.05

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_a_deep_message_between_others_costs_nothing(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        watch = await row.watch(row.client(simulator), "quotes", symbol)
        await watch.more(5)
        simulator.faults.set("deep_nesting", times=3)
        await watch.more(50)
        assert watch.states == ["live"]
        assert watch.reconnects == 0

    row(main)
