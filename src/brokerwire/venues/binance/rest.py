"""Binance's REST calls as pure conversations: arguments → requests, responses → records."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from brokerwire.errors import (
    Action,
    AuthenticationError,
    BrokerwireError,
    ConnectionLostError,
    InvalidSymbolError,
    RateLimitError,
    RequestError,
    StreamError,
    VenueUnavailableError,
)
from brokerwire.events import Bar, Depth, Quote, Topic, Trade, tie
from brokerwire.redact import clean
from brokerwire.venue import Operation, Request, Response, StreamKind
from brokerwire.venue.book_keeper import BookSide
from brokerwire.venues.binance import spec
from brokerwire.venues.binance.codec import (
    bar_of_row,
    canonical_symbol,
    check_interval,
    depth_event,
    depth_request,
    protocol_error,
    seed_of,
    trades_of,
)
from brokerwire.venues.binance.wire import DayTicker, Listing

T = TypeVar("T")

_decode_tickers = msgspec.json.Decoder(list[DayTicker], strict=False).decode
_decode_listing = msgspec.json.Decoder(Listing).decode
_decode_rows = msgspec.json.Decoder(list[Any]).decode
_MS = 1_000_000


def build_dial(_kind: StreamKind, _topics: Sequence[Topic]) -> Request:
    """Return the address of the combined streams; topics are subscribed to on the connection."""
    return Request(endpoint="stream", path="/stream", bucket="dials")


def error_from(response: Response) -> BrokerwireError:
    """Return our error for a refusal.

    Source: https://developers.binance.com/docs/binance-spot-api-docs/errors, read 2026-11-20.
    """
    body = response.json()
    code = body.get("code") if isinstance(body, Mapping) else None
    code = code if isinstance(code, int) else None
    text = clean(str(body.get("msg", ""))) if isinstance(body, Mapping) else ""
    message = f"Binance answered {response.status}{f' ({code})' if code is not None else ''}: {text or 'no text'}"
    facts: dict[str, Any] = {"venue": spec.NAME, "status": response.status, "code": code}
    if response.status in {418, 429} or code in spec.LIMIT_CODES:
        return RateLimitError(message, retry_after_s=_retry_after(response), **facts)
    if response.status >= 500 or response.status == 0 or code in spec.UNAVAILABLE_CODES:
        return VenueUnavailableError(message, **facts)
    if code in spec.SYMBOL_CODES:
        return InvalidSymbolError(message, **facts)
    if response.status == 401 or code in spec.CREDENTIAL_CODES:
        return AuthenticationError(message, **facts)
    return RequestError(message, **facts)


def _retry_after(response: Response) -> float | None:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None


def close_error(close_code: int, reason: str) -> BrokerwireError:
    """Return our error for a close code; its action says whether to dial again."""
    default: tuple[Action, float | None] = ("retry", None)
    action, retry_after_s = spec.CLOSE_ACTIONS.get(close_code, default)
    text = f"Binance closed the connection with code {close_code}{f': {clean(reason)}' if reason else ''}"
    kind = StreamError if action == "stop" else ConnectionLostError
    return kind(text, action=action, close_code=close_code, retry_after_s=retry_after_s, venue=spec.NAME)


def _get(path: str, query: Sequence[tuple[str, str]] = (), weight: float = 1) -> Request:
    return Request(path=path, query=tuple(query), bucket="weight", weight=weight)


def _checked(response: Response) -> Response:
    if not response.is_success:
        raise error_from(response)
    return response


def _read(response: Response, make: Callable[[Response], T]) -> T:
    """Return what ``make`` finds in an answer.

    Raises:
        RequestError: The answer is a refusal.
        ProtocolError: It does not have the shape that it should have.
    """
    try:
        return make(_checked(response))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise protocol_error(exc, response.body) from exc


def _named(symbols: Sequence[str]) -> tuple[tuple[str, str], ...]:
    names = [canonical_symbol(symbol) for symbol in symbols]
    return (("symbols", msgspec.json.encode(names).decode()),)


# Symbols


def check_symbols(symbols: Sequence[str]) -> Operation[list[str]]:
    """Return the symbols, all of which exist; unknown streams would be accepted and stay silent for ever.

    Raises:
        InvalidSymbolError: One does not exist; the error names it.
    """
    response = yield _get("/api/v3/exchangeInfo", _named(symbols), 20)
    known = _symbols_in(response) if response.is_success else set()
    if not response.is_success and not isinstance(error_from(response), InvalidSymbolError):
        raise error_from(response)
    for symbol in symbols:
        if canonical_symbol(symbol) not in known and not (yield from _exists(symbol)):
            raise InvalidSymbolError(f"Binance does not know the symbol {symbol!r}", symbol=symbol, venue=spec.NAME)
    return list(symbols)


def _exists(symbol: str) -> Operation[bool]:
    response = yield _get("/api/v3/exchangeInfo", (("symbol", canonical_symbol(symbol)),), 20)
    return response.is_success and canonical_symbol(symbol) in _symbols_in(response)


def _symbols_in(response: Response) -> set[str]:
    return {str(row.get("symbol")) for row in _rows_of(response)}


def _rows_of(response: Response) -> list[Mapping[str, Any]]:
    return _read(response, lambda answer: _decode_listing(answer.body)).symbols


def validate_symbols(symbols: Sequence[str]) -> Operation[dict[str, bool]]:
    """Return for each symbol whether it exists."""
    found: dict[str, bool] = {}
    for symbol in symbols:
        try:
            found[symbol] = yield from _exists(symbol)
        except InvalidSymbolError:
            found[symbol] = False
    return found


def get_symbol_details(symbols: Sequence[str]) -> Operation[list[Mapping[str, Any]]]:
    """Return Binance's own record of each symbol, filters included."""
    response = yield _get("/api/v3/exchangeInfo", _named(symbols), 20)
    wanted = [canonical_symbol(symbol) for symbol in symbols]
    return [row for row in _rows_of(response) if row.get("symbol") in wanted]


