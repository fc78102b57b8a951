"""The row about endings: ``close`` at any moment of a client's life."""

import asyncio
from collections.abc import Mapping
from typing import Any

from brokerwire.client.client import Client
from brokerwire.doctor.finding import Figure, Finding
from brokerwire.doctor.ward import Ward
from brokerwire.errors import BrokerwireError
from brokerwire.simulator import Simulator
from brokerwire.simulator.weather import Weather

SCHEDULES = 24
PAUSES_S = (0.0, 0.001, 0.01, 0.1, 0.5, 2.0)
_UNLIMITED: Mapping[str, Mapping[str, Any]] = {
    "tradestation": {"limit_scale": 100.0},
    "tradingview": {"connects_per_minute": 0},
}
_OTHERS: Mapping[str, tuple[str, str]] = {"tradingview": ("bars", "bars")}
FAULTS = (
    "",
    "refuse:503",
    "late_ack:3",
    "silent_accept",
    "slow_loris",
    "token_down:slow",
    "reject_auth:401",
    "half_open",
    "close",
    "reset_mid_frame",
    "goaway",
    "mute",
)


async def closed_midway(ward: Ward) -> Finding:
    """F36: ``close`` while the client connects, logs in, waits, or is in a callback."""
    simulator = await ward.simulator(_UNLIMITED.get(ward.venue))
    weather = await ward.weather(simulator)
    ward.allow_dials(20 * SCHEDULES)
    longest_s = 0.0
    for _ in range(SCHEDULES):
        longest_s = max(longest_s, await _live_and_die(ward, simulator, weather))
    return Finding(
        f"{SCHEDULES} clients were closed while they connected, logged in, waited or were in a callback",
        (Figure(name="longest close", value=longest_s, unit="s", at_most=5.0),),
    )


async def _live_and_die(ward: Ward, simulator: Simulator, weather: Weather) -> float:
    """Use a client under a fault and close it at some moment; returns how long that took, in seconds."""
    client = ward.client(simulator, weather=weather)
    fault, dice = ward.random.choice(FAULTS), ward.random
    if fault and dice.random() < 0.5:
        simulator.faults.set(fault)
    using = asyncio.create_task(_use(ward, client), name="doctor user")
    await ward.sleep(dice.choice(PAUSES_S))
    if fault:
        simulator.faults.set(fault)
    if dice.random() < 0.3:
        simulator.connections.drop()
    if dice.random() < 0.2:
        weather.set("black_hole")
    await ward.sleep(dice.choice(PAUSES_S))
    took_s = await ward.dismiss(client)
    await using
    weather.clear()
    weather.drop()
    simulator.faults.clear()
    if fault == "half_open":
        simulator.connections.drop()  # a server that is deaf does not hear that its client has gone
    return took_s


async def _use(ward: Ward, client: Client) -> None:
    """Subscribe to a few things until the client is closed."""
    try:
        await ward.listen(client, "quotes", ward.symbol, flows=False)
        second, third = _OTHERS.get(ward.venue, ("market_depth", "trades"))
        await ward.listen(client, second, ward.symbol, flows=False)
        await ward.listen(client, third, ward.symbol, behave=_dawdle, flows=False)
    except BrokerwireError:
        return


async def _dawdle(_event: Any) -> None:
    await asyncio.sleep(30)
