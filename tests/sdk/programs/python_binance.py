"""python-binance with its three base addresses changed."""

import asyncio
from typing import Any

from binance import AsyncClient, BinanceSocketManager, Client
from binance.ws.depthcache import DepthCacheManager
from report import attempt, report, step, told

SYMBOL = "BTCUSDT"
BOOK_EVENTS = 20

SOCKETS: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "trade": ("trade_socket", (SYMBOL,), {}),
    "aggregate trade": ("aggtrade_socket", (SYMBOL,), {}),
    "quote": ("symbol_book_ticker_socket", (SYMBOL,), {}),
    "bar": ("kline_socket", (SYMBOL,), {"interval": "1m"}),
    "ticker": ("symbol_ticker_socket", (SYMBOL,), {}),
    "mini tickers": ("miniticker_socket", (), {}),
    "depth": ("depth_socket", (SYMBOL,), {}),
    "depth 20": ("depth_socket", (SYMBOL,), {"depth": "20", "interval": 100}),
    "several": ("multiplex_socket", (["btcusdt@trade", "ethusdt@bookTicker"],), {}),
}
"""Name → method, its arguments. ``ticker_socket`` is left out: the venue retired its stream on 2026-03-26."""


def use(endpoints: dict[str, str]) -> None:
    """Point the package at the simulator: nothing else is changed."""
    AsyncClient.API_URL = Client.API_URL = f"{endpoints['rest']}/api"
    AsyncClient.WS_API_URL = Client.WS_API_URL = f"{endpoints['ws_api']}/ws-api/v3"
    BinanceSocketManager.STREAM_URL = f"{endpoints['stream']}/"


async def symbols_and_history(client: AsyncClient) -> None:
    """Everything about symbols and the past."""
    await attempt(
        "symbols",
        client.get_exchange_info(),
        tell=lambda info: {
            "symbols": [each["symbol"] for each in info["symbols"]],
            "limits": sorted({each["rateLimitType"] for each in info["rateLimits"]}),
        },
    )
    await attempt("symbol", client.get_symbol_info(SYMBOL))
    minutes = client.get_historical_klines(SYMBOL, "1m", "3 hours ago UTC", "1 minutes ago UTC")
    await attempt("minutes", minutes, tell=lambda rows: {"opens": [row[0] for row in rows], "row": rows[0]})
    days = client.get_historical_klines(SYMBOL, "1d", "400 days ago UTC")
    await attempt("days", days, tell=lambda rows: {"opens": [row[0] for row in rows]})
    await attempt("bars", client.get_klines(symbol=SYMBOL, interval="1h", limit=24), tell=lambda rows: {"rows": rows})
    await attempt("ui bars", client.get_ui_klines(symbol=SYMBOL, interval="5m", limit=3))
    await attempt("trades", client.get_recent_trades(symbol=SYMBOL, limit=1000), tell=lambda rows: {"rows": rows})
    await attempt("older trades", client.get_historical_trades(symbol=SYMBOL, limit=10))
    await attempt("aggregate trades", client.get_aggregate_trades(symbol=SYMBOL, limit=10))
    with step("aggregate iterator") as facts:
        ids = [each["a"] async for each in await _iterator(client)]
        facts.update(ids=ids)


async def _iterator(client: AsyncClient) -> Any:
    found = client.aggregate_trade_iter(SYMBOL, start_str="1 minutes ago UTC")
    return await found if asyncio.iscoroutine(found) else found


async def quotes_now(client: AsyncClient) -> None:
    """Every request for the state of the market."""
    await attempt("quote", client.get_orderbook_ticker(symbol=SYMBOL))
    await attempt("all quotes", client.get_orderbook_tickers(), tell=lambda rows: {"count": len(rows)})
    await attempt("price", client.get_symbol_ticker(symbol=SYMBOL))
    await attempt("all prices", client.get_all_tickers(), tell=lambda rows: {"count": len(rows)})
    await attempt("day", client.get_ticker(symbol=SYMBOL))
    await attempt("window", client.get_symbol_ticker_window(symbol=SYMBOL, windowSize="1h"))
    await attempt("average", client.get_avg_price(symbol=SYMBOL))
    await attempt("book", client.get_order_book(symbol=SYMBOL, limit=100))


