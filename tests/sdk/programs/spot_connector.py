"""binance-sdk-spot, the venue's own package, with its three base addresses given."""

import asyncio
from collections.abc import Callable
from typing import Any

from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_sdk_spot.spot import Spot
from report import attempt, report, step, told

SYMBOL = "BTCUSDT"
AT_ONCE = 4
ONE: dict[str, Any] = {"symbol": SYMBOL}
BAR = {**ONE, "interval": "1m"}
MARKET = {**ONE, "side": "BUY", "type": "MARKET", "quantity": 0.01}
LIMIT = {**ONE, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": 0.001, "price": 60_000.0}

REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "ping": ("ping", {}),
    "time": ("time", {}),
    "symbol": ("exchange_info", ONE),
    "symbols": ("exchange_info", {}),
    "execution rules": ("execution_rules", ONE),
    "book": ("depth", {**ONE, "limit": 50}),
    "trades": ("get_trades", ONE),
    "older trades": ("historical_trades", ONE),
    "aggregate trades": ("agg_trades", ONE),
    "block trades": ("historical_block_trades", {**ONE, "from_id": 0}),
    "bars": ("klines", BAR),
    "ui bars": ("ui_klines", BAR),
    "average": ("avg_price", ONE),
    "reference price": ("reference_price", ONE),
    "reference price calculation": ("reference_price_calculation", ONE),
    "day": ("ticker24hr", ONE),
    "all days": ("ticker24hr", {}),
    "trading day": ("ticker_trading_day", ONE),
    "price": ("ticker_price", ONE),
    "all prices": ("ticker_price", {}),
    "quote": ("ticker_book_ticker", ONE),
    "window": ("ticker", ONE),
    "account": ("get_account", {}),
    "commission": ("account_commission", ONE),
    "order counts": ("rate_limit_order", {}),
    "test order": ("order_test", MARKET),
    "market": ("new_order", MARKET),
    "limit": ("new_order", LIMIT),
    "open orders": ("get_open_orders", {}),
    "cancel all": ("delete_open_orders", ONE),
    "orders": ("all_orders", ONE),
    "fills": ("my_trades", ONE),
    "prevented matches": ("my_prevented_matches", {**ONE, "order_id": 1}),
    "allocations": ("my_allocations", ONE),
}

STREAMS: dict[str, tuple[str, dict[str, Any]]] = {
    "trade": ("trade", ONE),
    "aggregate trade": ("agg_trade", ONE),
    "quote": ("book_ticker", ONE),
    "bar": ("kline", BAR),
    "ticker": ("ticker", ONE),
    "mini ticker": ("mini_ticker", ONE),
    "all mini tickers": ("all_mini_ticker", {}),
    "window": ("rolling_window_ticker", {**ONE, "window_size": "1h"}),
    "average": ("avg_price", ONE),
    "reference price": ("reference_price", ONE),
    "book changes": ("diff_book_depth", ONE),
    "book": ("partial_book_depth", {**ONE, "levels": "10"}),
}

API: dict[str, tuple[str, dict[str, Any]]] = {
    "api time": ("time", {}),
    "api symbol": ("exchange_info", ONE),
    "api book": ("depth", ONE),
    "api trades": ("trades_recent", ONE),
    "api bars": ("klines", BAR),
    "api quote": ("ticker_book", ONE),
    "api account": ("account_status", {}),
    "api market": ("order_place", MARKET),
    "api open orders": ("open_orders_status", {}),
}


def plain(found: Any) -> Any:
    """Return what the package parsed, as plain values."""
    found = found.data() if callable(getattr(found, "data", None)) else found
    found = getattr(found, "actual_instance", None) or found
    if isinstance(found, list):
        return [plain(each) for each in found[:50]]
    return found.model_dump(by_alias=True) if hasattr(found, "model_dump") else found


def requests(spot: Spot) -> None:
    """Every request."""
    for name, (method, arguments) in REQUESTS.items():
        with step(name) as facts:
            facts["result"] = plain(getattr(spot.rest_api, method)(**arguments))


async def streams(spot: Spot) -> None:
    """Every stream; the venue takes five messages a second on a connection, and the package sends one for each."""
    messages: dict[str, Any] = {}
    news = asyncio.Event()

    def keep(name: str) -> Callable[[Any], None]:
        def on_message(message: Any) -> None:
            messages.setdefault(name, plain(message))
            if len(messages) == len(STREAMS):
                news.set()

        return on_message

    connections = []
    names = list(STREAMS)
    for few in (names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE)):
        connections.append(await spot.websocket_streams.create_connection())
        for name in few:
            method, arguments = STREAMS[name]
            handle = await getattr(connections[-1], method)(**arguments)
            handle.on("message", keep(name))
    await attempt("streams", news.wait())
    report("messages", **{name.replace(" ", "_"): message for name, message in messages.items()})
    for connection in connections:
        await connection.close_connection(close_session=True)


async def api(spot: Spot) -> None:
    """Requests over the WebSocket API."""
    connection = await spot.websocket_api.create_connection()
    for name, (method, arguments) in API.items():
        await attempt(name, getattr(connection, method)(**arguments), tell=lambda found: {"result": plain(found)})
    await connection.close_connection(close_session=True)


async def main() -> None:
    """Run everything."""
    endpoints, credentials = told()
    keys = {"api_key": credentials["api_key"], "api_secret": credentials["api_secret"]}
    spot = Spot(
        config_rest_api=ConfigurationRestAPI(**keys, base_path=endpoints["rest"], timeout=5000),
        config_ws_api=ConfigurationWebSocketAPI(**keys, stream_url=f"{endpoints['ws_api']}/ws-api/v3"),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=endpoints["stream"]),
    )
    requests(spot)
    await streams(spot)
    await api(spot)
    report("end")


asyncio.run(main())
