"""Points of a chart as JSON, made a little at a time, so that a long page does not hold the loop up."""

import asyncio
from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec

from brokerwire.simulator.fronts.tradingview.timescale import TimeScale

_CHUNK = 1_000

Row: TypeAlias = tuple[int, list[Any]]
"""A time in UTC seconds, and the values of the point with that time in front."""


class Pieces:
    """A JSON array in pieces."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def add(self, items: Sequence[Any]) -> None:
        """Add items."""
        if items:
            self._pieces.append(msgspec.json.encode(items)[1:-1])

    def whole(self) -> msgspec.Raw:
        """Return the array."""
        return msgspec.Raw(b"[" + b",".join(self._pieces) + b"]")


def points(scale: TimeScale, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return points with their indexes on the scale."""
    return [{"i": scale.index_of(time_s), "v": values} for time_s, values in rows]


async def add_points(pieces: Pieces, scale: TimeScale, rows: Sequence[Row]) -> None:
    """Add the points of rows, giving way to the loop now and then."""
    for start in range(0, len(rows), _CHUNK):
        pieces.add(points(scale, rows[start : start + _CHUNK]))
        await asyncio.sleep(0)


async def changes_from(scale: TimeScale, index: int) -> dict[str, Any]:
    """Return the change set that makes a client's scale equal to this one from an index on."""
    pieces, end = Pieces(), len(scale)
    for start in range(index, end, _CHUNK):
        pieces.add(scale.marks_from(start, min(start + _CHUNK, end)))
        await asyncio.sleep(0)
    pieces.add(scale.marks_from(end))
    return scale.changes_from(index) | {"marks": pieces.whole()}
