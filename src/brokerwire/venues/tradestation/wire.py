"""TradeStation's message shapes and the spelling of numbers and times in them: only what we use.

Numbers come as strings; market data is read as finite ``float``, orders and money as exact ``Decimal``.
Source of the shapes: https://api.tradestation.com/docs/specification/, read 2026-11-20.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from brokerwire.errors import ConfigurationError, ProtocolError
from brokerwire.redact import clean
from brokerwire.typedefs import JSON
from brokerwire.venues.tradestation.spec import (
    DURATIONS,
    NAME,
    ORDER_TYPES,
    REQUIRED_PRICES,
    asset_class,
    canonical_symbol,
    order_confirm_id,
    trade_action,
    word,
)

T = TypeVar("T")
Number: TypeAlias = Annotated[float, Meta(gt=-1e300, lt=1e300)]
"""A finite float: the bounds are what refuses ``NaN`` and ``Infinity`` while decoding."""
Milliseconds: TypeAlias = Annotated[int, Meta(ge=0, lt=10**14)]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TICK_TIME = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")
UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""What reading bytes that are no such message raises."""


class Grant(Struct, frozen=True):
    """A token answer; ``expires_in`` is in seconds."""

    access_token: str
    expires_in: Number = 1200.0
    refresh_token: str = ""
    scope: str = ""


class TokenRefusal(Struct, frozen=True):
    """An OAuth error."""

    error: str
    error_description: str = ""


class Refusal(Struct, frozen=True, rename="pascal"):
    """An error body, whole or one element of ``Errors``; v2 has a status and no title."""

    error: str | None = None
    message: str | None = None
    account_id: str | None = field(default=None, name="AccountID")
    order_id: str | None = field(default=None, name="OrderID")
    symbol: str | None = None


class StreamMessage(Struct, rename="pascal", gc=False):
    """What any line of a stream may be instead of data: a heartbeat, a status or an error."""

    heartbeat: int | None = None
    stream_status: str | None = None
    error: str | None = None
    message: str | None = None
    account_id: str | None = field(default=None, name="AccountID")
    order_id: str | None = field(default=None, name="OrderID")
    symbol: str | None = None


class MarketFlags(Struct, rename="pascal", gc=False):
    """What is special about a symbol's quotes."""

    is_delayed: bool = False


class QuoteMessage(StreamMessage, rename="pascal", gc=False):
    """A quote; on streams only what changed."""

    bid: Number | None = None
    bid_size: Number | None = None
    ask: Number | None = None
    ask_size: Number | None = None
    last: Number | None = None
    last_size: Number | None = None
    volume: Number | None = None
    open: Number | None = None
    high: Number | None = None
    low: Number | None = None
    previous_close: Number | None = None
    net_change: Number | None = None
    trade_time: str | None = None
    market_flags: MarketFlags | None = None


class BarMessage(StreamMessage, rename="pascal", gc=False):
    """A bar; ``time_stamp`` and ``epoch`` (milliseconds) are its end."""

    open: Number | None = None
    high: Number | None = None
    low: Number | None = None
    close: Number | None = None
    total_volume: Number | None = None
    total_ticks: int | None = None
    time_stamp: str | None = None
    epoch: Milliseconds | None = None
    is_realtime: bool = False
    is_end_of_history: bool = False
    bar_status: str | None = None


class TickMessage(StreamMessage, rename="pascal", gc=False):
    """A v2 tick bar of one tick: a trade. ``status`` is a set of bits."""

    close: Number | None = None
    status: int | None = None
    time_stamp: str | None = None
    total_volume: Number | None = None


class DepthRow(Struct, rename="pascal", gc=False):
    """A level of a book: ``size`` of one participant, or ``total_size`` of a price."""

    price: Number
    size: Number | None = None
    total_size: Number | None = None
    time_stamp: str | None = None
    latest_time: str | None = None


