"""F44: a recorder's disk is full, broken, read-only or slow: the recording suffers and says so, the feed does not."""

import errno
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import RawIOBase
from itertools import cycle, product
from pathlib import Path

import pytest
from tests.faults.conftest import IS_FULL, Row
from tests.faults.venues import CASES, VENUES
from tests.faults.waiting import notices, until

from brokerwire.doctor.listener import Listener
from brokerwire.recording import Recorder
from brokerwire.simulator.record_file import RecordFile, read_record_file

DISK_BYTES = 256 * 2**10
FAST = {venue: {"rate": 20} for venue in VENUES}
FAST["tradingview"]["packets_per_message"] = 1  # else a frame holds several quotes


class Fault:
    """Something that can be wrong with a disk; ``write`` is what the recorder writes with."""

    def __init__(self, begin: Callable[[], None], heal: Callable[[], None], write: Callable[..., int] = os.write):
        self.begin = begin
        self.heal = heal
        self.write = write


def fill_up(file: RawIOBase) -> None:
    while True:
        file.write(b"x" * 4096)


@contextmanager
def full_disk(folder: Path) -> Iterator[Fault]:
    """A small filesystem of its own, which something else fills up."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    subprocess.run(mount, check=True, capture_output=True)  # noqa: S603  # an argument list of our own
    ballast = folder / "ballast"

    def fill() -> None:
        with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
            fill_up(file)

    try:
        yield Fault(fill, ballast.unlink)
    finally:
        subprocess.run(["umount", str(folder)], check=True, capture_output=True)  # noqa: S603, S607  # likewise


@contextmanager
def refusing_disk(number: int) -> Iterator[Fault]:
    """A disk that takes half of what it is given and then fails."""
    is_broken = threading.Event()

    def write(descriptor: int, data: memoryview) -> int:
        if is_broken.is_set():
            os.write(descriptor, data[: len(data) // 2])
            raise OSError(number, os.strerror(number))
        return os.write(descriptor, data)

    yield Fault(is_broken.set, is_broken.clear, write)


@contextmanager
def hanging_disk() -> Iterator[Fault]:
    """A disk that takes nothing for a while, without an error."""
    is_free = threading.Event()
    is_free.set()

    def write(descriptor: int, data: memoryview) -> int:
        assert is_free.wait(30)
        return os.write(descriptor, data)

    try:
        yield Fault(is_free.clear, is_free.set, write)
    finally:
        is_free.set()


def can_mount() -> bool:
    """Whether this process has CAP_SYS_ADMIN; without, the disk that refuses with the same error must do."""
    status = Path("/proc/self/status")
    held = [line for line in status.read_text().splitlines() if line.startswith("CapEff")] if status.exists() else []
    return bool(held) and bool(int(held[0].split()[1], 16) >> 21 & 1)


FAULTS = {
    "full": (full_disk, "No space left on device"),
    "broken": (lambda _: refusing_disk(errno.EIO), "Input/output error"),
    "read-only": (lambda _: refusing_disk(errno.EROFS), "Read-only file system"),
    "no space": (lambda _: refusing_disk(errno.ENOSPC), "No space left on device"),
    "hanging": (lambda _: hanging_disk(), "loses batches"),
}
KINDS = [kind for kind in FAULTS if kind != "full" or can_mount()]
WAYS = list(product(KINDS, CASES)) if IS_FULL else list(zip(KINDS, cycle(CASES), strict=False))


def files_in(folder: Path) -> list[RecordFile]:
    return [read_record_file(path) for path in sorted(folder.glob("*.bwrec"))]


def frames_in(folder: Path) -> int:
    return sum(len(line.payloads) for file in files_in(folder) for line in file.lines if line.kind == "received")


async def notice(watch: Listener, text: str) -> None:
    known = len(notices(watch))
    await until(lambda: any(text in each for each in notices(watch)[known:]), 20)


@pytest.mark.parametrize(("kind", "case"), WAYS)
def test_disk_fails_and_heals(row: Row, kind: str, case: tuple[str, str], tmp_path: Path) -> None:
    venue, symbol = case
    stage, text = FAULTS[kind]
    is_hanging = kind == "hanging"

    async def main(row: Row) -> None:
        simulator = await row.simulator(venue, settings=FAST[venue])
        with stage(tmp_path) as fault:
            recorder = Recorder(
                tmp_path,
                flush_s=0.05,
                block_bytes=4000,
                buffer_bytes=30_000 if is_hanging else 2**20,
                write=fault.write,
            )
            client = row.client(simulator, recorder=recorder)
            watch = await row.watch(client, "quotes", symbol)
            await watch.more(20)
            await until(lambda: frames_in(tmp_path) > 0, 20)
            fault.begin()
            await notice(watch, text)
            assert not client.health()["recording"]["is_recording"]
            before = frames_in(tmp_path)
            await watch.more(50)
            assert [file.damaged_bytes for file in files_in(tmp_path)] == [0] * len(files_in(tmp_path)) or is_hanging
            fault.heal()
            await until(lambda: client.health()["recording"]["is_recording"], 20)
            await until(lambda: frames_in(tmp_path) > before, 20)
            await client.close()
            assert watch.gaps == []
            dropped = recorder.health()["dropped"]
            assert dropped > 0 if is_hanging else dropped == 0
            assert [file.damaged_bytes for file in files_in(tmp_path)] == [0] * len(files_in(tmp_path))
            assert frames_in(tmp_path) > before
            if not is_hanging:
                assert frames_in(tmp_path) >= watch.subscription.stats.received
            await row.settle(client)

    row.in_real_time(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_disk_that_never_heals_costs_the_recording_alone(row: Row, venue: str, symbol: str, tmp_path: Path) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue, settings=FAST[venue])
        with refusing_disk(errno.ENOSPC) as fault:
            fault.begin()
            recorder = Recorder(tmp_path, flush_s=0.05, buffer_bytes=20_000, write=fault.write)
            client = row.client(simulator, recorder=recorder)
            watch = await row.watch(client, "quotes", symbol)
            await until(lambda: any("loses batches" in text for text in notices(watch)), 20)
            await watch.more(50)
            await client.close()
        assert watch.gaps == []
        assert recorder.health()["dropped"] > 0
        assert files_in(tmp_path) == []
        await row.settle(client)

    row.in_real_time(main)
