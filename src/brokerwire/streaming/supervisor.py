"""Decides, without doing anything, what follows when a connection has ended."""

from collections import deque
from collections.abc import Callable

from msgspec import Struct

from brokerwire.errors import BrokerwireError, RateLimitError
from brokerwire.streaming.backoff import STABLE_S, full_jitter, slow_lane
from brokerwire.transport.http import NOT_RESOLVED

REDIALS = 20
REDIAL_WINDOW_S = 300.0
"""At most so many redials of one stream in any such window."""

HAND_OVER_JITTER_S = 1.0
"""When a venue sends everybody away, its clients spread their return over this long."""


NAME_LONGEST_S = 4.0
"""Longest wait where a name could not be resolved; nothing reached the venue, so that its budget is untouched."""


class Decision(Struct, frozen=True):
    """Dial again after ``delay_s`` (with a new token if ``needs_token``), or stop for good with the error."""

    delay_s: float = 0.0
    needs_token: bool = False
    stops: bool = False


class Supervisor:
    """The memory that the decisions of one stream need: attempts, stability, redials."""

    def __init__(self, uniform: Callable[[float, float], float]) -> None:
        self._uniform = uniform
        self._attempt = 0
        self._refreshed = False
        self._connected_at: float | None = None
        self._redials: deque[float] = deque(maxlen=REDIALS)

    def connected(self, now: float) -> None:
        """Take note that a connection stands; only one that lasts counts as good."""
        self._connected_at = now

    def decide(self, error: BrokerwireError, now: float) -> Decision:
        """Say what to do about ``error``, which ended a connection or a dial at ``now``."""
        if self._connected_at is not None and now - self._connected_at >= STABLE_S:
            self._attempt = 0
            self._refreshed = False
        self._connected_at = None
        if error.action == "stop" or (error.action == "refresh" and self._refreshed):
            return Decision(stops=True)
        self._attempt += 1
        self._refreshed = self._refreshed or error.action == "refresh"
        if error.code == NOT_RESOLVED:
            return Decision(min(full_jitter(self._attempt, self._uniform), self._uniform(1.0, NAME_LONGEST_S)))
        delay_s = max(self._delay_for(error), self._budget_delay(now))
        self._redials.append(now + delay_s)
        return Decision(delay_s, needs_token=error.action == "refresh")

    def hand_over(self, now: float) -> Decision:
        """Say when to dial again after the venue announced the end of a connection."""
        delay_s = max(self._uniform(0.0, HAND_OVER_JITTER_S), self._budget_delay(now))
        self._redials.append(now + delay_s)
        return Decision(delay_s)

    def _delay_for(self, error: BrokerwireError) -> float:
        if error.action == "refresh":
            return 0.0
        if error.retry_after_s is not None:
            return error.retry_after_s + self._uniform(0.0, 1.0)
        if isinstance(error, RateLimitError):
            return slow_lane(self._attempt)
        return full_jitter(self._attempt, self._uniform)

    def _budget_delay(self, now: float) -> float:
        if len(self._redials) < REDIALS:
            return 0.0
        return max(0.0, self._redials[0] + REDIAL_WINDOW_S - now)