class DepthMessage(StreamMessage, rename="pascal"):
    """A whole book; it does not say of which symbol."""

    bids: tuple[DepthRow, ...] | None = None
    asks: tuple[DepthRow, ...] | None = None


class SpreadLegMessage(Struct, rename="pascal", gc=False):
    """A leg of an option spread."""

    symbol: str
    ratio: int = 1
    strike_price: Number | None = None
    expiration: str | None = None
    option_type: str | None = None


class SpreadMessage(StreamMessage, rename="pascal"):
    """An option or a spread of options with its prices and model values."""

    legs: tuple[SpreadLegMessage, ...] = ()
    strikes: tuple[Number, ...] = ()
    side: str | None = None
    bid: Number | None = None
    bid_size: Number | None = None
    ask: Number | None = None
    ask_size: Number | None = None
    mid: Number | None = None
    last: Number | None = None
    volume: Number | None = None
    open_interest: Number | None = field(default=None, name="DailyOpenInterest")
    implied_volatility: Number | None = None
    delta: Number | None = None
    gamma: Number | None = None
    theta: Number | None = None
    vega: Number | None = None
    rho: Number | None = None
    theoretical_value: Number | None = None
    intrinsic_value: Number | None = None
    extrinsic_value: Number | None = None


class OrderLegMessage(Struct, rename="pascal"):
    """A leg of an order; quantities are cumulative, the price is an average."""

    symbol: str
    buy_or_sell: str | None = None
    quantity_ordered: Decimal | None = None
    exec_quantity: Decimal | None = None
    execution_price: Decimal | None = None


class OrderMessage(StreamMessage, rename="pascal"):
    """An order as it stands; REST and streams differ only in the order of fields."""

    status: str | None = None
    order_type: str | None = None
    duration: str | None = None
    filled_price: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_stop: Any = None
    reject_reason: str | None = None
    opened_date_time: str | None = None
    closed_date_time: str | None = None
    order_confirm_id: str | None = field(default=None, name="OrderConfirmID")
    legs: tuple[OrderLegMessage, ...] = ()


class PositionMessage(StreamMessage, rename="pascal"):
    """A position; on streams of changes only its id and what changed."""

    position_id: str | None = field(default=None, name="PositionID")
    deleted: bool = False
    long_short: str | None = None
    quantity: Decimal | None = None
    average_price: Decimal | None = None
    last: Decimal | None = None
    market_value: Decimal | None = None
    unrealized_profit_loss: Decimal | None = None
    todays_profit_loss: Decimal | None = None


class BalanceDetailMessage(Struct, frozen=True, rename="pascal"):
    """Details of a balance, now or at the beginning of the day."""

    realized_profit_loss: Decimal | None = None
    unrealized_profit_loss: Decimal | None = None
    account_balance: Decimal | None = None
    cash_available_to_withdraw: Decimal | None = None
    equity: Decimal | None = None
    net_cash: Decimal | None = None
    open_trade_equity: Decimal | None = None
    overnight_buying_power: Decimal | None = None


class CurrencyDetailMessage(Struct, rename="pascal"):
    """What a futures account holds in one currency."""

    currency: str
    cash_balance: Decimal | None = None
    realized_profit_loss: Decimal | None = None
    unrealized_profit_loss: Decimal | None = None
    open_trade_equity: Decimal | None = None


class BalanceMessage(Struct, rename="pascal"):
    """A balance, now or at the beginning of the day."""

    account_id: str = field(name="AccountID")
    cash_balance: Decimal | None = None
    buying_power: Decimal | None = None
    equity: Decimal | None = None
    market_value: Decimal | None = None
    balance_detail: BalanceDetailMessage = BalanceDetailMessage()
    currency_details: tuple[CurrencyDetailMessage, ...] = ()


class AccountMessage(Struct, rename="pascal"):
    """An account."""

    account_id: str = field(name="AccountID")
    alias: str | None = None
    account_type: str | None = None
    currency: str | None = None
    status: str | None = None


