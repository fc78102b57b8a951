"""The other ways to receive the same messages, each measured as its users run it, where it is installed."""

import asyncio
import importlib
import importlib.util
import json
import logging
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from brokerwire.testing.feed_server import CHART_PATH, COIN, LAST_ID, STOCK, SYMBOL

Run: TypeAlias = Callable[[int, int], Awaitable[float]]
"""``(port, messages) -> seconds`` from the first message to the last."""
Wire: TypeAlias = Literal["Binance trades", "TradeStation quotes", "TradingView quotes", "TradingView bars"]

_STREAM = "btcusdt@trade"


class Contestant(Struct, frozen=True):
    """Something to measure; ``share`` of the messages and ``most_rounds`` are enough for what takes its time."""

    run: Run
    share: float = 1.0
    wire: Wire = "Binance trades"
    most_rounds: int = 100


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
    client = binance.AsyncClient()
    manager = binance.BinanceSocketManager(client, max_queue_size=messages + 10)
    manager.STREAM_URL = f"ws://127.0.0.1:{port}/"
    async with manager.multiplex_socket([_STREAM]) as socket:
        await socket.recv()
        started = time.perf_counter()
        for _ in range(messages - 1):
            await socket.recv()
        elapsed = time.perf_counter() - started
    await client.close_connection()
    return elapsed


async def ccxt_pro(port: int, _messages: int) -> float:
    """ccxt.pro: unified trades from ``watch_trades()``, which hands over several at once when it is behind."""
    pro: Any = importlib.import_module("ccxt.pro")
    exchange = pro.binance({"options": {"fetchMarkets": {"types": ["spot"]}, "defaultType": "spot"}})
    exchange.urls["api"]["public"] = f"http://127.0.0.1:{port}/api/v3"
    exchange.urls["api"]["ws"]["spot"] = f"ws://127.0.0.1:{port}/ws"
    try:
        trades = await exchange.watch_trades("BTC/USDT")
        started = time.perf_counter()
        while trades[-1]["id"] != str(LAST_ID):
            trades = await exchange.watch_trades("BTC/USDT")
        return time.perf_counter() - started
    finally:
        await exchange.close()


class _Tally:
    """Counts messages, from any thread, and says how long they took."""

    def __init__(self, messages: int) -> None:
        self._left = messages
        self._started = 0.0
        self._loop = asyncio.get_running_loop()
        self.elapsed: asyncio.Future[float] = self._loop.create_future()

    def count(self) -> None:
        """Count one message."""
        self._started = self._started or time.perf_counter()
        self._left -= 1
        if self._left == 0:
            elapsed = time.perf_counter() - self._started
            self._loop.call_soon_threadsafe(self.elapsed.set_result, elapsed)


async def cryptofeed(port: int, messages: int) -> float:
    """cryptofeed: typed trades to an async callback. Its check for wss is passed before the address is changed."""
    package: Any = importlib.import_module("cryptofeed")
    connection: Any = importlib.import_module("cryptofeed.connection")
    exchange: Any = importlib.import_module("cryptofeed.exchanges").Binance
    endpoint = exchange.rest_endpoints[0]
    exchange.rest_endpoints = [connection.RestEndpoint(f"http://127.0.0.1:{port}", routes=endpoint.routes)]
    tally = _Tally(messages)

    async def on_trade(_trade: Any, _receipt: float) -> None:
        tally.count()

    with tempfile.TemporaryDirectory() as folder:
        config = {"log": {"filename": str(Path(folder) / "feed.log"), "level": "ERROR"}}
        handler = package.FeedHandler(config=config)
        feed = exchange(symbols=["BTC-USDT"], channels=["trades"], callbacks={"trades": on_trade}, config=config)
        handler.add_feed(feed)
        handler.run(start_loop=False, install_signal_handlers=False)
        for each in feed.connection_handlers:
            path = each.conn.address.partition("/stream")[2]
            each.conn.address = f"ws://127.0.0.1:{port}/stream{path}"
        elapsed = await tally.elapsed
        await _stop_feed(handler)
    return elapsed


async def _stop_feed(handler: Any) -> None:
    """Stop a feed and the tasks it leaves behind, and close its log."""
    await handler.stop_async()
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    log = logging.getLogger("feedhandler")
    for each in list(log.handlers):
        log.removeHandler(each)
        each.close()


