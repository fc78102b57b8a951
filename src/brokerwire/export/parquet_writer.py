"""ParquetWriter: a callback that writes what it hears into Parquet files, off the event loop."""

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from brokerwire.errors import ConfigurationError, ExportError
from brokerwire.events import Event
from brokerwire.export.extra import require
from brokerwire.export.files import make_folder, saying_what_is_wrong
from brokerwire.export.naming import FOLDER
from brokerwire.export.parquet_folder import ParquetFolder
from brokerwire.export.patient_file import Patience, Write
from brokerwire.export.schemas import Kind, check_kind, kind_of

logger = logging.getLogger(__name__)


class ParquetWriter:
    """Writes the events of a subscription into Parquet files; give it as the callback, and close it afterwards.

    Rows are gathered in memory and written by a thread as row groups. A file has a name that ends in ``.part`` until it
    is complete; then it is named after what is in it. When the process is killed, every completed file can be read and
    what was in the one in the making is lost: ``max_file_s`` bounds that.

    A disk that refuses is asked again, and nothing is lost meanwhile: when the memory is full too, the writer holds up
    its caller, and the subscription does what its overflow policy says, counted and reported. ``error_callback`` hears
    when that begins and when it is over; without one it is logged.

    Args:
        folder: Where the files go; it is made when it is missing.
        kind: What will be written; None is the kind of the first event.
        max_file_rows: A file with this many rows is followed by another.
        max_file_s: So is one of this age, in seconds.
        row_group_rows: What is gathered in memory and written at once; at most twice as much is held.
        close_s: Seconds that closing waits for a disk that refuses.
        error_callback: Called with the error when the disk begins to refuse, and with None when it takes again.
        write: How bytes get to a descriptor; for tests.

    Raises:
        ConfigurationError: A number is not positive, the folder may not be written, or pyarrow is not installed.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] = FOLDER,
        *,
        kind: Kind | None = None,
        max_file_rows: int = 1_000_000,
        max_file_s: float = 3600.0,
        row_group_rows: int = 20_000,
        close_s: float = 5.0,
        error_callback: Callable[[OSError | None], object] | None = None,
        write: Write = os.write,
    ) -> None:
        if min(max_file_rows, max_file_s, row_group_rows, close_s) <= 0:
            raise ConfigurationError("the sizes and times of a ParquetWriter are positive numbers")
        require("pyarrow")
        self._folder = _writable(Path(folder))
        self._kind: Kind | None = None if kind is None else check_kind(kind)
        self._max_file_rows = max_file_rows
        self._max_file_s = max_file_s
        self._row_group_rows = min(row_group_rows, max_file_rows)
        self._close_s = close_s
        self._error_callback = error_callback or _log
        self._write = write
        self._patience = Patience(self._on_disk)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="brokerwire export")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._files: ParquetFolder | None = None
        self._rows: list[Event] = []
        self._file_rows = 0
        self._file_ends: asyncio.TimerHandle | None = None
        self._job: asyncio.Future[None] | None = None
        self._failure: BaseException | None = None
        self._lost_rows = 0
        self._is_closed = False

    @property
    def files(self) -> tuple[Path, ...]:
        """The completed files, from the oldest."""
        return () if self._files is None else tuple(self._files.files)

    @property
    def rows(self) -> int:
        """How many events are in completed files."""
        return 0 if self._files is None else self._files.rows

    async def __call__(self, event: Event) -> None:
        """Take one event; waits only while the memory is full and the disk is busy.

        Raises:
            ConfigurationError: It is of another kind than those before, or the writer is closed.
            ExportError: The writer has failed for good.
        """
        self._check(event)
        while len(self._rows) >= self._row_group_rows and self._job is not None:
            await asyncio.wait({self._job})
            self._check(event)
        self._rows.append(event)
        if self._file_ends is None:
            self._loop = asyncio.get_running_loop()
            self._file_ends = self._loop.call_later(self._max_file_s, self._end_file)
        if len(self._rows) >= self._row_group_rows and self._job is None:
            self._hand_over()

    def _check(self, event: Event) -> None:
        if self._failure is not None:
            raise self._failed(self._failure)
        if self._is_closed:
            raise ConfigurationError("the ParquetWriter is closed; make another one")
        if self._kind is None:
            self._kind = kind_of(event)
        if getattr(event, "kind", None) != self._kind:
            raise ConfigurationError(f"a {kind_of(event)} among events of the kind {self._kind}; a file holds one kind")

    # Handing over to the thread

    def _hand_over(self) -> None:
        """Give what is in memory to the thread, as a row group."""
        rows, self._rows = self._rows, []
        self._file_rows += len(rows)
        is_full = self._file_rows >= self._max_file_rows
        if is_full:
            self._forget_file()
        self._begin(rows, is_full)

    def _end_file(self) -> None:
        """Complete the file in the making, with what is in memory."""
        rows, self._rows = self._rows, []
        self._forget_file()
        self._begin(rows, True)

    def _forget_file(self) -> None:
        self._file_rows = 0
        if self._file_ends is not None:
            self._file_ends.cancel()
            self._file_ends = None

    def _begin(self, rows: list[Event], is_last: bool) -> None:
        if self._kind is None or self._loop is None:
            return
        if self._files is None:
            self._files = ParquetFolder(self._folder, self._kind, patience=self._patience, write=self._write)
        job = self._loop.run_in_executor(self._executor, _write_rows, self._files, rows, is_last)
        self._job = job
        job.add_done_callback(lambda done: self._done(done, len(rows)))

    def _done(self, job: "asyncio.Future[None]", count: int) -> None:
        if self._job is job:
            self._job = None
        error = None if job.cancelled() else job.exception()
        if error is not None:
            self._failure = self._failure or error
            self._lost_rows += count
        elif len(self._rows) >= self._row_group_rows and self._job is None:
            self._hand_over()

    def _on_disk(self, error: OSError | None) -> None:
        """Carry the thread's word over to the loop."""
        if (
            self._loop is None or self._loop.is_closed()
        ):  # pragma: no cover - a disk may hang for longer than a loop lives
            return
        self._loop.call_soon_threadsafe(self._error_callback, error)

    # The end

    async def close(self) -> None:
        """Write what is left and complete the file; safe to call twice.

        Raises:
            ExportError: Not everything could be written; it says how many rows are lost.
        """
        if self._is_closed:
            return
        self._is_closed = True
        self._end_file()
        try:
            if self._job is not None:
                await asyncio.wait({self._job}, timeout=self._close_s)
        finally:
            self._patience.given_up.set()
        if self._job is not None:
            await asyncio.wait({self._job}, timeout=self._close_s)
        self._executor.shutdown(wait=False, cancel_futures=True)
        if self._job is not None:
            raise ExportError(f"the disk did not answer within {2 * self._close_s:g} s", lost_rows=self._rows_at_risk)
        if self._failure is not None:
            raise self._failed(self._failure)

    @property
    def _rows_at_risk(self) -> int:
        unfinished = 0 if self._files is None else self._files.unfinished_rows
        return max(unfinished, self._lost_rows) + len(self._rows)

    def _failed(self, cause: BaseException) -> ExportError:
        lost = self._rows_at_risk
        error = ExportError(f"{lost} rows could not be written to {self._folder}: {cause}", lost_rows=lost)
        error.__cause__ = cause
        return error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


def _write_rows(files: ParquetFolder, rows: list[Event], is_last: bool) -> None:
    try:
        if rows:
            files.append(rows)
        if is_last:
            files.finish()
    except BaseException:
        files.abandon()
        raise


def _writable(folder: Path) -> Path:
    make_folder(folder)
    with saying_what_is_wrong(folder):
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
    return folder


def _log(error: OSError | None) -> Any:
    if error is None:
        logger.warning("the disk takes the export again")
    else:
        logger.warning("the export is held up: %s", error.strerror or error)
