"""A process that never closes what it opens: it streams, places an order, and ends in one of several ways."""

import asyncio
import sys
from typing import Any

import msgspec

from brokerwire import Client


def say(**facts: Any) -> None:
    sys.stdout.write(msgspec.json.encode(facts).decode() + "\n")
    sys.stdout.flush()


async def main(settings: dict[str, Any]) -> None:
    client = Client(settings["venue"], **settings["options"])
    heard = asyncio.Event()

    async def on_event(_event: Any) -> None:
        heard.set()

    await client.market_data.stream_quotes(settings["symbol"], on_event)
    if settings["options"].get("journal"):
        order = await client.order_execution.place_order(
            symbol=settings["symbol"], side="buy", quantity=1, type="limit", limit_price="1"
        )
        say(order=order.client_order_id)
    await heard.wait()
    say(ready=True)
    if settings["ending"] == "waits":
        await asyncio.Event().wait()
    if settings["ending"] == "raises":
        raise ValueError("the user's own mistake")
    if settings["ending"] == "exits":
        sys.exit(3)


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(sys.argv[1])))
