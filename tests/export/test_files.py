import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from brokerwire.errors import ConfigurationError
from brokerwire.export import write_atomically, write_new
from brokerwire.export.files import make_folder, place_new


def hello(file: BinaryIO) -> None:
    file.write(b"hello")


def failing(file: BinaryIO) -> None:
    file.write(b"half")
    raise OSError(28, "No space left on device")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_and_its_folder_are_made(tmp_path: Path) -> None:
    path = write_atomically(tmp_path / "a" / "b" / "x.txt", hello)
    assert path.read_bytes() == b"hello"
    assert names(path.parent) == ["x.txt"]


def test_others_may_read_it_as_the_mask_says(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        path = write_atomically(tmp_path / "x.txt", hello)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_what_was_there_is_replaced_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("a longer text than hello")
    assert write_atomically(str(tmp_path / "x.txt"), hello).read_bytes() == b"hello"


def test_a_failure_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("before")
    with pytest.raises(OSError, match="No space left"):
        write_atomically(tmp_path / "x.txt", failing)
    with pytest.raises(OSError, match="No space left"):
        write_new(tmp_path / "y.txt", failing)
    assert names(tmp_path) == ["x.txt"]
    assert (tmp_path / "x.txt").read_text() == "before"


def test_a_new_file_takes_the_next_free_name(tmp_path: Path) -> None:
    written = [write_new(tmp_path / "x.csv", hello).name for _ in range(3)]
    assert written == ["x.csv", "x-2.csv", "x-3.csv"]
    assert names(tmp_path) == ["x-2.csv", "x-3.csv", "x.csv"]


def test_a_file_system_without_links_takes_the_next_free_name_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(_source: object, _target: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    (tmp_path / "x.csv").write_text("before")
    (tmp_path / "part").write_bytes(b"hello")
    assert place_new(tmp_path / "part", tmp_path / "x.csv").name == "x-2.csv"
    assert names(tmp_path) == ["x-2.csv", "x.csv"]


def test_a_folder_that_is_a_file_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "x.txt", tmp_path / "file" / "folder" / "x.txt"):
        with pytest.raises(ConfigurationError, match=r"cannot write .*x\.txt: .*/file is a file, not a folder; choose"):
            write_atomically(path, hello)
    with pytest.raises(ConfigurationError, match=r"cannot write .*/file: .*/file is a file, not a folder; choose"):
        make_folder(tmp_path / "file")


def test_a_file_that_is_a_folder_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is a folder"):
        write_atomically(tmp_path, hello)


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Take away what root may do; whoever is not root stays who they are."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65_534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_an_unwritable_folder_is_the_users_mistake(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with as_somebody_else(), pytest.raises(ConfigurationError, match="Permission denied"):
            write_atomically(tmp_path / "x.txt", hello)
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_that_refuses_links_and_cannot_be_synced_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(22, "Invalid argument")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    assert write_atomically(tmp_path / "x.txt", hello).exists()
