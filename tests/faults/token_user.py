"""A process that uses the token file: it asks for quotes at each line it is sent, and may die at a given step.

``dies_at`` names an audit event of the interpreter: before that step on the draft of the token file, the process is
killed as by ``kill -9``.
"""

import asyncio
import os
import signal
import sys
from typing import Any

import msgspec

from brokerwire import BrokerwireError, Client


def die_at(step: str) -> None:
    """Kill this process before ``step`` touches the draft of the token file."""

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        if event == step and arguments and ".tradestation-" in str(arguments[0]):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(listen)


def say(**facts: Any) -> None:
    sys.stdout.write(msgspec.json.encode(facts).decode() + "\n")
    sys.stdout.flush()


async def use(client: Client) -> None:
    try:
        (quote,) = await client.market_data.get_quotes(["AAPL"])
    except BrokerwireError as exc:
        say(kind=type(exc).__name__, text=str(exc), refreshes=client.tokens.refresh_count if client.tokens else 0)
    else:
        assert client.tokens is not None
        say(kind="quote", text=quote.symbol, refreshes=client.tokens.refresh_count)


async def main(settings: dict[str, Any]) -> None:
    if settings["dies_at"]:
        die_at(settings["dies_at"])
    async with Client("tradestation", endpoints=settings["endpoints"], credentials=settings["credentials"]) as client:
        say(kind="ready", text="", refreshes=0)
        while await asyncio.to_thread(sys.stdin.readline):
            await use(client)


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(sys.argv[1])))
