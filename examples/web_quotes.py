"""The latest quotes as JSON over HTTP, at ``/quotes`` and ``/quotes/{symbol}``.

Run it: ``BROKERWIRE_ENVIRONMENT=offline python examples/web_quotes.py``, or with a number of seconds.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

from aiohttp import web
from dotenv import load_dotenv

from brokerwire import Quote, Subscription, TradeStationClient

SYMBOLS = ("AAPL", "MSFT", "GOOGL")
QUOTES: web.AppKey[Subscription[Quote]] = web.AppKey("quotes")


def on_quote(quote: Quote) -> None:
    """Do nothing: the subscription keeps the newest quote of each symbol itself."""


async def keep_quotes(app: web.Application) -> AsyncIterator[None]:
    """Hold a subscription for as long as the application runs."""
    async with TradeStationClient() as client:
        app[QUOTES] = await client.market_data.stream_quotes(SYMBOLS, on_quote)
        await app[QUOTES].ready()
        yield


async def all_quotes(request: web.Request) -> web.Response:
    quotes = request.app[QUOTES]
    latest = [quote.to_dict() for symbol in SYMBOLS if (quote := quotes.latest(symbol))]
    return web.json_response({"state": quotes.state, "quotes": latest})


async def one_quote(request: web.Request) -> web.Response:
    symbol = request.match_info["symbol"].upper()
    quote = request.app[QUOTES].latest(symbol)
    if quote is None:
        return web.json_response({"error": f"there is no quote of {symbol}"}, status=404)
    return web.json_response(quote.to_dict())


def build_app() -> web.Application:
    app = web.Application()
    app.cleanup_ctx.append(keep_quotes)
    app.add_routes([web.get("/quotes", all_quotes), web.get("/quotes/{symbol}", one_quote)])
    return app


async def main(seconds: float | None = None, port: int = 8080) -> None:
    runner = web.AppRunner(build_app())
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        print(f"http://127.0.0.1:{runner.addresses[0][1]}/quotes", flush=True)
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()
    except TimeoutError:
        print("done")
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    load_dotenv()
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else None))
