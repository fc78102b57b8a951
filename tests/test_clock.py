import asyncio
import time
from typing import Any

from brokerwire.clock import SystemClock


async def test_the_systems_clock_reads_the_loop_and_the_wall() -> None:
    clock = SystemClock()
    assert abs(clock.monotonic() - asyncio.get_running_loop().time()) < 1
    assert abs(clock.time_ns() - time.time_ns()) < 5e9
    await clock.sleep(0)


def test_in_a_virtual_loop_its_sleep_takes_no_time(virtual: Any) -> None:
    async def main() -> None:
        clock = SystemClock()
        await clock.sleep(86_400)
        assert clock.monotonic() >= 86_400

    started = time.perf_counter()
    virtual(main)
    assert time.perf_counter() - started < 5
