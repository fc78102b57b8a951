"""Events of the market streams as JSON, keys in the order of the venue's samples.

Source: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams, read 2026-11-20.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeAlias

import msgspec

from brokerwire.simulator.fronts.binance.figures import MICROSECOND, TimeUnit, decimal8, percent
from brokerwire.simulator.fronts.binance.framing import combined, text_frame
from brokerwire.simulator.fronts.binance.windows import Statistics, average_price
from brokerwire.simulator.ticks import SimBar, SimQuote, SimTrade

Levels: TypeAlias = Sequence[tuple[str, str]]
_ENCODE = msgspec.json.Encoder().encode


class Event:
    """One event of one stream; each of its wire forms is made when first asked for and then shared."""

    __slots__ = ("_build", "_frames", "stream")

    def __init__(self, stream: str, build: Callable[[TimeUnit], bytes]) -> None:
        self.stream = stream
        self._build = build
        self._frames: list[bytes | None] = [None] * 4

    def frame(self, unit: TimeUnit, is_combined: int) -> bytes:
        """Return the text frame for a connection's time unit and framing."""
        index = 2 * (unit is MICROSECOND) + is_combined
        found = self._frames[index]
        if found is None:
            data = self._build(unit)
            found = self._frames[index] = text_frame(combined(self.stream, data) if is_combined else data)
        return found


class RecordedEvent:
    """One event with the bytes it was recorded with; time units do not matter to it."""

    __slots__ = ("_bare", "_frames", "_wrapped", "stream")

    def __init__(self, stream: str, *, wrapped: bytes, bare: bytes) -> None:
        self.stream = stream
        self._wrapped = wrapped
        self._bare = bare
        self._frames: list[bytes | None] = [None, None]

    def frame(self, _: TimeUnit, is_combined: int) -> bytes:
        """Return the text frame for a connection's framing."""
        found = self._frames[is_combined]
        if found is None:
            found = self._frames[is_combined] = text_frame(self._wrapped if is_combined else self._bare)
        return found


class _Trade(msgspec.Struct):
    e: str
    E: int
    s: str
    t: int
    p: str
    q: str
    T: int
    m: bool
    M: bool = True


class _AggregateTrade(msgspec.Struct):
    e: str
    E: int
    s: str
    a: int
    p: str
    q: str
    f: int
    l: int  # noqa: E741 - the venue's key
    T: int
    m: bool
    M: bool = True


class _BookTicker(msgspec.Struct):
    u: int
    s: str
    b: str
    B: str
    a: str
    A: str


class _Kline(msgspec.Struct):
    t: int
    T: int
    s: str
    i: str
    f: int
    L: int
    o: str
    c: str
    h: str
    l: str  # noqa: E741 - the venue's key
    v: str
    n: int
    x: bool
    q: str
    V: str
    Q: str
    B: str = "0"


class _KlineEvent(msgspec.Struct):
    e: str
    E: int
    s: str
    k: _Kline


class _Ticker(msgspec.Struct):
    e: str
    E: int
    s: str
    p: str
    P: str
    w: str
    x: str
    c: str
    Q: str
    b: str
    B: str
    a: str
    A: str
    o: str
    h: str
    l: str  # noqa: E741 - the venue's key
    v: str
    q: str
    O: int  # noqa: E741 - the venue's key
    C: int
    F: int
    L: int
    n: int


class _MiniTicker(msgspec.Struct):
    e: str
    E: int
    s: str
    c: str
    o: str
    h: str
    l: str  # noqa: E741 - the venue's key
    v: str
    q: str


class _WindowTicker(msgspec.Struct):
    e: str
    E: int
    s: str
    p: str
    P: str
    o: str
    h: str
    l: str  # noqa: E741 - the venue's key
    c: str
    w: str
    v: str
    q: str
    O: int  # noqa: E741 - the venue's key
    C: int
    F: int
    L: int
    n: int


class _AveragePrice(msgspec.Struct):
    e: str
    E: int
    s: str
    i: str
    w: str
    T: int


class _DepthUpdate(msgspec.Struct):
    e: str
    E: int
    s: str
    U: int
    u: int
    b: Levels
    a: Levels


class _PartialDepth(msgspec.Struct):
    lastUpdateId: int
    bids: Levels
    asks: Levels


def encode_trade(trade: SimTrade, event_ns: int, unit: TimeUnit) -> bytes:
    return _ENCODE(
        _Trade(
            e="trade",
            E=unit.of(event_ns),
            s=trade.symbol,
            t=trade.trade_id,
            p=decimal8(trade.price),
            q=decimal8(trade.size),
            T=unit.of(trade.time_ns),
            m=trade.side == "sell",
        )
    )


def encode_aggregate_trade(trade: SimTrade, event_ns: int, unit: TimeUnit) -> bytes:
    """Encode a taker order's trade; on the synthetic exchange each taker order is one trade."""
    return _ENCODE(
        _AggregateTrade(
            e="aggTrade",
            E=unit.of(event_ns),
            s=trade.symbol,
            a=trade.trade_id,
            p=decimal8(trade.price),
            q=decimal8(trade.size),
            f=trade.trade_id,
            l=trade.trade_id,
            T=unit.of(trade.time_ns),
            m=trade.side == "sell",
        )
    )


