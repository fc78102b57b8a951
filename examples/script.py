"""Bars, then quotes, without async. Run it: ``BROKERWIRE_ENVIRONMENT=offline python examples/script.py 10``."""

import sys
import time
from datetime import UTC, datetime

from dotenv import load_dotenv

from brokerwire import SyncClient


def main(seconds: float) -> None:
    ends = time.monotonic() + seconds
    with SyncClient("tradingview") as client:
        for bar in client.market_data.get_bars("BINANCE:BTCUSDT", "1h", limit=3):
            opened = datetime.fromtimestamp(bar.open_time_ns / 1e9, UTC)
            print(f"{opened:%H:%M}  open {bar.open:.2f}  close {bar.close:.2f}")
        with client.market_data.stream_quotes(["BINANCE:BTCUSDT", "NASDAQ:AAPL"]) as quotes:
            for quote in quotes:
                print(f"{quote.symbol:<16} {quote.price:>10.2f}  {quote.change_percent:+.2f} %")
                if time.monotonic() >= ends:
                    break


if __name__ == "__main__":
    load_dotenv()
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)
