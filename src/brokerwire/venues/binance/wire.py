"""Binance's message shapes, only the fields that are used; numbers come as text and are read into floats."""

from collections.abc import Mapping
from typing import Any

from msgspec import Raw, Struct, field

from brokerwire.typedefs import Finite

Levels = list[tuple[Finite, Finite]]


class Envelope(Struct):
    """A combined-stream message, or the reply to a control message."""

    stream: str | None = None
    data: Raw = Raw(b"null")
    id: int | str | None = None
    code: int | None = None
    msg: str | None = None
    error: Any = None
    e: str | None = None


class BookTicker(Struct, gc=False):
    """The best bid and ask; ``u`` is the book's update id."""

    u: int
    b: Finite
    B: Finite
    a: Finite
    A: Finite


class TradeMessage(Struct, gc=False):
    """One trade; ``m`` says that the buyer was resting."""

    t: int
    p: Finite
    q: Finite
    T: int
    m: bool


class AggregateTradeMessage(Struct, gc=False):
    """The trades of one taker order at one price; the venue calls their id ``a``."""

    t: int = field(name="a")
    p: Finite
    q: Finite
    T: int
    m: bool


class Kline(Struct, gc=False):
    """A bar; times in milliseconds, ``x`` says that it is closed."""

    t: int
    i: str
    o: Finite
    h: Finite
    l: Finite  # noqa: E741  # the venue's name
    c: Finite
    v: Finite
    n: int
    x: bool
    q: Finite


class KlineMessage(Struct):
    """A bar and when it was sent."""

    E: int
    k: Kline


class DepthMessage(Struct):
    """Changed levels; ids from ``U`` to ``u``, a size of 0 takes a level away."""

    E: int
    U: int
    u: int
    b: Levels
    a: Levels


class DepthSnapshot(Struct, rename="camel"):
    """A whole book as REST answers it."""

    last_update_id: int
    bids: Levels
    asks: Levels


class Listing(Struct):
    """The symbols as REST answers them; each row is handed on as it is."""

    symbols: list[Mapping[str, Any]]


class KlineRow(Struct, array_like=True):
    """A bar as REST answers it; what follows the number of trades is not used."""

    open_ms: int
    open: Finite
    high: Finite
    low: Finite
    close: Finite
    volume: Finite
    close_ms: int
    quote_volume: Finite
    count: int


class RestTrade(Struct, rename="camel"):
    """A trade as REST answers it."""

    id: int
    price: Finite
    qty: Finite
    time: int
    is_buyer_maker: bool


class DayTicker(Struct, rename="camel"):
    """The figures of the last 24 hours as REST answers them."""

    symbol: str
    price_change: Finite
    price_change_percent: Finite
    prev_close_price: Finite
    last_price: Finite
    last_qty: Finite
    bid_price: Finite
    bid_qty: Finite
    ask_price: Finite
    ask_qty: Finite
    open_price: Finite
    high_price: Finite
    low_price: Finite
    volume: Finite
    close_time: int
