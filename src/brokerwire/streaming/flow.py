"""Tells a topic that has gone silent from one that is quiet by nature, without knowing the market."""

from enum import Enum, auto

from brokerwire.events import Event

LOOK_INTERVAL_S = 5.0
"""How often each topic is looked at."""

STEADY_LOOKS = 6
"""A topic that had something new at so many looks in a row is expected to go on so."""

STALE_AFTER_S = 12.5
"""Twice and a half a five-second heartbeat: a steady topic that is silent for longer is stale."""

RESUBSCRIBE_AFTER_S = 20.0
HOPELESS_AFTER_S = 25.0


class Rung(Enum):
    """How far up the ladder a silent topic is."""

    FLOWING = auto()
    STALE = auto()
    RESUBSCRIBE = auto()


class Flow:
    """Watches one topic: steady while every look finds something new, and silent if that ends.

    A topic that was never steady (daily bars, an illiquid symbol, a closed market) is never called silent.
    One that stays silent through the ladder is let go: it must become steady again before it counts again.
    """

    __slots__ = ("_looks", "_resubscribed", "_seen", "_since", "silent_s")

    def __init__(self) -> None:
        self.silent_s = 0.0
        self._seen: Event | None = None
        self._since: float | None = None
        self._looks = 0
        self._resubscribed = False

    @property
    def is_steady(self) -> bool:
        """Whether this topic is expected to flow."""
        return self._looks >= STEADY_LOOKS

    @property
    def is_hopeless(self) -> bool:
        """Whether subscribing again did not help."""
        return self.is_steady and self.silent_s >= HOPELESS_AFTER_S

    def forget(self) -> None:
        """Expect nothing until the topic has been steady again."""
        self._looks = 0
        self.silent_s = 0.0
        self._resubscribed = False

    def restart(self) -> None:
        """Start the silence anew: a new connection needs time to deliver."""
        self._since = None
        self.silent_s = 0.0
        self._resubscribed = False

    def look(self, last: Event | None, now: float, *, forgive: bool) -> Rung:
        """Compare with the last look; ``forgive`` starts the silence anew after the loop was held up."""
        if last is not self._seen:
            self._seen = last
            self._since = now
            self.silent_s = 0.0
            self._resubscribed = False
            self._looks += 1
            return Rung.FLOWING
        if not self.is_steady:
            self._looks = 0
            return Rung.FLOWING
        if forgive or self._since is None:
            self._since = now
        self.silent_s = now - self._since
        return self._rung()

    def _rung(self) -> Rung:
        if self.silent_s < STALE_AFTER_S:
            return Rung.FLOWING
        if self.silent_s >= RESUBSCRIBE_AFTER_S and not self._resubscribed:
            self._resubscribed = True
            return Rung.RESUBSCRIBE
        return Rung.STALE
