"""Files that are whole or not there: written beside their place, brought to the disk, then moved."""

import contextlib
import itertools
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeAlias

from brokerwire.errors import ConfigurationError

Write: TypeAlias = Callable[[BinaryIO], object]
"""Writes a file's content to an open binary file."""

Place: TypeAlias = Callable[[Path, Path], Path]
"""Moves a finished file to its place, and returns where it is."""

UNFINISHED = ".part"
"""How the name of a file ends that is being written."""

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_USERS_MISTAKES = (PermissionError, FileNotFoundError, NotADirectoryError, IsADirectoryError, FileExistsError)


def write_atomically(path: str | os.PathLike[str], write: Write) -> Path:
    """Write a file as a whole: it appears complete, or what was there before stays as it was.

    A missing folder is made.

    Raises:
        ConfigurationError: There can be no such file, or it may not be written.
        OSError: The disk refused.
    """
    return _write(Path(path), write, replace)


def write_new(path: str | os.PathLike[str], write: Write) -> Path:
    """Write a file as a whole and never over another: ``name-2.csv`` is next where ``name.csv`` exists.

    Returns where it is.

    Raises:
        ConfigurationError: There can be no such file, or it may not be written.
        OSError: The disk refused.
    """
    return _write(Path(path), write, place_new)


def _write(path: Path, write: Write, place: Place) -> Path:
    check_place(path)
    with saying_what_is_wrong(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(f"{path} is a folder")
        unfinished = unfinished_of(path)
        file = open_new(unfinished)
    try:
        with file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        with saying_what_is_wrong(path):
            return place(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder where it is missing.

    Raises:
        ConfigurationError: There can be none, or it may not be made.
    """
    check_place(folder / "file", named=folder)
    with saying_what_is_wrong(folder):
        folder.mkdir(parents=True, exist_ok=True)


def check_place(path: Path, *, named: Path | None = None) -> None:
    """Check that what is above a file is folders, as far as it exists; ``named`` is what the error calls it.

    Raises:
        ConfigurationError: It is not.
    """
    for each in path.parents:
        if os.path.exists(each) and not os.path.isdir(each):  # unlike Path's, these do not raise where one may not look
            raise ConfigurationError(f"cannot write {named or path}: {each} is a file, not a folder; choose another")


@contextmanager
def saying_what_is_wrong(path: Path) -> Iterator[None]:
    """Turn what the system says of a wrong path into an error that names it."""
    try:
        yield
    except _USERS_MISTAKES as exc:
        raise ConfigurationError(f"cannot write {path}: {exc.strerror or exc}") from exc


def unfinished_of(path: Path) -> Path:
    """Return a name in the same folder for a file in the making."""
    return path.with_name(f".{path.name[:80]}-{secrets.token_hex(4)}{UNFINISHED}")


def open_new(path: Path) -> BinaryIO:
    """Open a file that must not exist."""
    return os.fdopen(os.open(path, _FLAGS, 0o666), "w+b")


def replace(unfinished: Path, path: Path) -> Path:
    """Move a finished file to its place, over what is there."""
    os.replace(unfinished, path)
    sync_folder(path.parent)
    return path


def place_new(unfinished: Path, path: Path) -> Path:
    """Move a finished file to the first free name: the given one, or with ``-2``, ``-3`` and so on."""
    for number in itertools.count(1):
        target = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        if _move(unfinished, target):
            sync_folder(path.parent)
            return target
    raise AssertionError("numbers do not end")  # pragma: no cover - the loop has no end of its own


def _move(unfinished: Path, target: Path) -> bool:
    """Move a file unless the target exists; two that try at once do not both succeed."""
    try:
        os.link(unfinished, target)
    except FileExistsError:
        return False
    except OSError:  # the file system has no links
        if target.exists():
            return False
        os.replace(unfinished, target)
        return True
    unfinished.unlink()
    return True


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can do that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
