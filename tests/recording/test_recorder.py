"""A session is recorded from the simulated venue, read, and played again."""

import asyncio
import os
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brokerwire import Client, ConfigurationError
from brokerwire.recording import Recorder
from brokerwire.recording.block_file import Write
from brokerwire.simulator import Simulator
from brokerwire.simulator.record_file import RecordFile, RecordLine, read_record_file
from brokerwire.simulator.recorded import read_recording

WITHIN_S = 20.0
FAST = {"rate": 20}
CANARIES = {
    "binance": {"api_key": "canary-api-key-4711", "api_secret": "canary-api-secret-4711"},
    "tradestation": {
        "client_id": "canary-client-id-4711",
        "client_secret": "canary-client-secret-4711",
        "refresh_token": "canary-refresh-token-4711",
    },
}
SYMBOLS = {"binance": ["BTCUSDT", "ETHUSDT"], "tradestation": ["AAPL", "MSFT"]}


def new_recorder(folder: Path, **options: Any) -> Recorder:
    return Recorder(folder, **{"flush_s": 0.05, **options})


def files_of(folder: Path) -> list[RecordFile]:
    return [read_record_file(path) for path in sorted(folder.glob("*.bwrec"))]


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def lines_of(folder: Path) -> list[RecordLine]:
    return [line for file in files_of(folder) for line in file.lines]


class Heard:
    """Events and statuses, and a wait for them that ends with each new one."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.statuses: list[Any] = []
        self._changed = asyncio.Event()

    def on_event(self, event: Any) -> None:
        self.events.append(event)
        self._changed.set()

    def on_status(self, status: Any) -> None:
        self.statuses.append(status)
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def texts(self) -> list[str]:
        return [getattr(status, "text", "") for status in self.statuses]


async def record(
    venue: Simulator, folder: Path, count: int, *, recorder: Recorder | None = None
) -> tuple[Heard, dict[str, Any]]:
    """Record quotes until ``count`` events are heard; returns what was heard, and the health before the end."""
    heard = Heard()
    recorder = recorder or new_recorder(folder)
    credentials = CANARIES[venue.venue]
    async with Client(venue.venue, endpoints=venue.endpoints, credentials=credentials, recorder=recorder) as client:
        stream = client.market_data.stream_quotes
        await stream(SYMBOLS[venue.venue], heard.on_event, status_callback=heard.on_status)
        await heard.until(lambda: len(heard.events) >= count)
        health = client.health()["recording"]
    return heard, health


def frames_of(folder: Path) -> list[bytes]:
    """Return the market frames of a recording; a venue's replies to requests are no part of its streams."""
    return [
        frame.payload
        for frame in read_recording(folder).frames
        if b'"result"' not in frame.payload and b"Heartbeat" not in frame.payload
    ]


async def test_session_recorded_from_binance_is_played_again_byte_for_byte(tmp_path: Path) -> None:
    async with Simulator("binance", seed=5, settings=FAST) as venue:
        first, health = await record(venue, tmp_path / "a", 200)
    assert health["is_recording"]
    assert health["dropped"] == 0
    frames = frames_of(tmp_path / "a")
    settings = {"replay_delay_s": 0.2}
    async with Simulator("binance", replay=tmp_path / "a", speed="max", settings=settings) as venue:
        second, _ = await record(venue, tmp_path / "b", len(first.events))
    assert frames_of(tmp_path / "b")[: len(frames)] == frames
    assert [event.raw for event in second.events[:200]] == [event.raw for event in first.events[:200]]


async def test_session_recorded_from_tradestation_is_played_again_byte_for_byte(tmp_path: Path) -> None:
    async with Simulator("tradestation", seed=5, settings=FAST) as venue:
        first, _ = await record(venue, tmp_path / "a", 200)
    frames = frames_of(tmp_path / "a")
    settings = {"replay_delay_s": 0.2}
    async with Simulator("tradestation", replay=tmp_path / "a", speed="max", settings=settings) as venue:
        second, _ = await record(venue, tmp_path / "b", len(first.events))
    assert frames_of(tmp_path / "b")[: len(frames)] == frames
    assert [event.raw for event in second.events[:200]] == [event.raw for event in first.events[:200]]


