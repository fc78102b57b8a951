import asyncio

import msgspec

from brokerwire.simulator.fronts.tradingview.points import Pieces, add_points, changes_from, points
from brokerwire.simulator.fronts.tradingview.timescale import TimeScale

TIMES = [60 * number for number in range(2_500)]


def new_scale():
    scale = TimeScale()
    scale.add(TIMES)
    return scale


def test_an_array_in_pieces_is_an_array():
    pieces = Pieces()
    assert msgspec.json.encode({"a": pieces.whole()}) == b'{"a":[]}'
    pieces.add([])
    pieces.add([1, [2]])
    pieces.add([None])
    assert msgspec.json.decode(msgspec.json.encode({"a": pieces.whole()})) == {"a": [1, [2], None]}


async def test_a_long_page_gives_way_to_the_loop():
    scale, pieces, turns = new_scale(), Pieces(), 0

    async def turn():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(turn())
    rows = [(time_s, [float(time_s), 1.5]) for time_s in TIMES]
    await add_points(pieces, scale, rows)
    task.cancel()
    assert turns >= 3
    assert msgspec.json.decode(pieces.whole()) == points(scale, rows)


async def test_a_change_set_made_slowly_is_the_same():
    scale = new_scale()
    made = await changes_from(scale, 100)
    assert msgspec.json.decode(made["marks"]) == scale.marks_from(100)
    assert made["changes"] == [float(time_s) for time_s in TIMES[100:]]


async def test_what_is_added_meanwhile_is_in_the_change_set():
    scale = new_scale()
    task = asyncio.create_task(changes_from(scale, 0))
    await asyncio.sleep(0)
    scale.add([TIMES[-1] + 60])
    made = await task
    assert len(msgspec.json.decode(made["marks"])) == len(made["changes"]) == len(TIMES) + 1
