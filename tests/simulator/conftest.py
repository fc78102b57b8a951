"""A clock that stands still until it is moved, and a market that reads it."""

import asyncio

import pytest

from brokerwire.simulator.market import Market

NOW_NS = 1_795_183_384_500_000_000


class StillClock:
    """Wall and loop time under the test's control."""

    def __init__(self) -> None:
        self.moved_s = 0.0

    def monotonic(self) -> float:
        return 100.0 + self.moved_s

    def time_ns(self) -> int:
        return NOW_NS + int(self.moved_s * 1e9)

    async def sleep(self, delay_s: float) -> None:
        self.moved_s += delay_s
        await asyncio.sleep(0)


@pytest.fixture
def still_clock() -> StillClock:
    return StillClock()


@pytest.fixture
def market(still_clock: StillClock) -> Market:
    return Market(seed=1, clock=still_clock)
