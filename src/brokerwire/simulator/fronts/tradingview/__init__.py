"""The TradingView front: the unofficial data socket and the HTTP side channels that its clients use."""

from brokerwire.simulator.fronts import FrontContext
from brokerwire.simulator.fronts.tradingview.front import TradingViewFront


def create_front(context: FrontContext) -> TradingViewFront:
    """Build the front.

    Raises:
        ValueError: A setting is unknown, or a recording was given: this front has no replay.
    """
    return TradingViewFront(context)


__all__ = ["TradingViewFront", "create_front"]
