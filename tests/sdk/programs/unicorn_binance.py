"""unicorn-binance-websocket-api with its base addresses given; it receives in threads of its own."""

import asyncio
import threading
from collections import Counter
from typing import Any

from report import attempt, report, step, told
from unicorn_binance_websocket_api import BinanceWebSocketApiManager

CHANNELS = ["trade", "aggTrade", "bookTicker", "kline_1m", "depth@100ms", "depth20", "miniTicker", "ticker", "avgPrice"]
MARKETS = ["btcusdt", "ethusdt"]
STREAMS = {f"{market}@{channel}" for market in MARKETS for channel in CHANNELS}
DEPTHS = 20


class Collector:
    """Keeps what arrives on the package's threads."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.first: dict[str, Any] = {}
        self.depths: list[list[int]] = []
        self.is_enough = threading.Event()

    def take(self, message: dict[str, Any]) -> None:
        """Take one message."""
        stream, data = message.get("stream"), message.get("data")
        if stream is None or data is None:
            return
        self.counts[stream] += 1
        self.first.setdefault(stream, data)
        if stream == "btcusdt@depth@100ms":
            self.depths.append([data["U"], data["u"]])
        if set(self.counts) >= STREAMS and len(self.depths) >= DEPTHS:
            self.is_enough.set()


class Account:
    """Keeps the account's events."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.has_filled = threading.Event()

    def take(self, message: dict[str, Any]) -> None:
        """Take one message."""
        event = message.get("event")
        if event is not None:
            self.events.append(event)
        if event is not None and event.get("X") == "FILLED":
            self.has_filled.set()


class Answers:
    """Keeps the answers of the WebSocket API by request.

    The package can wait for an answer itself, but gets ready for it only after it has asked: on loopback that is late.
    """

    def __init__(self, manager: Any, keys: dict[str, str]) -> None:
        self._spot = manager.api.spot
        self._found: dict[str, dict[str, Any]] = {}
        self._news = threading.Condition()
        self._stream_id = manager.create_stream(api=True, **keys, process_stream_data=self._take)

    def _take(self, message: dict[str, Any]) -> None:
        with self._news:
            self._found[str(message.get("id"))] = message
            self._news.notify_all()

    def ask(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Send a request and return its answer."""
        request_id = f"request-{method}"
        getattr(self._spot, method)(stream_id=self._stream_id, request_id=request_id, **arguments)
        with self._news:
            assert self._news.wait_for(lambda: request_id in self._found, timeout=10), f"{method} was never answered"
        return self._found[request_id]


def market_data(manager: Any) -> None:
    """All streams on one connection."""
    collector = Collector()
    stream_id = manager.create_stream(CHANNELS, MARKETS, process_stream_data=collector.take)
    with step("streams") as facts:
        assert collector.is_enough.wait(20)
        facts.update(counts=collector.counts, first=collector.first, depths=collector.depths)
    with step("stream") as facts:
        info = manager.get_stream_info(stream_id)
        facts.update(status=info["status"], subscriptions=info["subscriptions"])
        facts.update(subscribed=manager.subscribe_to_stream(stream_id, channels=["ticker_1h"], markets=["btcusdt"]))
        facts.update(unsubscribed=manager.unsubscribe_from_stream(stream_id, channels=["trade"]))


def requests(manager: Any, credentials: dict[str, str]) -> None:
    """Requests over the WebSocket API, with the account's stream beside them."""
    keys = {"api_key": credentials["api_key"], "api_secret": credentials["api_secret"]}
    account = Account()
    account_id = manager.create_stream(["arr"], ["!userData"], **keys, process_stream_data=account.take)
    answers = Answers(manager, keys)
    for name, method, arguments in (
        ("time", "get_server_time", {}),
        ("symbol", "get_exchange_info", {"symbols": ["BTCUSDT"]}),
        ("book", "get_order_book", {"symbol": "BTCUSDT", "limit": 5}),
        ("trades", "get_recent_trades", {"symbol": "BTCUSDT"}),
        ("bars", "get_klines", {"symbol": "BTCUSDT", "interval": "1m"}),
        ("account", "get_account_status", {}),
        ("open orders", "get_open_orders", {"symbol": "BTCUSDT"}),
    ):
        with step(name) as facts:
            facts["status"] = answers.ask(method, **arguments)["status"]
    with step("market") as facts:
        assert manager.wait_till_stream_has_started(account_id, timeout=10)
        order = {"order_type": "MARKET", "side": "BUY", "symbol": "BTCUSDT", "quantity": 0.01}
        facts.update(result=answers.ask("create_order", **order)["result"])
    with step("account events") as facts:
        assert account.has_filled.wait(10)
        facts.update(events=account.events)


async def main() -> None:
    """Run everything."""
    endpoints, credentials = told()
    manager = BinanceWebSocketApiManager(
        exchange="binance.com",
        websocket_base_uri=f"{endpoints['stream']}/",
        websocket_api_base_uri=f"{endpoints['ws_api']}/ws-api/v3",
        warn_on_update=False,
        output_default="dict",
    )
    await attempt("market data", asyncio.to_thread(market_data, manager))
    await attempt("requests", asyncio.to_thread(requests, manager, credentials))
    manager.stop_manager()
    report("end")


asyncio.run(main())
