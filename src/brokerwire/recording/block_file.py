"""One file of a recording on disk: whole blocks, or what was before them."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from brokerwire.simulator.record_file import HEAD, MAGIC, checksum

Write: TypeAlias = Callable[[int, memoryview], int]
"""Writes to a descriptor and returns how much was written, as ``os.write`` does."""


class BlockFile:
    """A file that ends with a whole block after every call, whether the call succeeds or not.

    Nobody else may read it; a file of that name must not exist.

    Raises:
        OSError: The file cannot be made.
    """

    def __init__(self, path: Path, *, pack: Callable[[bytes], bytes], write: Write) -> None:
        self.path = path
        self.size = 0
        self.is_usable = True
        self._pack = pack
        self._write = write
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(path, flags, 0o600)

    def append(self, lines: bytes) -> None:
        """Write one block.

        Raises:
            OSError: It could not be written; nothing of it is left in the file unless ``is_usable`` is False.
        """
        packed = self._pack(lines)
        block = HEAD.pack(MAGIC, len(packed), len(lines), checksum(packed, len(lines))) + packed
        try:
            self._write_all(memoryview(block))
        except OSError:
            self._cut_back()
            raise
        self.size += len(block)

    def _write_all(self, rest: memoryview) -> None:
        while rest:
            rest = rest[self._write(self._descriptor, rest) :]

    def _cut_back(self) -> None:
        try:
            os.ftruncate(self._descriptor, self.size)
            os.lseek(self._descriptor, self.size, os.SEEK_SET)
        except OSError:
            self.is_usable = False

    def close(self) -> None:
        """Bring the file to the disk and close it; a file without a block is removed."""
        with contextlib.suppress(OSError):  # there is nothing better to do with a disk that refuses even this
            os.fsync(self._descriptor)
        with contextlib.suppress(OSError):
            os.close(self._descriptor)
        if self.size == 0:
            with contextlib.suppress(OSError):
                self.path.unlink()
