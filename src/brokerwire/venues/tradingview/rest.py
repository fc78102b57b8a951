"""TradingView's requests: the dial, errors, symbols over HTTP, and what is asked on the data socket."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from brokerwire.errors import (
    AuthenticationError,
    BrokerwireError,
    ConfigurationError,
    ConnectionLostError,
    RateLimitError,
    RequestError,
    VenueUnavailableError,
)
from brokerwire.events import Bar, Event, Quote, StudyPoint, Topic
from brokerwire.redact import clean
from brokerwire.venue import Conversation, Listen, Operation, Request, Response, StreamKind
from brokerwire.venues.tradingview import spec
from brokerwire.venues.tradingview.auth import protocol_error
from brokerwire.venues.tradingview.codec import (
    canonical_symbol,
    pine_request,
    resolution_of,
    script_of,
    seconds_of,
)
from brokerwire.venues.tradingview.wire import Found, Suggested

T = TypeVar("T")

_decode_found = msgspec.json.Decoder(Found).decode
_decode_scripts = msgspec.json.Decoder(list[Mapping[str, Any]]).decode
_decode_suggested = msgspec.json.Decoder(Suggested).decode
_DEFAULT_BARS = 300
_PAGE_SYMBOLS = 50


def build_dial(_kind: StreamKind, _topics: Sequence[Topic]) -> Request:
    """Return the address of the data socket; without the origin of the venue's own pages it is refused.

    Source: https://github.com/Mathieu2301/TradingView-API, src/client.js, read 2026-11-20.
    """
    return Request(
        endpoint="stream",
        path=spec.SOCKET_PATH,
        query=spec.SOCKET_QUERY,
        headers={"Origin": spec.ORIGIN},
        bucket="dials",
        authorization="token",
    )


def error_from(response: Response) -> BrokerwireError:
    """Return our error for a refusal; one of 403 is never repeated."""
    status = response.status
    facts: dict[str, Any] = {"venue": spec.NAME, "status": status}
    if b"<title>Captcha Challenge</title>" in response.body:
        return AuthenticationError("TradingView asks for a captcha; answer it in a browser", code="captcha", **facts)
    text = clean(response.body[:200].decode("utf-8", "replace")) or "no text"
    message = f"TradingView answered {status}: {text}"
    if status == 429:
        return RateLimitError(message, retry_after_s=_retry_after(response), **facts)
    if status >= 500 or status == 0:
        return VenueUnavailableError(message, **facts)
    if status == 401:
        return AuthenticationError(message, action="refresh", **facts)
    return RequestError(message, **facts)


def _retry_after(response: Response) -> float | None:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None


def close_error(close_code: int, reason: str) -> BrokerwireError:
    """Return our error for a close code: the venue's say nothing, each is a reason to dial again."""
    text = f"TradingView closed the connection with code {close_code}{f': {clean(reason)}' if reason else ''}"
    return ConnectionLostError(text, close_code=close_code, venue=spec.NAME)


# Symbols


def search_symbols(
    text: str, *, limit: int = 50, exchange: str = "", search_type: str = "undefined", country: str = ""
) -> Operation[list[Mapping[str, Any]]]:
    """Return the symbols that match ``text``, each with its whole name as ``id``.

    ``search_type`` is one of ``undefined`` (all), ``stocks``, ``funds``, ``futures``, ``forex``, ``crypto``,
    ``index``, ``bond``, ``economic``.
    """
    found: list[Mapping[str, Any]] = []
    while len(found) < limit:
        query = (
            ("text", text),
            ("hl", "0"),
            ("exchange", exchange),
            ("lang", "en"),
            ("search_type", search_type),
            ("start", str(len(found))),
            ("country", country),
            ("domain", "production"),
        )
        page = _page_of((yield _search_request(query)))
        found += [{**row, "id": _id_of(row)} for row in page.symbols]
        if len(page.symbols) < _PAGE_SYMBOLS or not page.symbols_remaining:
            break
    return found[:limit]


def _search_request(query: tuple[tuple[str, str], ...]) -> Request:
    headers = {"Origin": spec.ORIGIN}
    return Request(endpoint="search", path="/symbol_search/v3/", query=query, headers=headers, bucket="search")


