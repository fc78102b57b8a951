import random

from hypothesis import given
from hypothesis import strategies as st

from brokerwire.streaming.backoff import full_jitter, slow_lane


@given(attempt=st.integers(1, 10_000), seed=st.integers())
def test_redial_waits_anywhere_up_to_a_doubling_bound_of_thirty_seconds(attempt: int, seed: int) -> None:
    delay_s = full_jitter(attempt, random.Random(seed).uniform)
    assert 0 <= delay_s <= min(30.0, 0.5 * 2 ** min(attempt, 20))


def test_jitter_uses_the_whole_window() -> None:
    bounds: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        bounds.append((low, high))
        return high

    assert [full_jitter(attempt, uniform) for attempt in (1, 2, 3, 7)] == [1.0, 2.0, 4.0, 30.0]
    assert {low for low, _ in bounds} == {0.0}


def test_slow_lane_doubles_from_five_seconds_to_sixty() -> None:
    assert [slow_lane(attempt) for attempt in (1, 2, 3, 4, 5, 99)] == [5, 10, 20, 40, 60, 60]
