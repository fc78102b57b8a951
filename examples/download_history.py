"""A week of bars into a file. Run it: ``BROKERWIRE_ENVIRONMENT=offline python examples/download_history.py 10``."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from dotenv import load_dotenv

from brokerwire import TradeStationClient
from brokerwire.history import Progress, download


def on_progress(progress: Progress) -> None:
    if progress.error is not None:
        print(f"waiting {progress.wait_s:.0f} s: {progress.error}")
    else:
        print(f"{progress.done} of {progress.chunks} parts, up to {progress.time:%Y-%m-%d %H:%M}")


async def main(seconds: float) -> None:
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=7)
    async with TradeStationClient() as client, asyncio.timeout(seconds):
        result = await download(
            client, "AAPL", "5m", start=start, path="aapl.csv", chunk_bars=500, progress_callback=on_progress
        )
    print(result.report)
    print(f"written to {result.path}")


if __name__ == "__main__":
    load_dotenv()
    try:
        asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0))
    except TimeoutError:
        print("not done in time; run it again and it goes on")
