"""The TradeStation wire front: sign-in, REST v3, chunked streams, v2 tick bars and symbol lookup."""

from brokerwire.simulator.fronts import Front, FrontContext
from brokerwire.simulator.fronts.tradestation.front import TradeStationFront


def create_front(context: FrontContext) -> Front:
    """Return the front.

    Raises:
        ValueError: A recording is given: there are none for this venue.
    """
    if context.recording is not None:
        raise ValueError("the tradestation simulator cannot replay recordings")
    return TradeStationFront(context)
