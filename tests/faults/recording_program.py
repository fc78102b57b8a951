"""A process that records trades, and is killed by its own disk in the middle of a block."""

import asyncio
import os
import random
import signal
import sys
from typing import Any

import msgspec

from brokerwire import Client
from brokerwire.recording import Recorder


async def main(settings: dict[str, Any]) -> None:
    dice = random.Random(settings["seed"])
    blocks_left = dice.randint(1, 8)

    def write(descriptor: int, data: memoryview) -> int:
        nonlocal blocks_left
        blocks_left -= 1
        if blocks_left < 0:
            os.write(descriptor, data[: dice.randrange(len(data))])
            os.kill(os.getpid(), signal.SIGKILL)
        return os.write(descriptor, data)

    recorder = Recorder(settings["folder"], flush_s=0.02, block_bytes=3000, write=write)
    async with Client(
        settings["venue"],
        endpoints=settings["endpoints"],
        credentials=settings["credentials"],
        recorder=recorder,
    ) as client:
        await client.market_data.stream_trades([settings["symbol"]], lambda _: None)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(sys.argv[1])))
