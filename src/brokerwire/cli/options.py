"""Options that several commands share, and what they mean."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from brokerwire import Client
from brokerwire.cli.running import load_environment
from brokerwire.errors import ConfigurationError
from brokerwire.export import FORMATS, Format, format_of
from brokerwire.export.files import check_place
from brokerwire.export.formats import check_format
from brokerwire.recording import Recorder

Venue = Annotated[
    str | None, typer.Option("--venue", "-v", help="Which venue; else BROKERWIRE_VENUE, else tradestation.")
]
Environment = Annotated[
    str | None, typer.Option("--environment", "-e", help="live, paper or offline; else BROKERWIRE_ENVIRONMENT.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, on a terminal too.")]
Accounts = Annotated[list[str] | None, typer.Option("--account", help="Only this account; may be repeated.")]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(text: str) -> float:
    """Return seconds for ``10``, ``10s``, ``500ms``, ``2m``, ``1h`` or ``1d``.

    Raises:
        typer.BadParameter: It is none of these.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?", text.strip())
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a duration; write 10s, 2m or 1h")
    return float(match[1]) * _UNITS[match[2] or "s"]


Duration = Annotated[
    float | None,
    typer.Option("--for", parser=parse_duration, metavar="DURATION", help="Stop after this long, such as 10s."),
]


def parse_moment(text: str) -> datetime:
    """Return an aware time for a date or a time of ISO 8601; UTC where it says nothing else.

    Raises:
        typer.BadParameter: It is none.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a time; write 2026-01-31 or 2026-01-31T14:30") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def parse_format(text: str) -> Format:
    """Return a format of files.

    Raises:
        typer.BadParameter: It is none.
    """
    try:
        return check_format(text)
    except ConfigurationError:
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(FORMATS)}") from None


def free_path(path: Path, *, is_forced: bool) -> Path:
    """Return the path of a file to be written.

    Raises:
        ConfigurationError: There is one already, there can be none, or its extension names no format.
    """
    format_of(path)
    check_place(path)
    if path.is_dir():
        raise ConfigurationError(f"{path} is a folder; name a file")
    if path.exists() and not is_forced:
        raise ConfigurationError(f"{path} exists; choose another name, or --force to replace it")
    return path


Interval = Annotated[str, typer.Option("--interval", "-i", help="1m, 5m, 1h, 1d...")]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FILE", help="The file; its extension names the format."),
]
FileFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        parser=parse_format,
        metavar="FORMAT",
        help="json, ndjson, csv or parquet, into a new file; parquet is the default.",
    ),
]
Folder = Annotated[Path, typer.Option("--folder", help="Where a new file goes; made when it is missing.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")]
Count = Annotated[int | None, typer.Option("--count", "-n", min=1, help="Stop after this many events.")]


def new_client(venue: str | None, environment: str | None, *, recorder: Recorder | None = None) -> Client:
    """Return a client for the options of a command.

    Raises:
        ConfigurationError: Something about it is wrong.
    """
    import os

    load_environment()
    name = venue or os.environ.get("BROKERWIRE_VENUE") or "tradestation"
    return Client(name, environment=environment, recorder=recorder)
