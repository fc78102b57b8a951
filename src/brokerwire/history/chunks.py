"""A range of time in parts that are downloaded one by one; pure functions."""

from typing import NamedTuple


class Chunk(NamedTuple):
    """A part of a range: from ``start_ns`` up to and without ``end_ns``."""

    start_ns: int
    end_ns: int


def plan_chunks(start_ns: int, end_ns: int, span_ns: int) -> list[Chunk]:
    """Return the parts of a range from the oldest, each ``span_ns`` long but for the last.

    The same start and span give the same parts, whatever the end.
    """
    return [Chunk(at, min(at + span_ns, end_ns)) for at in range(start_ns, end_ns, span_ns)]
