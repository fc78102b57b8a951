"""Frozen records that leave a venue: market data, orders, positions and statuses.

An event is the venue's parsed JSON with typed attributes on top: ``event.bid`` is normalised,
``event["Bid"]`` and ``event.get("Bid")`` read the venue's own message, parsed when first asked for.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Struct, structs

from brokerwire.typedefs import JSON

Side: TypeAlias = Literal["buy", "sell"]
OrderSide: TypeAlias = Literal["buy", "sell", "sell_short", "buy_to_cover"]
OrderType: TypeAlias = Literal["market", "limit", "stop", "stop_limit", "trailing_stop"]
OrderStatus: TypeAlias = Literal[
    "pending_new",
    "accepted",
    "partially_filled",
    "filled",
    "pending_cancel",
    "cancelled",
    "pending_replace",
    "replaced",
    "rejected",
    "expired",
    "suspended",
    "unknown",
]
StreamState: TypeAlias = Literal["pending", "live", "stale", "recovering", "paused", "closed", "failed"]
TERMINAL_STATUSES: frozenset[str] = frozenset({"filled", "cancelled", "replaced", "rejected", "expired"})

_MOST_DIGITS = 4000
"""Python refuses to make an integer of not many more."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _parse_number(text: str) -> float | Decimal:
    """Keep every digit: a float shows 15 of them exactly, a longer number stays a Decimal."""
    number = float(text)
    return number if len(text) <= 16 and math.isfinite(number) else Decimal(text)


_decode_message = msgspec.json.Decoder(float_hook=_parse_number).decode


def _parse_message(message: bytes) -> JSON:
    """Return a parsed message.

    Fields that are not typed were not looked at closely when it came: what is no Unicode in them shows as replacement
    characters, and an integer of thousands of digits as a ``Decimal``.
    """
    try:
        return _decode_message(message)
    except (UnicodeDecodeError, msgspec.DecodeError):
        text = message.decode("utf-8", "replace")
        return _without_halves(json.loads(text, parse_float=_parse_number, parse_int=_parse_integer))


def _parse_integer(text: str) -> int | Decimal:
    return int(text) if len(text) <= _MOST_DIGITS else Decimal(text)


def _without_halves(value: Any) -> JSON:
    """Replace halves of characters, which JSON can escape and nothing can encode."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_without_halves(item) for item in value]
    if isinstance(value, dict):
        return {_without_halves(name): _without_halves(item) for name, item in value.items()}
    result: JSON = value
    return result


def _merge_messages(messages: tuple[bytes, ...]) -> JSON:
    """Return one message: what a later one leaves out stays as an earlier one said."""
    merged: dict[str, JSON] = {}
    for message in messages:
        merged |= _parse_message(message)
    return merged


class Topic(Struct, frozen=True, cache_hash=True):
    """One thing that can be subscribed to: a channel of a symbol.

    ``channel`` is the kind of its events (``quote``, ``bar``, ``order``); ``symbol`` the venue's own
    spelling, or the account; ``variant`` what else tells it apart on the wire: the interval of bars,
    the number of levels of a book, the parameters of an option chain.
    """

    channel: str
    symbol: str
    variant: str = ""

    def __str__(self) -> str:
        parts = (self.channel, self.symbol, self.variant)
        return ":".join(part for part in parts if part)


class _Message:
    """Where an event keeps the venue's message: outside the typed fields, so that they alone count."""

    __slots__ = ("_frame", "_message", "_topic")

    _frame: bytes
    _message: Any
    _topic: Topic


