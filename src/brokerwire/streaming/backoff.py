"""The pure retry schedule: attempt → delay."""

import math
from collections.abc import Callable

FIRST_S = 0.5
LONGEST_S = 30.0
STABLE_S = 30.0
"""A connection that lasted this long counts as good: the next failure starts from the first delay."""

SLOW_FIRST_S = 5.0
SLOW_LONGEST_S = 60.0


def full_jitter(attempt: int, uniform: Callable[[float, float], float]) -> float:
    """Return the seconds to wait before redial ``attempt`` (from 1): anywhere up to a doubling bound."""
    return uniform(0.0, min(LONGEST_S, FIRST_S * math.exp2(min(attempt, 16))))


def slow_lane(attempt: int) -> float:
    """Return the seconds to wait where the venue says that a slot is still taken and not for how long."""
    return min(SLOW_LONGEST_S, SLOW_FIRST_S * math.exp2(min(attempt - 1, 16)))