class Record(Struct, frozen=True, rename="pascal"):
    """What a request answers where no event fits; ``record["AssetType"]`` reads the field of that name too."""

    def __getitem__(self, name: str) -> Any:
        for item in msgspec.structs.fields(self):
            if item.encode_name == name:
                return getattr(self, item.name)
        raise KeyError(name)


class OrderAnswer(Struct, rename="pascal"):
    """The answer to an order, a replacement or a cancellation: an acknowledgement, not a final state."""

    order_id: str | None = field(default=None, name="OrderID")
    message: str | None = None
    error: str | None = None


class IncrementRow(Record, frozen=True, rename="pascal"):
    """From the price ``starts_at`` on, prices move in steps of ``increment``."""

    starts_at: Decimal
    increment: Decimal


class PriceFormat(Record, frozen=True, rename="pascal"):
    """How prices of a symbol are shown and in what steps they move."""

    format: str | None = None
    decimals: int | None = None
    fraction: int | None = None
    sub_fraction: int | None = None
    increment_style: str | None = None
    increment: Decimal | None = None
    point_value: Decimal | None = None
    increment_schedule: tuple[IncrementRow, ...] = ()


class QuantityFormat(Record, frozen=True, rename="pascal"):
    """How quantities of a symbol are shown and in what steps they move."""

    format: str | None = None
    decimals: int | None = None
    increment_style: str | None = None
    increment: Decimal | None = None
    minimum_trade_quantity: Decimal | None = None


class SymbolDetails(Record, frozen=True, rename="pascal"):
    """What an instrument is."""

    symbol: str
    asset_type: str | None = None
    description: str | None = None
    exchange: str | None = None
    country: str | None = None
    currency: str | None = None
    root: str | None = None
    underlying: str | None = None
    expiration_date: str | None = None
    future_type: str | None = None
    option_type: str | None = None
    strike_price: Decimal | None = None
    price_format: PriceFormat = PriceFormat()
    quantity_format: QuantityFormat = QuantityFormat()


class SymbolMatch(Record, frozen=True, rename="pascal"):
    """A row of a symbol search."""

    symbol: str = field(name="Name")
    description: str | None = None
    category: str | None = None
    exchange: str | None = None
    country: str | None = None
    currency: str | None = None
    root: str | None = None
    underlying: str | None = None
    expiration_date: str | None = None
    option_type: str | None = None
    strike_price: Decimal | None = None
    point_value: Decimal | None = None
    minimum_move: Decimal | None = field(default=None, name="MinMove")


class OptionExpiration(Record, frozen=True, rename="pascal"):
    """A day on which options of an underlying expire."""

    date: str
    type: str | None = None


class OptionStrikes(Record, frozen=True, rename="pascal"):
    """The strikes of a type of spread, one row for each spread."""

    spread_type: str | None = None
    strikes: tuple[tuple[Decimal, ...], ...] = ()


class OptionSpreadType(Record, frozen=True, rename="pascal"):
    """A type of spread, and whether it has several strikes or several expirations."""

    name: str
    has_strike_interval: bool = field(default=False, name="StrikeInterval")
    has_expiration_interval: bool = field(default=False, name="ExpirationInterval")


class OptionRiskReward(Record, frozen=True, rename="pascal"):
    """The most that a spread can win and lose; None where there is no limit."""

    max_gain_is_infinite: bool = False
    adjusted_max_gain: Decimal | None = None
    max_loss_is_infinite: bool = False
    adjusted_max_loss: Decimal | None = None
    breakeven_points: tuple[Decimal, ...] = ()


class Route(Record, frozen=True, rename="pascal"):
    """Where an order can be routed to."""

    id: str
    name: str | None = None
    asset_types: tuple[str, ...] = ()


class ActivationTrigger(Record, frozen=True, rename="pascal"):
    """A way in which a price can trigger an order."""

    key: str
    name: str | None = None
    description: str | None = None


