import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.export.samples import BARS, TRADES

from brokerwire import Client
from brokerwire.errors import ConfigurationError, ExportError
from brokerwire.events import Event, Trade
from brokerwire.export import ParquetWriter, patient_file, read_events

DEADLINE_S = 25.0
PAUSE_S = 25.0
"""Of virtual time."""


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch, nothing_left: None) -> None:
    monkeypatch.setattr(patient_file, "FIRST_RETRY_S", 0.001)


def trades(count: int) -> list[Event]:
    return [Trade("binance", "BTCUSDT", number, number, 1.5, 2.0, "buy", str(number)) for number in range(count)]


def read_all(writer: ParquetWriter) -> list[Event]:
    return [event for path in writer.files for event in read_events(path)]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110  # a thread changes it
            await asyncio.sleep(0)


def names(folder: Path, pattern: str = "*") -> list[str]:
    return sorted(path.name for path in folder.glob(pattern))


class Disk:
    """Refuses while it is full."""

    def __init__(self, *, is_full: bool = True) -> None:
        self.is_full = is_full

    def write(self, descriptor: int, data: memoryview) -> int:
        if self.is_full:
            raise OSError(28, "No space left on device")
        return os.write(descriptor, data)


async def test_files_follow_one_another_by_rows(tmp_path: Path) -> None:
    async with ParquetWriter(tmp_path, max_file_rows=40, row_group_rows=20) as writer:
        for trade in trades(100):
            await writer(trade)
    assert [len(read_events(path)) for path in writer.files] == [40, 40, 20]
    assert read_all(writer) == trades(100)
    assert writer.rows == 100
    assert names(tmp_path) == sorted(path.name for path in writer.files)


def test_files_follow_one_another_by_time(tmp_path: Path, virtual: Any) -> None:
    async def main() -> None:
        async with ParquetWriter(tmp_path, max_file_s=60) as writer:
            for trade in trades(6):
                await writer(trade)
                await asyncio.sleep(PAUSE_S)
            assert len(writer.files) == 2
        assert [len(read_events(path)) for path in writer.files] == [3, 3]

    virtual(main)


async def test_a_subscription_takes_it_as_its_callback(tmp_path: Path) -> None:
    writer = ParquetWriter(tmp_path, row_group_rows=2)
    async with Client("binance", environment="offline") as client:
        subscription = await client.market_data.stream_trades("BTCUSDT", writer)
        await until(lambda: subscription.stats.delivered >= 5)
        await subscription.unsubscribe()
        delivered = subscription.stats.delivered
        assert (subscription.stats.dropped, subscription.stats.errors) == (0, 0)
    await writer.close()
    assert {event.kind for event in read_all(writer)} == {"trade"}
    assert writer.rows == delivered


async def test_nothing_is_written_of_nothing(tmp_path: Path) -> None:
    async with ParquetWriter(tmp_path / "new", kind="bar") as writer:
        pass
    await writer.close()
    assert (writer.files, writer.rows) == ((), 0)
    assert names(tmp_path / "new") == []


async def test_a_disk_that_refuses_holds_up_its_caller_and_loses_nothing(tmp_path: Path) -> None:
    disk = Disk()
    heard: list[OSError | None] = []
    refused = asyncio.Event()

    def on_disk(error: OSError | None) -> None:
        heard.append(error)
        refused.set()

    async with ParquetWriter(tmp_path, row_group_rows=10, error_callback=on_disk, write=disk.write) as writer:

        async def feed() -> None:
            for trade in trades(100):
                await writer(trade)

        feeding = asyncio.create_task(feed())
        async with asyncio.timeout(DEADLINE_S):
            await refused.wait()
            for _ in range(10):
                await asyncio.sleep(0)
            assert not feeding.done()
            assert len(writer._rows) <= 10
            disk.is_full = False
            await feeding
    assert read_all(writer) == trades(100)
    assert [error is None for error in heard] == [False, True]


