import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokerwire.testing.virtual_time import VirtualClock, VirtualTimeLoop
from brokerwire.transport.rate_limit import RateLimiter, TokenBucket
from brokerwire.venue import RateBudget


async def times_of(bucket: TokenBucket, clock: VirtualClock, weights: list[float]) -> list[float]:
    times = []
    for weight in weights:
        await bucket.acquire(weight)
        times.append(clock.monotonic())
    return times


def test_a_full_bucket_lets_a_share_of_the_budget_through_at_once(virtual: Any) -> None:
    async def main() -> None:
        bucket = TokenBucket(RateBudget(10, 60.0), virtual.clock)
        assert await times_of(bucket, virtual.clock, [1.0] * 8) == [0.0] * 8
        await bucket.acquire()
        assert virtual.clock.monotonic() > 0

    virtual(main)


@settings(max_examples=40, deadline=None)
@given(
    amount=st.integers(min_value=2, max_value=60),
    window_s=st.floats(min_value=0.5, max_value=300),
    weights=st.lists(st.integers(min_value=1, max_value=8), min_size=1, max_size=80),
)
def test_no_window_ever_holds_more_than_the_budget(amount: int, window_s: float, weights: list[int]) -> None:
    clock = VirtualClock()

    async def main() -> list[float]:
        bucket = TokenBucket(RateBudget(amount, window_s), clock, share=1.0)
        return await times_of(bucket, clock, [float(weight) for weight in weights])

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        times = runner.run(main())
    for start in times:
        within = [
            min(weight, amount)
            for weight, time in zip(weights, times, strict=True)
            if start <= time < start + window_s - 1e-6
        ]
        assert sum(within) <= amount


def test_tokens_come_back_so_that_the_budget_can_be_spent_in_full(virtual: Any) -> None:
    async def main() -> None:
        bucket = TokenBucket(RateBudget(5, 1.0), virtual.clock)
        times = await times_of(bucket, virtual.clock, [1.0] * 40)
        assert times[-1] == pytest.approx(9.0, abs=0.01)

    virtual(main)


def test_a_weight_over_the_capacity_takes_all_there_is(virtual: Any) -> None:
    async def main() -> None:
        bucket = TokenBucket(RateBudget(10, 60.0), virtual.clock)
        assert await times_of(bucket, virtual.clock, [1000.0, 1.0]) == [0.0, pytest.approx(60.0)]

    virtual(main)


def test_callers_are_served_in_turn(virtual: Any) -> None:
    async def main() -> None:
        bucket = TokenBucket(RateBudget(2, 1.0), virtual.clock, share=1.0)
        served: list[int] = []

        async def call(number: int, weight: float) -> None:
            await bucket.acquire(weight)
            served.append(number)

        await bucket.acquire(2)
        async with asyncio.TaskGroup() as group:
            group.create_task(call(1, 2.0))
            group.create_task(call(2, 1.0))
            group.create_task(call(3, 1.0))
        assert served == [1, 2, 3]

    virtual(main)


def test_a_caller_that_gives_up_leaves_its_tokens_to_the_others(virtual: Any) -> None:
    async def main() -> None:
        bucket = TokenBucket(RateBudget(1, 10.0), virtual.clock, share=1.0)
        await bucket.acquire()
        impatient = asyncio.create_task(bucket.acquire())
        patient = asyncio.create_task(bucket.acquire())
        await virtual.clock.sleep(1)
        impatient.cancel()
        await patient
        assert virtual.clock.monotonic() == pytest.approx(10.0)
        assert impatient.cancelled()

    virtual(main)


def test_a_held_bucket_lets_nothing_through_for_as_long(virtual: Any) -> None:
    async def main() -> None:
        bucket = TokenBucket(RateBudget(100, 1.0), virtual.clock)
        bucket.hold(30)
        bucket.hold(5)
        await bucket.acquire()
        assert virtual.clock.monotonic() == pytest.approx(30.0)

    virtual(main)


def test_a_hold_reaches_those_who_wait_already(virtual: Any) -> None:
    async def main() -> None:
        bucket = TokenBucket(RateBudget(1, 2.0), virtual.clock, share=1.0)
        await bucket.acquire()
        waiting = asyncio.create_task(bucket.acquire())
        await virtual.clock.sleep(1)
        bucket.hold(20)
        await waiting
        assert virtual.clock.monotonic() == pytest.approx(21.0)

    virtual(main)


def test_a_request_without_a_budget_is_not_limited(virtual: Any) -> None:
    async def main() -> None:
        limiter = RateLimiter({}, virtual.clock)
        assert limiter.bucket("") is None
        limiter.hold("nothing", 60)
        await limiter.acquire("nothing", 5)
        assert virtual.clock.monotonic() == 0

    virtual(main)


def test_buckets_of_one_venue_are_kept_apart(virtual: Any) -> None:
    async def main() -> None:
        budgets = {"quotes": RateBudget(10, 60.0), "bars": RateBudget(10, 60.0)}
        limiter = RateLimiter(budgets, virtual.clock)
        limiter.hold("quotes", 60)
        await limiter.acquire("bars", 1)
        assert virtual.clock.monotonic() == 0
        await limiter.acquire("quotes", 1)
        assert virtual.clock.monotonic() == pytest.approx(60.0)
        assert limiter.bucket("quotes") is limiter.bucket("quotes")

    virtual(main)
