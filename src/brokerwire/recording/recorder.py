"""Recorder: writes down what a client hears and says, without the feed ever waiting for the disk."""

import asyncio
import contextlib
import itertools
import logging
import os
import secrets
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

from brokerwire import __version__
from brokerwire.errors import ConfigurationError
from brokerwire.recording.block_file import Write
from brokerwire.recording.buffer import Buffer, Entry, EntryKind
from brokerwire.recording.disk_writer import DiskWriter, WriterOptions
from brokerwire.recording.line_encoder import FILTERS, LineEncoder
from brokerwire.recording.tapped import TappedTransport
from brokerwire.simulator.record_file import FileHeader
from brokerwire.transport.frame_transport import FrameTransport
from brokerwire.transport.wire_tap import TapContext
from brokerwire.typedefs import Frame
from brokerwire.venue import Response

logger = logging.getLogger(__name__)

LEVEL = 3


class Recorder:
    """Records one client: frames both ways and REST answers with the times they came, secrets removed.

    Give it to ``Client(recorder=...)``, which starts and closes it. A disk that is full, slow or broken costs parts
    of the recording and nothing else: every subscription is given a ``Notice``, ``health`` says so, and the recording
    goes on by itself. The simulator plays the folder again.

    Args:
        folder: Where the files go; it is made when it is missing. Files can be read by their owner alone.
        max_file_bytes: A file of this size is followed by another.
        max_file_s: So is one of this age, in seconds.
        buffer_bytes: What is held in memory for a slow disk; beyond, batches are dropped and counted.
        block_bytes: What is compressed at once, and lost at most when the process is killed.
        flush_s: Seconds after which a block that is not full is written.
        close_s: Seconds that closing waits for the disk.
        write: How bytes get to a descriptor; for tests.

    Raises:
        ConfigurationError: A size or time is not positive, or ``zstandard`` is not installed.
    """

    def __init__(
        self,
        folder: str | PathLike[str],
        *,
        max_file_bytes: int = 64 * 2**20,
        max_file_s: float = 3600.0,
        buffer_bytes: int = 32 * 2**20,
        block_bytes: int = 128 * 2**10,
        flush_s: float = 0.5,
        close_s: float = 5.0,
        write: Write = os.write,
    ) -> None:
        if min(max_file_bytes, max_file_s, buffer_bytes, block_bytes, flush_s, close_s) <= 0:
            raise ConfigurationError("the sizes and times of a recording are positive numbers")
        self._options = WriterOptions(Path(folder), max_file_bytes, max_file_s, block_bytes, flush_s)
        self._pack = _compressor()
        self._write = write
        self._close_s = close_s
        self._buffer = Buffer(buffer_bytes, on_change=self._on_overflow)
        self._writer: DiskWriter | None = None
        self._context: TapContext | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._numbers = itertools.count(1)
        self._is_closed = False
        self._ended = asyncio.Event()

    @property
    def folder(self) -> Path:
        """Where the files go."""
        return self._options.folder

    def start(self, context: TapContext) -> None:
        """Begin; a client does this with its first call.

        Raises:
            ConfigurationError: The recorder has been used by another client, or is closed.
        """
        if self._is_closed or (self._context is not None and self._context.redactor is not context.redactor):
            raise ConfigurationError("a recorder records one client, once; make another one")
        if self._writer is not None:
            return
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._writer = DiskWriter(
            self._buffer,
            LineEncoder(context.redactor),
            options=self._options,
            header=_header_of(context),
            pack=self._pack,
            write=self._write,
            on_change=self._on_disk,
            on_end=self._on_end,
        )
        self._writer.start()

    def tap(self, transport: FrameTransport, url: str) -> FrameTransport:
        """Return a wire that does what ``transport`` does and is recorded."""
        connection = next(self._numbers)
        self._put("opened", connection, url=url)
        return TappedTransport(
            transport,
            received=lambda frames: self._put("received", connection, tuple(frames)),
            sent=lambda frame: self._put("sent", connection, (frame,)),
            ended=lambda: self._put("ended", connection),
        )

    def _put(self, kind: EntryKind, connection: int, payloads: tuple[Frame, ...] = (), *, url: str = "") -> None:
        context = self._context
        if context is not None and not self._is_closed:
            self._buffer.put(Entry(kind, context.time_ns(), connection, payloads, url))

    def answered(self, method: str, url: str, answer: Response) -> None:
        """Record the answer to a request; its headers and the request's body are left out."""
        context = self._context
        if context is not None and not self._is_closed:
            time_ns = answer.received_ns or context.time_ns()
            entry = Entry("answered", time_ns, payloads=(answer.body,), url=url, method=method, status=answer.status)
            self._buffer.put(entry)

    def health(self) -> dict[str, Any]:
        """Return how the recording is doing: whether it keeps up, what it wrote and what it lost, in batches."""
        writer, buffer = self._writer, self._buffer
        error = None if writer is None else writer.error or writer.failure
        return {
            "is_recording": writer is not None and not self._is_closed and error is None and not buffer.is_overflowing,
            "error": None if error is None else getattr(error, "strerror", None) or str(error),
            "batches": buffer.batches,
            "dropped": buffer.dropped + (writer.unwritten if writer is not None else 0),
            "pending_bytes": buffer.pending_bytes,
            "blocks": writer.blocks if writer is not None else 0,
            "files": writer.files if writer is not None else 0,
        }

    # Alarms

    def _on_overflow(self, is_full: bool) -> None:
        if is_full:
            self._tell("the recording loses batches: the disk does not keep up")
        else:
            self._tell(f"the recording goes on; {self._buffer.dropped} batches were lost so far")

    def _on_disk(self, error: OSError | None) -> None:
        """Carry the writer's word over to the loop."""
        text = "the disk takes the recording again"
        if error is not None:
            text = f"the recording is held up: {error.strerror or error}"
        self._carry_over(self._tell, text)

    def _on_end(self) -> None:
        self._carry_over(self._ended.set)

    def _carry_over(self, call: Callable[..., object], *arguments: object) -> None:
        """Call something on the loop, from the writer's thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # a disk may hang for longer than the loop lives
                self._loop.call_soon_threadsafe(call, *arguments)

    def _tell(self, text: str) -> None:
        logger.warning("%s", text)
        if self._context is not None and not self._is_closed:
            self._context.notify(text)

    async def close(self) -> None:
        """Write what is left and end; waits for the disk no longer than ``close_s``. Safe to call twice."""
        writer, context = self._writer, self._context
        if not self._is_closed and context is not None:
            self._buffer.end_loss(context.time_ns())
        self._is_closed = True
        if writer is None:
            return
        writer.stop()
        try:
            async with asyncio.timeout(self._close_s):
                await self._ended.wait()
        except TimeoutError:
            logger.error("the disk did not take the end of the recording within %g s", self._close_s)
        else:
            writer.join()


def _header_of(context: TapContext) -> FileHeader:
    return FileHeader(
        run=secrets.token_hex(4),
        number=1,
        venue=context.venue,
        environment=context.environment,
        recorder=f"brokerwire/{__version__}",
        filters=FILTERS,
    )


def _compressor() -> Any:
    try:
        import zstandard
    except ModuleNotFoundError as exc:
        raise ConfigurationError("recording needs zstandard: pip install 'brokerwire[recording]'") from exc
    return zstandard.ZstdCompressor(level=LEVEL).compress
