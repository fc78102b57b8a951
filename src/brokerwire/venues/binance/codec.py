"""Pure functions between Binance's wire and our events: names of streams, symbols, decoding, books."""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from brokerwire.errors import ConfigurationError, InvalidSymbolError, ProtocolError
from brokerwire.events import Bar, Depth, Event, Level, Quote, Topic, Trade, stamp, tie
from brokerwire.redact import clean
from brokerwire.venue import Request
from brokerwire.venues.binance.spec import DEPTH_WEIGHTS, INTERVALS, NAME, SETTING_CHOICES
from brokerwire.venues.binance.wire import (
    AggregateTradeMessage,
    BookTicker,
    DepthMessage,
    DepthSnapshot,
    Envelope,
    Kline,
    KlineMessage,
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


def trade_decoder(topics: Sequence[Topic]) -> Decode:
    """Return what reads a trade, an event for each topic; when the buyer was resting, the aggressor sold."""
    if len(topics) != 1:
        return _for_each(trade_decoder, topics)
    (topic,) = topics
    symbol = topic.symbol

    def decode(message: bytes, _now: float, received_ns: int) -> tuple[Event, ...]:
        m = _decode_trade(message)
        event = Trade(NAME, symbol, m.T * _MS, received_ns, m.p, m.q, "sell" if m.m else "buy", m.t)
        tie(event, "_topic", topic)
        tie(event, "_message", message)
        return (event,)

    return decode


def aggregate_decoder(topics: Sequence[Topic]) -> Decode:
    """Return what reads an aggregated trade, an event for each topic; its id counts aggregated trades."""
    if len(topics) != 1:
        return _for_each(aggregate_decoder, topics)
    (topic,) = topics
    symbol = topic.symbol

    def decode(message: bytes, _now: float, received_ns: int) -> tuple[Event, ...]:
        m = _decode_aggregate(message)
        event = Trade(NAME, symbol, m.T * _MS, received_ns, m.p, m.q, "sell" if m.m else "buy", m.a)
        tie(event, "_topic", topic)
        tie(event, "_message", message)
        return (event,)

    return decode


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
    open_ms, opened, high, low, close, volume, close_ms, quote_volume, count, *_ = row
    traded = float(volume)
    close_ns = (int(close_ms) + 1) * _MS
    bar = Bar(
        NAME,
        symbol,
        close_ns if close_ns <= received_ns else None,
        received_ns,
        interval,
        int(open_ms) * _MS,
        float(opened),
        float(high),
        float(low),
        float(close),
        traded,
        float(quote_volume) / traded if traded else None,
        int(count),
        close_ns <= received_ns,
        "backfill",
    )
    tie(bar, "_message", row)
    return bar


def decode_depth(message: bytes) -> DepthMessage:
    """Read a depth delta."""
    return _decode_depth(message)


def decode_snapshot(body: bytes) -> DepthSnapshot:
    """Read a REST depth answer."""
    return _decode_snapshot(body)


class BookSide:
    """One side of a book, best price first; ``sign`` is -1 for bids, 1 for asks."""

    __slots__ = ("_keys", "_levels", "_sign")

    def __init__(self, sign: int, levels: Iterable[tuple[float, float]] = ()) -> None:
        self._sign = sign
        self._levels = {sign * price: Level(price, size) for price, size in levels if size}
        self._keys = sorted(self._levels)

    def apply(self, changes: Iterable[tuple[float, float]]) -> None:
        """Set levels to new sizes; size 0 takes one away, and one that is not there is no surprise."""
        levels, keys, sign = self._levels, self._keys, self._sign
        for price, size in changes:
            key = sign * price
            if size:
                if key not in levels:
                    insort(keys, key)
                levels[key] = Level(price, size)
            elif levels.pop(key, None) is not None:
                del keys[bisect_left(keys, key)]

    def top(self, count: int) -> tuple[Level, ...]:
        """Return the best ``count`` levels."""
        levels = self._levels
        return tuple([levels[key] for key in self._keys[:count]])

    @property
    def best(self) -> float | None:
        """The best price, None on an empty side."""
        return self._sign * self._keys[0] if self._keys else None

    @property
    def worst(self) -> float | None:
        """The price furthest from the market, None on an empty side."""
        return self._sign * self._keys[-1] if self._keys else None


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


def klines_request(symbol: str, interval: str, limit: int) -> Request:
    """Return the request for the newest bars."""
    query = (("symbol", symbol), ("interval", interval), ("limit", str(limit)))
    return Request(path="/api/v3/klines", query=query, bucket="weight", weight=2)
