"""Downloads of bars that go on where they were: part by part, from any venue that has bars."""

import asyncio
import os
import random
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct

from brokerwire.client.client import Client
from brokerwire.clock import Clock, SystemClock
from brokerwire.errors import BrokerwireError, ConfigurationError
from brokerwire.events import Bar
from brokerwire.export import Format, file_name, write_events, write_new_events
from brokerwire.export.extra import require
from brokerwire.export.formats import format_of
from brokerwire.export.naming import FOLDER
from brokerwire.history.chunks import Chunk, plan_chunks
from brokerwire.history.coverage import FORGIVEN, Asked
from brokerwire.history.finishing import Finishing, in_thread
from brokerwire.history.intervals import SECOND_NS, missing_between, step_ns
from brokerwire.history.retrying import Uniform, call_with_retries
from brokerwire.history.validation import Report, validate
from brokerwire.history.workspace import Request, Workspace
from brokerwire.services.arguments import normalise_interval

PathLike: TypeAlias = str | os.PathLike[str]

CHUNK_BARS = 5000
"""How many bars a part has room for."""

ATTEMPTS = 8
"""How often a part is asked for before the download fails."""

LATE_NS = 20 * 60 * SECOND_NS
"""How late the newest bars may come: many venues hold back what an exchange charges for by 15 minutes."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Progress(Struct, frozen=True):
    """How far a download is: ``done`` of ``chunks`` parts, with ``bars`` that came now, up to ``time``.

    ``kept`` parts were there from an earlier try; ``again`` parts would be asked for again by another one, since a bar
    was forming or the venue may not reach back so far. While it waits to ask again, ``error`` and ``wait_s`` say why
    and how long. ``path`` is the file of a download that was cancelled when it was too late to stop it.
    """

    done: int
    chunks: int
    kept: int
    bars: int
    time: datetime
    error: BrokerwireError | None = None
    wait_s: float = 0.0
    again: int = 0
    path: Path | None = None


class Download(Struct, frozen=True):
    """A finished download: where the file is, and what is in it."""

    path: Path
    report: Report


ProgressCallback: TypeAlias = Callable[[Progress], object]


class Patience(Struct, frozen=True):
    """How failures are met: ``attempts`` for each part, waits by ``clock`` and ``uniform``."""

    attempts: int = ATTEMPTS
    clock: Clock = SystemClock()
    uniform: Uniform = random.uniform


async def download(
    client: Client,
    symbol: str,
    interval: str = "1m",
    *,
    start: datetime,
    end: datetime | None = None,
    path: PathLike | None = None,
    file_format: Format = "parquet",
    folder: PathLike = FOLDER,
    chunk_bars: int = CHUNK_BARS,
    patience: Patience | None = None,
    progress_callback: ProgressCallback | None = None,
) -> Download:
    """Download the bars that open in [start, end) into one file, and look at them.

    The range is asked for in parts. Each that is there is kept in a folder beside the file, so that the same call after
    an interruption goes on where it was; the file then is the same as without one. Failures that may pass are met with
    backoff, others end it. A bar that is still forming is left out. The report says too where the bars are short of
    the range.

    When it is cancelled, there is no file and the same call goes on; if it is too late for that, the file is complete
    and ``progress_callback`` hears of it.

    Args:
        client: Of any venue that has bars.
        symbol: As the venue, or you, spell it.
        interval: Of the bars.
        start: The first time, UTC where it is naive.
        end: The time that is no more in it; None is now.
        path: The file; its extension names the format, and what is there is replaced. None is a new one in ``folder``.
        file_format: Of a file that is not named by ``path``.
        folder: Of a file that is not named by ``path``.
        chunk_bars: How many bars a part has room for.
        patience: How failures are met.
        progress_callback: Called with a ``Progress`` after each part, before each wait, and when a cancelled download
            has its file all the same.

    Raises:
        ConfigurationError: The range, the interval or the file is wrong, or another process does the same.
        BrokerwireError: The venue refused, or failed too often; what is there is kept.
        OSError: The disk refused.
    """
    calm = patience or Patience()
    now_ns = calm.clock.time_ns()
    start_ns, end_ns = ns_of(start), now_ns if end is None else min(ns_of(end), now_ns)
    if start_ns >= end_ns or chunk_bars < 1:
        raise ConfigurationError("a download needs a start before its end, in the past, and parts of 1 bar or more")
    target = _Target(path, file_format, Path(folder))
    until_ns = None if end is None else ns_of(end)
    request = Request(
        client.venue, client.environment, symbol, normalise_interval(interval), start_ns, until_ns, chunk_bars
    )
    workspace = Workspace(target.parent, request)
    chunks = plan_chunks(start_ns, end_ns, chunk_bars * step_ns(interval))
    await in_thread(workspace.prepare)
    with workspace.locked():
        collector = _Collector(client, workspace, chunks, patience=calm, tell=progress_callback)
        return await collector.run(target, Asked(start_ns, end_ns, late_ns=max(0, end_ns - (now_ns - LATE_NS))))


async def download_newest(
    client: Client,
    symbol: str,
    interval: str = "1m",
    *,
    limit: int,
    path: PathLike | None = None,
    file_format: Format = "parquet",
    folder: PathLike = FOLDER,
    patience: Patience | None = None,
    progress_callback: ProgressCallback | None = None,
) -> Download:
    """Download the newest ``limit`` closed bars into one file, and look at them; it is one request and begins anew.

    ``progress_callback`` hears what that of ``download`` does; there is one part.

    Raises:
        ConfigurationError: The limit, the interval or the file is wrong.
        BrokerwireError: The venue refused, or failed too often.
        OSError: The disk refused.
    """
    if limit < 1:
        raise ConfigurationError(f"limit is a number of bars from 1, not {limit}")
    target = _Target(path, file_format, Path(folder))
    calm = patience or Patience()
    say = _newest_teller(calm.clock, progress_callback)
    bars = await call_with_retries(
        lambda: client.market_data.get_bars(symbol, interval, limit=limit + 1),
        attempts=calm.attempts,
        clock=calm.clock,
        uniform=calm.uniform,
        on_retry=lambda error, wait_s: say(error=error, wait_s=wait_s),
    )
    closed = [bar for bar in bars if bar.is_closed][-limit:]
    request = Request(client.venue, client.environment, symbol, normalise_interval(interval), 0, None, limit)
    return await _finish(
        target, request, Asked(limit=limit), lambda: closed, after=lambda: None, tell=lambda path: say(path=path)
    )


def _newest_teller(clock: Clock, tell: ProgressCallback | None) -> Callable[..., None]:
    """Return what tells of the one part of a download of the newest bars."""

    def say(**facts: Any) -> None:
        if tell is not None:
            tell(Progress(0, 1, 0, 0, time_of(clock.time_ns()), **facts))

    return say


# Parts


class _Collector:
    """Fetches the parts that are not there yet, one after the other."""

    def __init__(
        self,
        client: Client,
        workspace: Workspace,
        chunks: Sequence[Chunk],
        *,
        patience: Patience,
        tell: ProgressCallback | None,
    ) -> None:
        self._client = client
        self._workspace = workspace
        self._chunks = chunks
        self._patience = patience
        self._tell = tell
        self._done = 0
        self._kept = 0
        self._again = 0
        self._bars = 0
        self._reaches_back = False

    async def run(self, target: "_Target", asked: Asked) -> Download:
        """Collect the parts and make the file of them; a try of which nothing is worth keeping leaves nothing."""
        workspace = self._workspace
        try:
            await self._collect_all()
            return await _finish(
                target,
                workspace.request,
                asked,
                lambda: workspace.load(self._chunks),
                after=workspace.remove,
                tell=self._say_path,
            )
        except BaseException:
            if not workspace.is_worth_keeping:
                workspace.remove()
            raise

    async def _collect_all(self) -> None:
        for chunk in self._chunks:
            if await in_thread(partial(self._workspace.has, chunk)):
                self._kept += 1
            else:
                await self._collect(chunk)
            self._done += 1
            self._say(chunk.end_ns)

    async def _collect(self, chunk: Chunk) -> None:
        bars = await self._fetch(chunk)
        is_reached = self._reaches_back or _begins(chunk, bars, step_ns(self._workspace.request.interval))
        stored = await in_thread(partial(self._workspace.store, chunk, bars, is_reached=is_reached))
        self._reaches_back = self._reaches_back or bool(bars)
        self._bars += stored.bars
        self._again += not stored.is_final

    async def _fetch(self, chunk: Chunk) -> list[Bar]:
        request, market_data = self._workspace.request, self._client.market_data
        start, end = time_of(chunk.start_ns), time_of(chunk.end_ns + 999)
        bars = await call_with_retries(
            lambda: market_data.get_bars(request.symbol, request.interval, start=start, end=end),
            attempts=self._patience.attempts,
            clock=self._patience.clock,
            uniform=self._patience.uniform,
            on_retry=lambda error, wait_s: self._say(chunk.start_ns, error=error, wait_s=wait_s),
        )
        return [bar for bar in bars if chunk.start_ns <= bar.open_time_ns < chunk.end_ns]

    def _say_path(self, path: Path) -> None:
        """Tell of the file that is there though the download was cancelled."""
        self._say(self._chunks[-1].end_ns, path=path)

    def _say(self, time_ns: int, **facts: Any) -> None:
        if self._tell is not None:
            time, chunks = time_of(time_ns), len(self._chunks)
            self._tell(Progress(self._done, chunks, self._kept, self._bars, time, again=self._again, **facts))


def _begins(chunk: Chunk, bars: Sequence[Bar], step: int) -> bool:
    """Whether the bars of a part are there from its start.

    If they are not and this try has seen no older bar, the venue may reach farther back for a login or a larger plan.
    """
    return bool(bars) and missing_between(chunk.start_ns - step, bars[0].open_time_ns, step) <= FORGIVEN


# The file


async def _finish(
    target: "_Target",
    request: Request,
    asked: Asked,
    bars: Callable[[], Iterable[Bar]],
    *,
    after: Callable[[], object],
    tell: Callable[[Path], object],
) -> Download:
    """Look at the bars and write the file; ``tell`` hears where it is if it was too late to cancel this."""
    finishing: Finishing[Download] = Finishing()

    def work() -> Download:
        report = validate(finishing.passing(bars()), symbol=request.symbol, interval=request.interval, asked=asked)
        path = target.write(finishing.passing(bars()), request)
        after()
        return Download(path, report)

    try:
        return await finishing.run(work)
    except asyncio.CancelledError:
        if finishing.result is not None:
            tell(finishing.result.path)
        raise


class _Target:
    """The file to be: a given one, or a new one in a folder."""

    def __init__(self, path: PathLike | None, file_format: Format, folder: Path) -> None:
        self._path = None if path is None else Path(path)
        self._format = file_format if self._path is None else format_of(self._path)
        if self._format == "parquet":
            require("pyarrow")
        self.parent = folder if self._path is None else self._path.parent

    def write(self, bars: Iterable[Bar], request: Request) -> Path:
        if self._path is not None:
            return write_events(bars, self._path, kind="bar")
        name = file_name("bar", request.symbol, request.interval, extension=self._format)
        return write_new_events(bars, self.parent / name, kind="bar")


def ns_of(moment: datetime) -> int:
    """Return UTC nanoseconds; a naive time is UTC."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1) * 1000


def time_of(time_ns: int) -> datetime:
    """Return an aware time, to the microsecond."""
    return _EPOCH + timedelta(microseconds=time_ns // 1000)
