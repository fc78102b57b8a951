"""A process that listens to orders with a journal, keeps what it hears on disk, places orders, and may be killed."""

import asyncio
import os
import random
import signal
import sys
from typing import Any

import msgspec

from brokerwire import BrokerwireError, Client


class Log:
    """Lines of JSON, each on disk before the next step."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, what: str, **facts: Any) -> None:
        os.write(self._descriptor, msgspec.json.encode({"what": what, **facts}) + b"\n")
        os.fsync(self._descriptor)


async def place_orders(client: Client, log: Log, dice: random.Random) -> None:
    number = 0
    while True:
        await asyncio.sleep(dice.uniform(0.0, 0.1))
        number += 1
        client_order_id = f"{os.getpid()}-{number}"
        log.write("intend", id=client_order_id)
        try:
            await client.order_execution.place_order(
                symbol="AAPL",
                side="buy",
                quantity=dice.randint(5, 50),
                type="limit",
                limit_price=f"{1 + dice.randrange(10_000) / 100:.2f}",  # equal terms would be interchangeable
                time_in_force="gtc",
                client_order_id=client_order_id,
            )
        except BrokerwireError as exc:
            log.write("error", id=client_order_id, text=str(exc))


async def main(settings: dict[str, Any]) -> None:
    log, stop = Log(settings["log"]), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    async def on_event(event: Any) -> None:
        log.write("event", event=event)

    async with Client(
        "tradestation",
        endpoints=settings["endpoints"],
        credentials=settings["credentials"],
        journal=settings["journal"],
    ) as client:
        await client.order_execution.stream_order_updates(on_event, consumer="ledger")
        log.write("ready")
        dice = random.Random(settings["seed"])
        placing = asyncio.create_task(place_orders(client, log, dice)) if settings["places"] else None
        await stop.wait()
        if placing is not None:
            placing.cancel()
            await asyncio.gather(placing, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(sys.argv[1])))
