"""Pure functions between Binance's wire and our events: names of streams, symbols, decoding, books."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from brokerwire.errors import ConfigurationError, InvalidSymbolError, ProtocolError
from brokerwire.events import Bar, Depth, Event, Quote, Side, Topic, Trade, stamp, tie
from brokerwire.redact import clean
from brokerwire.venue import Request, Response
from brokerwire.venue.book_keeper import BookDelta, BookSeed, BookSide
from brokerwire.venue.trade_line import NOT_IN_STEP, Expect, TakeTrade
from brokerwire.venues.binance.spec import DEPTH_WEIGHTS, INTERVALS, NAME, SETTING_CHOICES
from brokerwire.venues.binance.wire import (
    AggregateTradeMessage,
    BookTicker,
    DepthMessage,
    DepthSnapshot,
    Envelope,
    Kline,
    KlineMessage,
    KlineRow,
    RestTrade,
    TradeMessage,
)

Decode: TypeAlias = Callable[[bytes, float, int], Sequence[Event]]
"""``(message, now, received_ns) -> events`` of one stream."""

_SEPARATORS = str.maketrans("", "", "/-_: ")
_MS = 1_000_000

decode_envelope = msgspec.json.Decoder(Envelope).decode
_decode_quote = msgspec.json.Decoder(BookTicker, strict=False).decode
_decode_trade = msgspec.json.Decoder(TradeMessage, strict=False).decode
_decode_aggregate = msgspec.json.Decoder(AggregateTradeMessage, strict=False).decode
_decode_aggregates = msgspec.json.Decoder(list[AggregateTradeMessage], strict=False).decode
decode_trades = msgspec.json.Decoder(list[RestTrade], strict=False).decode
_split_rows = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_kline = msgspec.json.Decoder(KlineMessage, strict=False).decode
_decode_depth = msgspec.json.Decoder(DepthMessage, strict=False).decode
_decode_snapshot = msgspec.json.Decoder(DepthSnapshot, strict=False).decode


def canonical_symbol(symbol: str) -> str:
    """Return Binance's spelling: ``btc/usdt``, ``BTC-USDT`` and ``BTCUSDT`` are ``BTCUSDT``.

    Raises:
        InvalidSymbolError: It cannot be one.
    """
    name = symbol.translate(_SEPARATORS).upper()
    if not name or not name.isalnum():
        raise InvalidSymbolError(f"{clean(symbol)!r} is not a Binance symbol; write BTCUSDT or BTC/USDT", symbol=symbol)
    return name


def build_topic(channel: str, symbol: str, variant: str, settings: Mapping[str, Any]) -> Topic:
    """Return the topic in Binance's spelling; the variant carries what the stream's name needs.

    Trades: ``trade`` or ``aggregate``. Bars: ``interval`` or ``interval;bars_back``. Depth: the levels wanted.

    Raises:
        InvalidSymbolError: The symbol cannot be one.
        ConfigurationError: The interval or a setting is none of Binance's.
    """
    for name, choices in SETTING_CHOICES.items():
        if settings.get(name, choices[0]) not in choices:
            raise ConfigurationError(f"setting {name!r} must be one of {choices}, not {settings[name]!r}", venue=NAME)
    if channel == "bar":
        check_interval(variant.partition(";")[0])
    if channel == "trade":
        variant = settings.get("trades", "trade")
    return Topic(channel, canonical_symbol(symbol), variant)


def check_interval(interval: str) -> str:
    """Return the interval.

    Raises:
        ConfigurationError: Binance has no bars of it.
    """
    if interval not in INTERVALS:
        known = " ".join(sorted(INTERVALS))
        raise ConfigurationError(f"Binance has no bars of {interval!r}; it has: {known}", venue=NAME)
    return interval


def stream_name(topic: Topic, settings: Mapping[str, Any]) -> str:
    """Return the name of the stream that carries a topic."""
    symbol = topic.symbol.lower()
    if topic.channel == "bar":
        return f"{symbol}@kline_{topic.variant.partition(';')[0]}"
    if topic.channel == "trade":
        return f"{symbol}@aggTrade" if topic.variant == "aggregate" else f"{symbol}@trade"
    if topic.channel == "depth":
        return f"{symbol}@depth@100ms" if settings.get("depth_speed") == "100ms" else f"{symbol}@depth"
    return f"{symbol}@bookTicker"


def control_frames(method: str, names: Sequence[str], first_id: int, max_bytes: int) -> list[tuple[int, bytes]]:
    """Return SUBSCRIBE or UNSUBSCRIBE frames with their ids, none larger than ``max_bytes``."""
    frames: list[tuple[int, bytes]] = []
    chunk: list[str] = []
    size = 0
    for name in [*names, None]:
        added = len(name.encode()) + 3 if name is not None else 0
        if chunk and (name is None or size + added > max_bytes - 80):
            message_id = first_id + len(frames)
            frame = msgspec.json.encode({"method": method, "params": chunk, "id": message_id})
            frames.append((message_id, frame))
            chunk, size = [], 0
        if name is not None:
            chunk.append(name)
            size += added
    return frames


def protocol_error(exc: Exception, frame: bytes) -> ProtocolError:
    """Return our error for a frame that could not be read."""
    excerpt = clean(frame[:120].decode("utf-8", "replace"))
    return ProtocolError(f"Binance sent a frame that cannot be read ({exc}): {excerpt}", excerpt=excerpt, venue=NAME)


def quote_decoder(topics: Sequence[Topic]) -> Decode:
    """Return what reads a bookTicker message, an event for each topic; it carries no time of its own."""
    if len(topics) != 1:
        return _for_each(quote_decoder, topics)
    (topic,) = topics
    symbol = topic.symbol

    def decode(message: bytes, _now: float, received_ns: int) -> tuple[Event, ...]:
        m = _decode_quote(message)
        event = Quote(NAME, symbol, None, received_ns, m.b, m.B, m.a, m.A)
        tie(event, "_topic", topic)
        tie(event, "_message", message)
        return (event,)

    return decode


def trade_decoder(topic: Topic, take: TakeTrade) -> tuple[Decode, Expect]:
    """Return what reads a trade, and what tells it which id comes next; any other goes through ``take``.

    When the buyer was resting, the aggressor sold. The id of an aggregated trade counts aggregated trades.
    """
    symbol, expected = topic.symbol, NOT_IN_STEP
    read: Callable[[bytes], TradeMessage | AggregateTradeMessage]
    read = _decode_aggregate if topic.variant == "aggregate" else _decode_trade

    def decode(message: bytes, now: float, received_ns: int) -> Sequence[Event]:
        nonlocal expected
        m = read(message)
        event = Trade(NAME, symbol, m.T * _MS, received_ns, m.p, m.q, "sell" if m.m else "buy", m.t)
        tie(event, "_topic", topic)
        tie(event, "_message", message)
        if m.t != expected:
            return take(event, now, expected)
        expected += 1
        return (event,)

    def expect(trade_id: int) -> None:
        nonlocal expected
        expected = trade_id

    return decode, expect


def bar_decoder(topics: Sequence[Topic]) -> Decode:
    """Return what reads a kline message, an event for each topic."""
    if len(topics) != 1:
        return _for_each(bar_decoder, topics)
    (topic,) = topics

    def decode(message: bytes, _now: float, received_ns: int) -> tuple[Event, ...]:
        m = _decode_kline(message)
        event = _bar_of(m.k, topic.symbol, m.E * _MS, received_ns)
        stamp(event, topic, message)
        return (event,)

    return decode


def _for_each(new_decoder: Callable[[Sequence[Topic]], Decode], topics: Sequence[Topic]) -> Decode:
    """Read a message once for each topic that hangs on its stream; more than one is rare."""
    decoders = [new_decoder((topic,)) for topic in topics]

    def decode(message: bytes, now: float, received_ns: int) -> tuple[Event, ...]:
        return tuple([event for decode_one in decoders for event in decode_one(message, now, received_ns)])

    return decode


def _bar_of(k: Kline, symbol: str, time_ns: int, received_ns: int) -> Bar:
    vwap = k.q / k.v if k.v else None
    return Bar(
        NAME, symbol, time_ns, received_ns, k.i, k.t * _MS, k.o, k.h, k.l, k.c, k.v, vwap, k.n, k.x
    )  # fmt: skip


def bar_of_row(row: Sequence[Any], *, symbol: str, interval: str, received_ns: int) -> Bar:
    """Read a row of the REST answer ``[open ms, o, h, l, c, volume, close ms, quote volume, count, ...]``."""
    k = msgspec.convert(row, KlineRow, strict=False)
    close_ns = (k.close_ms + 1) * _MS
    bar = Bar(
        NAME,
        symbol,
        close_ns if close_ns <= received_ns else None,
        received_ns,
        interval,
        k.open_ms * _MS,
        k.open,
        k.high,
        k.low,
        k.close,
        k.volume,
        k.quote_volume / k.volume if k.volume else None,
        k.count,
        close_ns <= received_ns,
        "backfill",
    )
    tie(bar, "_message", row)
    return bar


def delta_of(message: bytes, received_ns: int) -> BookDelta:
    """Read a depth delta."""
    m = _decode_depth(message)
    return BookDelta(m.U, m.u, m.b, m.a, m.E * _MS, received_ns, message)


def seed_of(response: Response) -> BookSeed:
    """Read a REST depth answer."""
    m = _decode_snapshot(response.body)
    return BookSeed(m.last_update_id, m.bids, m.asks, response.received_ns, response.body)


def depth_event(
    bids: BookSide,
    asks: BookSide,
    *,
    topic: Topic,
    sequence: int,
    time_ns: int | None,
    received_ns: int,
    is_snapshot: bool,
    message: Any,
) -> Depth:
    """Return the book as an event, cut to the levels that the topic asks for."""
    levels = int(topic.variant or 10)
    event = Depth(
        NAME, topic.symbol, time_ns, received_ns, bids.top(levels), asks.top(levels), is_snapshot, sequence
    )  # fmt: skip
    stamp(event, topic, message)
    return event


def depth_request(symbol: str, limit: int) -> Request:
    """Return the request for a book's snapshot; its weight grows with ``limit``."""
    weight = next(weight for most, weight in DEPTH_WEIGHTS if limit <= most)
    query = (("symbol", symbol), ("limit", str(limit)))
    return Request(path="/api/v3/depth", query=query, bucket="weight", weight=weight)


