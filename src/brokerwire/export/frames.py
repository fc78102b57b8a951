"""Events as a Polars frame or an Arrow table, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from brokerwire.events import Event
from brokerwire.export.extra import load
from brokerwire.export.schemas import Column, Kind, columns_named, columns_of, of_one_kind, plots_of
from brokerwire.export.tables import to_columns, to_events

if TYPE_CHECKING:
    import polars
    import pyarrow


def to_polars(events: Iterable[Event], *, kind: Kind | None = None) -> polars.DataFrame:
    """Return events of one kind as a frame with the kind's columns and types.

    ``kind`` is needed where there may be no events. Times are ``Datetime("ns", "UTC")``; None is null.

    Raises:
        ConfigurationError: The events are of several kinds, or polars is not installed.
    """
    _, columns, values = _table(events, kind)
    frame: polars.DataFrame = load("polars").DataFrame(values, schema=polars_schema(columns))
    return frame


def to_arrow(events: Iterable[Event], *, kind: Kind | None = None) -> pyarrow.Table:
    """Return events of one kind as an Arrow table, as it is written to Parquet.

    Raises:
        ConfigurationError: The events are of several kinds, or pyarrow is not installed.
    """
    found, columns, values = _table(events, kind)
    return load("pyarrow").table(values, schema=arrow_schema(found, columns))


def _table(events: Iterable[Event], kind: Kind | None) -> tuple[Kind, tuple[Column, ...], dict[str, list[Any]]]:
    found, checked = of_one_kind(events, kind)
    listed = list(checked)
    columns = columns_of(found, plots_of(listed) if found == "study" else ())
    return found, columns, to_columns(listed, columns)


def from_polars(frame: polars.DataFrame) -> list[Event]:
    """Return the events of a frame that has the columns of a kind, in their order.

    Raises:
        ConfigurationError: They are the columns of no kind.
    """
    kind, columns = columns_named(frame.columns)
    series = {column.name: frame[column.name] for column in columns}
    values = {
        column.name: (series[column.name].to_physical() if column.type == "time" else series[column.name]).to_list()
        for column in columns
    }
    return to_events(kind, columns, values)


def from_arrow(table: pyarrow.Table) -> list[Event]:
    """Return the events of an Arrow table that has the columns of a kind, in their order.

    Raises:
        ConfigurationError: They are the columns of no kind.
    """
    kind, columns = columns_named(table.column_names)
    integer = load("pyarrow").int64()
    values = {}
    for column in columns:
        found = table.column(column.name)
        values[column.name] = (found.cast(integer) if column.type == "time" else found).to_pylist()
    return to_events(kind, columns, values)


def polars_schema(columns: Sequence[Column]) -> Mapping[str, Any]:
    """Return the polars type of each column by name."""
    polars = load("polars")
    types = {
        "text": polars.String,
        "texts": polars.List(polars.String),
        "number": polars.Float64,
        "integer": polars.Int64,
        "flag": polars.Boolean,
        "time": polars.Datetime("ns", "UTC"),
    }
    return {column.name: types[column.type] for column in columns}


def arrow_schema(kind: Kind, columns: Sequence[Column]) -> pyarrow.Schema:
    """Return the Arrow schema of some columns; its metadata names the kind."""
    arrow = load("pyarrow")
    types = {
        "text": arrow.string(),
        "texts": arrow.list_(arrow.string()),
        "number": arrow.float64(),
        "integer": arrow.int64(),
        "flag": arrow.bool_(),
        "time": arrow.timestamp("ns", "UTC"),
    }
    fields = [arrow.field(column.name, types[column.type]) for column in columns]
    return arrow.schema(fields, metadata={"brokerwire.kind": kind})