def _page_of(response: Response) -> Found:
    return _read(response, _decode_found)


def _read(response: Response, decode: Callable[[bytes], T]) -> T:
    if not response.is_success:
        raise error_from(response)
    try:
        return decode(response.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise protocol_error(exc, response.body) from exc


def _id_of(row: Mapping[str, Any]) -> str:
    """Return a whole name: the prefix, else the first word of the exchange, before the symbol.

    Source: https://github.com/Mathieu2301/TradingView-API, src/miscRequests.js, read 2026-11-20.
    """
    exchange = str(row.get("prefix") or str(row.get("exchange", "")).partition(" ")[0]).upper()
    return f"{exchange}:{row.get('symbol', '')}"


def validate_symbols(symbols: Sequence[str]) -> Operation[dict[str, bool]]:
    """Return for each symbol whether it has a page; ``EXCHANGE:SYMBOL`` and ``EXCHANGE-SYMBOL`` both go.

    An answer that says neither yes nor no counts as yes.
    """
    found: dict[str, bool] = {}
    for symbol in symbols:
        try:
            name = canonical_symbol(symbol)
        except BrokerwireError:
            found[symbol] = False
            continue
        response = yield Request(endpoint="site", path=f"/symbols/{_quoted(name)}/", bucket="pages")
        found[symbol] = response.status != 404
    return found


def _quoted(symbol: str) -> str:
    escapes = {"/": "%2F", "&": "%26", "'": "%27", "+": "%2B"}
    return "".join(escapes.get(char, char) for char in symbol.replace(":", "-", 1))


# Studies


def search_studies(text: str = "") -> Operation[list[Mapping[str, Any]]]:
    """Return the scripts that the venue has built in; with ``text`` public ones too, those that match it.

    Each is the venue's own row with ``name``, ``id``, ``version`` and ``author`` (empty for the venue) on top;
    ``get_study`` takes it as ``id@version``.

    Source: https://github.com/Mathieu2301/TradingView-API, src/miscRequests.js, read 2026-11-29.
    """
    query = (("filter", "standard"),)
    listing = yield Request(endpoint="pine", path="/pine-facade/list", query=query, bucket="pages")
    found = _read(listing, _decode_scripts)
    if text:
        query = (("search", text),)
        answer = yield Request(endpoint="site", path="/pubscripts-suggest-json/", query=query, bucket="pages")
        found += _read(answer, _decode_suggested).results
    scripts = {row["id"]: row for row in map(_study_of, found)}
    wanted = text.casefold()
    return [row for row in scripts.values() if wanted in row["name"].casefold() or wanted in row["author"].casefold()]


def _study_of(row: Mapping[str, Any]) -> dict[str, Any]:
    author = row.get("author")
    return {
        **row,
        "name": str(row.get("scriptName", "")),
        "id": str(row.get("scriptIdPart", "")),
        "version": row.get("version"),
        "author": str(author.get("username", "")) if isinstance(author, Mapping) else "",
    }


def get_study_details(study: str) -> Operation[Mapping[str, Any]]:
    """Return what the venue says about a Pine script, its ``metaInfo``: inputs, plots, styles.

    Raises:
        RequestError: It has no such script.
    """
    info, _ = script_of((yield pine_request(study)), study)
    return info


# On the data socket


def get_quotes(symbols: Sequence[str]) -> Conversation[list[Quote]]:
    """Return the quote of each symbol as it stands when its values are complete."""
    names = [canonical_symbol(symbol) for symbol in symbols]
    heard = yield Listen([Topic("quote_snapshot", name) for name in names])
    newest = {event.symbol: event for event in heard.events if isinstance(event, Quote)}
    return [newest[name] for name in names if name in newest]


def get_bars(
    symbol: str,
    interval: str,
    *,
    limit: int | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Conversation[list[Bar]]:
    """Return bars from the oldest: the newest ``limit``, or those that open in [start, end).

    With a start, ``limit`` bars from there on; with an end alone, ``limit`` bars up to it, 300 unless it is given.

    Bars older than the plan's window are not there, whatever is asked for: a range before it is empty. A range is asked
    for in segments, from the newest, until the venue says that there is no more, or nothing was traded for so long that
    there can be none: no market pauses for more than ten days.

    Raises:
        ConfigurationError: The range ends before it starts, or is longer than 10 million bars.
    """
    name = canonical_symbol(symbol)
    resolution_of(interval)
    if start is None and end is None:
        heard = yield Listen([Topic("history", name, f"{interval};limit={limit or _DEFAULT_BARS}")])
        return _ordered(heard.events)
    bars = yield from _bars_between(name, interval, limit=limit, start=start, end=end)
    return bars[:limit] if start is not None else bars[-(limit or _DEFAULT_BARS) :]


def _bars_between(
    name: str, interval: str, *, limit: int | None, start: datetime | None, end: datetime | None
) -> Conversation[list[Bar]]:
    until_s = _FAR_S if end is None else _seconds(end)
    from_s = until_s - (limit or _DEFAULT_BARS) * seconds_of(interval) * 4 if start is None else _seconds(start)
    if from_s > until_s:
        raise ConfigurationError("the range of bars ends before it starts", venue=spec.NAME)
    events: list[Event] = []
    empty = 0
    for first_s, last_s in _segments(from_s, until_s, seconds_of(interval)):
        heard = yield Listen([Topic("history", name, f"{interval};from_s={first_s};until_s={last_s}")])
        events += heard.events
        empty = 0 if heard.events else empty + 1
        is_beyond = events and empty * (last_s - first_s) > spec.LONGEST_PAUSE_S
        if heard.gaps or is_beyond or empty >= spec.MOST_EMPTY_SEGMENTS:
            break
    return _ordered(events)


_FAR_S = 4_102_444_800
"""The end of a range without one, 2100-01-01: the venue takes ends in the future."""


def _segments(from_s: int, until_s: int, interval_s: int) -> list[tuple[int, int]]:
    """Part a range, from the newest; days and longer come whole, however long."""
    if interval_s >= 86_400 or until_s == _FAR_S:
        return [(from_s, until_s)]
    span_s = (spec.SEGMENT_BARS - 1) * interval_s
    count = -(-(until_s - from_s) // span_s) or 1
    if count > spec.MOST_SEGMENTS:
        raise ConfigurationError(
            f"the range is {count} segments of {spec.SEGMENT_BARS} bars; ask for {spec.MOST_SEGMENTS} at most",
            venue=spec.NAME,
        )
    ends = [until_s - at * span_s for at in range(count)]
    return [(max(from_s, last_s - span_s), last_s) for last_s in ends]


def _ordered(events: Sequence[Event]) -> list[Bar]:
    """Return bars from the oldest, each once; of one that was heard twice, the newer state."""
    bars = {event.open_time_ns: event for event in events if isinstance(event, Bar)}
    return [bars[open_ns] for open_ns in sorted(bars)]


def _seconds(moment: datetime) -> int:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return int(aware.timestamp())


def get_study(
    symbol: str, interval: str, study: str, *, limit: int = _DEFAULT_BARS, **inputs: Any
) -> Conversation[list[StudyPoint]]:
    """Return the newest ``limit`` values of a study, from the oldest; ``inputs`` are the study's own."""
    resolution_of(interval)
    pairs = "&".join(f"{key}={_plain(value)}" for key, value in sorted({**inputs, "limit": limit}.items()))
    heard = yield Listen([Topic("study_history", canonical_symbol(symbol), f"{interval};{study};{pairs}")])
    points = {event.open_time_ns: event for event in heard.events if isinstance(event, StudyPoint)}
    return [points[open_ns] for open_ns in sorted(points)]


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


OPERATIONS: Mapping[str, Callable[..., Operation[Any]]] = {
    "search_symbols": search_symbols,
    "validate_symbols": validate_symbols,
    "search_studies": search_studies,
    "get_study_details": get_study_details,
}

CONVERSATIONS: Mapping[str, Callable[..., Conversation[Any]]] = {
    "get_quotes": get_quotes,
    "get_snapshots": get_quotes,
    "get_bars": get_bars,
    "get_study": get_study,
}
