"""The Binance Spot front: REST, market streams and WebSocket API as the venue speaks them."""

from brokerwire.simulator.fronts import FrontContext
from brokerwire.simulator.fronts.binance.front import BinanceFront


def create_front(context: FrontContext) -> BinanceFront:
    """Build the front; with a recording it plays that instead of the synthetic market.

    Raises:
        ValueError: A setting is unknown or the speed is none.
    """
    return BinanceFront(context)


__all__ = ["BinanceFront", "create_front"]
