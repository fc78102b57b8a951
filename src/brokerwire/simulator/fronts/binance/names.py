"""Stream names: what each asks for, and which names the venue takes without ever sending anything."""

import re
from typing import Literal, TypeAlias

import msgspec

from brokerwire.simulator.fronts.binance.intervals import INTERVALS

Kind: TypeAlias = Literal[
    "trade",
    "aggTrade",
    "bookTicker",
    "kline",
    "ticker",
    "miniTicker",
    "window",
    "avgPrice",
    "referencePrice",
    "partial",
    "depth",
    "allMiniTicker",
    "allWindow",
    "silent",
]

_ZONE_SUFFIX = "@+08:00"
_ZONE_NS = 8 * 3_600 * 1_000_000_000
_DEPTH = re.compile(r"depth(5|10|20)?(@100ms|@1000ms)?")
_WINDOWS = ("1h", "4h", "1d")
_PLAIN: dict[str, Kind] = {
    "trade": "trade",
    "aggTrade": "aggTrade",
    "bookTicker": "bookTicker",
    "ticker": "ticker",
    "miniTicker": "miniTicker",
    "avgPrice": "avgPrice",
    "referencePrice": "referencePrice",
    "blockTrade": "silent",
}
_RETIRED = ("!ticker@arr", "!bookTicker")
_ALL_MINI = re.compile(r"!miniTicker@arr(?:@(1000|3000)ms)?")
_LISTEN_KEY = re.compile(r"[A-Za-z0-9]{40,}")


class StreamName(msgspec.Struct, frozen=True):
    """A name taken apart; ``option`` is a kline interval or a window, ``levels`` those of a partial book."""

    text: str
    kind: Kind
    symbol: str = ""
    option: str = ""
    levels: int = 0
    period_ms: int = 1000
    offset_ns: int = 0


def parse_name(text: str) -> StreamName | None:
    """Take a stream name apart; None for what is no stream at all.

    Source: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams, read 2026-11-20.
    """
    if text.startswith("!") or "@" not in text:
        return _parse_unsymboled(text)
    symbol, _, rest = text.partition("@")
    if not symbol or symbol.isspace():
        return None
    return _parse_plain(text, symbol, rest) or _parse_kline(text, symbol, rest) or _parse_depth(text, symbol, rest)


def _parse_unsymboled(text: str) -> StreamName | None:
    if match := _ALL_MINI.fullmatch(text):
        return StreamName(text, "allMiniTicker", period_ms=int(match[1] or 1000))
    for window in _WINDOWS:
        if text == f"!ticker_{window}@arr":
            return StreamName(text, "allWindow", option=window)
    if text in _RETIRED or _LISTEN_KEY.fullmatch(text):
        return StreamName(text, "silent")
    return None


def _parse_plain(text: str, symbol: str, rest: str) -> StreamName | None:
    if kind := _PLAIN.get(rest):
        return StreamName(text, kind, symbol)
    if rest.startswith("ticker_") and rest[7:] in _WINDOWS:
        return StreamName(text, "window", symbol, rest[7:])
    return None


def _parse_kline(text: str, symbol: str, rest: str) -> StreamName | None:
    offset_ns = _ZONE_NS if rest.endswith(_ZONE_SUFFIX) else 0
    name = rest.removesuffix(_ZONE_SUFFIX).removeprefix("kline_")
    if not rest.startswith("kline_") or name not in INTERVALS:
        return None
    return StreamName(text, "kline", symbol, name, offset_ns=offset_ns)


def _parse_depth(text: str, symbol: str, rest: str) -> StreamName | None:
    match = _DEPTH.fullmatch(rest)
    if match is None:
        return None
    period_ms = 100 if match[2] == "@100ms" else 1000
    if match[1] is None:
        return StreamName(text, "depth", symbol, period_ms=period_ms)
    return StreamName(text, "partial", symbol, levels=int(match[1]), period_ms=period_ms)
