"""F21: frames that are no JSON, or no UTF-8, are counted and passed over; many of them mean a new connection."""

import pytest
from tests.faults import frames
from tests.faults.conftest import Row, repeats
from tests.faults.venues import CASES, VENUES
from tests.faults.waiting import reached, until


def corpus(venue: str) -> list[bytes]:
    """Return frames that are broken for certain."""
    good, bid = frames.body(venue, 9), frames.figure(venue, 9)
    bodies = [
        good[: len(good) // 2],
        good[:-1],
        good.replace(bid, b'"9.50'),
        good.replace(bid, b"NaN"),
        good.replace(bid, b"Infinity"),
        good.replace(bid, b"-Infinity"),
        good.replace(bid, b'"nan"'),
        good.replace(bid, b"9.5e999"),
        good[:20] + b"\xff\xc3\x28" + good[20:],
        good.replace(bid, b'"9.\xe2\x82"'),
        b"<html>" + good,
        b"\x00\x01\x02",
        b"nonsense",
    ]
    return [frames.wrap(venue, broken) for broken in bodies]


@pytest.mark.parametrize("venue", VENUES)
def test_isolated_bad_frames_cost_themselves_alone(row: Row, venue: str) -> None:
    async def main(row: Row) -> None:
        bad = corpus(venue)
        script = [frame for number, broken in enumerate(bad) for frame in (broken, frames.quote(venue, 100 + number))]
        place = await row.scripted(venue, script, pause_s=3.0)
        client = row.client(place)
        watch = await row.watch(client, "quotes", frames.SYMBOLS[venue], flows=False)
        await until(lambda: len(watch.events) >= len(bad), 200)
        assert [event.bid for event in watch.events] == [100.5 + number for number in range(len(bad))]
        assert place.dials == 1
        assert watch.states == ["live"]
        (stream,) = client.streams.active_streams
        assert stream._lifeline.connection is not None
        assert stream._lifeline.connection.bad_frames >= len(bad) - 2
        assert 1 <= len(row.lines("passed over")) <= 3

    row(main)


@pytest.mark.parametrize("venue", VENUES)
def test_damage_at_random_never_ends_the_reader(row: Row, venue: str) -> None:
    async def main(row: Row) -> None:
        script: list[bytes] = []
        for number in range(repeats(150, 2000)):
            good = bytearray(frames.quote(venue, 500))
            for _ in range(row.random.randint(1, 3)):
                good[row.random.randrange(len(good))] = row.random.randrange(256)
            cut = row.random.randint(1, len(good))
            script += [bytes(good[:cut]).replace(b"\n", b" "), frames.quote(venue, 1000 + number)]
        place = await row.scripted(venue, script, pause_s=2.0)
        watch = await row.watch(row.client(place), "quotes", frames.SYMBOLS[venue], flows=False)
        await row.sleep(2.0 * len(script) + 5)
        heard = [event.bid for event in watch.events if event.bid is not None and event.bid >= 1000]
        assert [bid for bid in heard if bid % 1 == 0.5 and bid < 9999] == [
            1000.5 + number for number in range(repeats(150, 2000))
        ]
        assert place.dials == 1

    row(main)


@pytest.mark.parametrize("venue", VENUES)
def test_a_flood_of_bad_frames_means_a_new_connection(row: Row, venue: str) -> None:
    async def main(row: Row) -> None:
        bad = frames.wrap(venue, b'{"Symbol":')
        place = await row.scripted(venue, [frames.quote(venue, 1), *([bad] * 30)], pause_s=0.5)
        watch = await row.watch(row.client(place), "quotes", frames.SYMBOLS[venue], flows=False)
        await reached(watch, "recovering")
        await watch.more(1)
        assert place.dials == 2
        assert len(watch.gaps) == 1

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_frames_damaged_on_the_way_are_survived(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        watch = await row.watch(row.client(simulator), "quotes", symbol)
        await watch.more(5)
        simulator.faults.set("bad_json", times=10)
        await watch.more(60)
        assert watch.states == ["live"]
        assert watch.reconnects == 0

    row(main)
