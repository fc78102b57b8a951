"""The common time scale of a chart session: every point of every series has its index on it."""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

_STEPS = ((43_200, 33), (21_600, 32), (10_800, 31), (3_600, 30), (1_800, 22), (300, 21), (60, 20))
_FIRST = 10
_DAY = 40
_WEEK = 50
_MONTH = 60
_YEAR = 70


class TimeScale:
    """Times in UTC seconds, ascending. Indexes shift when older times come in front."""

    def __init__(self) -> None:
        self._times: list[int] = []

    def __len__(self) -> int:
        return len(self._times)

    def add(self, times: Iterable[int]) -> int | None:
        """Add times and return the first index that is not what it was, or None when none was new."""
        given = sorted(set(times))
        if given and (not self._times or given[0] > self._times[-1]):
            first = len(self._times)
            self._times += given
            return first
        known = set(self._times)
        new = [time_s for time_s in given if time_s not in known]
        if not new:
            return None
        self._times = sorted(known.union(new))
        return bisect_left(self._times, new[0])

    def index_of(self, time_s: int) -> int:
        """Return the index of a time that has been added."""
        return bisect_left(self._times, time_s)

    def clear(self) -> None:
        """Forget every time."""
        self._times.clear()

    def changes_from(self, index: int) -> dict[str, Any]:
        """Return the change set that makes a client's scale equal to this one from an index on, but for the marks."""
        changes = [float(time_s) for time_s in self._times[index:]]
        return {"index": index, "zoffset": 0, "changes": changes, "marks": [], "index_diff": []}

    def marks_from(self, index: int, end: int | None = None) -> list[list[int]]:
        """Return weight, time and index of each point from an index on, and before ``end``."""
        times = self._times
        return [
            [_weight(times[each - 1] if each else None, times[each]), times[each], each]
            for each in range(index, len(times) if end is None else end)
        ]

    def future_marks(self, count: int, step_s: int) -> list[list[int]]:
        """Return marks for times that are still to come."""
        if not self._times:
            return []
        last, length = self._times[-1], len(self._times)
        coming = [last + step_s * number for number in range(1, count + 1)]
        return [[_weight(time_s - step_s, time_s), time_s, length + number] for number, time_s in enumerate(coming)]


def _weight(before: int | None, time_s: int) -> int:
    """Return how much a mark weighs: what is the largest unit that begins between the two times."""
    if before is None:
        return _FIRST
    if before // 86_400 != time_s // 86_400:
        return _day_weight(before, time_s)
    for step, weight in _STEPS:
        if before // step != time_s // step:
            return weight
    return _FIRST


def _day_weight(before: int, time_s: int) -> int:
    old, new = datetime.fromtimestamp(before, tz=UTC), datetime.fromtimestamp(time_s, tz=UTC)
    if old.year != new.year:
        return _YEAR
    if old.month != new.month:
        return _MONTH
    return _WEEK if old.isocalendar()[1] != new.isocalendar()[1] else _DAY
