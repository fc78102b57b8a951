"""How records look: one JSON object a line on a pipe, aligned text on a terminal."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape as escape_markup
from rich.table import Table

from brokerwire.events import Event, Gap, Overflow, Status, Topic
from brokerwire.redact import escape

Printer = Callable[[Any], None]
_HIDDEN = frozenset({"type", "venue", "symbol", "time_ns", "received_ns", "origin", "conditions"})


def to_json(record: Any, venue: str) -> str:
    """Return one line of JSON; statuses too get a venue, a symbol and times."""
    if isinstance(record, Gap | Overflow):
        topic = record.topic or Topic("", "")
        fields: Any = {
            **msgspec.to_builtins(record),
            "topic": str(topic),
            "venue": venue,
            "symbol": topic.symbol,
            "channel": topic.channel,
            "time_ns": getattr(record, "start_ns", None),
            "received_ns": getattr(record, "end_ns", None),
        }
        return msgspec.json.encode(fields).decode()
    return msgspec.json.encode(record).decode()


def to_text(record: Any) -> str:
    """Return one line of text: time, symbol, and the fields that are there."""
    if not isinstance(record, Event):
        return f"[yellow]{escape_markup(escape(str(record)))}[/yellow]"
    stamp = datetime.fromtimestamp(record.received_ns / 1e9, UTC).strftime("%H:%M:%S.%f")[:-3]
    fields = record.to_dict()
    shown = "  ".join(f"[dim]{key}[/dim] {_short(value)}" for key, value in fields.items() if _is_shown(key, value))
    return f"[dim]{stamp}[/dim]  [bold]{escape_markup(escape(record.symbol)):<10}[/bold] {shown}"


def _is_shown(key: str, value: Any) -> bool:
    return key not in _HIDDEN and value is not None and value not in ([], ())


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, list | tuple) and value and isinstance(value[0], list | tuple):
        return "[" + " ".join(f"{price:.10g}x{size:.6g}" for price, size in value[:3]) + "]"
    return escape_markup(escape(str(value)))


def printer(*, venue: str, as_json: bool) -> Printer:
    """Return what prints one record: JSON if asked for or not on a terminal."""
    if as_json or not sys.stdout.isatty():

        def print_json(record: Any) -> None:
            sys.stdout.write(to_json(record, venue) + "\n")
            sys.stdout.flush()

        return print_json
    console = Console(highlight=False, soft_wrap=True)
    return lambda record: console.print(to_text(record))


def show_records(records: Iterable[Any], *, venue: str, as_json: bool, title: str) -> None:
    """Print records: a table on a terminal, else one JSON object a line."""
    found = list(records)
    if as_json or not sys.stdout.isatty():
        for record in found:
            sys.stdout.write(to_json(record, venue) + "\n")
        return
    rows = [
        {k: v for k, v in record.to_dict().items() if k not in {"type", "venue", "received_ns", "time_ns"}}
        for record in found
    ]
    _show_table(rows, title)


def _show_table(rows: Sequence[Mapping[str, Any]], title: str) -> None:
    if not rows:
        Console().print(f"{title}: none")
        return
    columns = list(dict.fromkeys(key for row in rows for key, value in row.items() if value not in (None, "", (), [])))
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column.replace("_", " "))
    for row in rows:
        table.add_row(*("" if row.get(column) is None else _short(row.get(column)) for column in columns))
    Console().print(table)


def is_worth_a_line(status: Status) -> bool:
    """Whether a status belongs between the events: what may be missing does."""
    return isinstance(status, Gap | Overflow)
