"""How records look: one JSON object a line on a pipe, aligned text on a terminal."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape as escape_markup
from rich.table import Table

from brokerwire.events import Event, Gap, Overflow, StateChange, Status, Topic
from brokerwire.redact import escape

Printer = Callable[[Any], None]
_BRIEF = {"quote": ("bid", "bid_size", "ask", "ask_size", "last", "last_size", "volume", "change_percent")}
"""What a line of text shows of kinds that have more fields than a terminal has columns; JSON has them all."""

_NOT_IN_TABLES = frozenset({"type", "venue", "received_ns", "time_ns", "position_id"})
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
        return _printable(msgspec.json.encode(fields).decode())
    return _printable(msgspec.json.encode(record).decode())


def _printable(line: str) -> str:
    """Return JSON that means the same and does nothing to a terminal."""
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in line)


def to_text(record: Any) -> str:
    """Return one line of text: time, symbol, and the fields that are there."""
    if not isinstance(record, Event):
        return f"[yellow]{escape_markup(describe(record))}[/yellow]"
    stamp = datetime.fromtimestamp(record.received_ns / 1e9, UTC).strftime("%H:%M:%S.%f")[:-3]
    fields = record.to_dict()
    fields = {name: fields[name] for name in _BRIEF.get(record.kind, fields)}
    shown = "  ".join(f"[dim]{key}[/dim] {_short(value)}" for key, value in fields.items() if _is_shown(key, value))
    return f"[dim]{stamp}[/dim]  [bold]{escape_markup(escape(record.symbol)):<10}[/bold] {shown}"


def describe(status: Status) -> str:
    """Return a status as a sentence of one line."""
    if isinstance(status, StateChange):
        return escape(f"{status.old} -> {status.new}: {status.reason}")
    if isinstance(status, Gap):
        seconds = (status.end_ns - status.start_ns) / 1e9
        return escape(f"gap of {seconds:.1f} s in {status.topic}: {status.reason}")
    if isinstance(status, Overflow):
        return escape(f"{status.dropped} events of {status.topic} dropped: the output is too slow")
    return escape(f"note: {status.text}")


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
    _show_table([_row_of(record) for record in found], title)


def _row_of(record: Event) -> dict[str, Any]:
    """Return what a table shows; what only repeats the symbol, or only a program needs, is left out."""
    fields = record.to_dict()
    if fields.get("currency") == record.symbol:
        del fields["currency"]
    return {name: value for name, value in fields.items() if name not in _NOT_IN_TABLES}


def _show_table(rows: Sequence[Mapping[str, Any]], title: str) -> None:
    if not rows:
        Console().print(f"{title}: none")
        return
    columns = list(dict.fromkeys(key for row in rows for key, value in row.items() if value not in (None, "", (), [])))
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*("" if row.get(column) is None else _short(row.get(column)) for column in columns))
    Console().print(table)


def is_worth_a_line(status: Status) -> bool:
    """Whether a status belongs between the events: what may be missing does."""
    return isinstance(status, Gap | Overflow)
