"""F56: a fork of a connected process is refused in words, and its parent notices nothing."""

import asyncio
import os
import sys
from pathlib import Path

import msgspec
import pytest
from tests.faults.conftest import CANARIES, IS_FULL, Row
from tests.faults.venues import CASES

PROGRAM = Path(__file__).with_name("forking_user.py")


if IS_FULL:  # it starts processes

    @pytest.mark.process
    @pytest.mark.parametrize(("venue", "symbol"), CASES)
    def test_a_fork_is_refused_a_worker_makes_its_own_and_the_parent_goes_on(
        row: Row, tmp_path: Path, venue: str, symbol: str
    ) -> None:
        async def main(row: Row) -> None:
            simulator = await row.simulator(venue)
            options = {"endpoints": dict(simulator.endpoints), "credentials": CANARIES[venue]}
            settings = {"venue": venue, "symbol": symbol, "options": options}
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(PROGRAM),
                msgspec.json.encode(settings).decode(),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**os.environ, "BROKERWIRE_TOKEN_DIR": str(tmp_path / "tokens")},
            )
            out, complaints = await asyncio.wait_for(process.communicate(), 50)
            assert process.returncode == 0, complaints.decode()
            assert all("make a new client" in line for line in complaints.decode().splitlines()), complaints.decode()
            said = msgspec.json.decode(out)
            *forks, pickling = said["forks"]
            for fork in forks:
                asked, streamed, raw, all_closed, closed = fork
                assert all("make a new client" in text for text in (asked, streamed, raw)), fork
                assert all_closed == closed == ""
            assert pickling == ["a Client cannot be copied into another process; make a new one there"]
            assert isinstance(said["worker"], float)
            assert said["states"] == ["live"]
            assert (said["reconnects"], said["asked"], said["at_the_end"]) == (0, symbol, "closed")
            own = venue == "tradingview"  # there a worker asks for its quote on a stream of its own
            assert simulator.journal.count("dial") == 1 + own

        row.extra_dials = 2
        row.in_real_time(main)
