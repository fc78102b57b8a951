"""Starts and talks to processes that share one token file."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from tests.faults.conftest import CANARIES

PROGRAM = Path(__file__).with_name("token_user.py")
PATIENCE_S = 30.0


class TokenProcess:
    """One process that uses the token file of a folder."""

    def __init__(self, endpoints: Mapping[str, str], folder: Path, *, dies_at: str = "") -> None:
        settings = {"endpoints": dict(endpoints), "credentials": CANARIES["tradestation"], "dies_at": dies_at}
        self._settings = msgspec.json.encode(settings).decode()
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(PROGRAM),
            self._settings,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "BROKERWIRE_TOKEN_DIR": str(self._folder)},
        )
        assert (await self._answer())["kind"] == "ready"

    async def ask(self) -> dict[str, Any]:
        """Let it ask for quotes; nothing is answered by a process that dies of it."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        return await self._answer()

    async def _answer(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), PATIENCE_S)
        answer: dict[str, Any] = msgspec.json.decode(line) if line else {}
        return answer

    async def close(self) -> int:
        """Let it end; returns its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        assert process.stdin is not None
        process.stdin.close()
        return await asyncio.wait_for(process.wait(), PATIENCE_S)
