"""TradingView: charts, quotes, studies and history over its data socket, symbols over HTTP; an unofficial protocol."""

from brokerwire.venue import Venue
from brokerwire.venues.tradingview import spec
from brokerwire.venues.tradingview.auth import TOKENS, authorize
from brokerwire.venues.tradingview.codec import build_topic
from brokerwire.venues.tradingview.rest import CONVERSATIONS, OPERATIONS, build_dial, close_error, error_from
from brokerwire.venues.tradingview.session import TradingViewSession

VENUE = Venue(
    name=spec.NAME,
    capabilities=spec.CAPABILITIES,
    endpoints=spec.ENDPOINTS,
    credentials=spec.CREDENTIALS,
    settings=spec.SETTINGS,
    budgets=spec.BUDGETS,
    intervals=spec.INTERVALS,
    tokens=TOKENS,
    build_topic=build_topic,
    kind_of=lambda _topic: spec.DATA,
    build_dial=build_dial,
    new_session=lambda _kind, settings: TradingViewSession(settings),
    authorize=authorize,
    error_from=error_from,
    close_error=close_error,
    operations=OPERATIONS,
    conversations=CONVERSATIONS,
)
