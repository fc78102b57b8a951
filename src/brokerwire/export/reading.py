"""Exported files read back into events."""

import csv
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec

from brokerwire.errors import ConfigurationError
from brokerwire.events import Bar, Event, Quote, StudyPoint, Trade
from brokerwire.export.csv_text import FROM_TEXT
from brokerwire.export.extra import load
from brokerwire.export.formats import Format, format_of
from brokerwire.export.frames import from_arrow
from brokerwire.export.schemas import KINDS, columns_named
from brokerwire.export.tables import to_events

_AnyEvent: TypeAlias = Bar | Quote | Trade | StudyPoint


class _Typed(msgspec.Struct):
    type: str


_decode_type = msgspec.json.Decoder(_Typed).decode
_decode_event = msgspec.json.Decoder(_AnyEvent).decode
_decode_events = msgspec.json.Decoder(list[_AnyEvent]).decode


def read_events(path: str | os.PathLike[str]) -> list[Event]:
    """Return the events of a file that was exported, or that ``brokerwire stream --json`` wrote.

    Of the latter, lines about losses are passed over.

    Raises:
        ConfigurationError: There is no such file, or it is none of ours.
    """
    file = Path(path)
    read = _READERS[format_of(file)]
    try:
        return read(file)
    except (OSError, ValueError, csv.Error, msgspec.MsgspecError) as exc:  # Arrow's errors are ValueErrors
        raise ConfigurationError(f"cannot read {file}: {getattr(exc, 'strerror', None) or exc}") from exc


def _read_json(path: Path) -> list[Event]:
    return list(_decode_events(path.read_bytes()))


def _read_ndjson(path: Path) -> list[Event]:
    with path.open("rb") as file:
        return list(_events_in(file))


def _events_in(lines: Iterator[bytes]) -> Iterator[Event]:
    for number, line in enumerate(lines, start=1):
        try:
            if line.strip() and (_decode_type(line).type in KINDS):
                yield _decode_event(line)
        except msgspec.MsgspecError as exc:
            raise ValueError(f"line {number}: {exc}") from exc


def _read_csv(path: Path) -> list[Event]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, strict=True)
        kind, columns = columns_named(next(rows, ()))
        cells = list(zip(*rows, strict=True)) or [() for _ in columns]
    values = {}
    for column, texts in zip(columns, cells, strict=True):
        parse = FROM_TEXT[column.type]
        values[column.name] = [parse(text) if text else None for text in texts]
    for name in ("venue", "symbol"):
        values[name] = [text or "" for text in values[name]]
    return to_events(kind, columns, values)


def _read_parquet(path: Path) -> list[Event]:
    with path.open("rb") as file:
        return from_arrow(load("pyarrow.parquet").read_table(file))


_READERS: Mapping[Format, Callable[[Path], list[Event]]] = {
    "json": _read_json,
    "ndjson": _read_ndjson,
    "csv": _read_csv,
    "parquet": _read_parquet,
}
