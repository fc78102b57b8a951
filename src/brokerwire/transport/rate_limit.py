"""Token buckets, sized from a venue's spec, that requests wait for in turn."""

import asyncio
from collections.abc import Mapping

from brokerwire.clock import Clock
from brokerwire.venue import RateBudget

SHARE = 0.8
"""We spend this share of what a venue allows, so that its clock and ours may disagree."""


class TokenBucket:
    """Holds ``budget.amount`` tokens that come back evenly over ``budget.window_s``."""

    def __init__(self, budget: RateBudget, clock: Clock, share: float = SHARE) -> None:
        self._capacity = max(1.0, budget.amount * share)
        self._rate_per_s = self._capacity / budget.window_s
        self._clock = clock
        self._tokens = self._capacity
        self._updated = clock.monotonic()
        self._blocked_until = 0.0
        self._turn = asyncio.Lock()

    def hold(self, seconds: float) -> None:
        """Let nothing through for ``seconds``, as the venue asked."""
        self._blocked_until = max(self._blocked_until, self._clock.monotonic() + seconds)

    async def acquire(self, weight: float = 1.0) -> None:
        """Wait until ``weight`` tokens are there and take them; first come, first served."""
        weight = min(weight, self._capacity)
        async with self._turn:
            while (delay_s := self._delay_for(weight)) > 0:
                await self._clock.sleep(delay_s)
            self._tokens -= weight

    def _delay_for(self, weight: float) -> float:
        now = self._clock.monotonic()
        self._tokens = min(self._capacity, self._tokens + (now - self._updated) * self._rate_per_s)
        self._updated = now
        missing = (weight - self._tokens) / self._rate_per_s
        return max(self._blocked_until - now, missing if missing > 1e-9 else 0.0)


class RateLimiter:
    """The buckets of one venue by name; a request without a bucket is not limited."""

    def __init__(self, budgets: Mapping[str, RateBudget], clock: Clock) -> None:
        self._budgets = budgets
        self._clock = clock
        self._buckets: dict[str, TokenBucket] = {}

    def bucket(self, name: str) -> TokenBucket | None:
        """Return the bucket ``name``, made on first use, or None if the venue has no such budget."""
        if name not in self._budgets:
            return None
        if name not in self._buckets:
            self._buckets[name] = TokenBucket(self._budgets[name], self._clock)
        return self._buckets[name]

    async def acquire(self, name: str, weight: float) -> None:
        """Wait for ``weight`` tokens of the bucket ``name``."""
        bucket = self.bucket(name)
        if bucket is not None:
            await bucket.acquire(weight)

    def hold(self, name: str, seconds: float) -> None:
        """Stop the bucket ``name`` for ``seconds``."""
        bucket = self.bucket(name)
        if bucket is not None:
            bucket.hold(seconds)
