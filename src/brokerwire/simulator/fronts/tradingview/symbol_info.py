"""What the venue tells about a symbol when a chart resolves it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from brokerwire.simulator.fronts.tradingview.symbols import Listed
from brokerwire.simulator.sessions import Calendar

_US_HOLIDAYS = "20260101,20260119,20260216,20260403,20260525,20260619,20260703,20260907,20261126,20261225"
_HOURS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "stock": ("0930-1600", "America/New_York"),
        "etf": ("0930-1600", "America/New_York"),
        "index": ("0930-1600", "America/New_York"),
        "option": ("0930-1600", "America/New_York"),
        "future": ("1700-1600", "America/Chicago"),
        "forex": ("1700-1700", "America/New_York"),
    }
)
_EXTENDED = "0400-2000"


def trading_hours(listed: Listed, calendar: Calendar) -> tuple[str, str]:
    """Return session and time zone of a symbol; everything trades round the clock on the open calendar."""
    kind = listed.instrument.kind
    if kind == "crypto" or calendar == "open":
        return "24x7", "Etc/UTC"
    return _HOURS[kind]


def has_extended_hours(listed: Listed) -> bool:
    """Say whether charts of the symbol can ask for the extended session."""
    return listed.type in ("stock", "fund")


def currency_of(listed: Listed) -> str:
    """Return the currency of the prices."""
    return listed.instrument.quote


def price_scale(listed: Listed) -> dict[str, Any]:
    """Return the fields that say how prices are written; a tick is ``minmov / pricescale``."""
    scale = 10**listed.price_digits
    return {
        "pricescale": scale,
        "minmov": int(listed.instrument.tick * scale),
        "minmove2": 0,
        "fractional": False,
        "variable_tick_size": "",
        "format": "price",
    }


def identity(listed: Listed) -> dict[str, Any]:
    """Return the fields that say what the symbol is; quotes carry the same."""
    currency = currency_of(listed)
    fields: dict[str, Any] = {
        "description": listed.description,
        "exchange": listed.exchange,
        "listed_exchange": listed.exchange,
        "type": listed.type,
        "typespecs": list(listed.typespecs),
        "provider_id": "simulated",
        "currency_code": currency,
        "currency_id": currency,
        "pro_name": listed.full_name,
        "language": "en",
    }
    if listed.instrument.kind in ("forex", "crypto"):
        fields |= {"base_currency": listed.instrument.base, "base_currency_id": listed.instrument.base}
    return fields


def resolved_info(listed: Listed, *, calendar: Calendar, session_id: str, currency: str) -> dict[str, Any]:
    """Return the third parameter of ``symbol_resolved``; ``currency`` is what prices are converted into, or empty."""
    hours, zone = trading_hours(listed, calendar)
    extended = has_extended_hours(listed)
    info = identity(listed) | price_scale(listed) | _capabilities(listed) | _calendar(hours, zone, extended=extended)
    names = {
        "name": listed.name,
        "full_name": listed.full_name,
        "base_name": [listed.full_name],
        "legs": [listed.full_name],
        "aliases": [],
        "alternatives": [],
        "exchange_listed_name": listed.name,
        "source_id": listed.exchange,
        "source2": {"id": listed.exchange, "name": listed.exchange, "description": listed.exchange},
        "short_description": listed.description,
        "country": "" if listed.instrument.kind in ("forex", "crypto") else "US",
        "pointvalue": float(listed.instrument.point_value),
        "measure": "price",
        "volume_type": "base",
        "subsession_id": session_id if extended and session_id == "extended" else "regular",
        "pro_perm": "",
    }
    if currency:
        names |= {"currency_code": currency, "currency_id": currency, "original_currency_code": currency_of(listed)}
    return info | names


def _capabilities(listed: Listed) -> dict[str, Any]:
    kind = listed.instrument.kind
    return {
        "has_intraday": True,
        "has_extended_hours": has_extended_hours(listed),
        "has_adjustment": has_extended_hours(listed),
        "allowed_adjustment": "any" if has_extended_hours(listed) else "none",
        "has_backadjustment": kind == "future" and listed.full_name.endswith("!"),
        "is_tradable": kind != "index",
        "is_replayable": True,
        "is-tickbars-available": False,
        "visible_plots_set": "ohlcv" if listed.has_volume else "ohlc",
        "bar_source": "trade",
        "bar_transform": "none",
        "bar_fillgaps": False,
        "resolutions": [],
    }


def _calendar(hours: str, zone: str, *, extended: bool) -> dict[str, Any]:
    always = hours == "24x7"
    ids = ["regular", "extended"] if extended else ["regular"]
    return {
        "timezone": zone,
        "session": hours,
        "session_display": hours,
        "session_holidays": "" if always else _US_HOLIDAYS,
        "subsessions": [_subsession(each, hours) for each in ids],
    }


def _subsession(session_id: str, hours: str) -> dict[str, Any]:
    shown = _EXTENDED if session_id == "extended" and hours != "24x7" else hours
    return {
        "id": session_id,
        "description": f"{session_id.title()} Trading Hours",
        "private": False,
        "session": shown,
        "session-display": shown,
    }
