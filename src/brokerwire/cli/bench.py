"""``brokerwire bench``: how many messages a second this machine takes through the public API."""

from itertools import groupby
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from brokerwire.testing.bench import Result, measure, runs


def run(
    messages: Annotated[int, typer.Option("--messages", min=2000, help="Messages in each round.")] = 200_000,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Rounds; the median counts.")] = 5,
) -> None:
    """Measure throughput next to a bare aiohttp loop; the ratios count, the figures move with the machine."""
    with Progress(transient=True, console=Console(stderr=True)) as progress:
        task = progress.add_task("measuring", total=rounds * len(runs()))
        results = measure(messages, rounds, on_round=lambda: progress.advance(task))
    console = Console()
    for wire, rows in groupby(results, key=lambda result: result.wire):
        console.print(_table(wire, list(rows)))


def _table(wire: str, results: list[Result]) -> Table:
    table = Table(title=f"{wire}, 175 bytes a message", title_justify="left")
    for column in ("", "messages/s", "ratio to bare aiohttp"):
        table.add_column(column, justify="left" if not column else "right")
    for result in results:
        table.add_row(result.name, f"{result.messages_per_s:,.0f}", f"{result.ratio:.2f}")
    return table
