"""F33: synchronous work in a callback stalls the loop; that is no reason to call anything dead."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.faults.conftest import IS_FULL, SEEDS, Main, Row
from tests.faults.venues import CASES
from tests.faults.waiting import until

from brokerwire.testing.virtual_time import VirtualTimeLoop


def stalled(work: Callable[[], None], *, reconnects: int) -> Main:
    """Two streams, one of which has a callback that once does ``work``."""

    async def main(row: Row) -> None:
        row.keeps_time = False
        watches = []
        for venue, symbol in CASES:
            simulator = await row.simulator(venue)
            watches.append(await row.watch(row.client(simulator), "quotes", symbol))
        for watch in watches:
            await watch.more(2)
        is_due = [True]

        async def stall(_event: Any) -> None:
            if is_due[0]:
                is_due[0] = False
                work()

        watches[0].behave = stall
        await until(lambda: not is_due[0])
        await row.sleep(1)
        for watch in watches:
            await watch.more(2)
            assert "stale" not in watch.states
            assert watch.reconnects <= reconnects

    return main


@pytest.mark.parametrize(("stall_s", "reconnects"), [pytest.param(5.0, 0, id="5s"), pytest.param(30.0, 1, id="30s")])
def test_a_stall_is_not_mistaken_for_silence(row: Row, stall_s: float, reconnects: int) -> None:
    def work() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        loop.stall(stall_s)

    row(stalled(work, reconnects=reconnects))


def test_a_stall_is_reported_once_with_the_function_that_blocks(row: Row) -> None:
    def sleep_on_the_loop() -> None:
        (client,) = row.clients[:1]
        while not client.streams.stall_detector.stalls:
            time.sleep(0.01)

    async def main(row: Row) -> None:
        await stalled(sleep_on_the_loop, reconnects=0)(row)
        lines = row.lines("has not turned", logging.WARNING)
        assert 1 <= len(lines) <= len(row.clients)  # each client has a detector, which asks at times of its own
        assert all("sleep_on_the_loop" in line for line in lines)

    row.in_real_time(main)


if IS_FULL:  # the same with real work; half a minute of real time is spent on one seed only

    @pytest.mark.timeout(120)
    @pytest.mark.parametrize("seed", SEEDS[:1])
    @pytest.mark.parametrize(
        ("stall_s", "reconnects"), [pytest.param(5.0, 0, id="5s"), pytest.param(30.0, 1, id="30s")]
    )
    def test_a_real_stall_is_not_mistaken_for_silence(row: Row, stall_s: float, reconnects: int) -> None:
        row.in_real_time(stalled(lambda: time.sleep(stall_s), reconnects=reconnects))
