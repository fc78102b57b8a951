"""Where the finished parts of a download are kept until all are there: a folder beside the file to be."""

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias, cast

import msgspec
from msgspec import Struct

from brokerwire.errors import ConfigurationError
from brokerwire.events import Bar
from brokerwire.export import read_events, write_atomically, write_ndjson
from brokerwire.export.files import make_folder
from brokerwire.export.naming import safe_part
from brokerwire.history.chunks import Chunk

_MANIFEST = "manifest.json"
_LOCK = "lock"

State: TypeAlias = Literal["closed", "again"]
"""Whether a part is final, or is asked for again by the next try."""


class Stored(NamedTuple):
    """What became of a part: how many bars it has, and whether it is final."""

    bars: int
    is_final: bool


class Request(Struct, frozen=True):
    """What is downloaded; two downloads that ask for the same share their parts. ``end_ns`` None is until now."""

    venue: str
    environment: str
    symbol: str
    interval: str
    start_ns: int
    end_ns: int | None
    chunk_bars: int
    format: int = 1

    @property
    def folder_name(self) -> str:
        """The name of the folder for its parts."""
        digest = hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:12]
        return f".history_{safe_part(self.symbol.lower())}_{self.interval}_{digest}"


class Workspace:
    """The finished parts of one download, each a file that is whole or not there."""

    def __init__(self, parent: Path, request: Request) -> None:
        self.folder = parent / request.folder_name
        self.request = request

    def prepare(self) -> None:
        """Make the folder and write down what it is for.

        Raises:
            ConfigurationError: The folder may not be written.
        """
        make_folder(self.folder.parent)
        write_atomically(self.folder / _MANIFEST, lambda file: file.write(msgspec.json.encode(self.request) + b"\n"))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out.

        Raises:
            ConfigurationError: Another one is at it.
        """
        descriptor = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise ConfigurationError(f"another process downloads the same into {self.folder.parent}") from exc
            yield
        finally:
            os.close(descriptor)

    def has(self, chunk: Chunk) -> bool:
        """Whether a final part is there and can be read."""
        path = self._path(chunk, "closed")
        if not path.exists():
            return False
        try:
            self._read(path)
        except ConfigurationError:
            path.unlink(missing_ok=True)
            return False
        return True

    @property
    def is_worth_keeping(self) -> bool:
        """Whether the next try has anything of it."""
        return any(self.folder.glob("*-closed.ndjson"))

    def store(self, chunk: Chunk, bars: Sequence[Bar], *, is_reached: bool) -> Stored:
        """Keep the closed bars of a part durably.

        It is final unless a bar was still forming, or it is not ``is_reached``: the venue may not reach to its start.

        Raises:
            OSError: The disk refused.
        """
        closed = [bar for bar in bars if bar.is_closed]
        is_final = is_reached and len(closed) == len(bars)
        write_ndjson(closed, self._path(chunk, "closed" if is_final else "again"), kind="bar")
        return Stored(len(closed), is_final)

    def load(self, chunks: Sequence[Chunk]) -> Iterator[Bar]:
        """Return the bars of some parts, one part in memory at a time."""
        for chunk in chunks:
            path = self._path(chunk, "closed")
            yield from self._read(path if path.exists() else self._path(chunk, "again"))

    def remove(self) -> None:
        """Remove the folder: its parts are in the file that they were for."""
        with contextlib.suppress(OSError):
            shutil.rmtree(self.folder)

    def _path(self, chunk: Chunk, state: State) -> Path:
        return self.folder / f"{chunk.start_ns}-{chunk.end_ns}-{state}.ndjson"

    def _read(self, path: Path) -> list[Bar]:
        return cast(list[Bar], read_events(path))
