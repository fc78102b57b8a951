"""What was asked for next to what came: which bars are missing at both ends; pure functions."""

from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct

from brokerwire.export.csv_text import iso_time
from brokerwire.history.intervals import missing_between
from brokerwire.history.pauses import SessionBreaks

FORGIVEN = 1
"""So many bars may be missing at an end: a range may begin between bars or on a holiday, the newest bar may be late."""


class Asked(Struct, frozen=True):
    """What was asked for: the bars that open in [start_ns, end_ns), or the newest ``limit``.

    Those of the last ``late_ns`` of the range need not be there yet.
    """

    start_ns: int | None = None
    end_ns: int | None = None
    limit: int | None = None
    late_ns: int = 0


class Had(NamedTuple):
    """What came: how many bars, the first and the last."""

    bars: int
    first_ns: int | None
    last_ns: int | None


class Shortfall(NamedTuple):
    """What is missing at an end, from which time on; in words, and in bars that would fit."""

    at_ns: int
    text: str
    missing: int


def shortfalls(asked: Asked, had: Had, step: int, breaks: SessionBreaks) -> Iterator[Shortfall]:
    """Return where what came is short of what was asked for.

    A market that is closed where the range begins or ends explains it, if it is known from the pauses between the bars.
    """
    if asked.limit is not None:
        missing = asked.limit - had.bars
        if missing > FORGIVEN or not had.bars:
            yield Shortfall(had.first_ns or 0, f"asked for the newest {asked.limit}, there are {had.bars}", missing)
    elif had.first_ns is None or had.last_ns is None:
        yield from _nothing(asked, step)
    else:
        yield from _before(asked, had.first_ns, step, breaks)
        yield from _after(asked, had.last_ns, step, breaks)


def _nothing(asked: Asked, step: int) -> Iterator[Shortfall]:
    start_ns, end_ns = asked.start_ns or 0, asked.end_ns or 0
    missing = max(1, (end_ns - start_ns) // max(1, step))
    yield Shortfall(start_ns, f"asked for {iso_time(start_ns)} to {iso_time(end_ns)}, there are none", missing)


def _before(asked: Asked, first_ns: int, step: int, breaks: SessionBreaks) -> Iterator[Shortfall]:
    start_ns = first_ns if asked.start_ns is None else asked.start_ns
    missing = missing_between(start_ns - step, first_ns, step)
    if missing > FORGIVEN and not breaks.reach_back(first_ns, start_ns + FORGIVEN * step):
        text = f"asked from {iso_time(start_ns)}, the first bar is of {iso_time(first_ns)}"
        yield Shortfall(start_ns, f"{text}: {missing} bars missing", missing)


def _after(asked: Asked, last_ns: int, step: int, breaks: SessionBreaks) -> Iterator[Shortfall]:
    end_ns = last_ns if asked.end_ns is None else asked.end_ns
    due_ns = end_ns - asked.late_ns
    missing = missing_between(last_ns, end_ns, step)
    if missing_between(last_ns, due_ns, step) > FORGIVEN and not breaks.reach_on(last_ns, due_ns - FORGIVEN * step):
        text = f"asked up to {iso_time(end_ns)}, the last bar is of {iso_time(last_ns)}"
        yield Shortfall(last_ns, f"{text}: {missing} bars missing", missing)
