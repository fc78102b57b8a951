"""Trades in a loop instead of a callback. Run it: ``BROKERWIRE_ENVIRONMENT=offline python examples/iterate.py 10``."""

import asyncio
import contextlib
import sys

from dotenv import load_dotenv

from brokerwire import TradeStationClient


async def main(seconds: float) -> None:
    volume = 0.0
    async with (
        TradeStationClient() as client,
        await client.market_data.stream_trades("AAPL") as trades,
    ):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for trade in trades:
                    volume += trade.size
                    print(f"{trade.time:%H:%M:%S}  {trade.size:>6.0f} at {trade.price:.2f}, {volume:.0f} in all")


if __name__ == "__main__":
    load_dotenv()
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0))
