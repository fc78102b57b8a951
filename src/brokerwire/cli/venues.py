"""``brokerwire venues``: what there is and what each offers."""

import sys
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from brokerwire.cli.options import Json
from brokerwire.client.client import describe_venues


def show(as_json: Json = False) -> None:
    """List the venues, their streams and requests."""
    found = describe_venues()
    if as_json or not sys.stdout.isatty():
        for row in found:
            sys.stdout.write(msgspec.json.encode(row).decode() + "\n")
        return
    _show_table(found)


def _show_table(found: list[dict[str, Any]]) -> None:
    table = Table(title="Venues", title_justify="left")
    for column in ("venue", "streams", "requests", "environments"):
        table.add_column(column, overflow="fold")
    for row in found:
        capabilities: dict[str, str] = row["capabilities"]
        streams = [name for name, source in capabilities.items() if source != "request"]
        requests = [name for name, source in capabilities.items() if source == "request"]
        table.add_row(row["venue"], ", ".join(streams), str(len(requests)), ", ".join(row["environments"]))
    Console().print(table)