async def unicorn(port: int, messages: int) -> float:
    """unicorn-binance-websocket-api: dicts to a callback in its own thread."""
    package: Any = importlib.import_module("unicorn_binance_websocket_api")
    tally = _Tally(messages)
    manager = package.BinanceWebSocketApiManager(
        exchange="binance.com",
        websocket_base_uri=f"ws://127.0.0.1:{port}/",
        warn_on_update=False,
        process_stream_data=lambda _message: tally.count(),
        output_default="dict",
    )
    manager.create_stream(["trade"], [SYMBOL.lower()])
    try:
        return await tally.elapsed
    finally:
        await asyncio.to_thread(manager.stop_manager)


async def tradestation_api_python(port: int, messages: int) -> float:
    """tradestation-api-python: ``readline()`` on its stream of quotes and ``json.loads``, as its examples do."""
    client_module: Any = importlib.import_module("tradestation.client.tradestation_client")
    tokens: Any = importlib.import_module("tradestation.utils.token_manager").TokenManager
    tokens._TOKEN_URL = f"http://127.0.0.1:{port}/oauth/token"
    credentials = {"client_id": "sim", "client_secret": "sim", "refresh_token": "sim"}
    client = client_module.TradeStationClient(credentials, environment="Simulation")
    client.http_client.base_url = f"http://127.0.0.1:{port}"
    try:
        reader = await client.market_data.stream_quotes([STOCK])
        json.loads(await reader.readline())
        started = time.perf_counter()
        for _ in range(messages - 1):
            json.loads(await reader.readline())
        return time.perf_counter() - started
    finally:
        await client.close()


async def _tvkit(port: int, messages: int, kind: str, method: str) -> float:
    """tvkit: typed models from one of its generators, led here from the venue's host and its page of the symbol."""
    charts: Any = importlib.import_module("tvkit.api.chart.ohlcv")
    charts._STANDARD_WS_URL = f"ws://127.0.0.1:{port}{CHART_PATH}?from=chart&kind={kind}"
    charts.validate_symbols = _say_yes
    logging.getLogger("tvkit").setLevel(logging.WARNING)
    started, left = 0.0, messages
    async with charts.OHLCV() as client:
        stream = getattr(client, method)(COIN)
        async for _ in stream:
            started = started or time.perf_counter()
            left -= 1
            if not left:
                break
        elapsed = time.perf_counter() - started
        await stream.aclose()
    return elapsed


async def _say_yes(_symbols: Any) -> bool:
    return True


async def tvkit_quotes(port: int, messages: int) -> float:
    """tvkit: typed quotes from ``get_quote_data()``."""
    return await _tvkit(port, messages, "quotes", "get_quote_data")


async def tvkit_bars(port: int, messages: int) -> float:
    """tvkit: typed bars from ``get_ohlcv()``."""
    return await _tvkit(port, messages, "bars", "get_ohlcv")


_PEERS: Mapping[str, tuple[str, Contestant]] = {
    "websockets, recv only": ("websockets", Contestant(websockets_recv, 0.5)),
    "unicorn-binance-websocket-api, dicts": (
        "unicorn_binance_websocket_api",
        Contestant(unicorn, 0.25, most_rounds=2),  # it takes five seconds to begin
    ),
    "cryptofeed, typed trades": ("cryptofeed", Contestant(cryptofeed, 0.25)),
    "ccxt.pro, watch_trades": ("ccxt", Contestant(ccxt_pro, 0.1)),
    "python-binance, recv": ("binance", Contestant(python_binance, 0.1)),
    "tradestation-api-python, readline and json": (
        "tradestation",
        Contestant(tradestation_api_python, 0.5, wire="TradeStation quotes"),
    ),
    "tvkit, get_quote_data": ("tvkit", Contestant(tvkit_quotes, 0.25, wire="TradingView quotes")),
    "tvkit, get_ohlcv": ("tvkit", Contestant(tvkit_bars, 0.25, wire="TradingView bars")),
}


def installed() -> dict[str, Contestant]:
    """Return what can be measured here, by name."""
    return {name: each for name, (package, each) in _PEERS.items() if _is_installed(package)}


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
