"""The benchmark: messages a second through the public API, next to bare aiohttp loops and peers, in one run."""

import asyncio
import gc
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median

import aiohttp
from msgspec import Struct

from brokerwire import Client
from brokerwire.events import Event
from brokerwire.testing import peers
from brokerwire.testing.feed_server import BLOCK_MESSAGES, CHART_PATH, COIN, STOCK, SYMBOL, packet
from brokerwire.testing.peers import Contestant, Wire

BARE: Mapping[Wire, str] = {
    "Binance trades": "aiohttp, bare receive loop",
    "TradeStation quotes": "aiohttp, bare iter_any loop",
    "TradingView quotes": "aiohttp, bare receive loop for quotes",
    "TradingView bars": "aiohttp, bare receive loop for bars",
}
"""What each wire's ratios are against."""
_NO_LIMIT = 1_000_000


class Result(Struct, frozen=True):
    """One row: the median of the rounds, and its ratio to the bare loop on the same wire in the same run."""

    name: str
    messages_per_s: float
    ratio: float
    wire: Wire = "Binance trades"


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


async def bare_http(port: int, messages: int) -> float:
    """Receive bytes of an HTTP stream and count its lines."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/v3/marketdata/stream/quotes/{STOCK}") as answer,
    ):
        started, left = 0.0, messages
        async for piece in answer.content.iter_any():
            started = started or time.perf_counter()
            left -= piece.count(b"\n")
            if left <= 0:
                break
        return time.perf_counter() - started


async def _bare_charts(port: int, messages: int, call: bytes) -> float:
    """Receive packets and do nothing with them."""
    async with aiohttp.ClientSession() as session:
        address = f"ws://127.0.0.1:{port}{CHART_PATH}"
        socket = await session.ws_connect(address, compress=0, decode_text=False, max_msg_size=0)
        await socket.send_str(packet(call).decode())
        for _ in ("the hello", "the first values", "the first message"):
            await socket.receive()
        started = time.perf_counter()
        for _ in range(messages - 1):
            await socket.receive()
        elapsed = time.perf_counter() - started
        await socket.close()
    return elapsed


async def bare_chart_quotes(port: int, messages: int) -> float:
    """Receive changes of a quote and do nothing with them."""
    return await _bare_charts(port, messages, b'{"m":"quote_add_symbols","p":["qs_000000000001","%s"]}' % COIN.encode())


async def bare_chart_bars(port: int, messages: int) -> float:
    """Receive changes of a bar and do nothing with them."""
    return await _bare_charts(port, messages, b'{"m":"create_series","p":["cs_000000000001","sds_1"]}')


class _Counter:
    """Counts events and says when the last one came."""

    def __init__(self, messages: int) -> None:
        self.left = messages
        self.started = 0.0
        self.elapsed = asyncio.get_running_loop().create_future()

    def count(self, _event: Event) -> None:
        if not self.started:
            self.started = time.perf_counter()
        self.left -= 1
        if not self.left:
            self.elapsed.set_result(time.perf_counter() - self.started)

    async def count_async(self, _event: Event) -> None:
        if not self.started:
            self.started = time.perf_counter()
        self.left -= 1
        if not self.left:
            self.elapsed.set_result(time.perf_counter() - self.started)


async def _trades(port: int, messages: int, *, is_async: bool) -> float:
    counter = _Counter(messages)
    address = f"127.0.0.1:{port}"
    endpoints = {"rest": f"http://{address}", "stream": f"ws://{address}"}
    async with Client("binance", endpoints=endpoints, environment="live") as client:
        callback = counter.count_async if is_async else counter.count
        await client.market_data.stream_trades([SYMBOL], callback, max_pending=_NO_LIMIT)
        return float(await counter.elapsed)


async def awaited_callback(port: int, messages: int) -> float:
    """The public API with an async callback."""
    return await _trades(port, messages, is_async=True)


async def plain_callback(port: int, messages: int) -> float:
    """The public API with a plain function as callback."""
    return await _trades(port, messages, is_async=False)


async def quotes(port: int, messages: int) -> float:
    """The public API with an async callback on TradeStation's stream of quotes, every change of it."""
    counter = _Counter(messages)
    address = f"http://127.0.0.1:{port}"
    credentials = {"client_id": "sim", "client_secret": "sim", "refresh_token": "sim"}
    endpoints = {"rest": address, "auth": address}
    async with Client("tradestation", endpoints=endpoints, credentials=credentials, environment="live") as client:
        await client.market_data.stream_quotes(
            [STOCK], counter.count_async, max_pending=_NO_LIMIT, overflow="drop_oldest"
        )
        return float(await counter.elapsed)


