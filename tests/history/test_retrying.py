import pytest

from brokerwire.errors import (
    BrokerwireError,
    ConnectionLostError,
    InvalidSymbolError,
    RateLimitError,
    VenueUnavailableError,
)
from brokerwire.history.retrying import call_with_retries, delay_for


class Waits:
    """A clock that only writes down how long it was asked to sleep."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return 0.0

    def time_ns(self) -> int:
        return 0

    async def sleep(self, delay_s: float) -> None:
        self.slept.append(delay_s)


def most(_low: float, high: float) -> float:
    return high


async def outcome(*errors: BrokerwireError, attempts: int = 4) -> tuple[str, list[float], list[str]]:
    remaining, waits, said = list(errors), Waits(), []

    async def call() -> str:
        if remaining:
            raise remaining.pop(0)
        return "done"

    result = await call_with_retries(
        call, attempts=attempts, clock=waits, uniform=most, on_retry=lambda error, _: said.append(str(error))
    )
    return result, waits.slept, said


async def test_what_goes_well_is_not_repeated() -> None:
    assert await outcome() == ("done", [], [])


async def test_what_may_pass_is_tried_again_after_longer_and_longer() -> None:
    result, slept, said = await outcome(
        VenueUnavailableError("a"), ConnectionLostError("b"), VenueUnavailableError("c")
    )
    assert (result, slept, said) == ("done", [1.0, 2.0, 4.0], ["a", "b", "c"])


async def test_the_venue_says_how_long() -> None:
    assert (await outcome(RateLimitError("slow down", retry_after_s=7.5)))[1] == [8.5]


async def test_a_rate_limit_without_a_time_waits_in_the_slow_lane() -> None:
    assert [delay_for(RateLimitError("x"), attempt, most) for attempt in (1, 2, 9)] == [5.0, 10.0, 60.0]


async def test_what_will_not_pass_is_raised_at_once() -> None:
    with pytest.raises(InvalidSymbolError, match="no such"):
        await outcome(InvalidSymbolError("no such"))


async def test_it_ends_after_so_many_attempts() -> None:
    with pytest.raises(VenueUnavailableError, match="second"):
        await outcome(VenueUnavailableError("first"), VenueUnavailableError("second"), attempts=2)
