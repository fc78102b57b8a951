"""What every request handler works with: the market, what is listed, the limits, and the time."""

import msgspec

from brokerwire.simulator.fronts.binance.intervals import DAY_NS
from brokerwire.simulator.fronts.binance.limits import RequestLimits, Settings
from brokerwire.simulator.fronts.binance.listing import Listing
from brokerwire.simulator.market import Market

_LISTED_SINCE_NS = 19_358 * DAY_NS
"""2023-01-01: nothing was traded here before."""

_LEAST_HISTORY_NS = 400 * DAY_NS


class Desk(msgspec.Struct, frozen=True):
    """The parts that the request handlers share. ``snapshot_age_ns`` makes books older than they should be."""

    market: Market
    listing: Listing
    limits: RequestLimits
    settings: Settings
    snapshot_age_ns: int = 0

    def now_ns(self) -> int:
        """Return the server's time in UTC nanoseconds."""
        return self.market.now_ns()

    def earliest_ns(self) -> int:
        """Return where the history of every symbol begins; 400 days back at the latest."""
        now_ns = self.now_ns()
        least_ns = now_ns - _LEAST_HISTORY_NS
        return max(0, min(_LISTED_SINCE_NS, least_ns - least_ns % DAY_NS))
