"""ccxt and ccxt.pro with Binance's addresses changed, spot only."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import ccxt
import ccxt.pro
from report import attempt, report, step, told

SYMBOL = "BTC/USDT"
BOOK_EVENTS = 20


def use(exchange: Any, endpoints: dict[str, str]) -> Any:
    """Point an exchange at the simulator, the addresses of what it does not have included: nothing goes elsewhere."""
    api = exchange.urls["api"]
    for name, address in api.items():
        if isinstance(address, str):
            api[name] = endpoints["rest"] + urlsplit(address).path
    if "ws" in api:
        api["ws"]["spot"] = f"{endpoints['stream']}/ws"
        api["ws"]["ws-api"]["spot"] = f"{endpoints['ws_api']}/ws-api/v3"
    return exchange


def options(credentials: dict[str, str]) -> dict[str, Any]:
    """Return what a user of the spot exchange would give."""
    return {
        "apiKey": credentials["api_key"],
        "secret": credentials["api_secret"],
        "options": {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}},
    }


async def requests(exchange: Any) -> None:
    """Symbols, history and the state of the market."""
    await attempt(
        "symbols",
        exchange.load_markets(),
        tell=lambda markets: {"symbols": sorted(markets), "market": markets[SYMBOL]},
    )
    await attempt("currencies", exchange.fetch_currencies(), tell=lambda found: {"codes": sorted(found)})
    await attempt("time", exchange.fetch_time())
    await attempt("status", exchange.fetch_status())
    await attempt("minutes", exchange.fetch_ohlcv(SYMBOL, "1m", limit=500))
    since = exchange.milliseconds() - 90 * 86_400_000
    await attempt("days", exchange.fetch_ohlcv(SYMBOL, "1d", since=since, limit=90))
    await attempt("weeks", exchange.fetch_ohlcv(SYMBOL, "1w", limit=4))
    await attempt("trades", exchange.fetch_trades(SYMBOL, limit=50))
    await attempt("ticker", exchange.fetch_ticker(SYMBOL))
    await attempt("tickers", exchange.fetch_tickers(), tell=lambda found: {"symbols": sorted(found)})
    await attempt("quotes", exchange.fetch_bids_asks([SYMBOL, "ETH/USDT"]))
    await attempt("last prices", exchange.fetch_last_prices([SYMBOL]))
    await attempt("book", exchange.fetch_order_book(SYMBOL, 50))


async def streams(exchange: Any) -> None:
    """The first message of every stream, and a book that is kept."""
    await attempt("watched trades", exchange.watch_trades(SYMBOL))
    await attempt("trades of two", exchange.watch_trades_for_symbols([SYMBOL, "ETH/USDT"]))
    await attempt("watched ticker", exchange.watch_ticker(SYMBOL))
    await attempt("watched quotes", exchange.watch_bids_asks([SYMBOL, "ETH/USDT"]))
    await attempt("watched bars", exchange.watch_ohlcv(SYMBOL, "1m"))

    async def kept() -> list[Any]:
        found = []
        for _ in range(BOOK_EVENTS):
            book = await exchange.watch_order_book(SYMBOL)
            found.append([book["nonce"], book["bids"][0][0], book["asks"][0][0]])
        return found

    await attempt("kept book", kept())
    await attempt("unwatched trades", exchange.un_watch_trades(SYMBOL))


async def _until(watch: Callable[[], Awaitable[list[Any]]], is_met: Callable[[Any], bool]) -> list[Any]:
    found: list[Any] = []
    while not any(map(is_met, found)):
        found.extend(await watch())
    return found


async def orders(exchange: Any) -> None:
    """An account by requests, with its streams beside them."""
    await attempt("balance", exchange.fetch_balance(), tell=lambda found: {"free": found["free"]})
    await attempt("fee", exchange.fetch_trading_fee(SYMBOL))
    await attempt("fees", exchange.fetch_trading_fees(), tell=lambda found: {"symbols": sorted(found)})
    orders_seen = asyncio.create_task(
        _until(lambda: exchange.watch_orders(SYMBOL), lambda order: order["status"] == "closed"), name="orders"
    )
    fills_seen = asyncio.create_task(_until(lambda: exchange.watch_my_trades(SYMBOL), bool), name="fills")
    balance_seen = asyncio.create_task(exchange.watch_balance(), name="balance")
    await attempt("account streams", exchange.authenticate())
    price = (await exchange.fetch_ticker(SYMBOL))["bid"] * 0.9
    resting = await attempt("limit", exchange.create_limit_buy_order(SYMBOL, 0.001, price))
    await attempt("open orders", exchange.fetch_open_orders(SYMBOL))
    if resting:
        await attempt("order", exchange.fetch_order(resting["id"], SYMBOL))
        edited = await attempt("edit", exchange.edit_order(resting["id"], SYMBOL, "limit", "buy", 0.002, price))
        await attempt("cancel", exchange.cancel_order((edited or resting)["id"], SYMBOL))
    await attempt("market", exchange.create_market_buy_order(SYMBOL, 0.01))
    await attempt("orders", exchange.fetch_orders(SYMBOL))
    await attempt("fills", exchange.fetch_my_trades(SYMBOL))
    await attempt("watched orders", orders_seen)
    await attempt("watched fills", fills_seen)
    await attempt("watched balance", balance_seen, tell=lambda found: {"free": found["free"]})


async def ws_api(exchange: Any) -> None:
    """Orders and requests over the WebSocket API, as far as the package has them for the spot market."""
    await attempt(
        "api balance", exchange.fetch_balance_ws(), tell=lambda found: {"balances": found["info"]["balances"]}
    )
    await attempt("api bars", exchange.fetch_ohlcv_ws(SYMBOL, "1m", limit=5))
    await attempt("api trades", exchange.fetch_trades_ws(SYMBOL, limit=5))
    await attempt("api market", exchange.create_order_ws(SYMBOL, "market", "sell", 0.005))
    price = (await exchange.fetch_ticker(SYMBOL))["ask"] * 1.1
    resting = await attempt("api limit", exchange.create_order_ws(SYMBOL, "limit", "sell", 0.002, price))
    if resting:
        await attempt("api order", exchange.fetch_order_ws(resting["id"], SYMBOL))
        await attempt("api open orders", exchange.fetch_open_orders_ws(SYMBOL))
        await attempt("api cancel", exchange.cancel_order_ws(resting["id"], SYMBOL))
    await attempt("api fills", exchange.fetch_my_trades_ws(SYMBOL))


async def main() -> None:
    """Run everything."""
    endpoints, credentials = told()
    exchange = use(ccxt.pro.binance(options(credentials)), endpoints)
    try:
        await requests(exchange)
        await streams(exchange)
        await orders(exchange)
        await ws_api(exchange)
    finally:
        await exchange.close()
    with step("client of the other kind") as facts:
        plain = use(ccxt.binance(options(credentials)), endpoints)
        facts.update(last=plain.fetch_ticker(SYMBOL)["last"], markets=len(plain.markets))
    report("end")


asyncio.run(main())
