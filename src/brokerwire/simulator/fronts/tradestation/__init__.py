"""The TradeStation wire front: sign-in, REST v3, chunked streams, v2 tick bars and symbol lookup."""

from brokerwire.simulator.fronts import Front, FrontContext
from brokerwire.simulator.fronts.tradestation.front import TradeStationFront
from brokerwire.simulator.fronts.tradestation.replay_front import ReplayFront


def create_front(context: FrontContext) -> Front:
    """Return the front: the market's, or that of the recording which is given."""
    return TradeStationFront(context) if context.recording is None else ReplayFront(context)
