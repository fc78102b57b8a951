"""TradeStation's facts: hosts, limits, kinds of streams, how it spells names, and its words for ours.

Sources, read 2026-11-20: the v3 specification and documentation at https://api.tradestation.com/docs/
(specification, fundamentals/http-streaming, fundamentals/rate-limiting, fundamentals/rate-limiting/historical-bar,
authentication), and for what only production shows, the notes in ``docs/venues/tradestation.md``.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal
from urllib.parse import parse_qsl, quote, urlencode

from brokerwire.errors import ConfigurationError, InvalidSymbolError
from brokerwire.events import OrderStatus
from brokerwire.venue import Endpoints, RateBudget, Source, StreamKind

NAME = "tradestation"
AUTH_HOST = "https://signin.tradestation.com"
ENDPOINTS = Endpoints(
    live={"rest": "https://api.tradestation.com", "auth": AUTH_HOST},
    paper={"rest": "https://sim-api.tradestation.com", "auth": AUTH_HOST},
)
CREDENTIALS = {
    "client_id": "TRADESTATION_CLIENT_ID",
    "client_secret": "TRADESTATION_CLIENT_SECRET",
    "refresh_token": "TRADESTATION_REFRESH_TOKEN",
}
REQUIRED = frozenset({"client_id", "refresh_token"})

DEPTH_MODES = ("aggregates", "quotes")
SESSION_TEMPLATES = ("Default", "USEQPre", "USEQPost", "USEQPreAndPost", "USEQ24Hour")
SETTINGS = {"depth": "aggregates", "session_template": ""}
"""``depth``: book by price or by participant. ``session_template``: which hours of US stocks bars and trades cover."""

# OAuth: the audience of API tokens and the scopes that the operations here need.
AUDIENCE = "https://api.tradestation.com"
SCOPES = ("openid", "offline_access", "MarketData", "ReadAccount", "Trade", "OptionSpreads", "Matrix")

# Sizes of one request (specification).
MAX_QUOTE_SYMBOLS = 100
MAX_DETAIL_SYMBOLS = 50
MAX_ACCOUNTS = 25
MAX_ORDER_IDS = 50
MAX_PAGE = 600
MAX_ORDER_CONFIRM_ID = 22
STREAMED_ACCOUNT_TYPES = frozenset({"cash", "margin", "futures", "dvp"})

# Bars of minutes (fundamentals/rate-limiting/historical-bar).
MAX_BARS = 57_600
MAX_BAR_MINUTES = 500_000
MAX_RANGE_MINUTES = 3 * 365 * 24 * 60
MAX_MINUTES = 1440
DEFAULT_BARS = 500

# A reopened bar stream is asked for two bars, so that a repeat of the last closed one is recognised.
MIN_BARS_BACK = 2
MOST_BARS_BACK = 1000
TICKBARS_BACK = 10  # the most there is: what a reopened stream shows beyond the known ticks was missed
RECALLED_TICKS = 200
HISTORY_S = 5.0  # the history of a reopened stream comes at once; later than this it is not waited for

ACCOUNT_CURRENCY = "USD"
"""Account totals carry no currency of their own; every published account is kept in US dollars (inference)."""

SLOW_RETRY_S = 60.0
"""``DualLogon`` says that the login is in use elsewhere; a quick retry would only fight over it (inference)."""

# Requests, or stream openings, by category of fundamentals/rate-limiting; what it does not list is not limited here.
BUDGETS: Mapping[str, RateBudget] = {
    "accounts": RateBudget(320, 300),
    "balances": RateBudget(320, 300),
    "positions": RateBudget(320, 300),
    "orders": RateBudget(320, 300),
    "quotes": RateBudget(500, 300),
    "bars": RateBudget(500, 300),
    "option_expirations": RateBudget(90, 60),
    "option_strikes": RateBudget(90, 60),
    "option_spread_types": RateBudget(90, 60),
    "option_risk_reward": RateBudget(90, 60),
    "quote_stream": RateBudget(500, 300),
    "bar_stream": RateBudget(500, 300),
    "tickbar_stream": RateBudget(500, 300),
    "depth_stream": RateBudget(30, 60),
    "option_chain_stream": RateBudget(90, 60),
    "option_quote_stream": RateBudget(90, 60),
    "order_execution": RateBudget(5, 1),  # not listed by the venue: a guard against runaway loops
}

V3_SILENCE_S = 15.0  # heartbeats come after 5 s without traffic; three missed mean that nobody is there
TICKBAR_QUIET_S = 120.0  # v2 has no heartbeat: a stream this quiet is renewed, in case that it is dead
TICKBAR_LOOK_S = 10.0
POLL_SILENCE_S = 45.0

QUOTES = StreamKind(
    name="quotes",
    transport="http_lines",
    max_topics=MAX_QUOTE_SYMBOLS,
    is_fixed=True,
    bucket="quote_stream",
    silence_s=V3_SILENCE_S,
)
BARS = StreamKind(name="bars", transport="http_lines", is_fixed=True, bucket="bar_stream", silence_s=V3_SILENCE_S)
TICKBARS = StreamKind(
    name="tickbars",
    transport="http_lines",
    is_fixed=True,
    bucket="tickbar_stream",
    silence_s=float("inf"),
    recalls=RECALLED_TICKS,
)
DEPTH = StreamKind(
    name="depth",
    transport="http_lines",
    is_fixed=True,
    max_streams=10,
    bucket="depth_stream",
    silence_s=V3_SILENCE_S,
)
OPTION_CHAIN = StreamKind(
    name="option_chain",
    transport="http_lines",
    is_fixed=True,
    max_streams=10,
    bucket="option_chain_stream",
    silence_s=V3_SILENCE_S,
)
OPTION_QUOTE = StreamKind(
    name="option_quote",
    transport="http_lines",
    is_fixed=True,
    max_streams=10,
    bucket="option_quote_stream",
    silence_s=V3_SILENCE_S,
)
ORDERS = StreamKind(
    name="orders",
    transport="http_lines",
    max_topics=MAX_ACCOUNTS,
    is_fixed=True,
    max_streams=40,
    bucket="order_stream",
    silence_s=V3_SILENCE_S,
)
ORDERS_BY_ID = StreamKind(
    name="orders_by_id",
    transport="http_lines",
    is_fixed=True,
    max_streams=40,
    bucket="order_by_id_stream",
    silence_s=V3_SILENCE_S,
)
POSITIONS = StreamKind(
    name="positions",
    transport="http_lines",
    max_topics=MAX_ACCOUNTS,
    is_fixed=True,
    max_streams=40,
    bucket="position_stream",
    silence_s=V3_SILENCE_S,
)
BALANCES = StreamKind(
    name="balances",
    transport="poll",
    max_topics=MAX_ACCOUNTS,
    is_fixed=True,
    bucket="balances",
    silence_s=POLL_SILENCE_S,
    poll_interval_s=5.0,
)
KINDS: Mapping[str, StreamKind] = {
    "quote": QUOTES,
    "bar": BARS,
    "trade": TICKBARS,
    "depth": DEPTH,
    "option_chain": OPTION_CHAIN,
    "option_quote": OPTION_QUOTE,
    "order": ORDERS,
    "position": POSITIONS,
    "balance": BALANCES,
}
"""Channel → kind of stream; orders by id have a kind of their own."""

STREAM_PATHS: Mapping[str, str] = {
    "quotes": "/v3/marketdata/stream/quotes/{symbols}",
    "bars": "/v3/marketdata/stream/barcharts/{symbols}",
    "tickbars": "/v2/stream/tickbars/{symbols}/1/{bars_back}",
    "depth": "/v3/marketdata/stream/marketdepth/{mode}/{symbols}",
    "option_chain": "/v3/marketdata/stream/options/chains/{symbols}",
    "option_quote": "/v3/marketdata/stream/options/quotes",
    "orders": "/v3/brokerage/stream/accounts/{symbols}/orders",
    "orders_by_id": "/v3/brokerage/stream/accounts/{symbols}/orders/{ids}",
    "positions": "/v3/brokerage/stream/accounts/{symbols}/positions",
    "balances": "/v3/brokerage/accounts/{symbols}/balances",
}
"""Kind of stream → its path; symbols, accounts and order ids are lists separated by commas."""

MINUTES_OF: Mapping[str, int] = {f"{n}m": n for n in range(1, MAX_MINUTES + 1)} | {
    f"{n}h": n * 60 for n in range(1, MAX_MINUTES // 60 + 1)
}
UNITS: Mapping[str, str] = {"1d": "Daily", "1w": "Weekly", "1M": "Monthly"}
UNIT_DAYS: Mapping[str, int] = {"1d": 1, "1w": 7, "1M": 31}
INTERVALS = frozenset(MINUTES_OF) | frozenset(UNITS)

CAPABILITIES: Mapping[str, Source] = {
    "quotes": "stream",
    "trades": "stream",
    "time_and_sales": "stream",
    "bars": "stream",
    "market_depth": "stream",
    "option_chain": "stream",
    "option_quotes": "stream",
    "order_updates": "stream",
    "position_changes": "stream",
    "balance_changes": "derived",
}

# Order status codes (specification and production): our status, and whether the order must be read again,
# because the code alone does not say what became of it. None keeps the status that was known.
STATUSES: Mapping[str, OrderStatus | None] = {
    "ACK": "accepted",
    "DON": "accepted",
    "OPN": "accepted",
    "PLA": "pending_new",
    "DIS": "pending_new",
    "CND": "accepted",
    "OSO": "accepted",
    "STP": "accepted",
    "FPR": "partially_filled",
    "UCN": "pending_cancel",
    "CSN": "pending_cancel",
    "ECN": "pending_cancel",
    "RSN": "pending_replace",
    "RPD": "pending_replace",
    "CHG": "pending_replace",
    "RJC": "accepted",
    "LAT": "accepted",
    "SUS": "suspended",
    "STT": None,
    "OTHER": None,
    "COR": None,
    "REC": None,
    "FLL": "filled",
    "BRF": "filled",
    "FLP": "cancelled",
    "OUT": "cancelled",
    "CAN": "cancelled",
    "EXP": "expired",
    "TSC": "cancelled",
    "UCH": "replaced",
    "RJR": None,
    "REJ": "rejected",
    "BRO": None,
    "BRC": "cancelled",
    "DOA": "cancelled",
    "ASS": "filled",
    "EXE": "filled",
    "SCN": "cancelled",
}
UNCERTAIN_STATUSES = frozenset(
    {"RJC", "LAT", "STT", "OTHER", "COR", "REC", "RJR", "BRO", "BRC", "DOA", "ASS", "EXE", "SCN"}
)
EXECUTED_STATUSES = frozenset({"FLL", "FPR", "FLP", "BRF"})
"""Codes that are believed about executed quantity without a price; others have been seen to claim it falsely."""

STATUS_OF_TITLE: Mapping[str, int] = {
    "BadRequest": 400,
    "Unauthorized": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "TooManyRequests": 429,
    "InternalServerError": 500,
    "NotImplemented": 501,
    "ServiceUnavailable": 503,
    "GatewayTimeout": 504,
}
"""Errors inside streams and envelopes carry a title where a status would stand."""

ORDER_TYPES: Mapping[str, str] = {
    "market": "Market",
    "limit": "Limit",
    "stop": "StopMarket",
    "stop_limit": "StopLimit",
    "trailing_stop": "StopMarket",
}
REQUIRED_PRICES: Mapping[str, tuple[str, ...]] = {
    "limit": ("limit_price",),
    "stop": ("stop_price",),
    "stop_limit": ("limit_price", "stop_price"),
}
GROUP_TYPES: Mapping[str, str] = {"oco": "OCO", "bracket": "BRK", "brk": "BRK", "normal": "NORMAL"}
ANSWERED_ORDER_TYPES: Mapping[str, str] = {
    "market": "market",
    "limit": "limit",
    "stopmarket": "stop",
    "stop market": "stop",
    "stoplimit": "stop_limit",
    "stop limit": "stop_limit",
}
DURATIONS: Mapping[str, str] = {
    "day": "DAY",
    "gtc": "GTC",
    "gtd": "GTD",
    "ioc": "IOC",
    "fok": "FOK",
    "opg": "OPG",
    "cls": "CLO",
    "dyp": "DYP",
    "gcp": "GCP",
    "gdp": "GDP",
    "clo": "CLO",
    "1": "1",
    "3": "3",
    "5": "5",
}
ANSWERED_DURATIONS: Mapping[str, str] = {
    "clo": "cls",
    "day+": "dyp",
    "gtc+": "gcp",
    "gtd+": "gdp",
    "1 min": "1",
    "3 min": "3",
    "5 min": "5",
}
"""Durations are answered in other words than they are asked in; what is not here is the lower case of the answer."""

AssetClass = Literal["stock", "future", "option"]
TRADE_ACTIONS: Mapping[AssetClass, Mapping[str, str]] = {
    "stock": {"buy": "BUY", "sell": "SELL", "sell_short": "SELLSHORT", "buy_to_cover": "BUYTOCOVER"},
    "future": {"buy": "BUY", "sell": "SELL", "sell_short": "SELL", "buy_to_cover": "BUY"},
    "option": {
        "buy": "BUYTOOPEN",
        "sell": "SELLTOCLOSE",
        "sell_short": "SELLTOOPEN",
        "buy_to_cover": "BUYTOCLOSE",
    },
}
OWN_TRADE_ACTIONS = frozenset(action for actions in TRADE_ACTIONS.values() for action in actions.values())
ANSWERED_SIDES: Mapping[str, Literal["buy", "sell", "sell_short", "buy_to_cover"]] = {
    "buy": "buy",
    "sell": "sell",
    "sellshort": "sell_short",
    "buytocover": "buy_to_cover",
    "buytoopen": "buy",
    "selltoclose": "sell",
    "selltoopen": "sell_short",
    "buytoclose": "buy_to_cover",
}

FIGURED_NAMES = frozenset({"High52Week", "High52WeekTimestamp", "Low52Week", "Low52WeekTimestamp"})
"""The documented fields of a quote with figures in their names: without them they are still different."""

# Bits of a tick bar's status (v2 specification, stream tick bars).
HISTORY_BITS = 1 << 2 | 1 << 26 | 1 << 27
END_OF_HISTORY_BIT = 1 << 29
NO_TRADE_BITS = 1 << 24 | 1 << 25 | 1 << 28
CORRECTION_BITS: Mapping[int, str] = {
    1 << 5: "corporate action",
    1 << 6: "correction",
    1 << 19: "correction of the previous day",
    1 << 23: "correction after the market",
}
CORRECTION_MASK = sum(CORRECTION_BITS)

# Our name of an option parameter → the venue's (specification, stream option chain and option quotes).
OPTION_CHAIN_PARAMETERS: Mapping[str, str] = {
    "expiration": "expiration",
    "expiration2": "expiration2",
    "strike_proximity": "strikeProximity",
    "spread_type": "spreadType",
    "risk_free_rate": "riskFreeRate",
    "price_center": "priceCenter",
    "strike_interval": "strikeInterval",
    "enable_greeks": "enableGreeks",
    "strike_range": "strikeRange",
    "option_type": "optionType",
}
OPTION_QUOTE_PARAMETERS: Mapping[str, str] = {
    name: OPTION_CHAIN_PARAMETERS[name] for name in ("risk_free_rate", "enable_greeks")
}

_DAY_NS = 86_400 * 10**9
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_FUTURE = re.compile(r"@?[A-Z0-9]{1,4}[FGHJKMNQUVXZ]\d{2}")
_OPTION = re.compile(r"\S+ \d{6}[CP][\d.]+")


def canonical_symbol(symbol: str) -> str:
    """Return a symbol as TradeStation spells it: upper case, one space inside option symbols.

    Raises:
        InvalidSymbolError: It is empty, or holds a comma, which separates symbols.
    """
    name = " ".join(symbol.upper().split())
    if not name or "," in name or not name.isprintable():
        raise InvalidSymbolError(f"{symbol!r} is not a symbol of {NAME}", venue=NAME, symbol=symbol)
    return name


def canonical_id(text: str) -> str:
    """Return an account or order id without the dashes that statements print.

    Raises:
        ConfigurationError: It is empty or holds what no id holds.
    """
    name = text.strip().replace("-", "").upper()
    if not name.isalnum():
        raise ConfigurationError(f"{text!r} is not an account or order id of {NAME}", venue=NAME)
    return name


def asset_class(symbol: str) -> AssetClass:
    """Tell stocks, futures and options apart by the form of the symbol: ``MSFT``, ``ESZ25``, ``MSFT 240119C400``."""
    if _OPTION.fullmatch(symbol):
        return "option"
    return "future" if _FUTURE.fullmatch(symbol) else "stock"


def format_legs(legs: Sequence[tuple[str, int]]) -> str:
    """Return option legs as one canonical string, ``SYMBOL*RATIO+SYMBOL*RATIO``; a ratio of 1 is left out."""
    return "+".join(name if ratio == 1 else f"{name}*{ratio}" for name, ratio in legs)


def parse_legs(text: str) -> list[tuple[str, int]]:
    """Return symbol and ratio of each leg in ``SYMBOL*RATIO+SYMBOL*RATIO``; sold legs have negative ratios.

    Raises:
        InvalidSymbolError: A leg has no symbol, or a ratio that is not a whole number.
    """
    legs = []
    for part in text.split("+"):
        symbol, _, ratio = part.partition("*")
        if ratio and not re.fullmatch(r"\s*-?[1-9]\d{0,5}\s*", ratio):
            raise InvalidSymbolError(f"{part!r} is not SYMBOL*RATIO", venue=NAME, symbol=text)
        legs.append((canonical_symbol(symbol), int(ratio or 1)))
    return legs


def venue_date(day: str) -> str:
    """Return a date ``YYYY-MM-DD`` as the option endpoints want it, ``MM-DD-YYYY``; other forms pass unchanged."""
    match = re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})(?:T.*)?", day)
    return f"{match[2]}-{match[3]}-{match[1]}" if match else day


def escape(names: Sequence[str]) -> str:
    """Return names for a path, separated by commas; ``@`` and ``$`` stay as the venue's own examples have them."""
    return ",".join(quote(name, safe="@$") for name in names)


