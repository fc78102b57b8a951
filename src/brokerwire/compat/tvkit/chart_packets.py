"""What is said to the data socket for one symbol's chart and quote, packet by packet; pure functions."""

import secrets
import string
from collections.abc import Mapping
from typing import Any

import msgspec

from brokerwire.compat.tv_scraper.streaming.utils import prepare_indicator_metadata
from brokerwire.services.arguments import normalise_interval
from brokerwire.venues.tradingview import spec
from brokerwire.venues.tradingview.codec import (
    built_in_call,
    canonical_symbol,
    is_pine,
    resolution_of,
)
from brokerwire.venues.tradingview.wire import Wish, symbol_spec


def chart_packets(
    symbol: str, interval: str, *, bars: int, token: str = spec.ANONYMOUS_TOKEN, study: str = "", info: Any = None
) -> list[str]:
    """Return the packets that open a chart with ``bars`` of history, and the quote of the same symbol.

    ``study`` goes on the chart; ``info`` is what the venue says about one that is a Pine script.

    Raises:
        InvalidSymbolError: It cannot be a symbol.
        ConfigurationError: It cannot be an interval.
    """
    name, resolution = canonical_symbol(symbol), resolution_of(normalise_interval(interval))
    quotes, chart = (f"{prefix}_{_random_name()}" for prefix in ("qs", "cs"))
    key = symbol_spec(name, {})
    packets = [
        _call("set_auth_token", token),
        _call("set_locale", "en", "US"),
        _call("chart_create_session", chart, ""),
        _call("quote_create_session", quotes),
        _call("quote_set_fields", quotes, *spec.QUOTE_FIELDS),
        _call("quote_add_symbols", quotes, name),
        _call("quote_fast_symbols", quotes, name),
        _call("resolve_symbol", chart, "sds_sym_1", key),
        _call("create_series", chart, "sds_1", "s1", "sds_sym_1", resolution, bars, ""),
    ]
    return [*packets, _study_packet(chart, study, info)] if study else packets


def _study_packet(chart: str, study: str, info: Mapping[str, Any] | None) -> str:
    if is_pine(study):
        message = prepare_indicator_metadata(study.partition("@")[0], info or {}, chart)
        return msgspec.json.encode(message).decode()
    call = built_in_call(Wish(interval="", study=study))
    return _call("create_study", chart, "st1", "st1", "sds_1", call.type, call.inputs)


def _call(method: str, *arguments: Any) -> str:
    return msgspec.json.encode({"m": method, "p": arguments}).decode()


def _random_name() -> str:
    return "".join(secrets.choice(string.ascii_letters) for _ in range(12))
