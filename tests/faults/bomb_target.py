"""A process that a bomb is sent to: it says how much its memory has grown at most, and what it has heard."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import msgspec

from brokerwire import BrokerwireError, Client


def memory(which: str) -> int:
    """Return the ``VmRSS`` or ``VmHWM`` of this process in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{which}:"))


async def listen(client: Client, symbol: str) -> list[float]:
    """Listen until the stream has come back from the bomb and begun anew."""
    bids: list[float] = []
    back = asyncio.Event()

    async def on_event(event: Any) -> None:
        bids.append(event.bid)
        if len(bids) == 6:
            back.set()

    await client.market_data.stream_quotes(symbol, on_event)
    async with asyncio.timeout(40):
        await back.wait()
    return bids


async def main(settings: dict[str, Any]) -> dict[str, Any]:
    async with Client(
        settings["venue"], endpoints=settings["endpoints"], credentials=settings["credentials"]
    ) as client:
        warm = memory("VmRSS")
        heard: list[float] = []
        error = ""
        try:
            if settings["asks"]:
                await client.market_data.get_bars(settings["symbol"])
            else:
                heard = await listen(client, settings["symbol"])
        except BrokerwireError as exc:
            error = f"{type(exc).__name__}: {exc}"
    return {"grown": memory("VmHWM") - warm, "heard": heard, "error": error}


if __name__ == "__main__":
    said = asyncio.run(main(msgspec.json.decode(sys.argv[1])))
    sys.stdout.write(msgspec.json.encode(said).decode() + "\n")