def check_template(template: str) -> str:
    """Return a session template.

    Raises:
        ConfigurationError: TradeStation has no such template.
    """
    if template and template not in SESSION_TEMPLATES:
        names = ", ".join(SESSION_TEMPLATES)
        raise ConfigurationError(f"session_template is one of {names}, not {template!r}", venue=NAME)
    return template


def option_variant(variant: str, names: Mapping[str, str]) -> str:
    """Return option parameters ``name=value&name=value`` in a fixed order and the venue's spelling of values.

    Raises:
        ConfigurationError: A parameter is unknown; the text lists those that exist.
    """
    given = dict(parse_qsl(variant))
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise ConfigurationError(f"{NAME} options take {', '.join(names)}, not {', '.join(unknown)}", venue=NAME)
    return urlencode({name: _option_value(name, given[name]) for name in names if name in given}, quote_via=quote)


def _option_value(name: str, value: str) -> str:
    if name.startswith("expiration"):
        return venue_date(value)
    return value.lower() if name == "enable_greeks" else value


def word(words: Mapping[str, str], ours: str, name: str) -> str:
    """Return the venue's word for ours.

    Raises:
        ConfigurationError: It has none; the text lists what it has.
    """
    if ours.lower() not in words:
        raise ConfigurationError(f"{name} is one of {', '.join(words)}, not {ours!r}", venue=NAME)
    return words[ours.lower()]


