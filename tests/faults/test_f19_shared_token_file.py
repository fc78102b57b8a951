"""F19: processes that share a token file refresh once for all."""

import asyncio
from pathlib import Path

import pytest
from tests.faults.conftest import IS_FULL, Row, repeats
from tests.faults.plain_door import PlainDoor
from tests.faults.token_process import TokenProcess

PROCESSES = repeats(2, 4)


if IS_FULL:  # it starts processes

    @pytest.mark.process
    @pytest.mark.parametrize("is_rotated", [True, False], ids=["rotated", "kept"])
    def test_two_processes_refresh_a_shared_token_once(row: Row, tmp_path: Path, is_rotated: bool) -> None:
        async def main(row: Row) -> None:
            simulator = await row.simulator("tradestation", settings={"rotate_refresh_tokens": is_rotated})
            door = PlainDoor(simulator.endpoints["auth"])
            await door.start()
            row.owned.append(door)
            endpoints = {**simulator.endpoints, "auth": door.address}
            processes = [TokenProcess(endpoints, tmp_path / "tokens") for _ in range(PROCESSES)]
            row.owned += processes
            await asyncio.gather(*(process.start() for process in processes))
            for expected in (1, 2, 3):
                answers = await asyncio.gather(*(process.ask() for process in processes))
                assert [answer["kind"] for answer in answers] == ["quote"] * PROCESSES, answers
                assert sum(answer["refreshes"] for answer in answers) == expected
                assert door.asked == expected
                simulator.faults.set("expire_token:1200")
            assert await asyncio.gather(*(process.close() for process in processes)) == [0] * PROCESSES

        row.in_real_time(main)
