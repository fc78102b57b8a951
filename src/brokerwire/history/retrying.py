"""Asks again where that may help, and only there."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from brokerwire.clock import Clock
from brokerwire.errors import BrokerwireError, RateLimitError
from brokerwire.streaming.backoff import full_jitter, slow_lane

T = TypeVar("T")
Uniform = Callable[[float, float], float]
OnRetry = Callable[[BrokerwireError, float], object]
"""Hears of an error and of the seconds until it is tried again."""


async def call_with_retries(
    call: Callable[[], Awaitable[T]], *, attempts: int, clock: Clock, uniform: Uniform, on_retry: OnRetry
) -> T:
    """Return the result of a call; one that fails and may be repeated is, after a while, up to ``attempts`` in all.

    Raises:
        BrokerwireError: The call failed for good, or too often.
    """
    for attempt in range(1, attempts):
        try:
            return await call()
        except BrokerwireError as exc:
            if exc.action != "retry":
                raise
            delay_s = delay_for(exc, attempt, uniform)
            on_retry(exc, delay_s)
            await clock.sleep(delay_s)
    return await call()


def delay_for(error: BrokerwireError, attempt: int, uniform: Uniform) -> float:
    """Return the seconds to wait after a failure: what the venue says, else longer each time."""
    if error.retry_after_s is not None:
        return error.retry_after_s + uniform(0.0, 1.0)
    return slow_lane(attempt) if isinstance(error, RateLimitError) else full_jitter(attempt, uniform)
