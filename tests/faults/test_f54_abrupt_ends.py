"""F54: the interpreter ends without ``close``, at Ctrl-C once or twice, or at SIGTERM: soon, in order, in few words."""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct
from tests.faults.conftest import CANARIES, IS_FULL, Row
from tests.faults.venues import VENUES

PROGRAM = Path(__file__).with_name("careless_user.py")
EXAMPLES = Path(__file__).parents[2] / "examples"
LONGEST_S = 5.0
INT, TERM = signal.SIGINT, signal.SIGTERM
OFFLINE = {"BROKERWIRE_ENVIRONMENT": "offline", "PYTHONUNBUFFERED": "1"}


class Ending(Struct):
    """How a process ended, and what it said."""

    code: int
    took_s: float
    out: str
    err: str


class Running:
    """A process with its output gathered line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._lines: dict[str, list[str]] = {"out": [], "err": []}
        self._news = asyncio.Event()
        assert process.stdout is not None
        assert process.stderr is not None
        self._reading = [
            asyncio.create_task(self._read("out", process.stdout)),
            asyncio.create_task(self._read("err", process.stderr)),
        ]

    async def _read(self, name: str, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            self._lines[name].append(line.decode())
            self._news.set()

    async def saying(self, text: str) -> None:
        """Wait until it has said something."""
        async with asyncio.timeout(30):
            while not any(text in line for lines in self._lines.values() for line in lines):
                assert self._process.returncode is None, self._lines
                self._news.clear()
                await self._news.wait()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def end(self) -> Ending:
        """Wait for its end."""
        began = asyncio.get_running_loop().time()
        async with asyncio.timeout(30):
            code = await self._process.wait()
            await asyncio.gather(*self._reading)
        took_s = asyncio.get_running_loop().time() - began
        return Ending(code, took_s, "".join(self._lines["out"]), "".join(self._lines["err"]))

    async def close(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self.end()


async def run(row: Row, *arguments: str, variables: Mapping[str, str]) -> Running:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **variables},
    )
    running = Running(process)
    row.owned.append(running)
    return running


def check(ending: Ending, *codes: int) -> None:
    assert ending.code in codes, ending.err
    assert ending.took_s <= LONGEST_S
    for word in ("Traceback", "Warning", "never retrieved", "was destroyed", "Exception ignored"):
        assert word not in ending.err, ending.err


async def start_careless(row: Row, venue: str, ending: str, folder: Path, **options: Any) -> Running:
    simulator = row.simulators[0]
    options = {"endpoints": dict(simulator.endpoints), "credentials": CANARIES[venue], **options}
    symbol = VENUES[venue].symbols[0]
    settings = {"venue": venue, "symbol": symbol, "ending": ending, "options": options}
    text = msgspec.json.encode(settings).decode()
    running = await run(row, str(PROGRAM), text, variables={"BROKERWIRE_TOKEN_DIR": str(folder / "tokens")})
    await running.saying("ready")
    return running


if IS_FULL:  # it starts processes
    # a second signal may find the work done and the interpreter leaving: a shell shows the same code for that
    SIGNALS = [
        ([INT], [130]),
        ([INT, INT], [130, -INT]),
        ([TERM], [143]),
        ([TERM, TERM], [143, -TERM]),
        ([TERM, INT], [143, 130, -INT]),
    ]

    @pytest.mark.process
    @pytest.mark.parametrize(("numbers", "codes"), SIGNALS)
    @pytest.mark.parametrize("venue", VENUES)
    def test_the_command_line_ends_soon_with_the_code_of_its_signal(
        row: Row, venue: str, numbers: list[signal.Signals], codes: list[int]
    ) -> None:
        async def main(row: Row) -> None:
            symbol = VENUES[venue].symbols[0]
            command = ["-m", "brokerwire", "stream", "quotes", symbol, "-v", venue, "--json"]
            running = await run(row, *command, variables=OFFLINE)
            await running.saying('"quote"')
            for number in numbers:
                running.signal(number)
                await row.sleep(0.02)  # the second comes while the first is at work
            check(await running.end(), *codes)

        row.in_real_time(main)

    @pytest.mark.process
    @pytest.mark.parametrize("numbers", [[INT], [INT, INT], [TERM], [TERM, TERM]])
    def test_the_example_of_a_service_ends_soon_and_in_order(row: Row, numbers: list[signal.Signals]) -> None:
        async def main(row: Row) -> None:
            running = await run(row, str(EXAMPLES / "service.py"), variables=OFFLINE)
            await running.saying("health:")
            for number in numbers:
                running.signal(number)
                await row.sleep(0.02)
            ending = await running.end()
            check(ending, 0, *(-number for number in numbers[1:]))
            assert "stopped" in ending.err

        row.in_real_time(main)

    @pytest.mark.process
    @pytest.mark.parametrize("venue", VENUES)
    @pytest.mark.parametrize(("how", "code"), [("returns", 0), ("exits", 3)])
    def test_a_program_that_never_closes_ends_soon_without_a_word(
        row: Row, tmp_path: Path, venue: str, how: str, code: int
    ) -> None:
        async def main(row: Row) -> None:
            await row.simulator(venue)
            running = await start_careless(row, venue, how, tmp_path)
            check(await running.end(), code)

        row.in_real_time(main)

    @pytest.mark.process
    @pytest.mark.parametrize("venue", VENUES)
    @pytest.mark.parametrize(
        ("how", "numbers", "code"), [("raises", [], 1), ("waits", [INT], -2), ("waits", [TERM], -15)]
    )
    def test_a_program_that_never_closes_shows_its_own_end_only(
        row: Row, tmp_path: Path, venue: str, how: str, numbers: list[signal.Signals], code: int
    ) -> None:
        async def main(row: Row) -> None:
            await row.simulator(venue)
            running = await start_careless(row, venue, how, tmp_path)
            for number in numbers:
                running.signal(number)
            ending = await running.end()
            assert ending.code == code
            assert ending.took_s <= LONGEST_S
            assert ending.err.count("Traceback") <= 2  # Python's own about Ctrl-C tells of the cancelling too
            assert "src/brokerwire" not in ending.err

        row.in_real_time(main)

    @pytest.mark.process
    @pytest.mark.parametrize("how", ["returns", "exits", "waits"])
    def test_a_journal_holds_the_order_of_a_program_that_never_closes(row: Row, tmp_path: Path, how: str) -> None:
        async def main(row: Row) -> None:
            simulator = await row.simulator("tradestation")
            path = tmp_path / "orders.db"
            running = await start_careless(row, "tradestation", how, tmp_path, journal=str(path))
            if how == "waits":
                running.signal(TERM)
            ending = await running.end()
            assert ending.took_s <= LONGEST_S
            name = msgspec.json.decode(ending.out.splitlines()[0])["order"]
            assert any(order.ticket.client_order_id == name for order in simulator.exchange.orders.values())
            journal = sqlite3.connect(path)
            assert journal.execute("pragma integrity_check").fetchone() == ("ok",)
            assert any(name in line for line in journal.iterdump())
            journal.close()

        row.in_real_time(main)
