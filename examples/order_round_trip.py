"""Cancel a limit order, then buy at the market, and watch what becomes of both.

Run it where no money is at stake: ``BROKERWIRE_ENVIRONMENT=offline python examples/order_round_trip.py 20``.
"""

import asyncio
import sys
from decimal import Decimal
from typing import Any

from dotenv import load_dotenv

from brokerwire import Fill, Order, Subscription, TradeStationClient


async def follow(updates: Subscription[Any], order: Order) -> None:
    """Print what the venue says about an order, until it is over and every fill of it has been told."""
    filled = Decimal(0)
    async for event in updates:
        if event.order_id != order.order_id:
            continue
        if isinstance(event, Fill):
            filled += event.quantity
            print(f"  filled {event.quantity} at {event.price}")
        else:
            order = event
            print(f"  {order.status}, {order.filled_quantity} of {order.quantity}")
        if order.is_terminal and filled == order.filled_quantity:
            return


async def main(seconds: float) -> None:
    async with asyncio.timeout(seconds), TradeStationClient() as client:
        if client.environment == "live":
            raise SystemExit("this example places orders: run it in paper or offline")
        updates = await client.order_execution.stream_order_updates()
        (quote,) = await client.market_data.get_quotes("MSFT")
        far_below = round(Decimal(str(quote.bid)) * Decimal("0.9"), 2)

        order = await client.order_execution.place_order(
            symbol="MSFT", side="buy", quantity=10, type="limit", limit_price=far_below
        )
        print(f"order {order.order_id}: buy 10 MSFT at {far_below} or less")
        await client.order_execution.cancel_order(order.order_id)
        await follow(updates, order)

        order = await client.order_execution.place_order(symbol="MSFT", side="buy", quantity=10, type="market")
        print(f"order {order.order_id}: buy 10 MSFT at the market")
        await follow(updates, order)


if __name__ == "__main__":
    load_dotenv()
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0))
