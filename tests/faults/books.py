"""Compares a book that was delivered with the one that the venue answers when it is asked."""

import asyncio
from typing import Any

import aiohttp
from tests.faults.waiting import until

from brokerwire.doctor.listener import Listener
from brokerwire.simulator import Simulator

LEVELS = 10


def snapshots_of(simulator: Simulator, symbol: str) -> list[float]:
    """Return when a client asked for the book of a symbol, in seconds."""
    entries = simulator.journal.entries("request", path="/api/v3/depth")
    return [entry.time_ns / 1e9 for entry in entries if symbol in str(entry.detail["query"])]


async def oracle(simulator: Simulator, symbol: str) -> dict[str, Any]:
    """Return the venue's own book now."""
    url = f"{simulator.endpoints['rest']}/api/v3/depth"
    async with aiohttp.ClientSession() as http, http.get(url, params={"symbol": symbol, "limit": "100"}) as answer:
        body: dict[str, Any] = await answer.json()
    await asyncio.sleep(0)
    return body


async def agrees_with_the_venue(simulator: Simulator, watch: Listener) -> None:
    """Wait for a delivered book with the update id of the venue's, and compare the top levels."""
    symbol = watch.subscription.topics[0].symbol
    for _ in range(20):
        book = await oracle(simulator, symbol)
        wanted = book["lastUpdateId"]
        await until(lambda reach=wanted: watch.events[-1].sequence >= reach)  # type: ignore[misc]  # bound early
        found = [event for event in watch.events if event.sequence == wanted]
        if found:
            for side, levels in (("bids", found[-1].bids), ("asks", found[-1].asks)):
                theirs = [(float(price), float(size)) for price, size in book[side][:LEVELS]]
                assert [(level.price, level.size) for level in levels[:LEVELS]] == theirs
            return
        await asyncio.sleep(0.037)
    raise AssertionError("no delivered book has the update id of a snapshot")
