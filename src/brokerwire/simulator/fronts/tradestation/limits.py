"""Request quotas by resource, caps on open streams, and the headers that report them."""

import math
from collections import deque
from collections.abc import Callable
from types import MappingProxyType

import msgspec
from aiohttp import web

from brokerwire.clock import Clock
from brokerwire.simulator.fronts.tradestation.settings import FrontSettings


class Quota(msgspec.Struct, frozen=True):
    """So many requests in so many seconds."""

    limit: int
    period_s: int


_FIVE_MINUTES = 300

QUOTAS = MappingProxyType(
    {
        "accounts": Quota(320, _FIVE_MINUTES),
        "order-details": Quota(320, _FIVE_MINUTES),
        "balances": Quota(320, _FIVE_MINUTES),
        "positions": Quota(320, _FIVE_MINUTES),
        "quote-snapshot": Quota(500, _FIVE_MINUTES),
        "barcharts": Quota(500, _FIVE_MINUTES),
        "stream-barcharts": Quota(500, _FIVE_MINUTES),
        "quote-change-stream": Quota(500, _FIVE_MINUTES),
        "stream-tickbars": Quota(500, _FIVE_MINUTES),
        "streaming-orders": Quota(320, _FIVE_MINUTES),
        "streaming-order-by-id": Quota(320, _FIVE_MINUTES),
        "streaming-positions": Quota(320, _FIVE_MINUTES),
        "option-expirations": Quota(90, 60),
        "option-strikes": Quota(90, 60),
        "option-spreadtypes": Quota(90, 60),
        "option-riskreward": Quota(90, 60),
        "streaming-option-chain": Quota(90, 60),
        "streaming-option-quotes": Quota(90, 60),
        "streaming-marketdepth": Quota(30, 60),
    }
)
"""Requests by resource.

Source: https://api.tradestation.com/docs/fundamentals/rate-limiting, read 2026-11-20.
"""

CONCURRENCY = MappingProxyType(
    {
        "streaming-orders": 40,
        "streaming-order-by-id": 40,
        "streaming-positions": 40,
        "streaming-option-chain": 10,
        "streaming-option-quotes": 10,
        "streaming-marketdepth": 10,
    }
)
"""Open streams by resource; quote, bar and tick bar streams have no documented cap.

Source: https://api.tradestation.com/docs/fundamentals/rate-limiting, read 2026-11-20.
"""


class QuotaReading(msgspec.Struct, frozen=True):
    """Where a resource stands after a request."""

    resource: str
    quota: Quota
    remaining: int
    reset_s: int
    is_granted: bool

    def headers(self) -> dict[str, str]:
        """Return the rate limit headers."""
        return {
            "X-RateLimit-Limit": str(self.quota.limit),
            "X-RateLimit-Period": str(self.quota.period_s),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_s),
            "X-RateLimit-Resource": self.resource,
        }


class _Bucket:
    """Counts one resource of one API key, by rolling replenishment or in fixed windows."""

    def __init__(self, quota: Quota, *, rolls: bool) -> None:
        self._quota = quota
        self._rolls = rolls
        self._level = float(quota.limit)
        self._since_s = 0.0

    def take(self, now_s: float) -> tuple[bool, int, int]:
        """Return whether a request is granted, how many are left, and in how many seconds all are back."""
        limit, period_s = self._quota.limit, self._quota.period_s
        if self._rolls:
            self._level = min(float(limit), self._level + (now_s - self._since_s) * limit / period_s)
            self._since_s = now_s
        elif now_s - self._since_s >= period_s:
            self._level, self._since_s = float(limit), now_s
        is_granted = self._level >= 1
        self._level -= is_granted
        wait_s = (limit - self._level) * period_s / limit if self._rolls else self._since_s + period_s - now_s
        return is_granted, int(self._level), max(1, math.ceil(wait_s))


class Limits:
    """Quotas and open streams of every API key."""

    def __init__(self, *, clock: Clock, settings: FrontSettings) -> None:
        self._clock = clock
        self._settings = settings
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._open: dict[tuple[str, str], int] = {}
        self._stale: dict[tuple[str, str], deque[float]] = {}
        self._caps = {**CONCURRENCY, **settings.concurrency}

    def _quota(self, resource: str) -> Quota:
        quota = QUOTAS[resource]
        return Quota(max(1, int(quota.limit * self._settings.limit_scale)), quota.period_s)

    def take(self, client_id: str, resource: str) -> QuotaReading | None:
        """Count a request; None where the venue lists no quota."""
        if resource not in QUOTAS:
            return None
        quota = self._quota(resource)
        bucket = self._buckets.get((client_id, resource))
        if bucket is None:
            bucket = self._buckets[client_id, resource] = _Bucket(quota, rolls=self._settings.limit_window == "rolling")
        is_granted, remaining, reset_s = bucket.take(self._clock.monotonic())
        return QuotaReading(resource, quota, remaining, reset_s, is_granted)

    def exhausted(self, resource: str, reset_s: float) -> QuotaReading:
        """Return the reading of a quota that is used up, for the fault that pretends it."""
        quota = self._quota(resource) if resource in QUOTAS else Quota(320, _FIVE_MINUTES)
        return QuotaReading(resource, quota, 0, max(1, math.ceil(reset_s)), is_granted=False)

    def open_stream(self, client_id: str, resource: str) -> Callable[[float], None] | None:
        """Take a slot; returns the function that gives it back after so many seconds, or None when all are taken."""
        key = (client_id, resource)
        if resource in self._caps and self._taken(key) >= self._caps[resource]:
            return None
        self._open[key] = self._open.get(key, 0) + 1

        def release(stale_s: float) -> None:
            self._open[key] -= 1
            if stale_s > 0:
                self._stale.setdefault(key, deque()).append(self._clock.monotonic() + stale_s)

        return release

    def _taken(self, key: tuple[str, str]) -> int:
        stale = self._stale.get(key, deque())
        while stale and stale[0] <= self._clock.monotonic():
            stale.popleft()
        return self._open.get(key, 0) + len(stale)

    def stream_headers(self, client_id: str, resource: str) -> dict[str, str]:
        """Return the headers about open streams, where there is a cap."""
        cap = self._caps.get(resource)
        if cap is None:
            return {}
        return {
            "X-Concurrency-Limit": str(cap),
            "X-Concurrency-Remaining": str(max(0, cap - self._taken((client_id, resource)))),
            "X-Concurrency-Resource": resource,
        }


def refusal(reading: QuotaReading) -> web.Response:
    """Return the answer to a request over its quota."""
    body = b'{"Error":"TooManyRequests","Message":"Rate quota exceeded"}'
    return web.Response(status=429, body=body, content_type="application/json", headers=reading.headers())
