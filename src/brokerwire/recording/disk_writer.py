"""The thread of a recording: takes from the buffer, writes blocks, turns over to new files, outlives a full disk."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from brokerwire.recording.block_file import BlockFile, Write
from brokerwire.recording.buffer import Buffer, Entry
from brokerwire.recording.line_encoder import LineEncoder
from brokerwire.redact import clean
from brokerwire.simulator.record_file import FileHeader, RecordLine
from brokerwire.simulator.recorded import SUFFIX

logger = logging.getLogger(__name__)

FIRST_RETRY_S = 0.25
LONGEST_RETRY_S = 5.0
"""How long a disk that refused is left alone: this at first, then doubling."""


class WriterOptions(Struct, frozen=True):
    """When blocks and files end; bytes and seconds."""

    folder: Path
    max_file_bytes: int
    max_file_s: float
    block_bytes: int
    flush_s: float


class DiskWriter:
    """Runs until ``stop``; ``on_change`` hears the error when the disk refuses, and None when it takes again.

    Both calls come from its own thread.
    """

    def __init__(
        self,
        buffer: Buffer,
        encoder: LineEncoder,
        *,
        options: WriterOptions,
        header: FileHeader,
        pack: Callable[[bytes], bytes],
        write: Write,
        on_change: Callable[[OSError | None], None],
        on_end: Callable[[], None],
    ) -> None:
        self.blocks = 0
        self.files = 0
        self.unwritten = 0
        self.error: OSError | None = None
        self.failure: Exception | None = None
        self._buffer = buffer
        self._encoder = encoder
        self._options = options
        self._header = header
        self._pack = pack
        self._write = write
        self._on_change = on_change
        self._on_end = on_end
        self._file: BlockFile | None = None
        self._file_ends_s = 0.0
        self._open: dict[int, Entry] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="brokerwire recording", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Begin to end: write what is left, and call ``on_end`` as the last thing."""
        self._stopping.set()
        self._buffer.filled.set()

    def join(self) -> None:
        """Wait for the thread, after ``on_end``."""
        self._thread.join()

    def _run(self) -> None:
        try:
            self._write_until_stopped()
        except Exception as exc:  # the top of a thread: a bug here must not be a silent death
            self.failure = exc
            logger.error("the recording failed: %s", clean(repr(exc)), exc_info=exc)
        finally:
            if self._file is not None:
                self._file.close()
            self._on_end()

    def _write_until_stopped(self) -> None:
        is_last = False
        while not is_last:
            self._buffer.filled.wait(self._options.flush_s)
            self._buffer.filled.clear()
            is_last = self._stopping.is_set()
            while entries := self._buffer.take(self._options.block_bytes):
                self._keep(entries)
                self._buffer.done()

    def _keep(self, entries: Sequence[Entry]) -> None:
        """Write the entries as a block; a disk that refuses is asked again until it takes them or we are to end."""
        lines = self._encoder.lines(entries)
        delay_s = FIRST_RETRY_S
        while not self._try_to_write(lines):
            if self._stopping.wait(delay_s):
                if not self._try_to_write(lines):
                    self.unwritten += len(entries)
                break
            delay_s = min(2 * delay_s, LONGEST_RETRY_S)
        for entry in entries:
            self._follow(entry)

    def _follow(self, entry: Entry) -> None:
        if entry.kind == "opened":
            self._open[entry.connection] = entry
        elif entry.kind == "ended":
            self._open.pop(entry.connection, None)

    def _try_to_write(self, lines: bytes) -> bool:
        try:
            self._ready_file().append(lines)
        except OSError as exc:
            is_new = self.error is None
            self.error = exc
            if is_new:
                self._on_change(exc)
            return False
        self.blocks += 1
        if self.error is not None:
            self.error = None
            self._on_change(None)
        return True

    def _ready_file(self) -> BlockFile:
        """Return the file in use, or begin the next one.

        Raises:
            OSError: It cannot be begun.
        """
        file = self._file
        is_full = file is not None and (
            not file.is_usable or file.size >= self._options.max_file_bytes or time.monotonic() >= self._file_ends_s
        )
        if file is None or is_full:
            self._file = None
            if file is not None:
                file.close()
            self._file = file = self._next_file()
            self._file_ends_s = time.monotonic() + self._options.max_file_s
        return file

    def _next_file(self) -> BlockFile:
        header = self._header
        name = f"{header.venue}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{header.run}-{self.files + 1:05d}{SUFFIX}"
        self._options.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = BlockFile(self._options.folder / name, pack=self._pack, write=self._write)
        try:
            file.append(self._first_lines())
        except OSError:
            file.close()
            raise
        self.files += 1
        return file

    def _first_lines(self) -> bytes:
        """Return the header and the connections that are open, so that each file can be read alone."""
        header = msgspec.structs.replace(self._header, number=self.files + 1)
        first = msgspec.json.encode(RecordLine("header", time.time_ns(), header=header))
        return first + b"\n" + (self._encoder.lines(list(self._open.values())) if self._open else b"")