def search_symbols(text: str, *, limit: int = 50) -> Operation[list[Mapping[str, Any]]]:
    """Return the symbols whose name, base or quote asset contains ``text``."""
    response = yield _get("/api/v3/exchangeInfo", (), 20)
    needle = text.upper().replace("/", "").strip()
    rows = [row for row in _rows_of(response) if needle in str(row.get("symbol", ""))]
    return rows[:limit]


# Market data


def get_quotes(symbols: Sequence[str]) -> Operation[list[Quote]]:
    """Return the best bid and ask with the figures of the last 24 hours."""
    weight = 2 if len(symbols) <= 20 else 40 if len(symbols) <= 100 else 80
    response = yield _get("/api/v3/ticker/24hr", _named(symbols), weight)
    return _read(response, _quotes_of)


def _quotes_of(response: Response) -> list[Quote]:
    pairs = zip(_decode_tickers(response.body), _decode_rows(response.body), strict=True)
    return [_quote_of(ticker, row, response.received_ns) for ticker, row in pairs]


def _quote_of(m: DayTicker, row: Any, received_ns: int) -> Quote:
    quote = Quote(
        spec.NAME,
        m.symbol,
        m.close_time * _MS,
        received_ns,
        m.bid_price,
        m.bid_qty,
        m.ask_price,
        m.ask_qty,
        m.last_price,
        m.last_qty,
        m.volume,
        m.open_price,
        m.high_price,
        m.low_price,
        m.prev_close_price,
        m.price_change,
        m.price_change_percent,
    )
    tie(quote, "_message", row)
    return quote


def get_trades(symbol: str, *, limit: int | None = None) -> Operation[list[Trade]]:
    """Return the newest trades, at most 1000, from the oldest."""
    name = canonical_symbol(symbol)
    query = (("symbol", name), ("limit", str(min(limit or 500, spec.MAX_TRADES))))
    response = yield _get("/api/v3/trades", query, 25)
    return _read(response, lambda answer: trades_of(answer, Topic("trade", name, "trade")))


def get_bars(
    symbol: str,
    interval: str,
    *,
    limit: int | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Operation[list[Bar]]:
    """Return bars from the oldest: the newest ``limit``, or those that open in [start, end)."""
    name = canonical_symbol(symbol)
    base = (("symbol", name), ("interval", check_interval(interval)))
    if start is None:
        return (yield from _newest_bars(base, limit or 500, end))
    wanted = limit or 10**9
    bars: list[Bar] = []
    start_ms = _milliseconds(start)
    while len(bars) < wanted:
        page = yield from _page(base, min(wanted - len(bars), spec.MAX_BARS), start_ms, end)
        bars.extend(page)
        if len(page) < spec.MAX_BARS:
            break
        start_ms = page[-1].open_time_ns // _MS + 1
    return bars[:wanted]


def _newest_bars(base: tuple[tuple[str, str], ...], limit: int, end: datetime | None) -> Operation[list[Bar]]:
    """Page backwards from the newest."""
    bars: list[Bar] = []
    end_ms = None if end is None else _milliseconds(end) - 1
    while len(bars) < limit:
        count = min(limit - len(bars), spec.MAX_BARS)
        query = (*base, ("limit", str(count)), *((("endTime", str(end_ms)),) if end_ms is not None else ()))
        page = _bars_in((yield _get("/api/v3/klines", query, 2)), base)
        bars[:0] = page
        if len(page) < count:
            break
        end_ms = page[0].open_time_ns // _MS - 1
    return bars


def _page(base: tuple[tuple[str, str], ...], count: int, start_ms: int, end: datetime | None) -> Operation[list[Bar]]:
    until = () if end is None else (("endTime", str(_milliseconds(end) - 1)),)
    query = (*base, ("startTime", str(start_ms)), *until, ("limit", str(count)))
    return _bars_in((yield _get("/api/v3/klines", query, 2)), base)


def _bars_in(response: Response, base: tuple[tuple[str, str], ...]) -> list[Bar]:
    (_, symbol), (_, interval) = base

    def bars_of(answer: Response) -> list[Bar]:
        rows = _decode_rows(answer.body)
        return [bar_of_row(row, symbol=symbol, interval=interval, received_ns=answer.received_ns) for row in rows]

    return _read(response, bars_of)


def _milliseconds(moment: datetime) -> int:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1000)


def get_market_depth(symbol: str, *, depth: int = 10) -> Operation[Depth]:
    """Return the book, ``depth`` levels a side."""
    name = canonical_symbol(symbol)
    limit = next((size for size in spec.DEPTH_LIMITS if size >= depth), spec.DEPTH_LIMITS[-1])
    response = yield depth_request(name, limit)
    seed = _read(response, seed_of)
    return depth_event(
        BookSide(-1, seed.bids),
        BookSide(1, seed.asks),
        topic=Topic("depth", name, str(depth)),
        sequence=seed.sequence,
        time_ns=None,
        received_ns=response.received_ns,
        is_snapshot=True,
        message=response.body,
    )


OPERATIONS: Mapping[str, Callable[..., Operation[Any]]] = {
    "validate_symbols": validate_symbols,
    "get_symbol_details": get_symbol_details,
    "search_symbols": search_symbols,
    "get_quotes": get_quotes,
    "get_snapshots": get_quotes,
    "get_trades": get_trades,
    "get_bars": get_bars,
    "get_market_depth": get_market_depth,
}
