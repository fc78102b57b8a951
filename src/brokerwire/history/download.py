"""Downloads of bars that go on where they were: part by part, from any venue that has bars."""

import asyncio
import os
import random
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

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
from brokerwire.history.intervals import step_ns
from brokerwire.history.retrying import Uniform, call_with_retries
from brokerwire.history.validation import Report, validate
from brokerwire.history.workspace import Request, Workspace
from brokerwire.services.arguments import normalise_interval

PathLike: TypeAlias = str | os.PathLike[str]

CHUNK_BARS = 5000
"""How many bars a part has room for."""

ATTEMPTS = 8
"""How often a part is asked for before the download fails."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Progress(Struct, frozen=True):
    """How far a download is: ``done`` of ``chunks`` parts, with ``bars`` that came now, up to ``time``.

    ``kept`` parts were there from an earlier try. While it waits to ask again, ``error`` and ``wait_s`` say why and how
    long.
    """

    done: int
    chunks: int
    kept: int
    bars: int
    time: datetime
    error: BrokerwireError | None = None
    wait_s: float = 0.0


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
    backoff, others end it. A bar that is still forming is left out.

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
        progress_callback: Called with a ``Progress`` after each part, and before each wait.

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
    request = Request(
        venue=client.venue,
        environment=client.environment,
        symbol=symbol,
        interval=normalise_interval(interval),
        start_ns=start_ns,
        end_ns=None if end is None else ns_of(end),
        chunk_bars=chunk_bars,
    )
    workspace = Workspace(target.parent, request)
    await asyncio.to_thread(workspace.prepare)
    with workspace.locked():
        chunks = plan_chunks(start_ns, end_ns, chunk_bars * step_ns(interval))
        await _Collector(client, workspace, chunks, patience=calm, tell=progress_callback).run()
        result = await asyncio.to_thread(_finish, target, request, lambda: workspace.load(chunks))
        await asyncio.to_thread(workspace.remove)
    return result


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
) -> Download:
    """Download the newest ``limit`` closed bars into one file, and look at them; it is one request and begins anew.

    Raises:
        ConfigurationError: The limit, the interval or the file is wrong.
        BrokerwireError: The venue refused, or failed too often.
        OSError: The disk refused.
    """
    if limit < 1:
        raise ConfigurationError(f"limit is a number of bars from 1, not {limit}")
    target = _Target(path, file_format, Path(folder))
    calm = patience or Patience()
    bars = await call_with_retries(
        lambda: client.market_data.get_bars(symbol, interval, limit=limit + 1),
        attempts=calm.attempts,
        clock=calm.clock,
        uniform=calm.uniform,
        on_retry=lambda *_: None,
    )
    closed = [bar for bar in bars if bar.is_closed][-limit:]
    request = Request(client.venue, client.environment, symbol, normalise_interval(interval), 0, None, limit)
    return await asyncio.to_thread(_finish, target, request, lambda: closed)


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
        self._kept = 0
        self._bars = 0

    async def run(self) -> None:
        """Return when every part is there."""
        for done, chunk in enumerate(self._chunks):
            if await asyncio.to_thread(self._workspace.has, chunk):
                self._kept += 1
            else:
                bars = await self._fetch(chunk, done)
                self._bars += await asyncio.to_thread(self._workspace.store, chunk, bars)
            self._say(done + 1, chunk.end_ns)

    async def _fetch(self, chunk: Chunk, done: int) -> list[Bar]:
        request, market_data = self._workspace.request, self._client.market_data
        start, end = time_of(chunk.start_ns), time_of(chunk.end_ns + 999)
        bars = await call_with_retries(
            lambda: market_data.get_bars(request.symbol, request.interval, start=start, end=end),
            attempts=self._patience.attempts,
            clock=self._patience.clock,
            uniform=self._patience.uniform,
            on_retry=lambda error, wait_s: self._say(done, chunk.start_ns, error, wait_s),
        )
        return [bar for bar in bars if chunk.start_ns <= bar.open_time_ns < chunk.end_ns]

    def _say(self, done: int, time_ns: int, error: BrokerwireError | None = None, wait_s: float = 0.0) -> None:
        if self._tell is not None:
            progress = Progress(done, len(self._chunks), self._kept, self._bars, time_of(time_ns), error, wait_s)
            self._tell(progress)


def _finish(target: "_Target", request: Request, bars: Callable[[], Iterable[Bar]]) -> Download:
    report = validate(bars(), interval=request.interval)
    return Download(target.write(bars(), request), report)


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
