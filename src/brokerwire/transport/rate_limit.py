"""Token buckets, sized from a venue's spec, that requests wait for in turn."""

import asyncio
from collections import deque
from collections.abc import Mapping

from brokerwire.clock import Clock
from brokerwire.venue import RateBudget

SHARE = 0.8
"""We spend this share of what a venue allows, so that its clock and ours may disagree."""

_INSTANT_S = 1e-9
"""Less than this is no time at all: a loop's clock cannot tell it from now."""


class TokenBucket:
    """Holds a share of ``budget.amount`` tokens; each comes back ``budget.window_s`` after it was taken.

    So no window of that length, wherever it begins, ever sees more than the venue allows.
    """

    def __init__(self, budget: RateBudget, clock: Clock, share: float = SHARE) -> None:
        self._capacity = max(1.0, budget.amount * share)
        self._window_s = budget.window_s
        self._clock = clock
        self._tokens = self._capacity
        self._taken: deque[tuple[float, float]] = deque()
        self._blocked_until = 0.0
        self._turn = asyncio.Lock()

    def hold(self, seconds: float) -> None:
        """Let nothing through for ``seconds``, as the venue asked."""
        self._blocked_until = max(self._blocked_until, self._clock.monotonic() + seconds)

    async def acquire(self, weight: float = 1.0) -> None:
        """Wait until ``weight`` tokens are there and take them; first come, first served."""
        weight = min(weight, self._capacity)
        async with self._turn:
            while (delay_s := self._delay_for(weight)) > _INSTANT_S:
                await self._clock.sleep(delay_s)
            self._tokens -= weight
            self._taken.append((self._clock.monotonic() + self._window_s, weight))

    def _delay_for(self, weight: float) -> float:
        now = self._clock.monotonic()
        self._take_back(now)
        return max(self._blocked_until - now, self._enough_at(weight, now) - now)

    def _take_back(self, now: float) -> None:
        taken = self._taken
        while taken and taken[0][0] <= now + _INSTANT_S:
            self._tokens += taken.popleft()[1]
        if not taken:
            self._tokens = self._capacity  # sums of fractions drift

    def _enough_at(self, weight: float, now: float) -> float:
        """Return when ``weight`` tokens will be there."""
        tokens, moment = self._tokens, now
        for due, returned in self._taken:
            if tokens >= weight - _INSTANT_S:
                break
            tokens += returned
            moment = due
        return moment


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
