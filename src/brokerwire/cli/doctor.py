"""``brokerwire doctor``: the reliability contract on this machine, and a check-up of a login at a venue."""

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, TypeAlias

import msgspec
import typer
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from brokerwire.cli.options import Json
from brokerwire.cli.running import INTERRUPTED, Ended, forget_output, load_environment, run
from brokerwire.doctor.checkup import Check, check_up
from brokerwire.doctor.examination import examine
from brokerwire.doctor.finding import Row, Verdict
from brokerwire.doctor.interruption import Interruption
from brokerwire.doctor.table import examinations

Report: TypeAlias = Verdict | Check
Write: TypeAlias = Callable[[Report], None]

_MARKS: Mapping[str, str] = {
    "holds": "[green]holds [/green]",
    "broken": "[bold red]broken[/bold red]",
    "ok": "[green]ok    [/green]",
    "warning": "[yellow]warn  [/yellow]",
    "failed": "[bold red]failed[/bold red]",
    "skipped": "[dim]--    [/dim]",
}


def examine_or_check(
    *,
    venue: Annotated[
        str | None,
        typer.Option("--venue", "-v", help="Whose wire; else every one that a row is for. A check-up needs one."),
    ] = None,
    environment: Annotated[
        str | None,
        typer.Option("--environment", "-e", help="live or paper: check a login there. Else the rows are tried."),
    ] = None,
    row: Annotated[list[str] | None, typer.Option("--row", help="Only this row; may be repeated.")] = None,
    endpoint: Annotated[
        list[str] | None,
        typer.Option("--endpoint", help="KEY=ADDRESS instead of the venue's own, for a check-up; may be repeated."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same markets and mishaps.")] = 7,
    is_listing: Annotated[bool, typer.Option("--list", help="Show the rows and run none.")] = False,
    as_json: Json = False,
) -> None:
    """Try the reliability contract on this machine, offline; with -e live or -e paper check a login instead.

    A check-up places nothing and opens no stream. Exits with 1 if a row is broken or a check fails.
    """
    is_plain = as_json or not sys.stdout.isatty()
    if endpoint or environment not in {None, "offline"}:
        _check(venue, environment, endpoints=_parse_endpoints(endpoint or ()), write=_writer(is_plain=is_plain))
        return
    chosen = examinations(row or (), venue=venue)
    if is_listing:
        _list(chosen, is_plain=is_plain)
        return
    try:
        _examine(chosen, seed=seed, is_plain=is_plain)
    except BrokenPipeError:
        forget_output()
        raise Ended(0) from None


def _parse_endpoints(given: Sequence[str]) -> dict[str, str]:
    parts = [text.partition("=") for text in given]
    if not all(key and address for key, _, address in parts):
        raise typer.BadParameter("an endpoint is KEY=ADDRESS, such as rest=https://api.example.com")
    return {key: address for key, _, address in parts}


# Rows


def _list(chosen: Sequence[tuple[Row, str]], *, is_plain: bool) -> None:
    venues: dict[Row, list[str]] = {}
    for each, venue in chosen:
        venues.setdefault(each, []).append(venue)
    for each, names in venues.items():
        record = {"type": "row", "row": each.id, "title": each.title, "venues": names}
        line = msgspec.json.encode(record).decode() if is_plain else f"{each.id}  {each.title} ({', '.join(names)})"
        typer.echo(line)


def _examine(chosen: Sequence[tuple[Row, str]], *, seed: int, is_plain: bool) -> None:
    """Examine rows with a bar that shows how far it is, on whichever stream people look at."""
    console = Console(stderr=is_plain, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    is_mute = not console.is_terminal or (is_plain and sys.stdout.isatty())
    redirects = not is_plain
    verdicts: list[Verdict] = []
    with (
        Interruption() as interruption,
        Progress(
            *columns,
            console=console,
            transient=True,
            disable=is_mute,
            redirect_stdout=redirects,
            redirect_stderr=redirects,
        ) as progress,
    ):
        task = progress.add_task("examining", total=len(chosen))
        write = _writer(is_plain=is_plain, console=console)
        for each, venue in chosen:
            progress.update(task, description=f"{each.id} {each.title}, {venue}")
            verdicts.append(_examined(each, venue, seed=seed, interruption=interruption))
            write(verdicts[-1])
            progress.advance(task)
    _sum_up(verdicts)


def _examined(row: Row, venue: str, *, seed: int, interruption: Interruption) -> Verdict:
    try:
        verdict = examine(row, venue, seed=seed, interruption=interruption)
    except asyncio.CancelledError:
        raise Ended(INTERRUPTED) from None
    if interruption.came:
        raise Ended(INTERRUPTED)
    return verdict


def _sum_up(verdicts: Sequence[Verdict]) -> None:
    held = sum(verdict.holds for verdict in verdicts)
    seconds = sum(verdict.seconds for verdict in verdicts)
    typer.echo(f"{held} of {len(verdicts)} hold; it took {seconds:.0f} s", err=True)
    if held < len(verdicts):
        raise Ended(1)


# The check-up


def _check(venue: str | None, environment: str | None, *, endpoints: Mapping[str, str], write: Write) -> None:
    load_environment()

    async def main() -> bool:
        has_failed = False
        async for check in check_up(venue, environment, endpoints=endpoints):
            write(check)
            has_failed = has_failed or check.verdict == "failed"
        return has_failed

    if run(main):
        raise Ended(1)


# Output


def _writer(*, is_plain: bool, console: Console | None = None) -> Write:
    """Return what prints one report: JSON, or text on a terminal."""
    if is_plain:
        return _write_json
    shown = console or Console(highlight=False)

    def write(report: Report) -> None:
        shown.print(_headline(report))
        for text in (report.text, getattr(report, "advice", "")):
            if text:
                shown.print(Padding(Text(text), (0, 0, 0, 7)))

    return write


def _write_json(report: Report) -> None:
    sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    sys.stdout.flush()


def _headline(report: Report) -> str:
    mark = _MARKS[report.verdict]
    if isinstance(report, Check):
        return f"{mark} [bold]{report.check}[/bold]"
    return f"{mark} [bold]{report.row}[/bold] {report.title}, {report.venue} [dim]{report.seconds:.1f} s[/dim]"
