"""How events and rows are written in each format, to an open file."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import PurePath
from typing import Any, BinaryIO, Literal, TextIO, TypeAlias, TypeVar, get_args

import msgspec

from brokerwire.errors import ConfigurationError
from brokerwire.events import Event
from brokerwire.export.csv_text import TO_TEXT, cell_of
from brokerwire.export.extra import load
from brokerwire.export.frames import arrow_schema
from brokerwire.export.schemas import Column, Kind, columns_of, plots_of
from brokerwire.export.tables import to_columns

T = TypeVar("T")
Format: TypeAlias = Literal["json", "ndjson", "csv", "parquet"]
Row: TypeAlias = Mapping[str, Any]
WriteEvents: TypeAlias = Callable[[BinaryIO, Kind, Iterable[Event]], None]
WriteRows: TypeAlias = Callable[[BinaryIO, Sequence[Row], Sequence[str]], None]

FORMATS: tuple[Format, ...] = get_args(Format)

BATCH_ROWS = 50_000
"""Events that are in memory as a table at once, and a row group of a Parquet file."""

_encode = msgspec.json.Encoder().encode


def format_of(path: str | PurePath) -> Format:
    """Return the format that a file's name asks for.

    Raises:
        ConfigurationError: Its extension is none of ours.
    """
    extension = PurePath(path).suffix.lower().removeprefix(".")
    extension = {"jsonl": "ndjson", "pq": "parquet"}.get(extension, extension)
    for each in FORMATS:
        if each == extension:
            return each
    raise ConfigurationError(f"{str(path)!r}: a file's extension is one of {', '.join(FORMATS)}")


def check_format(name: str) -> Format:
    """Return the format of a name.

    Raises:
        ConfigurationError: It is none of ours.
    """
    return format_of(f"name.{name}")


def batches(items: Iterable[T], size: int = BATCH_ROWS) -> Iterator[list[T]]:
    """Return the items as lists of up to ``size``."""
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch


# Events


def json_events(file: BinaryIO, _kind: Kind, events: Iterable[Event]) -> None:
    """Write an array of objects, one a line: the fields of ``event.to_dict()``."""
    _write_array(file, events)


def ndjson_events(file: BinaryIO, _kind: Kind, events: Iterable[Event]) -> None:
    """Write one object a line: the fields of ``event.to_dict()``."""
    for event in events:
        file.write(_encode(event) + b"\n")


def csv_events(file: BinaryIO, kind: Kind, events: Iterable[Event]) -> None:
    """Write the kind's columns, with a header."""
    columns, found = _with_columns(kind, events)
    with _csv_file(file) as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([column.name for column in columns])
        for batch in batches(found):
            values = to_columns(batch, columns)
            writer.writerows(zip(*(_cells(values[column.name], column) for column in columns), strict=True))


def _cells(values: Sequence[Any], column: Column) -> list[str]:
    to_text = TO_TEXT[column.type]
    return ["" if value is None else to_text(value) for value in values]


def parquet_events(file: BinaryIO, kind: Kind, events: Iterable[Event]) -> None:
    """Write the kind's columns in row groups, compressed with zstandard."""
    columns, found = _with_columns(kind, events)
    arrow = load("pyarrow")
    schema = arrow_schema(kind, columns)
    with load("pyarrow.parquet").ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in batches(found):
            writer.write_table(arrow.table(to_columns(batch, columns), schema=schema))


def _with_columns(kind: Kind, events: Iterable[Event]) -> tuple[tuple[Column, ...], Iterable[Event]]:
    """Return the columns; the plots of a study are known when all of its points are."""
    if kind != "study":
        return columns_of(kind), events
    points = list(events)
    return columns_of(kind, plots_of(points)), points


EVENT_WRITERS: Mapping[Format, WriteEvents] = {
    "json": json_events,
    "ndjson": ndjson_events,
    "csv": csv_events,
    "parquet": parquet_events,
}


# Any rows


def json_rows(file: BinaryIO, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Write an array of objects, one a line."""
    _write_array(file, ({name: row.get(name) for name in columns} for row in rows))


def ndjson_rows(file: BinaryIO, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Write one object a line."""
    for row in rows:
        file.write(_encode({name: row.get(name) for name in columns}) + b"\n")


def csv_rows(file: BinaryIO, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Write a header and a line for each row; lists and mappings are JSON in their cell."""
    with _csv_file(file) as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([cell_of(row.get(name)) for name in columns] for row in rows)


def parquet_rows(file: BinaryIO, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Write columns of the types that their values have.

    Raises:
        ConfigurationError: The values of a column are of types that do not go together.
    """
    arrow = load("pyarrow")
    values = {}
    for name in columns:
        try:
            values[name] = arrow.array([row.get(name) for row in rows])
        except (arrow.ArrowException, OverflowError) as exc:
            raise ConfigurationError(f"the values of {name!r} are not of one type: {exc}") from exc
    load("pyarrow.parquet").write_table(arrow.table(values), file, compression="zstd")


ROW_WRITERS: Mapping[Format, WriteRows] = {
    "json": json_rows,
    "ndjson": ndjson_rows,
    "csv": csv_rows,
    "parquet": parquet_rows,
}


def _write_array(file: BinaryIO, items: Iterable[Any]) -> None:
    before = b"["
    for item in items:
        file.write(before + b"\n" + _encode(item))
        before = b","
    file.write(b"[]\n" if before == b"[" else b"\n]\n")


@contextmanager
def _csv_file(file: BinaryIO) -> Iterator[TextIO]:
    """Give text to write, and leave the file beneath it open."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=False)
    try:
        yield text
    finally:
        text.detach()
