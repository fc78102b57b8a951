"""F45: ``kill -9`` in the middle of a block: the torn tail is found, and every block before it is whole."""

import asyncio
import signal
import sys
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from tests.faults.conftest import Row, trials

from brokerwire.simulator import Simulator
from brokerwire.simulator.record_file import RecordFile, read_record_file
from brokerwire.simulator.recorded import read_recording

PROGRAM = Path(__file__).with_name("recording_program.py")
WITHIN_S = 30.0


def files_in(folder: Path) -> list[RecordFile]:
    return [read_record_file(path) for path in sorted(folder.glob("*.bwrec"))]


async def live_and_die(row: Row, simulator: Simulator, folder: Path) -> None:
    row.extra_dials += 1  # each life of a process opens its stream anew
    settings = {
        "venue": "binance",
        "symbol": "BTCUSDT",
        "seed": row.random.random(),
        "folder": str(folder),
        "endpoints": dict(simulator.endpoints),
        "credentials": dict(simulator.credentials),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), msgspec.json.encode(settings).decode(), stderr=asyncio.subprocess.PIPE
    )
    _, complaints = await asyncio.wait_for(process.communicate(), WITHIN_S)
    assert process.returncode == -signal.SIGKILL, complaints.decode()[-2000:]


def trade_ids(file: RecordFile) -> list[int]:
    payloads = [payload for line in file.lines if line.kind == "received" for payload in line.payloads]
    frames = [msgspec.json.decode(payload) for payload in payloads]
    trades = [frame["data"] for frame in frames if "data" in frame]
    return [int(trade["t"]) if "t" in trade else int(trade["a"]) for trade in trades]


@pytest.mark.process
@pytest.mark.timeout(600)
def test_every_block_before_the_torn_one_is_whole(row: Row, tmp_path: Path) -> None:
    async def main(row: Row) -> None:
        row.allows_violations = True
        simulator = await row.simulator("binance", settings={"rate": 20})
        torn = 0
        for number in range(rounds := trials(4, full=20, contract=100)):
            folder = tmp_path / str(number)
            await live_and_die(row, simulator, folder)
            for file in files_in(folder):
                torn += file.damaged_bytes > 0
                ids = trade_ids(file)
                assert all(new == old + 1 for old, new in pairwise(ids)), "a block is missing within"
        assert torn > rounds // 3

    row.in_real_time(main)


@pytest.mark.process
def test_recording_goes_on_beside_a_torn_file_and_both_are_read(row: Row, tmp_path: Path) -> None:
    async def main(row: Row) -> None:
        row.allows_violations = True
        simulator = await row.simulator("binance", settings={"rate": 20})
        for _ in range(3):
            await live_and_die(row, simulator, tmp_path)
        assert len({file.header.run for file in files_in(tmp_path) if file.header}) >= 2
        frames = read_recording(tmp_path).frames
        assert len(frames) >= sum(len(trade_ids(file)) for file in files_in(tmp_path)) > 0

    row.in_real_time(main)
