"""The benchmark: messages a second through the public API, next to a bare aiohttp loop, in one run."""

import asyncio
import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

import aiohttp
from msgspec import Struct

from brokerwire import Client, Trade
from brokerwire.testing import peers
from brokerwire.testing.feed_server import BLOCK_MESSAGES, SYMBOL
from brokerwire.testing.peers import Run


class Result(Struct, frozen=True):
    """One row: the median of the rounds, and its ratio to the bare loop in the same run."""

    name: str
    messages_per_s: float
    ratio: float


async def bare_aiohttp(port: int, messages: int) -> float:
    """Receive bytes and do nothing with them."""
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(
            f"ws://127.0.0.1:{port}/stream", compress=0, decode_text=False, max_msg_size=0
        )
        await socket.send_str('{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}')
        await socket.receive()
        await socket.receive()
        started = time.perf_counter()
        for _ in range(messages - 1):
            await socket.receive()
        elapsed = time.perf_counter() - started
        await socket.close()
    return elapsed


class _Counter:
    """Counts trades and says when the last one came."""

    def __init__(self, messages: int) -> None:
        self.left = messages
        self.started = 0.0
        self.elapsed = asyncio.get_running_loop().create_future()

    def count(self, _trade: Trade) -> None:
        if not self.started:
            self.started = time.perf_counter()
        self.left -= 1
        if not self.left:
            self.elapsed.set_result(time.perf_counter() - self.started)


async def _through_client(port: int, messages: int, *, is_async: bool) -> float:
    counter = _Counter(messages)

    async def on_trade(trade: Trade) -> None:
        counter.count(trade)

    address = f"127.0.0.1:{port}"
    endpoints = {"rest": f"http://{address}", "stream": f"ws://{address}"}
    async with Client("binance", endpoints=endpoints, environment="live") as client:
        callback = on_trade if is_async else counter.count
        await client.market_data.stream_trades([SYMBOL], callback, max_pending=1_000_000)
        return float(await counter.elapsed)


async def awaited_callback(port: int, messages: int) -> float:
    """The public API with an async callback."""
    return await _through_client(port, messages, is_async=True)


async def plain_callback(port: int, messages: int) -> float:
    """The public API with a plain function as callback."""
    return await _through_client(port, messages, is_async=False)


RUNS: dict[str, Run] = {
    "aiohttp, bare receive loop": bare_aiohttp,
    "brokerwire, awaited callback": awaited_callback,
    "brokerwire, plain callback": plain_callback,
}


def runs() -> dict[str, Run]:
    """Return what is measured on this machine: our own runs and every installed peer."""
    return {**RUNS, **peers.installed()}


@contextmanager
def feed(messages: int) -> Iterator[int]:
    """Run the feed server on a core of its own, where there is one; yields its port."""
    command = [sys.executable, "-m", "brokerwire.testing.feed_server", str(messages)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603  # our own module
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    try:
        if len(cores) > 1:
            own, other, *_ = sorted(cores)
            os.sched_setaffinity(server.pid, {other})
            os.sched_setaffinity(0, {own})
        assert server.stdout is not None  # noqa: S101  # asked for above
        yield int(server.stdout.readline())
    finally:
        if cores:
            os.sched_setaffinity(0, cores)
        server.terminate()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()


def measure(messages: int = 200_000, rounds: int = 5, *, on_round: Callable[[], None] = lambda: None) -> list[Result]:
    """Run everything ``rounds`` times in turn and return the medians."""
    messages = max(1, messages // BLOCK_MESSAGES) * BLOCK_MESSAGES
    chosen = runs()
    seconds: dict[str, list[float]] = {name: [] for name in chosen}
    with feed(messages) as port:
        for _ in range(rounds):
            for name, run in chosen.items():
                gc.collect()
                seconds[name].append(asyncio.run(_timed(run, port, messages)))
                on_round()
    rates = {name: messages / median(times) for name, times in seconds.items()}
    bare = rates["aiohttp, bare receive loop"]
    return [Result(name, rate, rate / bare) for name, rate in rates.items()]


async def _timed(run: Run, port: int, messages: int) -> float:
    return await run(port, messages)
