"""A file holds whole blocks and nothing else, whatever the disk does."""

import errno
import os
import stat
import zlib
from pathlib import Path

import pytest

from brokerwire.recording.block_file import BlockFile
from brokerwire.simulator.record_file import split_blocks


def blocks_of(path: Path) -> tuple[list[bytes], int]:
    blocks, damaged = split_blocks(path.read_bytes())
    return [zlib.decompress(packed) for packed, _ in blocks], damaged


def test_blocks_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a"
    file = BlockFile(path, pack=zlib.compress, write=os.write)
    file.append(b"one\n")
    file.append(b"two\n")
    assert file.size == path.stat().st_size
    file.close()
    assert blocks_of(path) == ([b"one\n", b"two\n"], 0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_file_that_exists_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    with pytest.raises(FileExistsError):
        BlockFile(tmp_path / "a", pack=zlib.compress, write=os.write)
    assert (tmp_path / "a").read_text() == "mine"


def test_file_without_a_block_is_removed(tmp_path: Path) -> None:
    BlockFile(tmp_path / "a", pack=zlib.compress, write=os.write).close()
    assert list(tmp_path.iterdir()) == []


def test_block_that_is_written_in_pieces_is_whole(tmp_path: Path) -> None:
    file = BlockFile(tmp_path / "a", pack=zlib.compress, write=lambda fd, data: os.write(fd, data[:3]))
    file.append(b"one\n")
    file.close()
    assert blocks_of(tmp_path / "a") == ([b"one\n"], 0)


def test_half_a_block_is_cut_off_and_the_next_one_follows_the_last_whole_one(tmp_path: Path) -> None:
    refusing: list[bool] = []

    def write(descriptor: int, data: memoryview) -> int:
        if refusing:
            os.write(descriptor, data[:10])
            raise OSError(errno.ENOSPC, "full")
        return os.write(descriptor, data)

    file = BlockFile(tmp_path / "a", pack=zlib.compress, write=write)
    file.append(b"one\n")
    refusing.append(True)
    with pytest.raises(OSError, match="full"):
        file.append(b"two\n")
    assert blocks_of(tmp_path / "a") == ([b"one\n"], 0)
    assert file.is_usable
    refusing.clear()
    file.append(b"three\n")
    file.close()
    assert blocks_of(tmp_path / "a") == ([b"one\n", b"three\n"], 0)


def test_file_that_cannot_be_cut_is_not_usable(tmp_path: Path) -> None:
    def write(descriptor: int, data: memoryview) -> int:
        os.close(descriptor)
        raise OSError(errno.EIO, "broken")

    file = BlockFile(tmp_path / "a", pack=zlib.compress, write=write)
    with pytest.raises(OSError, match="broken"):
        file.append(b"one\n")
    assert not file.is_usable
    file.close()
    assert list(tmp_path.iterdir()) == []
