"""``brokerwire export``: live events, recordings and files into files of another format."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, TypeAlias, cast

import typer
from msgspec import Struct

from brokerwire import Client, Subscription
from brokerwire.cli.options import (
    Count,
    Duration,
    Environment,
    FileFormat,
    Folder,
    Force,
    Interval,
    Out,
    Venue,
    free_path,
    new_client,
)
from brokerwire.cli.output import describe
from brokerwire.cli.running import run
from brokerwire.cli.stream import Opener, Sink, Symbols, until_enough
from brokerwire.errors import BrokerwireError, ConfigurationError
from brokerwire.events import Bar, Event, Gap, Overflow
from brokerwire.export import Format, Kind, ParquetWriter, format_of, read_events, write_events, write_new_events
from brokerwire.export.files import check_place
from brokerwire.export.naming import FOLDER, name_for
from brokerwire.redact import escape

app = typer.Typer(help="Write events into files: JSON, NDJSON, CSV or Parquet.", no_args_is_help=True)

Replay = Annotated[
    Path | None, typer.Option("--replay", metavar="FOLDER", help="Not live: play this recording to its end.")
]
QUIET_S = 1.0
"""A recording that plays as fast as it goes is over when nothing has come for so long."""


class Job(Struct, frozen=True):
    """What a command is to do."""

    kind: Kind
    method: str
    symbols: list[str]
    options: dict[str, Any]
    venue: str | None
    environment: str | None
    seconds: float | None
    count: int | None
    replay: Path | None
    out: Path | None
    file_format: Format
    folder: Path


# Where events go


class Collected:
    """Events in memory, in one file at the end."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._events: list[Event] = []
        self.keep = self._events.append

    async def discard(self) -> None:
        """End without a file."""

    async def finish(self) -> str:
        """Write the file, and say where it is."""
        job = self._job
        if job.out is not None:
            path = await asyncio.to_thread(write_events, self._events, job.out, kind=job.kind)
        else:
            target = job.folder / name_for(job.kind, self._events, extension=job.file_format)
            path = await asyncio.to_thread(write_new_events, self._events, target, kind=job.kind)
        return f"{len(self._events)} events in {path}"


class Rotating:
    """Events in Parquet files that follow one another; nothing but a row group is in memory."""

    def __init__(self, job: Job) -> None:
        self._folder = job.folder
        self._writer = ParquetWriter(job.folder, kind=job.kind)
        self.keep = self._writer

    async def discard(self) -> None:
        """End without a word and without a file, though some of it may be written already."""
        await self._writer.close()
        for path in self._writer.files:
            path.unlink(missing_ok=True)

    async def finish(self) -> str:
        """Complete the last file, and say how many there are."""
        await self._writer.close()
        names = [str(path) for path in self._writer.files]
        where = names[0] if len(names) == 1 else f"{len(names)} files in {self._folder}"
        return f"{self._writer.rows} events in {where}"


Keeper: TypeAlias = Collected | Rotating


class Tally(Sink):
    """Passes events on to where they go, counts them, and knows when there are enough.

    Bars count once they are closed.
    """

    def __init__(self, keeper: Keeper, count: int | None) -> None:
        super().__init__(_say_losses, count)
        self._keeper = keeper
        self.heard = 0

    @property
    def callback(self) -> Callable[[Event], object]:
        """What the stream calls: a plain function where nothing has to wait."""
        return self._keep_at_once if isinstance(self._keeper, Collected) else self._keep

    def _is_wanted(self, event: Event) -> bool:
        return not self.done.is_set() and not (isinstance(event, Bar) and not event.is_closed)

    def _keep_at_once(self, event: Event) -> None:
        if self._is_wanted(event):
            self._keeper.keep(event)
            self._count(event)

    async def _keep(self, event: Event) -> None:
        """Pass an event on; what goes wrong with the file ends the command."""
        if not self._is_wanted(event):
            return
        try:
            await cast(Awaitable[None], self._keeper.keep(event))
        except (BrokerwireError, OSError) as exc:
            self.failure = exc
            self.done.set()
        else:
            self._count(event)

    def _count(self, event: Event) -> None:
        self.heard += 1
        self.on_event(event)


def _say_losses(record: Any) -> None:
    if isinstance(record, Gap | Overflow):
        typer.echo(describe(record), err=True)


# Running a job


async def _export(job: Job) -> None:
    rotates = job.out is None and job.file_format == "parquet"
    keeper: Keeper = Rotating(job) if rotates else Collected(job)
    tally = Tally(keeper, job.count)
    options = {**job.options, **({} if job.replay is None or not rotates else {"overflow": "block"})}
    subscription: Subscription[Any] | None = None
    try:
        async with _client(job) as client:
            stream: Opener = getattr(client.market_data, job.method)
            subscription = await stream(job.symbols, callback=tally.callback, **options, **tally.callbacks)
            await _until_over(subscription, tally, job)
    except BaseException as exc:
        is_refused = subscription is None and isinstance(exc, Exception)  # a file would be in the way of the next try
        if tally.heard and not is_refused:
            _say(await asyncio.shield(keeper.finish()))
        else:
            await keeper.discard()
        raise
    stats = subscription.stats
    _say(f"{await asyncio.shield(keeper.finish())}, {stats.dropped + stats.coalesced} dropped")


