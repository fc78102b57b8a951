"""A process that listens, and meanwhile forks children and spawns workers that try to use its client."""

import asyncio
import multiprocessing
import pickle
import sys
from collections.abc import Callable
from typing import Any

import msgspec

from brokerwire import BrokerwireError, Client, StateChange


async def try_all(client: Client, symbol: str) -> list[str]:
    """Use a client that belongs to another process, in every way; returns what that said."""
    ways: list[Callable[[], Any]] = [
        lambda: client.market_data.get_quotes([symbol]),
        lambda: client.market_data.stream_bars(symbol, callback=lambda _event: None),
        lambda: client.streams.create_stream("ws://127.0.0.1:9/x", {}),
        client.close_all_streams,
        client.close,
    ]
    said = []
    for way in ways:
        try:
            await asyncio.wait_for(way(), 5)
        except BrokerwireError as exc:
            said.append(f"{type(exc).__name__}: {exc}")
        else:
            said.append("")
    return said


def be_a_fork(client: Client, symbol: str, said: Any) -> None:
    said.send(asyncio.run(try_all(client, symbol)))


def be_a_worker(settings: dict[str, Any], said: Any) -> None:
    async def ask() -> float | None:
        async with Client(settings["venue"], **settings["options"]) as client:
            (quote,) = await client.market_data.get_quotes([settings["symbol"]])
            return quote.price

    said.send(asyncio.run(ask()))


async def outcome_of(method: str, target: Callable[..., None], *arguments: Any) -> Any:
    """Run a function in a process of its own; returns what it sent."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context(method).Process(  # type: ignore[attr-defined]  # any start method
        target=target, args=(*arguments, theirs)
    )
    process.start()
    theirs.close()
    outcome = await asyncio.to_thread(ours.recv)
    await asyncio.to_thread(process.join)
    return outcome if process.exitcode == 0 else f"exit code {process.exitcode}"


async def main(settings: dict[str, Any]) -> dict[str, Any]:
    heard: list[Any] = []
    states: list[str] = []
    news = asyncio.Event()

    async def on_event(event: Any) -> None:
        heard.append(event)
        news.set()

    def on_status(status: Any) -> None:
        if isinstance(status, StateChange):
            states.append(status.new)

    async def more(count: int) -> None:
        wanted = len(heard) + count
        async with asyncio.timeout(20):
            while len(heard) < wanted:
                news.clear()
                await news.wait()

    async with Client(settings["venue"], **settings["options"]) as client:
        await client.market_data.stream_quotes(settings["symbol"], on_event, status_callback=on_status)
        await more(3)
        forks = [await outcome_of("fork", be_a_fork, client, settings["symbol"]) for _ in range(2)]
        await more(5)
        try:
            pickle.dumps(client)
        except TypeError as exc:
            forks.append([str(exc)])
        worker = await outcome_of("spawn", be_a_worker, settings)
        await more(5)
        (quote,) = await client.market_data.get_quotes([settings["symbol"]])
        (stream,) = client.streams.active_streams
        facts = {"reconnects": stream.reconnects, "asked": quote.symbol, "states": list(states)}
    return {"forks": forks, "worker": worker, "at_the_end": states[-1], **facts}


if __name__ == "__main__":
    said = asyncio.run(main(msgspec.json.decode(sys.argv[1])))
    sys.stdout.write(msgspec.json.encode(said).decode() + "\n")