async def _charts(port: int, messages: int, method: str) -> float:
    counter = _Counter(messages)
    endpoints = {"site": f"http://127.0.0.1:{port}", "stream": f"ws://127.0.0.1:{port}"}
    async with Client("tradingview", endpoints=endpoints, credentials={}, environment="live") as client:
        stream = getattr(client.market_data, method)
        await stream(COIN, callback=counter.count_async, max_pending=_NO_LIMIT, overflow="drop_oldest")
        return float(await counter.elapsed)


async def chart_quotes(port: int, messages: int) -> float:
    """The public API with an async callback on TradingView's quotes, every change of them."""
    return await _charts(port, messages, "stream_quotes")


async def chart_bars(port: int, messages: int) -> float:
    """The public API with an async callback on TradingView's bars, every change of them."""
    return await _charts(port, messages, "stream_bars")


RUNS: Mapping[str, Contestant] = {
    BARE["Binance trades"]: Contestant(bare_aiohttp),
    "brokerwire, awaited callback": Contestant(awaited_callback),
    "brokerwire, plain callback": Contestant(plain_callback),
    BARE["TradeStation quotes"]: Contestant(bare_http, wire="TradeStation quotes"),
    "brokerwire, TradeStation quotes, awaited callback": Contestant(quotes, wire="TradeStation quotes"),
    BARE["TradingView quotes"]: Contestant(bare_chart_quotes, wire="TradingView quotes"),
    "brokerwire, TradingView quotes, awaited callback": Contestant(chart_quotes, wire="TradingView quotes"),
    BARE["TradingView bars"]: Contestant(bare_chart_bars, wire="TradingView bars"),
    "brokerwire, TradingView bars, awaited callback": Contestant(chart_bars, wire="TradingView bars"),
}


def runs() -> dict[str, Contestant]:
    """Return what is measured on this machine, by wire: our own runs and every installed peer."""
    found = {**RUNS, **peers.installed()}
    return {name: each for wire in BARE for name, each in found.items() if each.wire == wire}


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
    """Run everything ``rounds`` times in turn and return the medians; slow peers get a share of ``messages``."""
    chosen = runs()
    rates: dict[str, list[float]] = {name: [] for name in chosen}
    with feed(messages) as port:
        for number in range(rounds):
            for name, contestant in chosen.items():
                if number < contestant.most_rounds:
                    gc.collect()
                    rates[name].append(_rate(contestant, port, messages))
                on_round()
    medians = {name: median(found) for name, found in rates.items()}
    bare = {wire: medians[name] for wire, name in BARE.items()}
    return [
        Result(name, medians[name], medians[name] / bare[contestant.wire], contestant.wire)
        for name, contestant in chosen.items()
    ]


def _rate(contestant: Contestant, port: int, messages: int) -> float:
    """Return how many messages a second one run took."""
    blocks = max(1, int(messages * contestant.share) // BLOCK_MESSAGES)
    count = blocks * BLOCK_MESSAGES
    address = f"http://127.0.0.1:{port}/_feed/{count}"
    urllib.request.urlopen(address, timeout=10).close()  # on loopback
    return count / asyncio.run(_timed(contestant, port, count))


async def _timed(contestant: Contestant, port: int, messages: int) -> float:
    return await contestant.run(port, messages)
