"""Live quotes into a callback. Run it: ``BROKERWIRE_ENVIRONMENT=offline python examples/quotes.py 10``."""

import asyncio
import sys

from dotenv import load_dotenv

from brokerwire import Gap, Quote, TradeStationClient


async def on_quote(quote: Quote) -> None:
    print(f"{quote.symbol:<6} bid {quote.bid:>9.2f}  ask {quote.ask:>9.2f}  last {quote.get('Last')}")


def on_status(status: object) -> None:
    if isinstance(status, Gap):
        print(f"data of {status.topic} may be missing: {status.reason}")


async def main(seconds: float) -> None:
    async with TradeStationClient() as client:
        subscription = await client.market_data.stream_quotes(["AAPL", "MSFT"], on_quote, status_callback=on_status)
        await asyncio.sleep(seconds)
        stats = subscription.stats
        print(f"{stats.delivered} events arrived, {stats.dropped} dropped, {stats.gaps} gapped")


if __name__ == "__main__":
    load_dotenv()
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0))