def encode_book_ticker(quote: SimQuote, update_id: int) -> bytes:
    return _ENCODE(
        _BookTicker(
            u=update_id,
            s=quote.symbol,
            b=decimal8(quote.bid),
            B=decimal8(quote.bid_size),
            a=decimal8(quote.ask),
            A=decimal8(quote.ask_size),
        )
    )


def encode_kline(bar: SimBar, *, interval: str, event_ns: int, is_closed: bool, unit: TimeUnit) -> bytes:
    kline = _Kline(
        t=unit.of(bar.open_ns),
        T=unit.last_before(bar.close_ns),
        s=bar.symbol,
        i=interval,
        f=bar.first_trade_id,
        L=bar.last_trade_id,
        o=decimal8(bar.open),
        c=decimal8(bar.close),
        h=decimal8(bar.high),
        l=decimal8(bar.low),
        v=decimal8(bar.volume),
        n=bar.trade_count,
        x=is_closed,
        q=decimal8(bar.quote_volume),
        V=decimal8(bar.buy_volume),
        Q=decimal8(bar.buy_quote_volume),
    )
    return _ENCODE(_KlineEvent(e="kline", E=unit.of(event_ns), s=bar.symbol, k=kline))


def encode_ticker(statistics: Statistics, event_ns: int, unit: TimeUnit) -> bytes:
    s = statistics
    return _ENCODE(
        _Ticker(
            e="24hrTicker",
            E=unit.of(event_ns),
            s=s.symbol,
            p=decimal8(s.change),
            P=percent(s.change_percent),
            w=decimal8(average_price(s.bar)),
            x=decimal8(s.previous_close),
            c=decimal8(s.last),
            Q=decimal8(s.last_size),
            b=decimal8(s.quote.bid),
            B=decimal8(s.quote.bid_size),
            a=decimal8(s.quote.ask),
            A=decimal8(s.quote.ask_size),
            o=decimal8(s.bar.open),
            h=decimal8(s.bar.high),
            l=decimal8(s.bar.low),
            v=decimal8(s.bar.volume),
            q=decimal8(s.bar.quote_volume),
            O=unit.of(s.open_ns),
            C=unit.of(s.close_ns),
            F=s.bar.first_trade_id,
            L=s.bar.last_trade_id,
            n=s.bar.trade_count,
        )
    )


def mini_ticker(bar: SimBar, event_ns: int, unit: TimeUnit) -> _MiniTicker:
    """Return the mini ticker of a 24-hour window; several make the array of all symbols."""
    return _MiniTicker(
        e="24hrMiniTicker",
        E=unit.of(event_ns),
        s=bar.symbol,
        c=decimal8(bar.close),
        o=decimal8(bar.open),
        h=decimal8(bar.high),
        l=decimal8(bar.low),
        v=decimal8(bar.volume),
        q=decimal8(bar.quote_volume),
    )


def window_ticker(bar: SimBar, *, window: str, event_ns: int, unit: TimeUnit) -> _WindowTicker:
    """Return the ticker of a rolling window; several make the array of all symbols."""
    change = bar.close - bar.open
    return _WindowTicker(
        e=f"{window}Ticker",
        E=unit.of(event_ns),
        s=bar.symbol,
        p=decimal8(change),
        P=percent(change / bar.open * 100),
        o=decimal8(bar.open),
        h=decimal8(bar.high),
        l=decimal8(bar.low),
        c=decimal8(bar.close),
        w=decimal8(average_price(bar)),
        v=decimal8(bar.volume),
        q=decimal8(bar.quote_volume),
        O=unit.of(bar.open_ns),
        C=unit.of(event_ns),
        F=bar.first_trade_id,
        L=bar.last_trade_id,
        n=bar.trade_count,
    )


def encode(value: object) -> bytes:
    """Encode any payload made here, or a list of them."""
    return _ENCODE(value)


def encode_average_price(bar: SimBar, *, event_ns: int, last_trade_ns: int, unit: TimeUnit) -> bytes:
    average = decimal8(average_price(bar))
    return _ENCODE(
        _AveragePrice(e="avgPrice", E=unit.of(event_ns), s=bar.symbol, i="5m", w=average, T=unit.of(last_trade_ns))
    )


def encode_reference_price(symbol: str, price: Decimal, *, at_ns: int, unit: TimeUnit) -> bytes:
    return _ENCODE({"e": "referencePrice", "s": symbol, "r": decimal8(price), "t": unit.of(at_ns)})


def encode_depth_update(
    symbol: str, *, ids: tuple[int, int], bids: Levels, asks: Levels, event_ns: int, unit: TimeUnit
) -> bytes:
    """Encode what changed in updates ``ids`` (first and last)."""
    return _ENCODE(_DepthUpdate(e="depthUpdate", E=unit.of(event_ns), s=symbol, U=ids[0], u=ids[1], b=bids, a=asks))


def encode_partial_depth(last_update_id: int, *, bids: Levels, asks: Levels) -> bytes:
    return _ENCODE(_PartialDepth(lastUpdateId=last_update_id, bids=bids, asks=asks))


def server_shutdown(event_ns: int) -> Event:
    """Return the notice that the server is about to go; its combined form has a stream name of its own."""

    def build(unit: TimeUnit) -> bytes:
        return _ENCODE({"e": "serverShutdown", "E": unit.of(event_ns)})

    return Event("!serverShutdown", build)
