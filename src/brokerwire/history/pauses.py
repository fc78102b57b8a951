"""Pauses between bars, and which of them are the market's own; pure functions."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from brokerwire.history.intervals import DAY_NS

RECURRENCES = 3
"""A pause that is seen this often, at the same times of the day, is the market's own."""

_WEEK_DAYS = 7
_WEEKEND = frozenset({5, 6})


class Pause(NamedTuple):
    """Two bars that follow one another, and how many would fit between them."""

    open_ns: int
    next_ns: int
    missing: int = 0

    @property
    def edges(self) -> tuple[int, int]:
        """The times of the day on both sides."""
        return self.open_ns % DAY_NS, self.next_ns % DAY_NS

    @property
    def days(self) -> range:
        """The whole days that it skips."""
        return range(self.open_ns // DAY_NS + 1, self.next_ns // DAY_NS)

    @property
    def pattern(self) -> tuple[int, ...]:
        """What is the same about pauses that recur; longer ones recur by the day of the week."""
        weekday = weekday_of(self.open_ns // DAY_NS) if self.days else -1
        return (*self.edges, self.next_ns // DAY_NS - self.open_ns // DAY_NS, weekday)


class SessionBreaks:
    """Knows the market's own pauses by those that were seen.

    Args:
        pauses: Those between the bars.
        is_daily: Whether the bars are of days or longer, and none is of a weekend.
    """

    def __init__(self, pauses: Sequence[Pause], *, is_daily: bool) -> None:
        self._patterns = Counter(pause.pattern for pause in pauses)
        recurring = [pause for pause in pauses if self._recurs(pause)]
        self._closes = {pause.edges[0] for pause in recurring}
        self._opens = {pause.edges[1] for pause in recurring}
        self._is_daily = is_daily

    def has(self, pause: Pause) -> bool:
        """Whether a pause is the market's own: it recurs, or is a weekend where nights are."""
        if self._recurs(pause):
            return True
        is_weekend = bool(pause.days) and all(is_weekend_day(day) for day in pause.days)
        return is_weekend and (self._is_daily or (pause.edges[0] in self._closes and pause.edges[1] in self._opens))

    def reach_back(self, first_ns: int, before_ns: int) -> bool:
        """Whether a pause of the market may have begun before ``before_ns`` and ended with the bar at ``first_ns``."""
        closes = self._closes | ({first_ns % DAY_NS} if self._is_daily else set())
        latest = (before_ns - 1 - (before_ns - 1 - time_of_day) % DAY_NS for time_of_day in closes)
        return any(self.has(Pause(close_ns, first_ns)) for close_ns in _week_of(latest, -DAY_NS))

    def reach_on(self, last_ns: int, until_ns: int) -> bool:
        """Whether a pause of the market may have begun with the bar at ``last_ns`` and last until ``until_ns``."""
        opens = self._opens | ({last_ns % DAY_NS} if self._is_daily else set())
        earliest = (until_ns + (time_of_day - until_ns) % DAY_NS for time_of_day in opens)
        return any(self.has(Pause(last_ns, open_ns)) for open_ns in _week_of(earliest, DAY_NS))

    def _recurs(self, pause: Pause) -> bool:
        return self._patterns[pause.pattern] >= RECURRENCES


def _week_of(moments: Iterable[int], step: int) -> Iterable[int]:
    """Return each moment and the same time of the six days beside it."""
    return (moment + number * step for moment in moments for number in range(_WEEK_DAYS))


def weekday_of(day: int) -> int:
    """Return the day of the week of a day since 1970, a Thursday; Monday is 0."""
    return (day + 3) % 7


def is_weekend_day(day: int) -> bool:
    """Whether a day since 1970 is a Saturday or a Sunday."""
    return weekday_of(day) in _WEEKEND
