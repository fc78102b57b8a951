"""The writer's thread: blocks, files one after the other, and a disk that refuses."""

import errno
import os
import threading
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from brokerwire.recording.block_file import Write
from brokerwire.recording.buffer import Buffer, Entry
from brokerwire.recording.disk_writer import DiskWriter, WriterOptions
from brokerwire.recording.line_encoder import LineEncoder
from brokerwire.redact import Redactor
from brokerwire.simulator.record_file import FileHeader, RecordLine, split_blocks

WITHIN_S = 20.0
HEADER = FileHeader("run", 1, "venue", "live", "brokerwire/0", ("filters",))


class Changes:
    """What the writer says of its disk, and a wait for it."""

    def __init__(self) -> None:
        self.errors: list[OSError | None] = []
        self._heard = threading.Semaphore(0)

    def hear(self, error: OSError | None) -> None:
        self.errors.append(error)
        self._heard.release()

    def wait(self) -> None:
        assert self._heard.acquire(timeout=WITHIN_S)


def new_writer(
    folder: Path, buffer: Buffer, *, write: Write = os.write, changes: Changes | None = None, **options: Any
) -> DiskWriter:
    values = {"max_file_bytes": 10_000, "max_file_s": 3600.0, "block_bytes": 1000, "flush_s": 0.02, **options}
    return DiskWriter(
        buffer,
        LineEncoder(Redactor()),
        options=WriterOptions(folder, **values),
        header=HEADER,
        pack=zlib.compress,
        write=write,
        on_change=(changes or Changes()).hear,
        on_end=lambda: None,
    )


def end(writer: DiskWriter) -> None:
    writer.stop()
    writer.join()


def lines_of(path: Path) -> list[RecordLine]:
    blocks, damaged = split_blocks(path.read_bytes())
    assert damaged == 0
    texts = [line for packed, _ in blocks for line in zlib.decompress(packed).splitlines()]
    return [msgspec.json.decode(text, type=RecordLine) for text in texts]


def put(buffer: Buffer, *payloads: bytes) -> None:
    for number, payload in enumerate(payloads):
        buffer.put(Entry("received", number, 1, (payload,)))


def test_what_was_put_is_on_the_disk_when_it_has_stopped(tmp_path: Path) -> None:
    buffer = Buffer(100_000, on_change=lambda _: None)
    writer = new_writer(tmp_path / "deep" / "er", buffer)
    writer.start()
    put(buffer, *[b"%d" % number for number in range(50)])
    end(writer)
    (path,) = (tmp_path / "deep" / "er").iterdir()
    header, *rest = lines_of(path)
    assert header.header == HEADER
    assert [payload for line in rest for payload in line.payloads] == [b"%d" % number for number in range(50)]
    assert buffer.pending_bytes == 0
    assert writer.blocks > 1


def test_nothing_heard_leaves_no_file(tmp_path: Path) -> None:
    writer = new_writer(tmp_path, Buffer(1000, on_change=lambda _: None))
    writer.start()
    end(writer)
    assert list(tmp_path.iterdir()) == []


def test_next_file_begins_with_the_open_connections(tmp_path: Path) -> None:
    buffer = Buffer(100_000, on_change=lambda _: None)
    buffer.put(Entry("opened", 1, 1, url="wss://a"))
    buffer.put(Entry("opened", 2, 2, url="wss://b"))
    buffer.put(Entry("ended", 3, 2))
    put(buffer, *[b"x" * 900] * 4)
    writer = new_writer(tmp_path, buffer, max_file_s=1e-9)
    writer.start()
    end(writer)
    files = [lines_of(path) for path in sorted(tmp_path.iterdir())]
    assert len(files) == writer.files > 2
    assert [line.url for line in files[-1] if line.kind == "opened"] == ["wss://a"]


def test_disk_that_refuses_is_asked_again_and_nothing_is_lost(tmp_path: Path) -> None:
    refusing, changes = [True], Changes()

    def write(descriptor: int, data: memoryview) -> int:
        if refusing:
            raise OSError(errno.EIO, "broken")
        return os.write(descriptor, data)

    buffer = Buffer(100_000, on_change=lambda _: None)
    writer = new_writer(tmp_path, buffer, write=write, changes=changes)
    writer.start()
    put(buffer, b"one")
    changes.wait()
    assert writer.error is not None
    put(buffer, b"two")
    refusing.clear()
    changes.wait()
    end(writer)
    (path,) = tmp_path.iterdir()
    assert [payload for line in lines_of(path)[1:] for payload in line.payloads] == [b"one", b"two"]
    assert [error is None for error in changes.errors] == [False, True]
    assert writer.unwritten == 0


def test_what_a_disk_refuses_to_the_end_is_counted(tmp_path: Path) -> None:
    def write(descriptor: int, data: memoryview) -> int:
        raise OSError(errno.EROFS, "read-only")

    buffer = Buffer(100_000, on_change=lambda _: None)
    writer = new_writer(tmp_path, buffer, write=write)
    writer.start()
    put(buffer, b"one", b"two")
    end(writer)
    assert writer.unwritten == 2
    assert list(tmp_path.iterdir()) == []


def test_file_that_is_not_usable_any_more_is_followed_by_another(tmp_path: Path) -> None:
    breaking, changes = threading.Event(), Changes()

    def write(descriptor: int, data: memoryview) -> int:
        if breaking.is_set():
            breaking.clear()
            os.close(descriptor)
            raise OSError(errno.EIO, "broken")
        return os.write(descriptor, data)

    buffer = Buffer(100_000, on_change=lambda _: None)
    writer = new_writer(tmp_path, buffer, write=write, changes=changes, block_bytes=1)
    writer.start()
    breaking.set()
    put(buffer, b"one")
    changes.wait()
    changes.wait()
    put(buffer, b"two")
    end(writer)
    heard = [payload for path in sorted(tmp_path.iterdir()) for line in lines_of(path) for payload in line.payloads]
    assert heard == [b"one", b"two"]


def test_failure_of_the_thread_is_said_and_ends_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    buffer = Buffer(100_000, on_change=lambda _: None)

    def write(descriptor: int, data: memoryview) -> int:
        raise ValueError("a bug")

    writer = new_writer(tmp_path, buffer, write=write)
    writer.start()
    put(buffer, b"one")
    end(writer)
    assert isinstance(writer.failure, ValueError)
    assert "the recording failed" in caplog.text
