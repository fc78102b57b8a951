"""F53: under faults for a long time, memory, tasks and descriptors stay where they were; figures are printed."""

import pytest
from tests.faults.conftest import IS_FULL, SEEDS, Main, Row
from tests.faults.soak import Sample, Soak
from tests.faults.waiting import until

from brokerwire.testing.virtual_time import VirtualClock

SWING = 12
"""Tasks and descriptors that connections which come and go may take besides: dials, closings, hand-overs."""


def under_faults(seconds: float, *, rate: int) -> Main:
    async def main(row: Row) -> None:
        soak = Soak(seed=row.seed, clock=row.clock, rate=rate)
        try:
            await soak.open(row.client)
            await soak.run(seconds)
            for subscription in soak.subscriptions:
                await until(lambda each=subscription: each.state == "live")  # type: ignore[misc]  # bound early
                stats = subscription.stats
                assert stats.received == stats.delivered + stats.dropped + stats.coalesced + stats.pending
            check(soak.samples)
        finally:
            await soak.close()

    return main


def check(samples: list[Sample]) -> None:
    """Compare the second half of the time with the first."""
    half = len(samples) // 2
    early, late = samples[half // 2 : half], samples[half:]
    assert max(one.tasks for one in late) <= max(one.tasks for one in early) + SWING
    assert max(one.descriptors for one in late) <= max(one.descriptors for one in early) + SWING
    assert late[-1].events > early[-1].events
    growth = late[-1].rss_mib - early[-1].rss_mib
    print(f"{samples[-1]}; {growth:.1f} MiB more than half-way")  # noqa: T201  # the figures are what it is for


def test_what_is_held_does_not_grow_in_virtual_time(row: Row) -> None:
    assert isinstance(row.clock, VirtualClock)
    row.extra_dials = 10_000
    row.allows_violations = True
    row(under_faults(120.0, rate=1))


if IS_FULL:

    @pytest.mark.timeout(120)
    @pytest.mark.parametrize("seed", SEEDS[:1])
    def test_what_is_held_does_not_grow_in_real_time(row: Row) -> None:
        row.extra_dials = 10_000
        row.allows_violations = True
        row.in_real_time(under_faults(30.0, rate=10))
