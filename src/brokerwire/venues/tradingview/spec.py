"""TradingView facts: addresses, plans, field names, error texts; each with its source.

The protocol is not documented by the vendor. Sources, read 2026-11-20:

* https://github.com/Mathieu2301/TradingView-API (methods, sign-in, chart types, error texts)
* https://github.com/lumduan/tvkit (bar windows by plan, framing, segmentation)
* https://github.com/smitkunpara/tv-scraper (quote fields, study inputs)
* https://github.com/bitbytelabio/tradingview-rs (recorded packets, symbol search)
"""

from collections.abc import Mapping
from typing import Any

from brokerwire.venue import Endpoints, RateBudget, Source, StreamKind

NAME = "tradingview"

ENDPOINTS = Endpoints(
    live={
        "site": "https://www.tradingview.com",
        "stream": "wss://data.tradingview.com",
        "prodata": "wss://prodata.tradingview.com",
        "search": "https://symbol-search.tradingview.com",
        "pine": "https://pine-facade.tradingview.com",
    },
    paper={},
    stands_in={"prodata": "stream", "search": "site", "pine": "site"},
)

CREDENTIALS = {
    "auth_token": "TRADINGVIEW_AUTH_TOKEN",
    "sessionid": "TRADINGVIEW_SESSIONID",
    "sessionid_sign": "TRADINGVIEW_SESSIONID_SIGN",
    "username": "TRADINGVIEW_USERNAME",
    "password": "TRADINGVIEW_PASSWORD",
}
"""None is required: without any, everything runs as nobody in particular."""

ANONYMOUS_TOKEN = "unauthorized_user_token"  # noqa: S105  # a literal that everybody sends

SETTINGS: Mapping[str, Any] = {"adjustment": "splits", "session": "regular", "currency": "", "locale": "en-US"}
"""``adjustment``: ``splits``, ``dividends`` or ``none``. ``session``: ``regular`` or ``extended``. ``currency``: what
prices are converted to, empty for the exchange's own. ``locale``: the language of descriptions."""

SETTING_CHOICES: Mapping[str, tuple[str, ...]] = {
    "adjustment": ("splits", "dividends", "none"),
    "session": ("regular", "extended", "premarket", "postmarket"),
}

INTERVALS = frozenset(
    {
        *("1s", "5s", "10s", "15s", "30s", "1m", "3m", "5m", "15m", "30m", "45m", "1h", "2h", "3h", "4h"),
        *("1d", "1w", "1M", "3M", "6M", "12M"),
    }
)
"""What every plan or some plan has; other whole minutes are custom ones, which the venue gives to some plans."""

CAPABILITIES: Mapping[str, Source] = {
    "quotes": "stream",
    "bars": "stream",
    "studies": "stream",
    "get_quotes": "request",
    "get_snapshots": "request",
    "get_bars": "request",
    "get_study": "request",
    "search_symbols": "request",
    "validate_symbols": "request",
    "search_studies": "request",
    "get_study_details": "request",
}

ORIGIN = "https://www.tradingview.com"
"""Without it, or with another, the upgrade is refused with 403."""

SOCKET_PATH = "/socket.io/websocket"
SOCKET_QUERY = (("from", "chart"), ("type", "chart"))

SILENCE_S = 30.0
"""The venue is said to send a heartbeat every 10 s; its interval is not documented."""

MOST_MESSAGE_BYTES = 16 * 2**20
"""Eight times what 20,000 bars take in one message; clients that know the venue advise it."""

DATA = StreamKind(
    name="data",
    transport="websocket",
    max_topics=100,
    silence_s=SILENCE_S,
    ping_s=10.0,
    hold_s=10.0,
    max_message_bytes=MOST_MESSAGE_BYTES,
    sends_per_s=10.0,
    # A connection for each request in a loop is what clients of this venue are thrown out for:
    # https://github.com/rongardF/tvdatafeed, issues 18 and 39, read 2026-11-20.
    linger_s=30.0,
    bucket="dials",
)

BUDGETS = {
    "dials": RateBudget(30, 60.0),
    "pages": RateBudget(60, 60.0),
    "search": RateBudget(60, 60.0),
}
"""Our own politeness: the venue states none, and answers 429 to rapid dials."""

SEGMENT_BARS = 5_000
"""Bars that a range asks for at a time: what the smallest plan is given in one page."""

MOST_SEGMENTS = 2_000

LONGEST_PAUSE_S = 10 * 86_400
"""No market is closed for longer: older than that before the oldest bar there is nothing."""

MOST_EMPTY_SEGMENTS = 200
"""So many segments without a bar, one after the other, end a range: more seconds than the longest pause has."""

PAGE_BARS = 1_000
PROBE_BARS = 2
"""Bars that a series is created with whose range is asked for next."""

FIRST_BARS = 300
"""Bars asked for when a chart is opened to be watched; the page that a chart in the browser starts with."""

WARM_UP_BARS = 200
"""Bars before those that are wanted of a study, so that what it smooths has settled."""

ANSWER_S = 20.0
"""A request that brings nothing in this time is taken for lost, and the connection for useless."""

SNAPSHOT_S = 3.0
"""How long the first values of a quote are waited for where the venue does not say that they are complete."""

SIGN_S = 2.0
"""How long a sign that the venue knows the symbol is waited for before its range is asked for all the same."""

REPEAT_S = 2.0
"""How long something may still follow a completion that nothing came before, until it is taken for an empty page."""

MERGED_S = 10.0
"""How long the completion of a range may still come, when its bars are there and only that of the first page came."""

CLOSE_GRACE_S = 2.0
"""A bar is closed by the clock this long after its last push is due, when nothing follows it."""

STUDY_PACK = "241"
"""The pack of built-in studies that is named where the user does not; the venue knows many numbers."""

NO_VALUE = 1e99
"""From here on a number means that there is none; the venue writes 1e+100."""

MOST_SHAPES = 64
"""Sets of fields that quotes change in, as many as are remembered; the venue sends a handful."""

MOST_HEAD = 200
"""How many bytes a packet may have before its values, to be known by them."""

MOST_HEADS = 200
"""Quotes whose packets are known by the way they begin; one stream has fewer."""

MOST_TAIL = 16 * 2**20

QUOTE_FIELDS = (
    "lp",
    "lp_time",
    "ch",
    "chp",
    "volume",
    "bid",
    "ask",
    "bid_size",
    "ask_size",
    "open_price",
    "high_price",
    "low_price",
    "prev_close_price",
    "rtc",
    "rtc_time",
    "rch",
    "rchp",
    "update_mode",
    "current_session",
    "short_name",
    "pro_name",
    "description",
    "exchange",
    "type",
    "currency_code",
    "timezone",
    "pricescale",
    "minmov",
    "is_tradable",
)

PLAN_REASONS = ("custom_resolution", "study_not_auth", "unsupported_resolution")
"""Refusals of what a plan does not have."""

REASONS_AT = {
    "symbol_error": 2,
    "series_error": 3,
    "study_error": 3,
    "critical_error": 1,
    "unsupported_resolution": 3,
}
"""Where the reason of a refusal stands among its arguments."""

SIGNS_OF_WORK = frozenset({"symbol_resolved", "series_loading", "series_timeframe"})
"""The venue knows the symbol, and is at work on what was asked last."""

SILENT = frozenset(
    {
        "symbol_resolved",
        "series_loading",
        "series_timeframe",
        "series_deleted",
        "study_loading",
        "study_completed",
        "study_deleted",
        "tickmark_update",
        "index_update",
        "clear_data",
        "timescale_completed",
        "first_bar_time",
    }
)
"""Messages about a chart that say nothing that is used."""
