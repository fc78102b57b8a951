"""A file on a disk that may refuse for a while: it is asked again until it takes what is written."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeAlias, TypeVar

from brokerwire.export.files import open_new

T = TypeVar("T")
Write: TypeAlias = Callable[[int, memoryview], int]
"""Writes to a descriptor and returns how much was written, as ``os.write`` does."""

FIRST_RETRY_S = 0.25
LONGEST_RETRY_S = 5.0
"""How long a disk that refused is left alone: this at first, then doubling."""


class Patience:
    """Asks the disk again until it takes something, or until nobody waits any more: then once more.

    ``on_change`` hears the error when the disk begins to refuse, and None when it takes again.
    """

    def __init__(self, on_change: Callable[[OSError | None], None]) -> None:
        self.given_up = threading.Event()
        self._on_change = on_change
        self._is_refused = False

    def __call__(self, attempt: Callable[[], T]) -> T:
        """Return the result of an attempt that went well.

        Raises:
            OSError: The disk refuses and nobody waits any more.
        """
        delay_s = FIRST_RETRY_S
        while True:
            try:
                result = attempt()
            except OSError as exc:
                self._tell(exc)
                if self.given_up.wait(delay_s):
                    return attempt()
                delay_s = min(2 * delay_s, LONGEST_RETRY_S)
            else:
                self._tell(None)
                return result

    def _tell(self, error: OSError | None) -> None:
        if self._is_refused != (error is not None):
            self._is_refused = error is not None
            self._on_change(error)


class PatientFile:
    """A new binary file, to be written from its beginning to its end in one thread.

    A disk that refuses is waited for; what it took of a piece is not written twice.
    """

    def __init__(self, path: Path, *, patience: Patience, write: Write) -> None:
        self.closed = False
        self._patience = patience
        self._write = write
        self._size = 0
        self._file: BinaryIO = patience(lambda: _open(path))

    def write(self, data: bytes | memoryview) -> int:
        """Write all of ``data``.

        Raises:
            OSError: The disk refuses and nobody waits any more.
        """
        whole = memoryview(data).cast("B")
        rest = whole
        while rest:
            rest = rest[self._patience(lambda left=rest: self._write(self._file.fileno(), left)) :]  # type: ignore[misc]  # mypy does not infer a lambda's default
        self._size += len(whole)
        return len(whole)

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._size

    def flush(self) -> None:
        """Do nothing: every byte is written when ``write`` returns."""

    def sync(self) -> None:
        """Bring the file to the disk.

        Raises:
            OSError: The disk refuses and nobody waits any more.
        """
        self._patience(lambda: os.fsync(self._file.fileno()))

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self.closed = True
        self._file.close()


def _open(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return open_new(path)
