"""tv-scraper's module of this name: whether symbols exist, which indicators there are, and what they take."""

import logging
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from brokerwire.client.sync_client import SyncClient
from brokerwire.compat.tv_scraper.arguments import ANONYMOUS_TOKEN, credentials_of, symbol_name
from brokerwire.compat.tv_scraper.candles import explained
from brokerwire.errors import BrokerwireError, InvalidSymbolError
from brokerwire.redact import clean

logger = logging.getLogger(__name__)

_FOUND: Mapping[str, Any] = {
    "scriptName": "",
    "imageUrl": "",
    "author": "",
    "agreeCount": 0,
    "isRecommended": False,
    "scriptIdPart": "",
    "version": None,
}
"""What is told of an indicator that was found, and what stands for what TradingView leaves out."""


def validate_symbols(exchange: str, symbol: str, retries: int = 3, *, client: SyncClient | None = None) -> bool:
    """Return True if TradingView knows the symbol, or does not say.

    ``retries`` is there for who passes it: what is worth another try gets one by itself.

    Raises:
        ValueError: It does not; the text names others.
    """
    name = symbol_name(exchange, symbol)
    with _client(client) as used:
        if used.market_data.validate_symbols(name)[name]:
            return True
        unknown = InvalidSymbolError(f"{name} is unknown", symbol=name)
        raise used.run(lambda inner: explained(inner, name, unknown))


def fetch_tradingview_indicators(query: str, *, client: SyncClient | None = None) -> list[dict[str, Any]]:
    """Return the indicators whose name or author has ``query`` in it; none where TradingView does not answer."""
    try:
        with _client(client) as used:
            found = used.market_data.search_studies(query)
    except BrokerwireError as exc:
        logger.error("indicators were not found: %s", clean(str(exc)))
        return []
    return [{name: row.get(name, default) for name, default in _FOUND.items()} for row in found]


def fetch_available_indicators(*, client: SyncClient | None = None) -> list[dict[str, Any]]:
    """Return the indicators that are built in, each with ``name``, ``id`` and ``version``; none without an answer."""
    try:
        return list_indicators(client=client)
    except BrokerwireError as exc:
        logger.error("indicators were not listed: %s", clean(str(exc)))
        return []


def list_indicators(*, client: SyncClient | None = None) -> list[dict[str, Any]]:
    """Return the indicators that are built in.

    Raises:
        BrokerwireError: TradingView does not tell.
    """
    with _client(client) as used:
        found = used.market_data.search_studies()
    return [{"name": row["name"], "id": row["id"], "version": row["version"]} for row in found]


def fetch_indicator_metadata(
    script_id: str,
    script_version: str,
    chart_session: str,
    cookie: str | None = None,
    *,
    client: SyncClient | None = None,
) -> dict[str, Any]:
    """Return the ``create_study`` message of an indicator; empty where TradingView has no such indicator.

    ``cookie`` is a login for what needs one, where no client is given.

    Raises:
        ValueError: The cookie is none of a login.
    """
    credentials = credentials_of(cookie, ANONYMOUS_TOKEN)
    try:
        with _client(client, credentials) as used:
            info = used.market_data.get_study_details(f"{script_id}@{script_version}")
    except BrokerwireError as exc:
        logger.error("the indicator was not found: %s", clean(str(exc)))
        return {}
    return prepare_indicator_metadata(script_id, info, chart_session)


def prepare_indicator_metadata(script_id: str, metainfo: Mapping[str, Any], chart_session: str) -> dict[str, Any]:
    """Return the ``create_study`` message of an indicator from what TradingView says about it.

    It is ``{"m": "create_study", "p": [...]}``: ``p`` is what ``StreamHandler.send_message`` takes; the study is
    ``st9`` on the series ``sds_1``.
    """
    listed = metainfo.get("inputs") or [{}]
    inputs: dict[str, Any] = {
        "text": listed[0].get("defval", ""),
        "pineId": script_id,
        "pineVersion": (metainfo.get("pine") or {}).get("version", "1.0"),
        "pineFeatures": {"v": '{"indicator":1,"plot":1,"ta":1}', "f": True, "t": "text"},
        "__profile": {"v": False, "f": True, "t": "bool"},
    }
    for each in listed:
        if str(each.get("id", "")).startswith("in_"):
            inputs[each["id"]] = {"v": each.get("defval"), "f": True, "t": each.get("type")}
    return {"m": "create_study", "p": [chart_session, "st9", "st1", "sds_1", "Script@tv-scripting-101!", inputs]}


def _client(
    given: SyncClient | None, credentials: Mapping[str, str] | None = None
) -> "nullcontext[SyncClient] | SyncClient":
    """Return a client to use in a ``with`` block; one that was given stays open after it."""
    return SyncClient("tradingview", credentials=credentials) if given is None else nullcontext(given)