async def sockets(manager: BinanceSocketManager) -> None:
    """The first three messages of every socket."""

    async def three(socket: Any) -> list[Any]:
        async with socket as opened:
            return [await opened.recv() for _ in range(3)]

    async def one(name: str) -> None:
        method, arguments, options = SOCKETS[name]
        await attempt(f"{name} socket", three(getattr(manager, method)(*arguments, **options)))

    await asyncio.gather(*(one(name) for name in SOCKETS))


async def book(client: AsyncClient, manager: BinanceSocketManager) -> None:
    """A book kept by the package from a snapshot and its changes."""

    async def kept() -> dict[str, Any]:
        depth = DepthCacheManager(client, SYMBOL, bm=manager, ws_interval=100)
        async with depth as socket:
            tops, books = [], []
            for _ in range(BOOK_EVENTS):
                cache = await socket.recv()
                tops.append((cache.get_bids()[0][0], cache.get_asks()[0][0]))
                books += [] if cache in books else [cache]
            return {"tops": tops, "books": len(books)}

    await attempt("kept book", kept(), tell=dict)


async def orders(client: AsyncClient, manager: BinanceSocketManager) -> None:
    """An account: balances, orders placed, cancelled and filled, on requests and on the account's stream."""
    await attempt("account", client.get_account())
    await attempt("balance", client.get_asset_balance("USDT"))
    await attempt("test order", client.create_test_order(symbol=SYMBOL, side="BUY", type="MARKET", quantity=0.01))
    events: list[Any] = []

    async def listen(socket: Any) -> None:
        while not any(event.get("X") == "FILLED" for event in events):
            events.append(await socket.recv())

    async with manager.user_socket() as socket:
        listener = asyncio.create_task(listen(socket), name="account events")
        price = f"{float((await client.get_orderbook_ticker(symbol=SYMBOL))['bidPrice']) * 0.9:.2f}"
        resting = await attempt("limit", client.order_limit_buy(symbol=SYMBOL, quantity="0.001", price=price))
        await attempt("open orders", client.get_open_orders(symbol=SYMBOL))
        if resting:
            await attempt("order", client.get_order(symbol=SYMBOL, orderId=resting["orderId"]))
            await attempt("cancel", client.cancel_order(symbol=SYMBOL, orderId=resting["orderId"]))
        await attempt("market", client.order_market_buy(symbol=SYMBOL, quantity="0.01"))
        await attempt("account events", listener, tell=lambda _: {"events": events})
    await attempt("all orders", client.get_all_orders(symbol=SYMBOL))
    await attempt("fills", client.get_my_trades(symbol=SYMBOL))


async def ws_api(client: AsyncClient) -> None:
    """The same over the WebSocket API."""
    await attempt("api time", client.ws_get_time())
    await attempt("api symbol", client.ws_get_exchange_info(symbol=SYMBOL), tell=lambda info: {"keys": sorted(info)})
    await attempt("api book", client.ws_get_order_book(symbol=SYMBOL, limit=5))
    await attempt("api trades", client.ws_get_recent_trades(symbol=SYMBOL, limit=5))
    await attempt("api bars", client.ws_get_klines(symbol=SYMBOL, interval="1m", limit=5))
    await attempt("api account", client.ws_get_account())
    sale = client.ws_create_order(symbol=SYMBOL, side="SELL", type="MARKET", quantity="0.00500")
    await attempt("api market", sale)
    await attempt("api open orders", client.ws_get_open_orders(symbol=SYMBOL))


async def main() -> None:
    """Run everything."""
    endpoints, credentials = told()
    use(endpoints)
    client = await AsyncClient.create(credentials["api_key"], credentials["api_secret"])
    try:
        manager = BinanceSocketManager(client)
        await symbols_and_history(client)
        await quotes_now(client)
        await sockets(manager)
        await book(client, manager)
        await orders(client, manager)
        await ws_api(client)
    finally:
        await client.close_connection()
    with step("client of the other kind") as facts:
        plain = Client(credentials["api_key"], credentials["api_secret"])
        facts.update(prices=len(plain.get_all_tickers()), can_trade=plain.get_account()["canTrade"])
    report("end")


asyncio.run(main())
