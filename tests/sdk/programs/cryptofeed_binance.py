"""cryptofeed with Binance's addresses changed; it insists on wss, so its streams go through a door with TLS."""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from cryptofeed import FeedHandler
from cryptofeed.connection import RestEndpoint, WebsocketEndpoint
from cryptofeed.defines import BUY, CANDLES, GOOD_TIL_CANCELED, L2_BOOK, LIMIT, MARKET, TICKER, TRADES
from cryptofeed.exchanges import Binance
from report import attempt, report, told
from tls_door import tls_door

SYMBOLS = ["BTC-USDT", "ETH-USDT"]
LEAST = {TRADES: 6, TICKER: 12, CANDLES: 4, L2_BOOK: 60}
STREAM_S = 25.0


class Complaints(logging.Handler):
    """What the package logs when something is wrong: a book reset, a connection made again."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record's text."""
        self.texts.append(record.getMessage())


def use(endpoints: dict[str, str], stream: str) -> None:
    """Point the exchange at the simulator: nothing else is changed."""
    Binance.websocket_endpoints = [WebsocketEndpoint(stream)]
    Binance.rest_endpoints = [RestEndpoint(endpoints["rest"], routes=Binance.rest_endpoints[0].routes)]
    Binance.api = f"{endpoints['rest']}/api/v3/"


class Watch:
    """Counts what arrives and says when there is enough of everything."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)
        self.last: dict[str, Any] = {}
        self.books: list[Any] = []
        self.is_enough = asyncio.Event()

    def callback(self, kind: str) -> Callable[[Any, float], Awaitable[None]]:
        """Return what the package calls for one kind of update."""

        async def update(what: Any, _receipt: float) -> None:
            self.counts[kind][what.symbol] += 1
            if kind == L2_BOOK:
                self._keep(what)
            else:
                self.last[kind] = what.to_dict(numeric_type=float)
            if all(self.counts[each].total() >= least for each, least in LEAST.items()):
                self.is_enough.set()

        return update

    def _keep(self, update: Any) -> None:
        bids, asks = update.book.bids, update.book.asks
        self.books.append([update.symbol, update.sequence_number, float(bids.index(0)[0]), float(asks.index(0)[0])])


async def streams(config: dict[str, Any]) -> dict[str, Any]:
    """Run a feed until there is enough of everything; return what came."""
    complaints = Complaints()
    handler = FeedHandler(config=config)
    logging.getLogger("feedhandler").addHandler(complaints)
    watch = Watch()
    callbacks = {kind: watch.callback(kind) for kind in LEAST}
    handler.add_feed(
        Binance(symbols=SYMBOLS, channels=list(LEAST), callbacks=callbacks, candle_closed_only=False, config=config)
    )
    handler.run(start_loop=False, install_signal_handlers=False)
    try:
        async with asyncio.timeout(STREAM_S):
            await watch.is_enough.wait()
    finally:
        await handler.stop_async()
    return {"counts": watch.counts, "last": watch.last, "books": watch.books, "complaints": complaints.texts}


async def requests(exchange: Binance) -> None:
    """History and orders."""

    async def all_of(pages: Any) -> list[Any]:
        return [row async for page in pages for row in page]

    candles = all_of(exchange.candles(SYMBOLS[0], interval="1m"))
    await attempt("history", candles, tell=lambda rows: {"starts": [row.start for row in rows]})
    await attempt("trades", all_of(exchange.trades(SYMBOLS[0])))
    await attempt("balances", exchange.balances())
    quantity, price = Decimal("0.001"), Decimal("80000.00")
    placed = await attempt(
        "limit", exchange.place_order(SYMBOLS[0], BUY, LIMIT, quantity, price=price, time_in_force=GOOD_TIL_CANCELED)
    )
    await attempt("open orders", exchange.orders(SYMBOLS[0]))
    if placed:
        await attempt("cancel", exchange.cancel_order(placed["orderId"], SYMBOLS[0]))
    await attempt("market", exchange.place_order(SYMBOLS[0], BUY, MARKET, quantity))


async def main() -> None:
    """Run everything."""
    endpoints, credentials = told()
    keys = {"key_id": credentials["api_key"], "key_secret": credentials["api_secret"]}
    config = {"log": {"filename": "feed.log", "level": "WARNING"}, "binance": keys}
    async with tls_door(urlsplit(endpoints["stream"]).port or 0) as port:
        use(endpoints, f"wss://127.0.0.1:{port}")
        report("symbols", symbols=Binance.symbols())
        facts = await streams(config)
        report("streams", **facts)
    exchange = Binance(config=config)
    await requests(exchange)
    await exchange.http_conn.close()
    report("end")


asyncio.run(main())
