"""Options that several commands share, and what they mean."""

import re
from typing import Annotated

import typer

from brokerwire import Client
from brokerwire.cli.running import load_environment
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
