"""F36: close() at any moment of a client's life returns in time and leaves nothing."""

import asyncio
from typing import Any

import pytest
from tests.faults.conftest import CLOSE_S, Row, repeats
from tests.faults.venues import VENUES, options_of

from brokerwire import BrokerwireError, Client

SCHEDULES = repeats(30, 200)
FAULTS = [
    "",
    "refuse:503",
    "late_ack:3",
    "late_snapshot:3",
    "silent_accept",
    "slow_loris",
    "token_down:slow",
    "reject_auth:401",
    "half_open",
    "close",
    "reset_mid_frame",
    "goaway",
    "mute",
]


async def dawdle(_event: Any) -> None:
    await asyncio.sleep(30)


async def use(row: Row, client: Client, symbol: str) -> None:
    """Subscribe to a few things until the client is closed."""
    first, second, third = VENUES[client.venue].methods
    try:
        await row.watch(client, first, symbol, flows=False, **options_of(first))
        await row.watch(client, second, symbol, flows=False, **options_of(second))
        await row.watch(client, third, symbol, behave=dawdle, flows=False, **options_of(third))
    except BrokerwireError:
        return


@pytest.mark.timeout(200)
@pytest.mark.parametrize("venue", VENUES)
def test_no_schedule_makes_close_late_or_leaves_anything(row: Row, venue: str) -> None:
    row.extra_dials = 10_000

    async def main(row: Row) -> None:
        simulator = await row.simulator(venue, settings=VENUES[venue].unlimited)
        weather = await row.weather(simulator)
        dice = row.random
        for _ in range(SCHEDULES):
            client = row.client(simulator, weather=weather)
            fault = dice.choice(FAULTS)
            if fault and dice.random() < 0.5:
                simulator.faults.set(fault)
            using = asyncio.create_task(use(row, client, VENUES[venue].symbols[0]))
            await row.sleep(dice.choice([0.0, 0.001, 0.01, 0.1, 0.5, 2.0]))
            if fault:
                simulator.faults.set(fault)
            if dice.random() < 0.3:
                simulator.connections.drop()
            if dice.random() < 0.2:
                weather.set("black_hole")
            await row.sleep(dice.choice([0.0, 0.001, 0.01, 0.1, 0.5, 2.0]))
            began = row.now()
            await client.close()
            took_s = row.now() - began
            assert took_s <= CLOSE_S + 0.05, f"close took {took_s:.2f} s under {fault!r}"
            async with asyncio.timeout(1):
                await using
            assert row.tasks() == []
            assert len(client.streams) == 0
            weather.clear()
            weather.drop()
            simulator.faults.clear()
            if fault == "half_open":
                simulator.connections.drop()  # a server that is deaf does not hear that its client has gone
            await row.settle(client)

    row(main)
