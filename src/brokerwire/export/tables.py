"""Events as columns of values, and back; pure functions that need no other package."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from brokerwire.events import Event, StudyPoint
from brokerwire.export.schemas import EVENT_TYPES, SCHEMAS, Column, Kind

_MAKERS: Mapping[Kind, Callable[..., Event]] = EVENT_TYPES


def to_columns(events: Sequence[Event], columns: Sequence[Column]) -> dict[str, list[Any]]:
    """Return the values of each column; times are nanoseconds, an absent value is None."""
    fixed = len(SCHEMAS["study"])
    if events and isinstance(events[0], StudyPoint):
        head = {column.name: _values(events, column) for column in columns[:fixed]}
        return head | {column.name: _plotted(events, column.field) for column in columns[fixed:]}
    return {column.name: _values(events, column) for column in columns}


def _values(events: Sequence[Event], column: Column) -> list[Any]:
    field = column.field
    if column.type == "texts":
        return [list(getattr(event, field)) for event in events]
    if column.type == "text":
        return [_text(getattr(event, field)) for event in events]
    return [getattr(event, field) for event in events]


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def _plotted(events: Sequence[Event], plot: str) -> list[float | None]:
    return [event.values.get(plot) if isinstance(event, StudyPoint) else None for event in events]


def to_events(kind: Kind, columns: Sequence[Column], values: Mapping[str, Sequence[Any]]) -> list[Event]:
    """Return the events that are in a table; a plot that is null at a point is None there."""
    lists = [values[column.name] for column in columns]
    fields = [column.field for column in columns]
    rows = zip(*lists, strict=True)
    if kind == "study":
        return [_study_point(fields, row) for row in rows]
    make = _MAKERS[kind]
    if kind == "trade":
        return [make(*row[:-1], tuple(row[-1] or ())) for row in rows]
    return [make(*row) for row in rows]


def _study_point(fields: Sequence[str], row: tuple[Any, ...]) -> Event:
    fixed = len(SCHEMAS["study"])
    return _MAKERS["study"](*row[:fixed], dict(zip(fields[fixed:], row[fixed:], strict=True)))
