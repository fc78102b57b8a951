"""F33: synchronous work in a callback stalls the loop; that is no reason to call anything dead. In real time."""

import time
from typing import Any

import pytest
from tests.faults.conftest import IS_FULL, SEEDS, Row
from tests.faults.watch import until

CASES = [("tradestation", "AAPL"), ("binance", "BTCUSDT")]
STALLS = [pytest.param(5.0, 0, id="5s")] + ([pytest.param(30.0, 1, id="30s")] if IS_FULL else [])


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("stall_s", "reconnects"), STALLS)
def test_a_stall_is_not_mistaken_for_silence(row: Row, stall_s: float, reconnects: int) -> None:
    if stall_s > 5 and row.seed != SEEDS[0]:
        pytest.skip("half a minute of real time is spent on one seed only")
    row.keeps_time = False

    async def main(row: Row) -> None:
        watches = []
        for venue, symbol in CASES:
            simulator = await row.simulator(venue)
            watches.append(await row.watch(row.client(simulator), "quotes", symbol))
        for watch in watches:
            await watch.more(2)
        is_due = [True]

        async def stall(_event: Any) -> None:
            if is_due[0]:
                is_due[0] = False
                time.sleep(stall_s)  # noqa: ASYNC251  # the fault

        watches[0].behave = stall
        await until(lambda: not is_due[0])
        await row.sleep(1)
        for watch in watches:
            await watch.more(2)
            assert "stale" not in watch.states
            assert watch.reconnects <= reconnects

    row.in_real_time(main)