async def test_lines_say_which_connection_and_when_both_ways(tmp_path: Path) -> None:
    async with Simulator("binance", seed=5, settings=FAST) as venue:
        heard, _ = await record(venue, tmp_path, 20)
        opened, *rest = [line for line in lines_of(tmp_path) if line.connection]
        assert opened.kind == "opened"
        assert opened.url.startswith(venue.endpoints["stream"])
    assert rest[-1].kind == "ended"
    assert {line.connection for line in rest} == {opened.connection}
    assert b"SUBSCRIBE" in next(line.payloads[0] for line in rest if line.kind == "sent")
    times = [line.time_ns for line in rest if line.kind == "received"]
    assert times == sorted(times)
    assert 0 <= heard.events[0].received_ns - times[0] < 1_000_000_000


async def test_files_are_the_owners_alone_and_say_which_filters_ran(tmp_path: Path) -> None:
    async with Simulator("binance", seed=5, settings=FAST) as venue:
        await record(venue, tmp_path / "new", 5)
    (path,) = (tmp_path / "new").glob("*.bwrec")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    header = read_record_file(path).header
    assert header is not None
    assert (header.venue, header.environment) == ("binance", "live")
    assert "learned secrets" in header.filters


async def test_no_secret_is_in_what_was_written(tmp_path: Path) -> None:
    given = CANARIES["tradestation"]
    async with (
        Simulator("tradestation", seed=5, settings=FAST) as venue,
        Client("tradestation", endpoints=venue.endpoints, credentials=given, recorder=new_recorder(tmp_path)) as client,
    ):
        heard = Heard()
        await client.order_execution.stream_order_updates(heard.on_event)
        await client.brokerage.get_balances()
        await client.market_data.stream_quotes(SYMBOLS["tradestation"], heard.on_event)
        await heard.until(lambda: len(heard.events) > 5)
        learned = list(client._redactor._forms)
    lines = lines_of(tmp_path)
    assert any(line.kind == "answered" for line in lines)
    text = "\n".join(line.url + b"\n".join(line.payloads).decode() for line in lines)
    assert len(learned) > len(given)
    assert {secret for secret in (*given.values(), *learned) if secret in text} == set()
    assert "token" not in text


async def test_rotated_files_can_each_be_read_alone(tmp_path: Path) -> None:
    async with Simulator("binance", seed=5, settings=FAST) as venue:
        recorder = new_recorder(tmp_path, max_file_bytes=1500, block_bytes=4000)
        heard, health = await record(venue, tmp_path, 300, recorder=recorder)
    files = files_of(tmp_path)
    assert len(files) >= health["files"] > 1
    assert [file.header.number for file in files if file.header] == list(range(1, len(files) + 1))
    for file in files:
        opened = {line.connection for line in file.lines if line.kind == "opened"}
        assert {line.connection for line in file.lines if line.kind == "received"} <= opened
    assert len(frames_of(tmp_path)) >= len(heard.events)