async def test_a_disk_that_refuses_to_the_end_is_an_error_with_the_loss(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    writer = ParquetWriter(tmp_path, close_s=0.05, write=Disk().write)
    for trade in trades(30):
        await writer(trade)
    with pytest.raises(ExportError, match=r"30 rows could not be written.*No space left") as caught:
        await writer.close()
    assert caught.value.lost_rows == 30
    assert names(tmp_path) == []
    assert "held up: No space left" in caplog.text
    await writer.close()


async def test_a_disk_that_takes_again_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    disk = Disk()
    async with ParquetWriter(tmp_path, row_group_rows=5, write=disk.write) as writer:
        for trade in trades(5):
            await writer(trade)
        await until(lambda: "held up" in caplog.text)
        disk.is_full = False
    assert "the disk takes the export again" in caplog.text
    assert read_all(writer) == trades(5)


async def test_a_folder_that_goes_away_loses_what_could_not_be_written(tmp_path: Path) -> None:
    writer = ParquetWriter(tmp_path / "folder", close_s=0.05)
    for trade in trades(3):
        await writer(trade)
    (tmp_path / "folder").rmdir()
    (tmp_path / "folder").write_text("something else")
    with pytest.raises(ExportError, match="3 rows"):
        await writer.close()


async def test_completed_files_survive_a_disk_that_breaks(tmp_path: Path) -> None:
    disk = Disk(is_full=False)
    writer = ParquetWriter(tmp_path, max_file_rows=10, close_s=0.05, write=disk.write)
    for trade in trades(10):
        await writer(trade)
    await until(lambda: bool(writer.files))
    disk.is_full = True
    for trade in trades(5):
        await writer(trade)
    with pytest.raises(ExportError) as caught:
        await writer.close()
    assert caught.value.lost_rows == 5
    assert read_all(writer) == trades(10)


async def test_a_writer_that_failed_tells_every_caller(tmp_path: Path) -> None:
    writer = ParquetWriter(tmp_path, row_group_rows=2)
    bad = Trade("x", "y", 1, 2, "not a number", 1.0)  # type: ignore[arg-type]  # what Arrow refuses
    for _ in range(2):
        await writer(bad)
    await until(lambda: writer._failure is not None)
    with pytest.raises(ExportError, match="2 rows could not be written"):
        await writer(trades(1)[0])
    with pytest.raises(ExportError):
        await writer.close()


async def test_a_disk_that_does_not_answer_is_not_waited_for_forever(tmp_path: Path) -> None:
    free = threading.Event()

    def write(descriptor: int, data: memoryview) -> int:
        free.wait(DEADLINE_S)
        return os.write(descriptor, data)

    writer = ParquetWriter(tmp_path, close_s=0.05, write=write)
    await writer(trades(1)[0])
    try:
        with pytest.raises(ExportError, match="did not answer"):
            await writer.close()
    finally:
        free.set()
        writer._executor.shutdown(wait=True)


async def test_other_kinds_are_refused_one_by_one(tmp_path: Path) -> None:
    async with ParquetWriter(tmp_path) as writer:
        await writer(TRADES[0])
        with pytest.raises(ConfigurationError, match="a bar among events of the kind trade"):
            await writer(BARS[0])
        with pytest.raises(ConfigurationError, match="no table for 'dict'"):
            await writer({"Last": "1"})  # type: ignore[arg-type]  # what raw=True delivers
        await writer(TRADES[1])
    assert read_all(writer) == TRADES


async def test_a_closed_writer_takes_nothing(tmp_path: Path) -> None:
    writer = ParquetWriter(tmp_path)
    await writer.close()
    with pytest.raises(ConfigurationError, match="closed"):
        await writer(TRADES[0])


@pytest.mark.parametrize("name", ["max_file_rows", "max_file_s", "row_group_rows", "close_s"])
def test_numbers_are_positive(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="positive"):
        ParquetWriter(tmp_path, **{name: 0})  # type: ignore[arg-type]  # one of its numbers


def test_a_folder_that_is_a_file_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot write"):
        ParquetWriter(tmp_path / "file")


def test_an_unwritable_folder_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(ConfigurationError, match="Permission denied"):
        ParquetWriter(tmp_path)


PROGRAM = """
import asyncio, sys
from brokerwire.events import Trade
from brokerwire.export import ParquetWriter

async def main():
    writer = ParquetWriter(sys.argv[1], max_file_rows=10, row_group_rows=5)
    for number in range(25):
        await writer(Trade("binance", "BTCUSDT", number, number, 1.5, 2.0, "buy", str(number)))
    while len(writer.files) < 2:
        await asyncio.sleep(0)
    print("now", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.process
async def test_completed_files_survive_a_kill(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(DEADLINE_S):
            assert await process.stdout.readline() == b"now\n"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.communicate()
    found = [event for name in names(tmp_path, "*.parquet") for event in read_events(tmp_path / name)]
    assert sorted(event.received_ns for event in found) == list(range(20))