class OrderConfirmation(Record, frozen=True, rename="pascal"):
    """What an order would cost; nothing has been placed."""

    account_id: str | None = field(default=None, name="AccountID")
    order_confirm_id: str | None = field(default=None, name="OrderConfirmID")
    summary_message: str | None = None
    route: str | None = None
    order_asset_category: str | None = None
    currency: str | None = None
    account_currency: str | None = None
    product_currency: str | None = None
    estimated_price: Decimal | None = None
    estimated_cost: Decimal | None = None
    debit_credit_estimated_cost: Decimal | None = None
    estimated_commission: Decimal | None = None
    initial_margin_display: str | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    underlying: str | None = None
    spread: str | None = None


class OrderTerms(Struct, frozen=True, kw_only=True):
    """What an order is to be: the keywords of ``place_order``.

    ``legs`` are mappings, or our ``OrderLeg``, with symbol, side and quantity (or ratio, times ``quantity``). ``extra``
    takes the venue's own fields (``Route``, ``OSOs``, ``AdvancedOptions``...), ``expiration``, a date, for ``gtd``, and
    ``trail_amount`` or ``trail_percent`` for a trailing stop.
    """

    account: str | None = None
    symbol: str | None = None
    side: str | None = None
    quantity: Any = None
    type: str = "market"
    limit_price: Any = None
    stop_price: Any = None
    time_in_force: str = "day"
    legs: Sequence[Any] | None = None
    client_order_id: str | None = None
    extra: Mapping[str, Any] | None = None


def encode_order(terms: OrderTerms, account: str) -> dict[str, Any]:
    """Return the body of an order request.

    Raises:
        ConfigurationError: The terms lack something, or say something that the venue has no word for.
        InvalidSymbolError: A symbol cannot be one.
    """
    missing = [name for name in REQUIRED_PRICES.get(terms.type, ()) if getattr(terms, name) is None]
    if missing:
        raise ConfigurationError(f"a {terms.type} order needs {' and '.join(missing)}", venue=NAME)
    extra = dict(terms.extra or {})
    fields = {
        "AccountID": account,
        "OrderType": word(ORDER_TYPES, terms.type, "type"),
        "TimeInForce": _time_in_force(terms.time_in_force, extra),
        "LimitPrice": amount(terms.limit_price),
        "StopPrice": amount(terms.stop_price),
        "OrderConfirmID": order_confirm_id(terms.client_order_id) if terms.client_order_id else None,
        "AdvancedOptions": {**_trailing_stop(terms.type, extra), **extra.pop("AdvancedOptions", {})} or None,
        **_instrument(terms),
    }
    return {name: value for name, value in fields.items() if value is not None} | extra


def amount(value: Any) -> str | None:
    """Return a price or quantity as the plain decimal text of the venue, None for None.

    Raises:
        ConfigurationError: It is not a number.
    """
    if value is None:
        return None
    try:
        return f"{finite(Decimal(str(value))):f}"
    except (InvalidOperation, ProtocolError) as exc:
        raise ConfigurationError(f"{value!r} is not a number", venue=NAME) from exc


def _time_in_force(ours: str, extra: dict[str, Any]) -> dict[str, str]:
    duration = word(DURATIONS, ours, "time_in_force")
    day = str(extra.pop("expiration", ""))
    if not day and duration in ("GTD", "GDP") and "TimeInForce" not in extra:
        raise ConfigurationError(f"time_in_force {ours} needs extra={{'expiration': 'YYYY-MM-DD'}}", venue=NAME)
    return {"Duration": duration, "Expiration": f"{day[:10]}T00:00:00Z"} if day else {"Duration": duration}


def _trailing_stop(ours: str, extra: dict[str, Any]) -> dict[str, Any]:
    by_amount, by_percent = amount(extra.pop("trail_amount", None)), amount(extra.pop("trail_percent", None))
    if by_amount is not None or by_percent is not None:
        return {"TrailingStop": {"Percent": by_percent} if by_amount is None else {"Amount": by_amount}}
    if ours == "trailing_stop" and "TrailingStop" not in extra.get("AdvancedOptions", {}):
        text = "a trailing_stop order needs extra={'trail_amount': ...} or extra={'trail_percent': ...}"
        raise ConfigurationError(text, venue=NAME)
    return {}