def order_confirm_id(client_order_id: str) -> str:
    """Return the id that keeps an order from being taken twice: ours, or 22 characters made from a longer one."""
    if len(client_order_id) <= MAX_ORDER_CONFIRM_ID:
        return client_order_id
    digest = hashlib.sha256(client_order_id.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode("ascii")[:MAX_ORDER_CONFIRM_ID]


def trade_action(side: str, asset: AssetClass) -> str:
    """Return the venue's word for a side: what it opens or closes depends on the kind of instrument.

    Raises:
        ConfigurationError: It is neither ours nor the venue's.
    """
    words = TRADE_ACTIONS[asset]
    is_own = side.upper() in OWN_TRADE_ACTIONS and side.lower() not in words
    return side.upper() if is_own else word(words, side, "side")


def open_time_ns(end_ns: int, interval: str) -> int:
    """Return when a bar that ended at ``end_ns`` opened.

    Minutes are counted back from the end, also where a session cuts the first bar short. A daily bar opens at
    00:00 UTC of the day it ended on, a weekly one on that week's Monday, a monthly one on that month's first:
    the venue stamps them with the end of the session and does not say when it began.
    """
    minutes = MINUTES_OF.get(interval)
    if minutes is not None:
        return end_ns - minutes * 60 * 10**9
    day = (end_ns - 1) // _DAY_NS
    if interval == "1w":
        day -= (day + 3) % 7  # day 0, 1 January 1970, was a Thursday
    elif interval == "1M":
        day = date.fromordinal(max(day + _EPOCH_ORDINAL, 1)).replace(day=1).toordinal() - _EPOCH_ORDINAL
    return day * _DAY_NS


def chunks(names: Sequence[str], size: int) -> list[Sequence[str]]:
    """Return ``names`` in lists of at most ``size``."""
    return [names[index : index + size] for index in range(0, len(names), size)]
