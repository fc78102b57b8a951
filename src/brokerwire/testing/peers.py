"""The other ways to receive the same trades, each measured as its users run it, where it is installed."""

import importlib
import importlib.util
import time
from collections.abc import Awaitable, Callable
from typing import Any

Run = Callable[[int, int], Awaitable[float]]
"""``(port, messages) -> seconds`` from the first message to the last."""


async def websockets_recv(port: int, messages: int) -> float:
    """The websockets library: receive text and do nothing with it."""
    client: Any = importlib.import_module("websockets.asyncio.client")
    async with client.connect(f"ws://127.0.0.1:{port}/stream", compression=None, max_size=None) as socket:
        await socket.send('{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}')
        await socket.recv()
        await socket.recv()
        started = time.perf_counter()
        for _ in range(messages - 1):
            await socket.recv()
        return time.perf_counter() - started


async def python_binance(port: int, messages: int) -> float:
    """python-binance: a multiplex socket, parsed JSON from ``recv()``."""
    binance: Any = importlib.import_module("binance")
    manager = binance.BinanceSocketManager(binance.AsyncClient(), max_queue_size=messages + 10)
    address = f"ws://127.0.0.1:{port}/"
    manager.STREAM_URL = address
    manager._get_stream_url = lambda *_args, **_kwargs: address
    async with manager.multiplex_socket(["btcusdt@trade"]) as socket:
        await socket.recv()
        started = time.perf_counter()
        for _ in range(messages - 1):
            await socket.recv()
        elapsed = time.perf_counter() - started
    await manager._client.close_connection()
    return elapsed


_PEERS: dict[str, tuple[str, Run]] = {
    "websockets, recv only": ("websockets", websockets_recv),
    "python-binance, recv": ("binance", python_binance),
}


def installed() -> dict[str, Run]:
    """Return what can be measured here, by name."""
    return {name: run for name, (package, run) in _PEERS.items() if importlib.util.find_spec(package) is not None}
