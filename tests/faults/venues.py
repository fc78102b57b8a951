"""What the rows know of each venue: what is asked for there, what is secret, where it is dialled, and what it counts.

Rows about orders (F29, F41 to F43) are for venues that take any: TradingView has market data alone.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class VenueFacts(Struct, frozen=True, kw_only=True):
    """One venue as the rows see it.

    Attributes:
        symbols: What flows all day in its simulator.
        methods: The streams that it has of what flows.
        secrets: Canaries in place of credentials.
        awkward: The same, of characters that look different in each way of writing.
        schemes: The base addresses that a server of the rows' own has, all on one port.
        dial: What every dial of a stream has in its path, and no request.
        unlimited: Settings of its simulator that lift its limits.
        has_tokens: Whether a login is renewed.
        one_address: Settings of its simulator with which all is dialled at its first address.
        most_streams: How many streams come back within a minute, by the client's own budget of dials.
        is_websocket: Whether its streams are WebSockets, else bodies of HTTP answers.
    """

    symbols: tuple[str, ...]
    methods: tuple[str, ...] = ("quotes", "market_depth", "trades")
    secrets: Mapping[str, str]
    awkward: Mapping[str, str]
    schemes: Mapping[str, str]
    dial: str = "/stream"
    unlimited: Mapping[str, Any]
    one_address: Mapping[str, Any] = {}
    most_streams: int = 50
    has_tokens: bool = True
    is_websocket: bool = True


VENUES: Mapping[str, VenueFacts] = {
    "tradestation": VenueFacts(
        symbols=("AAPL", "MSFT", "SPY", "QQQ", "AMZN", "TSLA", "NVDA", "META", "GOOGL", "IBM"),
        secrets={
            "client_id": "canary-client-id-4711",
            "client_secret": "canary-client-secret-4711",
            "refresh_token": "canary-refresh-token-4711",
        },
        awkward={
            "client_id": "canary+client/id=4711",
            "client_secret": "canary&client secret%4711",
            "refresh_token": "canary+refresh/token==4711",
        },
        schemes={"rest": "http", "auth": "http"},
        unlimited={"limit_scale": 100.0},
        is_websocket=False,
    ),
    "binance": VenueFacts(
        symbols=("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "XRPUSDT"),
        secrets={"api_key": "canary-api-key-4711", "api_secret": "canary-api-secret-4711"},
        awkward={"api_key": "canary+api/key=4711", "api_secret": "canary+api/secret=4711"},
        schemes={"rest": "http", "stream": "ws"},
        unlimited={"weight_per_minute": 0},
        has_tokens=False,
    ),
    "tradingview": VenueFacts(
        symbols=("BINANCE:BTCUSDT", "BINANCE:ETHUSDT", "BINANCE:BNBUSDT", "BINANCE:SOLUSDT", "BINANCE:XRPUSDT"),
        methods=("quotes", "bars", "studies"),
        secrets={
            "sessionid": "canary-sessionid-4711",
            "sessionid_sign": "v3:canary-sessionid-sign-4711",
            "username": "canary-username-4711",
            "password": "canary-password-4711",
        },
        awkward={
            "sessionid": "canary+session/id=4711",
            "sessionid_sign": "v3:canary/session+sign==4711",
            "username": "canary+user name/4711",
            "password": "canary&pass word%4711",
        },
        schemes={"site": "http", "stream": "ws"},
        dial="/socket.io/",
        unlimited={"connects_per_minute": 0},
        one_address={"plan": ""},
        most_streams=24,
    ),
}

CASES = [(venue, facts.symbols[0]) for venue, facts in VENUES.items()]
"""Each venue with the first of its symbols."""

WEBSOCKETS = [(venue, symbol) for venue, symbol in CASES if VENUES[venue].is_websocket]
LOGINS = [(venue, symbol) for venue, symbol in CASES if VENUES[venue].has_tokens]


SHORT_LOGIN = {"token_life_s": 1200.0}
"""Settings of a simulator, where a venue has logins: they last twenty minutes."""


def login_of(venue: str) -> dict[str, Any]:
    """Return the settings with which a login lasts twenty minutes, where there is one."""
    return SHORT_LOGIN if VENUES[venue].has_tokens else {}


def options_of(method: str) -> dict[str, Any]:
    """Return what a stream has to be told besides its symbols."""
    return {"study": "RSI@tv-basicstudies", "interval": "1m"} if method == "studies" else {}
