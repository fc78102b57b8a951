"""A process that asks a venue for one thing and says in a line how that went."""

import asyncio
import sys
from typing import Any

import msgspec

from brokerwire import BrokerwireError, Client

SYMBOLS = {"tradestation": "AAPL", "binance": "BTCUSDT", "tradingview": "BINANCE:BTCUSDT"}


async def main(settings: dict[str, Any]) -> str:
    async with Client(**settings) as client:
        try:
            await client.market_data.get_bars(SYMBOLS[client.venue])
        except BrokerwireError as exc:
            return str(exc)
    return "answered"


if __name__ == "__main__":
    print(asyncio.run(main(msgspec.json.decode(sys.argv[1]))))  # noqa: T201  # its only output