def klines_request(symbol: str, interval: str, limit: int, *, start_ms: int | None = None) -> Request:
    """Return the request for the newest bars, or for those that open at ``start_ms`` or later."""
    since = () if start_ms is None else (("startTime", str(start_ms)),)
    query = (("symbol", symbol), ("interval", interval), *since, ("limit", str(limit)))
    return Request(path="/api/v3/klines", query=query, bucket="weight", weight=2)


def trades_request(topic: Topic, first_id: int, limit: int) -> Request:
    """Return the request for ``limit`` trades from an id on, or aggregated trades where the topic is about those.

    It needs no key. Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/market-data-endpoints,
    read 2026-11-20.
    """
    query = (("symbol", topic.symbol), ("fromId", str(first_id)), ("limit", str(limit)))
    if topic.variant == "aggregate":
        return Request(path="/api/v3/aggTrades", query=query, bucket="weight", weight=4)
    return Request(path="/api/v3/historicalTrades", query=query, bucket="weight", weight=25)


def trades_of(response: Response, topic: Topic) -> list[Trade]:
    """Read the answer to ``trades_request``, oldest first; each trade has the row as its message."""
    body, facts = response.body, []
    if topic.variant == "aggregate":
        facts = [(m.t, m.p, m.q, m.T, m.m) for m in _decode_aggregates(body)]
    else:
        facts = [(m.id, m.price, m.qty, m.time, m.is_buyer_maker) for m in decode_trades(body)]
    trades: list[Trade] = []
    for (trade_id, price, size, time_ms, is_sold), row in zip(facts, _split_rows(body), strict=True):
        side: Side = "sell" if is_sold else "buy"
        trade = Trade(NAME, topic.symbol, time_ms * _MS, response.received_ns, price, size, side, trade_id)
        stamp(trade, topic, bytes(row))
        trades.append(trade)
    return trades
