"""Binance spot facts: addresses, limits, periods, close codes; each with its source.

Sources, read 2026-11-20:

* REST: https://developers.binance.com/docs/binance-spot-api-docs/rest-api
* Streams: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams
* Errors: https://developers.binance.com/docs/binance-spot-api-docs/errors
"""

from collections.abc import Mapping
from typing import Any

from brokerwire.errors import Action
from brokerwire.venue import Endpoints, RateBudget, Source, StreamKind
from brokerwire.venue.trade_line import FillLimits

NAME = "binance"

ENDPOINTS = Endpoints(
    live={
        "rest": "https://api.binance.com",
        "stream": "wss://stream.binance.com:9443",
        "ws_api": "wss://ws-api.binance.com:443",
    },
    paper={
        "rest": "https://testnet.binance.vision",
        "stream": "wss://stream.testnet.binance.vision",
        "ws_api": "wss://ws-api.testnet.binance.vision",
    },
)

CREDENTIALS = {"api_key": "BINANCE_API_KEY", "api_secret": "BINANCE_API_SECRET"}

SETTINGS: Mapping[str, Any] = {"trades": "trade", "depth_speed": "100ms", "depth_seed": 1000}
"""``trades``: ``trade`` or ``aggregate`` (one event per taker order and price). ``depth_speed``: ``100ms`` or
``1000ms``. ``depth_seed``: levels of the REST snapshot a book starts from, up to 5000."""

SETTING_CHOICES: Mapping[str, tuple[Any, ...]] = {
    "trades": ("trade", "aggregate"),
    "depth_speed": ("100ms", "1000ms"),
    "depth_seed": (100, 500, 1000, 5000),
}

INTERVALS = frozenset(
    {"1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M"}
)

CAPABILITIES: Mapping[str, Source] = {
    "quotes": "stream",
    "trades": "stream",
    "bars": "stream",
    "market_depth": "stream",
    "get_quotes": "request",
    "get_snapshots": "request",
    "get_bars": "request",
    "get_trades": "request",
    "get_market_depth": "request",
    "get_symbol_details": "request",
    "search_symbols": "request",
    "validate_symbols": "request",
}

MAX_STREAMS_PER_CONNECTION = 1024
CONTROL_MESSAGES_PER_S = 5.0
CONTROL_FRAME_BYTES = 4000
"""A SUBSCRIBE frame above some 4,096 bytes is dropped without a reply (JKorf/Binance.Net issue 974)."""

LIFETIME_S = 24 * 3600.0
PING_S = 10.0
"""The server pings every 20 s and waits 60 s, slower than we want to notice a dead wire: we ping too."""

ACK_S = 10.0
SNAPSHOT_RETRY_S = (1.0, 30.0)
"""First and longest wait between requests for one book's snapshot: at most one a second."""

RESEED_SHARE = 0.5
"""A book is seeded anew when its best price has moved by this share of the window that the seed covered."""

MARKET = StreamKind(
    name="market",
    transport="websocket",
    max_topics=MAX_STREAMS_PER_CONNECTION,
    silence_s=float("inf"),
    ping_s=PING_S,
    lifetime_s=LIFETIME_S,
    sends_per_s=CONTROL_MESSAGES_PER_S,
    bucket="dials",
)

BUDGETS = {
    "weight": RateBudget(6000, 60.0),
    "dials": RateBudget(300, 300.0),
}

MAX_BARS = 1000
MAX_TRADES = 1000

FILLED_CHANNELS = frozenset({"trade", "bar"})
"""Where what was missed can be asked for: trades by their ids, which count up by one, and bars by their times."""

FETCHES_AT_ONCE = 8
"""Requests for missing trades that one connection makes at a time; each of plain trades weighs 25."""

FILL_LIMITS = FillLimits(page=MAX_TRADES)

DEPTH_LIMITS = (5, 10, 20, 50, 100, 500, 1000, 5000)
DEPTH_WEIGHTS = ((100, 5), (500, 25), (1000, 50), (5000, 250))

CLOSE_ACTIONS: Mapping[int, tuple[Action, float | None]] = {
    1003: ("stop", None),
    1008: ("retry", 5.0),
    1010: ("stop", None),
    1013: ("retry", 5.0),
}
"""Close code → what to do, and how long to stay away. 1008 is sent for too many messages, or a missed pong;
what is absent is retried with backoff."""

SYMBOL_CODES = frozenset({-1121})
ARGUMENT_CODES = frozenset({-1100, -1101, -1102, -1103, -1104, -1105, -1106, -1120, -1128, -1130})
CREDENTIAL_CODES = frozenset({-2014, -2015, -1022})
LIMIT_CODES = frozenset({-1003, -1015, -1034})
UNAVAILABLE_CODES = frozenset({-1000, -1001, -1006, -1007, -1008})
