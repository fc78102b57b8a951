"""What runs the command line: in this process, and as a process of its own."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from msgspec import Struct

from brokerwire.cli.app import run

DEADLINE_S = 25.0


class Outcome(Struct):
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it wrote to its output, by line."""
        return self.out.splitlines()


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any) -> Callable[..., Outcome]:
    """Runs a command in this process, in an empty directory."""
    monkeypatch.chdir(tmp_path)

    def runner(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["brokerwire", *arguments])
        with pytest.raises(SystemExit) as ended:
            run()
        captured = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), captured.out, captured.err)

    return runner


class Command:
    """A command as a process of its own."""

    def __init__(self, process: Process) -> None:
        self.process = process

    async def line(self) -> str:
        """Return the next line of its output."""
        assert self.process.stdout is not None
        async with asyncio.timeout(DEADLINE_S):
            return (await self.process.stdout.readline()).decode()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def end(self) -> Outcome:
        """Wait for its end."""
        async with asyncio.timeout(DEADLINE_S):
            out, err = await self.process.communicate()
        assert self.process.returncode is not None
        return Outcome(self.process.returncode, (out or b"").decode(), (err or b"").decode())


@pytest.fixture
async def command(tmp_path: Any) -> AsyncIterator[Callable[..., Any]]:
    """Starts commands as processes in an empty directory, and ends those that are left."""
    started: list[Command] = []

    async def start(*arguments: str, **options: Any) -> Command:
        options = {"stdout": PIPE, "stderr": PIPE, "cwd": tmp_path, "env": {**os.environ}, **options}
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "brokerwire", *arguments, **options)
        started.append(Command(process))
        return started[-1]

    yield start
    for each in started:
        if each.process.returncode is None:
            each.process.kill()
        await each.process.wait()
        each.process._transport.close()  # type: ignore[attr-defined]  # its pipes are sockets of ours
