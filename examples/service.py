"""A service that runs until it is told to stop; SIGTERM and Ctrl-C end it cleanly.

Run it: ``BROKERWIRE_ENVIRONMENT=offline python examples/service.py``, or with a number of seconds.
"""

import asyncio
import json
import logging
import signal
import sys

from dotenv import load_dotenv

from brokerwire import Client, Gap, Overflow, Quote, TradeStationClient

logger = logging.getLogger("quote_service")

HEALTH_INTERVAL_S = 60.0


async def on_quote(quote: Quote) -> None:
    logger.debug("%s %s / %s", quote.symbol, quote.bid, quote.ask)  # the work of the service goes here


def on_status(status: object) -> None:
    level = logging.WARNING if isinstance(status, Gap | Overflow) else logging.INFO
    logger.log(level, "status: %s", status)


def on_error(error: Exception, event: object) -> None:
    logger.error("failed at %s: %r", event, error)


async def log_health(client: Client) -> None:
    while True:
        logger.info("health: %s", json.dumps(client.health()))
        await asyncio.sleep(HEALTH_INTERVAL_S)


async def main(seconds: float | None = None) -> None:
    told_to_stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, told_to_stop.set)
    async with TradeStationClient() as client:
        subscription = await client.market_data.stream_quotes(
            ["AAPL", "MSFT"], on_quote, status_callback=on_status, error_callback=on_error
        )
        stop = asyncio.create_task(told_to_stop.wait())
        end = asyncio.create_task(subscription.wait_closed())
        health = asyncio.create_task(log_health(client))
        await asyncio.wait({stop, end}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in (stop, health):
            task.cancel()
        if end.done():
            end.result()  # raises why the subscription failed: the process ends with an error and is started anew
    await end
    logger.info("stopped")


if __name__ == "__main__":
    load_dotenv()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else None))