class Disk:
    """Refuses, or takes no notice, for as long as it is told to."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self.error: OSError | None = None

    def write(self, descriptor: int, data: memoryview) -> int:
        if self.error is not None:
            self._write(descriptor, data[: len(data) // 2])
            raise self.error
        return self._write(descriptor, data)


async def test_disk_that_refuses_costs_nothing_but_time_while_the_buffer_lasts(tmp_path: Path) -> None:
    disk, heard = Disk(os.write), Heard()
    async with (
        Simulator("binance", seed=5, settings=FAST) as venue,
        Client("binance", endpoints=venue.endpoints, recorder=new_recorder(tmp_path, write=disk.write)) as client,
    ):
        await client.market_data.stream_quotes(SYMBOLS["binance"], heard.on_event, status_callback=heard.on_status)
        await heard.until(lambda: len(heard.events) > 20)
        disk.error = OSError(5, "Input/output error")
        await heard.until(lambda: any("held up: Input/output error" in text for text in heard.texts()))
        assert client.health()["recording"]["error"] == "Input/output error"
        assert not client.health()["recording"]["is_recording"]
        disk.error = None
        await heard.until(lambda: "the disk takes the recording again" in heard.texts())
    assert [file.damaged_bytes for file in files_of(tmp_path)] == [0]
    assert len(frames_of(tmp_path)) >= len(heard.events)
    assert not any(getattr(status, "type", "") == "gap" for status in heard.statuses)


async def test_full_buffer_drops_whole_batches_says_so_and_goes_on(tmp_path: Path) -> None:
    disk, heard = Disk(os.write), Heard()
    recorder = new_recorder(tmp_path, write=disk.write, buffer_bytes=20_000)
    async with (
        Simulator("binance", seed=5, settings=FAST) as venue,
        Client("binance", endpoints=venue.endpoints, recorder=recorder) as client,
    ):
        await client.market_data.stream_quotes(SYMBOLS["binance"], heard.on_event, status_callback=heard.on_status)
        await heard.until(lambda: len(heard.events) > 20)
        disk.error = OSError(28, "No space left on device")
        await heard.until(lambda: any("loses batches" in text for text in heard.texts()))
        disk.error = None
        await heard.until(lambda: any("were lost so far" in text for text in heard.texts()))
        dropped = client.health()["recording"]["dropped"]
    assert dropped > 0
    assert sum(line.batches for line in lines_of(tmp_path) if line.kind == "lost") >= dropped


async def test_disk_that_never_takes_anything_does_not_hold_up_the_close(tmp_path: Path) -> None:
    disk = Disk(os.write)
    disk.error = OSError(30, "Read-only file system")
    recorder = new_recorder(tmp_path, write=disk.write)
    async with Simulator("binance", seed=5, settings=FAST) as venue:
        await record(venue, tmp_path, 20, recorder=recorder)
    assert recorder.health()["dropped"] > 0
    assert names_in(tmp_path) == []


async def test_recorder_is_for_one_client_once(tmp_path: Path) -> None:
    recorder = new_recorder(tmp_path)
    async with Simulator("binance", seed=5, settings=FAST) as venue:
        await record(venue, tmp_path, 5, recorder=recorder)
        await recorder.close()
        with pytest.raises(ConfigurationError, match="one client"):
            await record(venue, tmp_path, 5, recorder=recorder)


def test_size_that_is_not_positive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="positive"):
        Recorder(tmp_path, buffer_bytes=0)


async def test_recorder_that_was_never_started_closes(tmp_path: Path) -> None:
    recorder = new_recorder(tmp_path)
    assert recorder.folder == tmp_path
    assert recorder.health()["is_recording"] is False
    await recorder.close()
    assert names_in(tmp_path) == []


async def test_disk_that_hangs_holds_up_the_close_for_a_while_and_no_longer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    is_free = threading.Event()

    def write(descriptor: int, data: memoryview) -> int:
        assert is_free.wait(WITHIN_S)
        return os.write(descriptor, data)

    recorder = new_recorder(tmp_path, write=write, close_s=0.1)
    async with Simulator("binance", seed=5, settings=FAST) as venue:
        await record(venue, tmp_path, 20, recorder=recorder)
        assert "the disk did not take the end" in caplog.text
        is_free.set()
        assert recorder._writer is not None
        await asyncio.to_thread(recorder._writer.join)
    assert len(frames_of(tmp_path)) >= 20


async def test_close_that_is_cancelled_can_be_repeated(tmp_path: Path) -> None:
    is_free = threading.Event()

    def write(descriptor: int, data: memoryview) -> int:
        assert is_free.wait(WITHIN_S)
        return os.write(descriptor, data)

    recorder = new_recorder(tmp_path, write=write)
    async with Simulator("binance", seed=5, settings=FAST) as venue:
        client = Client("binance", endpoints=venue.endpoints, recorder=recorder)
        heard = Heard()
        await client.market_data.stream_quotes("BTCUSDT", heard.on_event)
        await heard.until(lambda: len(heard.events) > 5)
        closing = asyncio.create_task(recorder.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)
        is_free.set()
        await client.close()
    assert len(frames_of(tmp_path)) >= 5


def test_what_is_missing_to_record_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(ConfigurationError, match=r"brokerwire\[recording\]"):
        Recorder(tmp_path)
