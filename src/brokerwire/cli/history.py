"""``brokerwire history``: bars of the past into a file, going on where an earlier try was."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from brokerwire import Client
from brokerwire.cli.options import (
    Environment,
    FileFormat,
    Folder,
    Force,
    Interval,
    Json,
    Out,
    Venue,
    free_path,
    new_client,
    parse_moment,
)
from brokerwire.cli.running import Ended, run
from brokerwire.export.csv_text import iso_time
from brokerwire.export.naming import FOLDER
from brokerwire.history import Asked, Download, Report, download, download_newest
from brokerwire.history import Progress as HistoryProgress
from brokerwire.history.download import ProgressCallback
from brokerwire.redact import escape

UNCLEAN = 3
"""The exit code where the file is written and the report found something."""


def fetch(
    symbol: Annotated[str, typer.Argument(help="One symbol.")],
    *,
    interval: Interval = "1h",
    start: Annotated[
        datetime | None,
        typer.Option(
            "--start", parser=parse_moment, metavar="TIME", help="From this time: 2026-01-31 or 2026-01-31T14:30, UTC."
        ),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option("--end", parser=parse_moment, metavar="TIME", help="Up to and without this; else until now."),
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="The newest so many instead.")] = None,
    out: Out = None,
    file_format: FileFormat = None,
    folder: Folder = Path(FOLDER),
    is_forced: Force = False,
    venue: Venue = None,
    environment: Environment = None,
    as_json: Json = False,
) -> None:
    """Download closed bars into a file, and look for what is wrong with them.

    With ``--start`` the same command after an interruption goes on where it was. Exits with 0 if nothing is wrong with
    the bars, with 3 if the file is written and something is: not all that was asked for is there, gaps, duplicates,
    prices that do not fit.
    """
    if (start is None) == (limit is None) or (end is not None and start is None):
        raise typer.BadParameter("give --start, with or without --end; or --limit alone")
    if out is not None and file_format is not None:
        raise typer.BadParameter("the name after --out says the format; leave --format out")
    place: dict[str, Any] = {"folder": folder, "file_format": file_format or "parquet"}
    if out is not None:
        place = {"path": free_path(out, is_forced=is_forced)}

    async def fetched(client: Client, tell: ProgressCallback) -> Download:
        if start is None:
            return await download_newest(client, symbol, interval, limit=limit or 0, progress_callback=tell, **place)
        return await download(client, symbol, interval, start=start, end=end, progress_callback=tell, **place)

    async def main() -> Download:
        result: Download | None = None
        try:
            async with new_client(venue, environment) as client:
                with _shown(f"{client.venue} {symbol} {interval}") as tell:
                    result = await fetched(client, tell)
        except BaseException:
            if result is not None:  # the client was interrupted while it closed
                _say_complete(result.path)
            raise
        return result

    _show(run(main), as_json=as_json)


@contextmanager
def _shown(title: str) -> Iterator[ProgressCallback]:
    """Show how far a download is: a bar where a person looks, what it waits for, what is there if it breaks off."""
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    last: HistoryProgress | None = None
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(escape(title), total=None)

        def tell(progress: HistoryProgress) -> None:
            nonlocal last
            last = progress
            bar.update(task, total=progress.chunks, completed=progress.done)
            if progress.error is not None:
                _say(f"waiting {progress.wait_s:.0f} s: {progress.error}")

        try:
            yield tell
        except BaseException:
            if last is not None:
                _say_what_is_there(last)
            raise


def _say_what_is_there(last: HistoryProgress) -> None:
    kept = last.done - last.again
    if last.path is not None:
        _say_complete(last.path)
    elif kept:
        _say(f"{kept} of {last.chunks} parts are kept; the same command goes on")


def _say_complete(path: Path) -> None:
    _say(f"{path} is complete all the same")


def _say(text: str) -> None:
    typer.echo(escape(text), err=True)


def _show(result: Download, *, as_json: bool) -> None:
    if as_json or not sys.stdout.isatty():
        typer.echo(_json_of(result))
    else:
        typer.echo("\n".join(escape(line) for line in str(result.report).splitlines()))
        typer.echo(escape(str(result.path)))
    if not result.report.is_clean:
        raise Ended(UNCLEAN)


def _json_of(result: Download) -> str:
    report: Report = result.report
    fields = {
        "type": "history",
        "path": str(result.path),
        "symbol": report.symbol,
        "interval": report.interval,
        "bars": report.bars,
        "first": None if report.first_ns is None else iso_time(report.first_ns),
        "last": None if report.last_ns is None else iso_time(report.last_ns),
        "asked": _asked_of(report),
        "is_clean": report.is_clean,
        "missing": report.missing,
        "counts": report.counts,
        "findings": [msgspec.to_builtins(finding) for finding in report.findings if finding.kind != "session_break"],
    }
    return msgspec.json.encode(fields).decode()


def _asked_of(report: Report) -> dict[str, Any]:
    asked = report.asked or Asked()
    times = {"start": asked.start_ns, "end": asked.end_ns}
    return {name: None if time is None else iso_time(time) for name, time in times.items()} | {"limit": asked.limit}