def _say(text: str) -> None:
    typer.echo(escape(text), err=True)


@asynccontextmanager
async def _client(job: Job) -> AsyncIterator[Client]:
    """Give a client of the venue, or of a simulator that plays the recording."""
    if job.replay is None:
        async with new_client(job.venue, job.environment) as client:
            yield client
        return
    from brokerwire.simulator import Simulator

    venue = new_client(job.venue, "offline").venue
    simulator = Simulator(venue, replay=job.replay, speed="max", settings={"replay_delay_s": 0.2})
    async with simulator, Client(venue, endpoints=simulator.endpoints, credentials=simulator.credentials) as client:
        yield client


async def _until_over(subscription: Subscription[Any], tally: Tally, job: Job) -> None:
    """Wait for the end: what was asked for, or that of the recording."""
    if job.replay is None:
        await until_enough(subscription, tally, job.seconds)
        return
    ending = asyncio.create_task(_end_when_quiet(tally))
    try:
        await until_enough(subscription, tally, job.seconds)
    finally:
        ending.cancel()
        await asyncio.gather(ending, return_exceptions=True)


async def _end_when_quiet(tally: Tally) -> None:
    heard = -1
    while tally.heard != heard:
        heard = tally.heard
        await asyncio.sleep(QUIET_S)
    tally.done.set()


# The commands


def _run(
    kind: Kind,
    method: str,
    symbols: list[str],
    *,
    place: tuple[Path | None, Any, Path, bool],
    options: dict[str, Any] | None = None,
    **given: Any,
) -> None:
    out, file_format, folder, is_forced = place
    if out is not None and file_format is not None:
        raise typer.BadParameter("the name after --out says the format; leave --format out")
    if out is None:
        check_place(folder / "file", named=folder)
    job = Job(
        kind,
        method,
        symbols,
        options or {},
        out=None if out is None else free_path(out, is_forced=is_forced),
        file_format=(file_format or "parquet") if out is None else format_of(out),
        folder=folder,
        **given,
    )
    run(lambda: _export(job))


def _add_symbol_command(name: str, text: str, kind: Kind) -> None:
    """Add the command of a channel that takes nothing but symbols."""

    def command(
        symbols: Symbols,
        *,
        out: Out = None,
        file_format: FileFormat = None,
        folder: Folder = Path(FOLDER),
        is_forced: Force = False,
        venue: Venue = None,
        environment: Environment = None,
        seconds: Duration = None,
        count: Count = None,
        replay: Replay = None,
    ) -> None:
        place = (out, file_format, folder, is_forced)
        given: dict[str, Any] = {
            "venue": venue,
            "environment": environment,
            "seconds": seconds,
            "count": count,
            "replay": replay,
        }
        _run(kind, f"stream_{name}", symbols, place=place, **given)

    app.command(name, help=text)(command)


_add_symbol_command("quotes", "Best bids and asks, until told to stop.", "quote")
_add_symbol_command("trades", "Trades, until told to stop.", "trade")


@app.command()
def bars(
    symbols: Symbols,
    *,
    interval: Interval = "1m",
    bars_back: Annotated[int, typer.Option("--bars-back", min=0, help="Bars of history first.")] = 0,
    out: Out = None,
    file_format: FileFormat = None,
    folder: Folder = Path(FOLDER),
    is_forced: Force = False,
    venue: Venue = None,
    environment: Environment = None,
    seconds: Duration = None,
    count: Count = None,
    replay: Replay = None,
) -> None:
    """Bars as they close, until told to stop; ``brokerwire history`` fetches those of the past."""
    place = (out, file_format, folder, is_forced)
    given: dict[str, Any] = {
        "venue": venue,
        "environment": environment,
        "seconds": seconds,
        "count": count,
        "replay": replay,
    }
    options = {"interval": interval, "bars_back": bars_back}
    _run("bar", "stream_bars", symbols, place=place, options=options, **given)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="A file that was exported, or that stream --json wrote.")],
    target: Annotated[Path, typer.Argument(help="The file to write; its extension names the format.")],
    *,
    is_forced: Force = False,
) -> None:
    """Write a file of events in another format: JSON, NDJSON, CSV or Parquet."""
    if source.is_dir():
        raise ConfigurationError(
            f"{source} is a folder; a recording is exported with: export trades SYMBOL --replay FOLDER"
        )
    path = free_path(target, is_forced=is_forced)
    events = read_events(source)
    _say(f"{len(events)} events in {write_events(events, path)}")