def _instrument(terms: OrderTerms) -> dict[str, Any]:
    if terms.legs:
        return {"Legs": [_leg(leg, terms.quantity) for leg in terms.legs]}
    if terms.symbol is None or terms.side is None or terms.quantity is None:
        raise ConfigurationError("an order needs symbol, side and quantity, or legs", venue=NAME)
    action = trade_action(terms.side, asset_class(canonical_symbol(terms.symbol)))
    return {"Symbol": canonical_symbol(terms.symbol), "Quantity": amount(terms.quantity), "TradeAction": action}


def _leg(leg: Any, quantity: Any) -> dict[str, Any]:
    fields = leg if isinstance(leg, Mapping) else msgspec.structs.asdict(leg)
    count = fields.get("quantity")
    if count is None:
        count = Decimal(str(quantity or 1)) * abs(int(fields.get("ratio") or 1))
    action = trade_action(str(fields.get("side")), "option")  # also for the stock of a covered spread
    return {"Symbol": canonical_symbol(fields["symbol"]), "Quantity": amount(count), "TradeAction": action}


def decoder(shape: type[T]) -> Callable[[bytes], T]:
    """Return a function that reads one JSON value as ``shape``; empty strings and nulls count as absent.

    The function raises ProtocolError with a cleaned excerpt if the bytes do not fit.
    """
    read = msgspec.json.Decoder(shape, strict=False).decode

    def decode(frame: bytes) -> T:
        try:
            return read(frame)
        except UNREADABLE:
            return convert(parse(frame), shape)

    return decode


def parse(frame: bytes) -> JSON:
    """Return the parsed JSON.

    Raises:
        ProtocolError: It is not JSON.
    """
    try:
        return msgspec.json.decode(frame)
    except UNREADABLE as exc:
        raise broken(f"not JSON: {exc}", frame) from exc


def convert(value: JSON, shape: type[T]) -> T:
    """Return parsed JSON as ``shape``, leaving out empty strings and nulls.

    Raises:
        ProtocolError: It does not fit.
    """
    try:
        return msgspec.convert(_without_blanks(value), shape, strict=False)
    except (msgspec.ValidationError, RecursionError) as exc:
        raise broken(f"unexpected message: {exc}", msgspec.json.encode(value)) from exc


def broken(text: str, frame: bytes) -> ProtocolError:
    """Return the error for bytes that break the protocol, with a cleaned excerpt of them."""
    excerpt = clean(frame[:400].decode("utf-8", "replace"))
    return ProtocolError(f"{NAME} sent {clean(text)}", venue=NAME, excerpt=excerpt)


def to_ns(text: str | None) -> int | None:
    r"""Return an RFC 3339 time, or ``/Date(milliseconds)/`` of v2, as UTC nanoseconds; None and "" are None.

    Raises:
        ProtocolError: It is not a time.
    """
    if not text:
        return None
    match = _TICK_TIME.fullmatch(text) if text[0] == "/" else None
    if match is not None:
        return int(match[1]) * 1_000_000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise broken("a time that is none", text.encode("utf-8", "replace")) from exc
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND * 1_000


def finite(value: Decimal | None) -> Decimal | None:
    """Return ``value``.

    Raises:
        ProtocolError: It is not a finite number.
    """
    if value is not None and not value.is_finite():
        raise broken("a number that is not finite", str(value).encode())
    return value


def _without_blanks(value: JSON) -> JSON:
    if isinstance(value, Mapping):
        return {name: _without_blanks(item) for name, item in value.items() if item is not None and item != ""}
    if isinstance(value, list):
        return [_without_blanks(item) for item in value]
    return value
