"""Quotes, bars and trades at once. Run it: ``BROKERWIRE_ENVIRONMENT=offline python examples/several_streams.py 10``."""

import asyncio
import sys

from dotenv import load_dotenv

from brokerwire import Bar, Quote, Trade, TradeStationClient


async def on_quote(quote: Quote) -> None:
    print(f"quote  {quote.symbol:<5} {quote.bid} / {quote.ask}")


async def on_bar(bar: Bar) -> None:
    print(f"bar    {bar.symbol:<5} {bar.interval} close {bar.close}, {'closed' if bar.is_closed else 'forming'}")


async def on_trade(trade: Trade) -> None:
    print(f"trade  {trade.symbol:<5} {trade.size} at {trade.price}")


async def main(seconds: float) -> None:
    async with TradeStationClient() as client:
        market_data = client.market_data
        await market_data.stream_quotes(["AAPL", "MSFT"], on_quote)
        await market_data.stream_bars("SPY", "1m", on_bar, bars_back=2)
        await market_data.stream_time_and_sales("AAPL", on_trade)
        await asyncio.sleep(seconds)
        open_streams = len(client.streams.active_streams)
        print(f"{len(client.subscriptions)} subscriptions on {open_streams} of {client.streams.max_concurrent_streams}")


if __name__ == "__main__":
    load_dotenv()
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0))