class Event(_Message, Struct, frozen=True, gc=False):
    """What every event has: ``venue``, ``symbol`` as subscribed, and its times in UTC nanoseconds.

    ``time_ns`` is the venue's event time or None; ``received_ns`` is when the frame arrived here.
    """

    venue: str
    symbol: str
    time_ns: int | None
    received_ns: int

    kind: ClassVar[str] = "event"

    @property
    def time(self) -> datetime | None:
        """The venue's event time as an aware datetime, to the microsecond."""
        return None if self.time_ns is None else _EPOCH + timedelta(microseconds=self.time_ns // 1_000)

    @property
    def topic(self) -> Topic | None:
        """The topic that the event came on, or None for an event made by hand."""
        return getattr(self, "_topic", None)

    @property
    def raw(self) -> JSON:
        """The venue's message as it came, parsed; on channels of deltas the delta alone.

        Numbers of more than 15 digits are ``Decimal``, so that nothing is lost.
        """
        frame = getattr(self, "_frame", None)
        return self._parsed() if frame is None else _parse_message(frame)

    def _parsed(self) -> JSON:
        message = getattr(self, "_message", None)
        if isinstance(message, bytes | tuple):
            message = _parse_message(message) if isinstance(message, bytes) else _merge_messages(message)
            tie(self, "_message", message)
        return message

    def __getitem__(self, key: Any) -> JSON:
        message = self._parsed()
        if message is None:
            raise KeyError(key)
        return message[key]

    def get(self, key: str, default: JSON = None) -> JSON:
        """Return the field ``key`` of the venue's message (merged, on channels of deltas), or ``default``."""
        message = self._parsed()
        return message.get(key, default) if isinstance(message, Mapping) else default

    def keys(self) -> Iterator[str]:
        """Iterate over the field names of the venue's message."""
        message = self._parsed()
        return iter(message if isinstance(message, Mapping) else ())

    def __contains__(self, key: object) -> bool:
        message = self._parsed()
        return isinstance(message, Mapping) and key in message

    def to_dict(self) -> dict[str, Any]:
        """Return the typed fields as built-in values, with ``type`` first; ``Decimal`` stays exact.

        An order's own ``type`` is under ``order_type`` here and in JSON, where ``type`` names the kind of event.
        """
        fields: dict[str, Any] = msgspec.to_builtins(self, builtin_types=(Decimal,))
        return fields


tie: Callable[[Struct, str, Any], None] = structs.force_setattr
"""``(event, slot, value)``: the fast way past a frozen struct's ``__setattr__``, to the slots of ``_Message``."""


def stamp(event: Event, topic: Topic, message: Any) -> None:
    """Tie ``event`` to its topic and to the venue's message.

    That is parsed JSON, bytes that are parsed when asked for, or a tuple of bytes, oldest first, that are one message
    together: what a later one leaves out stays as an earlier one said.
    """
    tie(event, "_topic", topic)
    tie(event, "_message", message)


def respell(event: Event, symbol: str) -> Event:
    """Return the same event under another spelling of its symbol."""
    twin = structs.replace(event, symbol=symbol)
    for name in ("_topic", "_message", "_frame"):
        value = getattr(event, name, None)
        if value is not None:
            tie(twin, name, value)
    return twin


class Level(NamedTuple):
    """One price level of a book: price in the quote currency, size in units of the instrument."""

    price: float
    size: float


class Quote(Event, frozen=True, gc=False, tag_field="type", tag="quote"):
    """The best bid and ask and, where the venue sends them, the day's figures.

    Prices are in the quote currency, sizes in units of the instrument, ``change_percent`` in percent.
    A field that the venue did not send is None.
    """

    bid: float | None = None
    bid_size: float | None = None
    ask: float | None = None
    ask_size: float | None = None
    last: float | None = None
    last_size: float | None = None
    volume: float | None = None
    open: float | None = None
    high: float | None = None
    low: float | None = None
    previous_close: float | None = None
    change: float | None = None
    change_percent: float | None = None

    kind: ClassVar[str] = "quote"

    @property
    def price(self) -> float | None:
        """The last price, else the middle of bid and ask, else None."""
        if self.last is not None:
            return self.last
        if self.bid is None or self.ask is None:
            return None
        return (self.bid + self.ask) / 2


class Trade(Event, frozen=True, gc=False, tag_field="type", tag="trade"):
    """One trade; ``side`` is the aggressor's, None where the venue does not say.

    ``trade_id`` is the venue's own, a number or text as it sends it.
    """

    price: float
    size: float
    side: Side | None = None
    trade_id: int | str | None = None
    conditions: tuple[str, ...] = ()

    kind: ClassVar[str] = "trade"


class Bar(Event, frozen=True, gc=False, tag_field="type", tag="bar"):
    """A bar of ``interval`` that opened at ``open_time_ns``; sent again until ``is_closed``.

    ``origin`` is ``stream`` for what the venue pushed and ``backfill`` for what was asked for by request.
    """

    interval: str
    open_time_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float | None = None
    vwap: float | None = None
    trade_count: int | None = None
    is_closed: bool = True
    origin: Literal["stream", "backfill"] = "stream"

    kind: ClassVar[str] = "bar"


class Depth(Event, frozen=True, gc=False, tag_field="type", tag="depth"):
    """A book after one snapshot or one delta: bids from the highest, asks from the lowest price.

    ``bids`` and ``asks`` hold at most the levels that were asked for; ``sequence`` is the venue's update id.
    """

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    is_snapshot: bool = False
    sequence: int | None = None

    kind: ClassVar[str] = "depth"


class OrderLeg(Struct, frozen=True, kw_only=True, omit_defaults=False):
    """One instrument of an order; simple orders have one leg."""

    symbol: str
    side: OrderSide | None = None
    quantity: Decimal | None = None
    filled_quantity: Decimal | None = None
    average_price: Decimal | None = None
    ratio: int | None = None


class Order(Event, frozen=True, gc=False, tag_field="type", tag="order"):
    """An order as the venue knows it; quantities in units of the instrument, prices in its currency."""

    account: str | None = None
    order_id: str = ""
    client_order_id: str | None = None
    status: OrderStatus = "unknown"
    side: OrderSide | None = None
    type: OrderType | str | None = msgspec.field(default=None, name="order_type")
    time_in_force: str | None = None
    quantity: Decimal | None = None
    filled_quantity: Decimal | None = None
    remaining_quantity: Decimal | None = None
    average_price: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    reason: str | None = None
    legs: tuple[OrderLeg, ...] = ()

    kind: ClassVar[str] = "order"

    @property
    def is_terminal(self) -> bool:
        """Whether the order can no longer change."""
        return self.status in TERMINAL_STATUSES


class OrderUpdate(Order, frozen=True, gc=False, tag_field="type", tag="order"):
    """An order after a change, as the stream told it; the fields are those of ``Order``."""


class Fill(Event, frozen=True, gc=False, tag_field="type", tag="fill"):
    """One execution of an order; ``fee`` in ``fee_currency``, None where the venue does not say."""

    account: str | None
    order_id: str
    fill_id: str
    price: Decimal
    quantity: Decimal
    side: OrderSide | None = None
    fee: Decimal | None = None
    fee_currency: str | None = None
    liquidity: Literal["maker", "taker"] | None = None

    kind: ClassVar[str] = "fill"


class Account(Event, frozen=True, gc=False, tag_field="type", tag="account"):
    """An account of the login; its ``symbol`` is empty."""

    account_id: str
    name: str | None = None
    type: str | None = msgspec.field(default=None, name="account_type")
    currency: str | None = None
    status: str | None = None

    kind: ClassVar[str] = "account"


class Position(Event, frozen=True, gc=False, tag_field="type", tag="position"):
    """A holding; ``quantity`` is negative when short and 0 once closed, money in the account's currency."""

    account: str | None
    quantity: Decimal
    average_price: Decimal | None = None
    last: Decimal | None = None
    market_value: Decimal | None = None
    unrealized_profit: Decimal | None = None
    todays_profit: Decimal | None = None
    position_id: str | None = None

    kind: ClassVar[str] = "position"


class Balance(Event, frozen=True, gc=False, tag_field="type", tag="balance"):
    """Money of one account in one currency; ``symbol`` is that currency or asset."""

    account: str | None
    currency: str
    cash: Decimal | None = None
    available: Decimal | None = None
    locked: Decimal | None = None
    equity: Decimal | None = None
    buying_power: Decimal | None = None
    market_value: Decimal | None = None
    realized_profit: Decimal | None = None
    unrealized_profit: Decimal | None = None

    kind: ClassVar[str] = "balance"


class OptionLeg(Struct, frozen=True):
    """One option of a spread: ``ratio`` is negative for the sold side, ``expiration`` a date ``YYYY-MM-DD``."""

    symbol: str
    ratio: int = 1
    strike: float | None = None
    expiration: str | None = None
    option_type: Literal["call", "put"] | None = None


class OptionQuote(Event, frozen=True, gc=False, tag_field="type", tag="option_quote"):
    """Prices and model values of an option or spread; volatility and greeks as the venue's model gives them."""

    side: Literal["call", "put", "both"] | None = None
    legs: tuple[OptionLeg, ...] = ()
    bid: float | None = None
    bid_size: float | None = None
    ask: float | None = None
    ask_size: float | None = None
    mid: float | None = None
    last: float | None = None
    volume: float | None = None
    open_interest: float | None = None
    implied_volatility: float | None = None
    delta: float | None = None
    gamma: float | None = None
    theta: float | None = None
    vega: float | None = None
    rho: float | None = None
    theoretical_value: float | None = None
    intrinsic_value: float | None = None
    extrinsic_value: float | None = None

    kind: ClassVar[str] = "option_quote"


class OptionChainEntry(OptionQuote, frozen=True, gc=False, tag_field="type", tag="option_chain"):
    """One row of an option chain; ``symbol`` is the underlying, ``legs`` say which options it is made of."""

    strikes: tuple[float, ...] = ()

    kind: ClassVar[str] = "option_chain"


class StudyPoint(Event, frozen=True, gc=False, tag_field="type", tag="study"):
    """The values of a study at one bar."""

    study: str
    interval: str
    open_time_ns: int
    values: Mapping[str, float | None]

    kind: ClassVar[str] = "study"


class TradingStatus(Event, frozen=True, gc=False, tag_field="type", tag="status"):
    """Whether an instrument trades, and why not."""

    status: str
    reason: str | None = None

    kind: ClassVar[str] = "status"


class TradeCorrection(Event, frozen=True, gc=False, tag_field="type", tag="trade_correction"):
    """A trade that the venue changed or took back; ``price`` and ``size`` are the corrected ones, or None."""

    trade_id: int | str | None = None
    price: float | None = None
    size: float | None = None
    reason: str | None = None

    kind: ClassVar[str] = "trade_correction"


class News(Event, frozen=True, gc=False, tag_field="type", tag="news"):
    """A headline; ``symbols`` are the instruments that it names."""

    headline: str
    news_id: str | None = None
    summary: str | None = None
    url: str | None = None
    symbols: tuple[str, ...] = ()

    kind: ClassVar[str] = "news"


class StateChange(Struct, frozen=True, tag_field="type", tag="state_change"):
    """A subscription went from one state to another."""

    old: StreamState
    new: StreamState
    reason: str


class Gap(Struct, frozen=True, tag_field="type", tag="gap"):
    """Events of ``topic`` between the two times may be missing; ``filled`` if they were fetched afterwards."""

    topic: Topic
    start_ns: int
    end_ns: int
    reason: str
    filled: bool = False


class Overflow(Struct, frozen=True, tag_field="type", tag="overflow"):
    """The callback was too slow: ``dropped`` events were lost in this episode, ``topic`` names one of them."""

    topic: Topic | None
    dropped: int


class Notice(Struct, frozen=True, tag_field="type", tag="notice"):
    """Something worth knowing that is not an error yet."""

    text: str
    topic: Topic | None = None


Status: TypeAlias = StateChange | Gap | Overflow | Notice
