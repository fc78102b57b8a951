"""Events and rows into files: JSON, NDJSON, CSV and Parquet."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

from brokerwire.events import Event
from brokerwire.export.files import Write, write_atomically, write_new
from brokerwire.export.formats import EVENT_WRITERS, ROW_WRITERS, Format, Row, format_of
from brokerwire.export.naming import FOLDER, name_for
from brokerwire.export.schemas import Kind, of_one_kind

PathLike: TypeAlias = str | os.PathLike[str]


def write_json(
    events: Iterable[Event], path: PathLike | None = None, *, kind: Kind | None = None, folder: PathLike = FOLDER
) -> Path:
    """Write events of one kind as a JSON array; its objects are those of ``event.to_dict()``.

    Without ``path`` the file is named after what is in it, in ``folder``, and never replaces another; with it, what is
    there is replaced as a whole. ``kind`` is needed where there may be no events.

    Returns:
        Where the file is.

    Raises:
        ConfigurationError: The events are of several kinds, or the file may not be written.
        OSError: The disk refused; nothing is left behind.
    """
    return _write(events, path, "json", kind=kind, folder=folder)


def write_ndjson(
    events: Iterable[Event], path: PathLike | None = None, *, kind: Kind | None = None, folder: PathLike = FOLDER
) -> Path:
    """Write events of one kind as JSON, one object a line; else like ``write_json``.

    Raises:
        ConfigurationError: The events are of several kinds, or the file may not be written.
        OSError: The disk refused; nothing is left behind.
    """
    return _write(events, path, "ndjson", kind=kind, folder=folder)


def write_csv(
    events: Iterable[Event], path: PathLike | None = None, *, kind: Kind | None = None, folder: PathLike = FOLDER
) -> Path:
    """Write events of one kind as CSV with the kind's columns; else like ``write_json``.

    Times are ISO 8601 in UTC, to the nanosecond where there is a fraction. None is an empty cell, conditions of trades
    are a JSON array.

    Raises:
        ConfigurationError: The events are of several kinds, or the file may not be written.
        OSError: The disk refused; nothing is left behind.
    """
    return _write(events, path, "csv", kind=kind, folder=folder)


def write_parquet(
    events: Iterable[Event], path: PathLike | None = None, *, kind: Kind | None = None, folder: PathLike = FOLDER
) -> Path:
    """Write events of one kind as Parquet with the kind's columns and types; else like ``write_json``.

    Raises:
        ConfigurationError: The events are of several kinds, the file may not be written, or pyarrow is not installed.
        OSError: The disk refused; nothing is left behind.
    """
    return _write(events, path, "parquet", kind=kind, folder=folder)


def write_events(events: Iterable[Event], path: PathLike, *, kind: Kind | None = None) -> Path:
    """Write events of one kind in the format that the extension of ``path`` names; what is there is replaced.

    Raises:
        ConfigurationError: The extension or the events are wrong, or the file may not be written.
        OSError: The disk refused; nothing is left behind.
    """
    return _write(events, path, format_of(Path(path)), kind=kind, folder=FOLDER)


def write_new_events(events: Iterable[Event], path: PathLike, *, kind: Kind | None = None) -> Path:
    """Write events like ``write_events``, never over another file: the next free name is taken.

    Raises:
        ConfigurationError: The extension or the events are wrong, or the file may not be written.
        OSError: The disk refused; nothing is left behind.
    """
    return write_new(path, _writing(events, format_of(Path(path)), kind))


def _write(
    events: Iterable[Event], path: PathLike | None, name: Format, *, kind: Kind | None, folder: PathLike
) -> Path:
    if path is not None:
        return write_atomically(path, _writing(events, name, kind))
    found, checked = of_one_kind(events, kind)
    listed = list(checked)
    return write_new(Path(folder) / name_for(found, listed, extension=name), _writing(listed, name, found))


def _writing(events: Iterable[Event], name: Format, kind: Kind | None) -> Write:
    found, checked = of_one_kind(events, kind)
    return lambda file: EVENT_WRITERS[name](file, found, checked)


# Any rows


def write_rows(rows: Iterable[Row], path: PathLike, *, columns: Sequence[str] | None = None) -> Path:
    """Write any rows in the format that the extension of ``path`` names; what is there is replaced as a whole.

    ``columns`` are the names to write, in order; None is every name, in the order in which they first appear. What a
    row does not have is None.

    Raises:
        ConfigurationError: The extension or the rows are wrong, or the file may not be written.
        OSError: The disk refused; nothing is left behind.
    """
    return write_atomically(path, _writing_rows(rows, path, columns))


def write_new_rows(rows: Iterable[Row], path: PathLike, *, columns: Sequence[str] | None = None) -> Path:
    """Write any rows like ``write_rows``, never over another file: the next free name is taken.

    Raises:
        ConfigurationError: The extension or the rows are wrong, or the file may not be written.
        OSError: The disk refused; nothing is left behind.
    """
    return write_new(path, _writing_rows(rows, path, columns))


def _writing_rows(rows: Iterable[Row], path: PathLike, columns: Sequence[str] | None) -> Write:
    listed = list(rows)
    names = list(dict.fromkeys(name for row in listed for name in row)) if columns is None else list(columns)
    write = ROW_WRITERS[format_of(Path(path))]
    return lambda file: write(file, listed, names)
