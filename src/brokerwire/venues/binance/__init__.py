"""Binance spot: market data over combined streams and REST."""

from brokerwire.venue import Venue
from brokerwire.venues.binance import spec
from brokerwire.venues.binance.auth import authorize
from brokerwire.venues.binance.codec import build_topic
from brokerwire.venues.binance.rest import OPERATIONS, build_dial, check_symbols, close_error, error_from
from brokerwire.venues.binance.session import BinanceSession

VENUE = Venue(
    name=spec.NAME,
    capabilities=spec.CAPABILITIES,
    endpoints=spec.ENDPOINTS,
    credentials=spec.CREDENTIALS,
    settings=spec.SETTINGS,
    budgets=spec.BUDGETS,
    intervals=spec.INTERVALS,
    build_topic=build_topic,
    kind_of=lambda _topic: spec.MARKET,
    build_dial=build_dial,
    new_session=lambda _kind, settings: BinanceSession(settings),
    authorize=authorize,
    error_from=error_from,
    close_error=close_error,
    operations=OPERATIONS,
    check_symbols=check_symbols,
)
