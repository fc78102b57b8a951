"""Checks what users pass, and reads it as our own calls take it; pure functions."""

from collections.abc import Sequence
from http.cookies import SimpleCookie

from brokerwire.errors import InvalidSymbolError
from brokerwire.venues.tradingview.codec import canonical_symbol

ANONYMOUS_TOKEN = "unauthorized_user_token"  # noqa: S105  # a literal that everybody sends
EXPORT_TYPES = ("csv", "json")
MOST_CANDLES = 5000
TIMEFRAMES = ("1m", "5m", "15m", "30m", "1h", "2h", "4h", "1d", "1w", "1M")

Indicators = Sequence[tuple[str, str]] | None
"""Ids of scripts, each with its version."""


def symbol_name(exchange: str, symbol: str) -> str:
    """Return ``EXCHANGE:SYMBOL``; the exchange may stand before the symbol too.

    Raises:
        ValueError: They are no symbol.
    """
    if not isinstance(exchange, str) or not isinstance(symbol, str) or not exchange.strip() or not symbol.strip():
        raise ValueError(f"exchange and symbol cannot be empty: {exchange!r}, {symbol!r}")
    place = exchange.strip().upper()
    ticker = symbol.strip().upper().removeprefix(f"{place}:")
    try:
        return canonical_symbol(f"{place}:{ticker}")
    except InvalidSymbolError as exc:
        raise ValueError(f"Invalid exchange:symbol '{exchange}:{symbol}': {exc}") from exc


def candle_count(number: int) -> int:
    """Return how many candles are asked for.

    Raises:
        ValueError: It is no whole number from 1 to 5000.
    """
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MOST_CANDLES:
        raise ValueError(f"numb_candles must be a whole number from 1 to {MOST_CANDLES}, not {number!r}")
    return number


def check_timeframe(timeframe: str) -> None:
    """Refuse what is no timeframe of tv-scraper's; our own services have more.

    Raises:
        ValueError: It is none.
    """
    if timeframe not in TIMEFRAMES:
        raise ValueError(f"timeframe must be one of {', '.join(TIMEFRAMES)}, not {timeframe!r}")


def older_places(export_type: str, second: str | None) -> tuple[str, str | None]:
    """Return the export type and the cookie where ``export_result`` was in front, as in ``Streamer(True, "csv")``.

    A cookie, which has an equals sign, may stand in the second place too.
    """
    if second is None or "=" in second:
        return export_type, second
    return second, None


def study_names(indicators: Indicators) -> dict[str, str]:
    """Return our name of each script, ``id@version``, by its id.

    Raises:
        ValueError: They are no pairs of an id and a version.
    """
    if isinstance(indicators, str):
        raise ValueError(f"indicators are pairs such as ('STD;RSI', '37.0'), not {indicators!r}")
    found: dict[str, str] = {}
    for pair in indicators or ():
        if isinstance(pair, str) or len(pair) != 2 or not pair[0] or not isinstance(pair[0], str):
            raise ValueError(f"an indicator is a pair such as ('STD;RSI', '37.0'), not {pair!r}")
        script, version = pair
        found[script] = f"{script}@{version}" if version and "@" not in script else script
    return found


def export_type_of(name: str, value: str) -> str:
    """Return an export type.

    Raises:
        ValueError: It is none.
    """
    if value not in EXPORT_TYPES:
        raise ValueError(f"Invalid {name}: {value!r}. Supported types: {', '.join(EXPORT_TYPES)}")
    return value


def credentials_of(cookie: str | None, token: str) -> dict[str, str] | None:
    """Return what a cookie of the browser and a token say of a login; None where they say nothing.

    Raises:
        ValueError: The cookie is none of a login.
    """
    found = {} if not token or token == ANONYMOUS_TOKEN else {"auth_token": token}
    if cookie:
        found |= _login_of(cookie)
    return found or None


def _login_of(cookie: str) -> dict[str, str]:
    parsed = SimpleCookie(cookie)
    found = {name: parsed[name].value for name in ("sessionid", "sessionid_sign") if name in parsed}
    if "sessionid" not in found:
        raise ValueError("the cookie has no sessionid; copy the whole Cookie header of a browser that is logged in")
    return found
