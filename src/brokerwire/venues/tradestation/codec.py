"""Pure functions between TradeStation's words and ours: topics, stream addresses, events and records."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from math import gcd
from typing import Any, Literal, TypeAlias, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import structs

from brokerwire.errors import ConfigurationError, UnsupportedError
from brokerwire.events import (
    Balance,
    Bar,
    Depth,
    Event,
    Level,
    OptionChainEntry,
    OptionLeg,
    OptionQuote,
    Order,
    OrderLeg,
    OrderStatus,
    Position,
    Quote,
    Topic,
    Trade,
    TradeCorrection,
)
from brokerwire.venue import Request, StreamKind
from brokerwire.venues.tradestation import spec
from brokerwire.venues.tradestation.spec import (
    NAME,
    canonical_id,
    canonical_symbol,
    check_template,
    escape,
    format_legs,
    open_time_ns,
    option_variant,
    parse_legs,
)
from brokerwire.venues.tradestation.wire import (
    BalanceMessage,
    BarMessage,
    DepthMessage,
    DepthRow,
    OrderAnswer,
    OrderLegMessage,
    OrderMessage,
    OrderTerms,
    PositionMessage,
    QuoteMessage,
    SpreadLegMessage,
    SpreadMessage,
    TickMessage,
    broken,
    finite,
    to_ns,
)

OrderT = TypeVar("OrderT", bound=Order)


def bar_variant(interval: str, bars_back: int = 0, template: str = "") -> str:
    """Return the variant of a bar topic, ``interval;bars_back;session template``, without an empty tail."""
    return f"{interval};{bars_back or ''};{template}".rstrip(";")


def reach_back(topic: Topic, last: Event, now_ns: int) -> Topic:
    """Return the topic with as many bars of history as may have come since ``last``; ticks have ten in any case."""
    if not isinstance(last, Bar):
        return topic
    interval, _, template = parse_bar_variant(topic.variant)
    minutes = spec.MINUTES_OF.get(interval) or spec.UNIT_DAYS[interval] * 24 * 60
    missed = (now_ns - last.open_time_ns) // (minutes * 60_000_000_000)
    bars_back = max(spec.MIN_BARS_BACK, min(missed + 2, spec.MOST_BARS_BACK))
    return Topic(topic.channel, topic.symbol, bar_variant(interval, bars_back, template))


def parse_bar_variant(variant: str) -> tuple[str, int, str]:
    """Return interval, number of bars of history and session template of a bar topic's variant.

    Raises:
        UnsupportedError: TradeStation has no bars of that interval.
        ConfigurationError: The number or the template is not one.
    """
    interval, back, template, *_ = [*variant.split(";"), "", ""]
    if interval not in spec.INTERVALS:
        raise UnsupportedError(
            f"{NAME} has no bars of {interval!r}; it has 1m to {spec.MAX_MINUTES}m, 1h to 24h, 1d, 1w and 1M",
            venue=NAME,
        )
    if back and not (back.isdigit() and int(back) <= spec.MAX_BARS):
        raise ConfigurationError(f"bars_back is a number up to {spec.MAX_BARS}, not {back!r}", venue=NAME)
    return interval, int(back or 0), check_template(template)


def build_topic(channel: str, symbol: str, variant: str, settings: Mapping[str, Any]) -> Topic:
    """Return the topic in TradeStation's spelling.

    Raises:
        InvalidSymbolError: The symbol cannot be one.
        ConfigurationError: The variant or a setting is wrong.
        UnsupportedError: TradeStation has no such channel or interval.
    """
    rules = _TOPIC_RULES.get(channel)
    if rules is None:
        raise UnsupportedError(f"{NAME} has no {channel} stream; it has {', '.join(_TOPIC_RULES)}", venue=NAME)
    symbol_of, variant_of = rules
    return Topic(channel, symbol_of(symbol), variant_of(variant, settings))


def _no_variant(variant: str, settings: Mapping[str, Any]) -> str:
    return ""


def _trade_variant(variant: str, settings: Mapping[str, Any]) -> str:
    return check_template(settings.get("session_template", ""))


def _bar_variant(variant: str, settings: Mapping[str, Any]) -> str:
    interval, bars_back, template = parse_bar_variant(variant)
    return bar_variant(interval, bars_back, template or _trade_variant(variant, settings))


def _depth_variant(variant: str, settings: Mapping[str, Any]) -> str:
    levels, _, mode = (variant or "10").partition(";")
    mode = mode or settings.get("depth", "aggregates")
    if not levels.isdigit() or int(levels) < 1:
        raise ConfigurationError(f"depth is a number of levels from 1, not {levels!r}", venue=NAME)
    if mode not in spec.DEPTH_MODES:
        raise ConfigurationError(f"the setting depth is one of {', '.join(spec.DEPTH_MODES)}, not {mode!r}", venue=NAME)
    return levels if mode == "aggregates" else f"{levels};{mode}"


def _chain_variant(variant: str, settings: Mapping[str, Any]) -> str:
    return option_variant(variant, spec.OPTION_CHAIN_PARAMETERS)


def _option_variant(variant: str, settings: Mapping[str, Any]) -> str:
    return option_variant(variant, spec.OPTION_QUOTE_PARAMETERS)


def _order_variant(variant: str, settings: Mapping[str, Any]) -> str:
    ids = sorted({canonical_id(part) for part in variant.split(",")}) if variant else []
    if len(ids) > spec.MAX_ORDER_IDS:
        raise ConfigurationError(f"{NAME} streams at most {spec.MAX_ORDER_IDS} orders by id", venue=NAME)
    return ",".join(ids)


_TOPIC_RULES: Mapping[str, tuple[Callable[[str], str], Callable[[str, Mapping[str, Any]], str]]] = {
    "quote": (canonical_symbol, _no_variant),
    "trade": (canonical_symbol, _trade_variant),
    "bar": (canonical_symbol, _bar_variant),
    "depth": (canonical_symbol, _depth_variant),
    "option_chain": (canonical_symbol, _chain_variant),
    "option_quote": (lambda symbol: format_legs(parse_legs(symbol)), _option_variant),
    "order": (canonical_id, _order_variant),
    "position": (canonical_id, _no_variant),
    "balance": (canonical_id, _no_variant),
}


def kind_of(topic: Topic) -> StreamKind:
    """Return the kind of stream that carries ``topic``."""
    return spec.ORDERS_BY_ID if topic.channel == "order" and topic.variant else spec.KINDS[topic.channel]


def build_dial(kind: StreamKind, topics: Sequence[Topic]) -> Request:
    """Return what to open for all topics of one connection; a change of topics is another connection.

    Source: https://api.tradestation.com/docs/specification/#tag/MarketData, read 2026-11-20.
    """
    variant = topics[0].variant
    path = spec.STREAM_PATHS[kind.name].format(
        symbols=escape([topic.symbol for topic in topics]),
        mode=variant.partition(";")[2] or "aggregates",
        bars_back=spec.TICKBARS_BACK,
        ids=variant,
    )
    query = _DIAL_QUERIES[kind.name](topics[0]) if kind.name in _DIAL_QUERIES else {}
    return Request(path=path, query=tuple(query.items()), authorization="token", bucket=kind.bucket)


def bar_query(interval: str, template: str = "") -> dict[str, str]:
    """Return the query that names an interval, and the session template where one is set."""
    minutes = spec.MINUTES_OF.get(interval)
    unit = spec.UNITS[interval] if minutes is None else "Minute"
    query = {"interval": str(minutes or 1), "unit": unit}
    return {**query, "sessiontemplate": template} if template else query


def _bar_dial_query(topic: Topic) -> dict[str, str]:
    interval, bars_back, template = parse_bar_variant(topic.variant)
    return {**bar_query(interval, template), "barsback": str(max(bars_back, spec.MIN_BARS_BACK))}


def _tickbar_dial_query(topic: Topic) -> dict[str, str]:
    return {"SessionTemplate": topic.variant} if topic.variant else {}


def _depth_dial_query(topic: Topic) -> dict[str, str]:
    return {"maxlevels": topic.variant.partition(";")[0]}


def _chain_dial_query(topic: Topic) -> dict[str, str]:
    return {spec.OPTION_CHAIN_PARAMETERS[name]: value for name, value in parse_qsl(topic.variant)}


def _option_dial_query(topic: Topic) -> dict[str, str]:
    query: dict[str, str] = {}
    for index, (symbol, ratio) in enumerate(parse_legs(topic.symbol)):
        query |= {f"legs[{index}].Symbol": symbol, f"legs[{index}].Ratio": str(ratio)}
    return query | {spec.OPTION_QUOTE_PARAMETERS[name]: value for name, value in parse_qsl(topic.variant)}


def _position_dial_query(topic: Topic) -> dict[str, str]:
    return {"changes": "true"}


_DIAL_QUERIES: Mapping[str, Callable[[Topic], dict[str, str]]] = {
    "bars": _bar_dial_query,
    "tickbars": _tickbar_dial_query,
    "depth": _depth_dial_query,
    "option_chain": _chain_dial_query,
    "option_quote": _option_dial_query,
    "positions": _position_dial_query,
}


_F: TypeAlias = float | None
QuoteValues: TypeAlias = tuple[_F, _F, _F, _F, _F, _F, _F, _F, _F, _F, _F, _F]
"""The typed fields of a quote from ``bid`` to ``change``, in the order of ``Quote``."""

NO_QUOTE: QuoteValues = (None, None, None, None, None, None, None, None, None, None, None, None)


def quote_values(m: QuoteMessage, known: QuoteValues = NO_QUOTE) -> QuoteValues:
    """Return what a message says, and where it is silent what was known; written out, since every quote passes."""
    return (
        known[0] if (value := m.bid) is None else value,
        known[1] if (value := m.bid_size) is None else value,
        known[2] if (value := m.ask) is None else value,
        known[3] if (value := m.ask_size) is None else value,
        known[4] if (value := m.last) is None else value,
        known[5] if (value := m.last_size) is None else value,
        known[6] if (value := m.volume) is None else value,
        known[7] if (value := m.open) is None else value,
        known[8] if (value := m.high) is None else value,
        known[9] if (value := m.low) is None else value,
        known[10] if (value := m.previous_close) is None else value,
        known[11] if (value := m.net_change) is None else value,
    )


def quote_of(values: QuoteValues, symbol: str, *, time_ns: int | None, received_ns: int) -> Quote:
    """Return a quote; the change in percent is computed, since the venue's own is a fraction in some answers."""
    return Quote(NAME, symbol, time_ns, received_ns, *values, change_percent(values[11], values[10]))


def change_percent(change: float | None, previous_close: float | None) -> float | None:
    """Return ``change`` in percent of the previous close, None where that is unknown or zero."""
    if change is None or not previous_close:
        return None
    return change / previous_close * 100


def bar_of(
    message: BarMessage, topic: Topic, received_ns: int, *, origin: Literal["stream", "backfill"] = "stream"
) -> Bar:
    """Return a bar of the topic's interval; the end is its time once it is closed, and no time before.

    Raises:
        ProtocolError: It has no time, open, high, low or close.
    """
    end_ns = to_ns(message.time_stamp) if message.epoch is None else message.epoch * 1_000_000
    if end_ns is None or message.open is None or message.high is None or message.low is None or message.close is None:
        raise broken("a bar without time or prices", msgspec.json.encode(message))
    interval = topic.variant.partition(";")[0]
    is_closed = (message.bar_status or "Closed").lower() == "closed"
    return Bar(
        NAME,
        topic.symbol,
        end_ns if is_closed else None,
        received_ns,
        interval,
        open_time_ns(end_ns, interval),
        message.open,
        message.high,
        message.low,
        message.close,
        message.total_volume,
        None,
        message.total_ticks,
        is_closed,
        origin,
    )


def trade_of(message: TickMessage, symbol: str, received_ns: int) -> Trade | TradeCorrection | None:
    """Return what a tick bar of one tick tells: a trade, a correction, or None for a bar that holds no trade.

    Source: https://api.tradestation.com/docs/specification/#operation/streamTickBars, read 2026-11-20.

    Raises:
        ProtocolError: It has no price, size or time.
    """
    status = message.status or 0
    time_ns = to_ns(message.time_stamp)
    if message.close is None or message.total_volume is None or time_ns is None:
        raise broken("a tick bar without time, price or volume", msgspec.json.encode(message))
    if status & spec.CORRECTION_MASK:
        reason = ", ".join(name for bit, name in spec.CORRECTION_BITS.items() if status & bit)
        return TradeCorrection(NAME, symbol, time_ns, received_ns, None, message.close, message.total_volume, reason)
    if status & spec.NO_TRADE_BITS:
        return None
    return Trade(NAME, symbol, time_ns, received_ns, message.close, message.total_volume)


def depth_of(message: DepthMessage, topic: Topic, received_ns: int) -> Depth:
    """Return the book of a frame, best price first, at most the levels of the topic; every frame is a whole book."""
    rows = [*(message.bids or ()), *(message.asks or ())]
    times = [row.latest_time or row.time_stamp or "" for row in rows]
    levels = int(topic.variant.partition(";")[0])
    bids = sorted(_levels(message.bids or ()), reverse=True)[:levels]
    asks = sorted(_levels(message.asks or ()))[:levels]
    newest_ns = to_ns(max(times, default=""))
    return Depth(NAME, topic.symbol, newest_ns, received_ns, tuple(bids), tuple(asks), is_snapshot=True)


def _levels(rows: Sequence[DepthRow]) -> list[Level]:
    sizes: dict[float, float] = {}
    for row in rows:  # participants quoting one price make up one level
        size = row.size if row.total_size is None else row.total_size
        sizes[row.price] = sizes.get(row.price, 0.0) + (size or 0.0)
    return [Level(price, size) for price, size in sizes.items()]


def option_quote_of(message: SpreadMessage, topic: Topic, received_ns: int) -> OptionQuote:
    """Return the prices and model values of the option or spread of a topic."""
    return OptionQuote(NAME, topic.symbol, None, received_ns, **_option_fields(message))


def chain_entry_of(message: SpreadMessage, topic: Topic, received_ns: int) -> OptionChainEntry:
    """Return one row of the option chain of a topic."""
    fields = _option_fields(message)
    return OptionChainEntry(NAME, topic.symbol, None, received_ns, **fields, strikes=message.strikes)


def _option_fields(message: SpreadMessage) -> dict[str, Any]:
    side = (message.side or "").lower() or None
    values = {name: getattr(message, name) for name in _OPTION_VALUES}
    return {"side": side, "legs": tuple(map(_option_leg, message.legs)), **values}


_OPTION_VALUES = SpreadMessage.__struct_fields__[SpreadMessage.__struct_fields__.index("bid") :]


def _option_leg(leg: SpreadLegMessage) -> OptionLeg:
    expiration = leg.expiration[:10] if leg.expiration else None
    side = (leg.option_type or "").lower()
    option_type: Literal["call", "put"] | None = "call" if side == "call" else "put" if side == "put" else None
    return OptionLeg(leg.symbol, leg.ratio, leg.strike_price, expiration, option_type)


def order_of(
    message: OrderMessage, shape: type[OrderT], *, received_ns: int, known: OrderStatus | None = None
) -> OrderT:
    """Return an order; ``known`` is the status to keep where the venue's code does not tell one.

    Quantities of several legs are in whole spreads where the legs share a whole divisor, else None.

    Source: https://api.tradestation.com/docs/specification/#operation/StreamOrders, read 2026-11-20.
    """
    legs = _order_legs(message)
    quantity, filled, ratios = _spreads(legs)
    legs = tuple(structs.replace(leg, ratio=ratio) for leg, ratio in zip(legs, ratios, strict=True))
    average = _price(message.filled_price)
    return shape(
        NAME,
        legs[0].symbol if legs else "",
        to_ns(message.closed_date_time or message.opened_date_time),
        received_ns,
        message.account_id,
        message.order_id or "",
        message.order_confirm_id,
        _status(message, legs, known),
        legs[0].side if len(legs) == 1 else None,
        _order_type(message),
        _time_in_force(message.duration),
        quantity,
        filled,
        None if quantity is None or filled is None else quantity - filled,
        legs[0].average_price if average is None and len(legs) == 1 else average,
        finite(message.limit_price),
        finite(message.stop_price),
        message.reject_reason,
        legs,
    )


def acknowledged(terms: OrderTerms, account: str | None, *, answer: OrderAnswer, received_ns: int) -> Order:
    """Return the order that was asked for, with the id that the venue gave it."""
    asked = (terms.quantity, terms.limit_price, terms.stop_price)
    quantity, limit, stop = (None if value is None else Decimal(str(value)) for value in asked)
    return Order(
        NAME,
        canonical_symbol(terms.symbol) if terms.symbol else "",
        None,
        received_ns,
        account=account,
        order_id=answer.order_id or "",
        client_order_id=terms.client_order_id,
        status="pending_new",
        side=spec.ANSWERED_SIDES.get((terms.side or "").lower().replace("_", "")),
        type=terms.type or None,
        time_in_force=terms.time_in_force.lower() or None,
        quantity=quantity,
        limit_price=limit,
        stop_price=stop,
    )


def _price(value: Decimal | None) -> Decimal | None:
    return finite(value) or None  # "0" stands for "not filled yet"


def _order_legs(message: OrderMessage) -> tuple[OrderLeg, ...]:
    legs: dict[str, OrderLeg] = {}
    for part in message.legs:
        leg = OrderLeg(
            symbol=part.symbol,
            side=spec.ANSWERED_SIDES.get((part.buy_or_sell or "").lower()),
            quantity=finite(part.quantity_ordered),
            filled_quantity=_executed(part, message),
            average_price=_price(part.execution_price),
        )
        known = legs.get(part.symbol)  # spreads have been seen to repeat a leg
        if known is None or (leg.filled_quantity or 0) > (known.filled_quantity or 0):
            legs[part.symbol] = leg
    return tuple(legs.values())


def _executed(leg: OrderLegMessage, message: OrderMessage) -> Decimal:
    """Return how much of a leg is executed, correcting what production has been seen to get wrong."""
    executed = finite(leg.exec_quantity) or Decimal(0)
    if message.status in ("FLL", "BRF"):
        return max(executed, finite(leg.quantity_ordered) or Decimal(0))
    is_priced = _price(leg.execution_price) is not None or _price(message.filled_price) is not None
    return executed if is_priced or message.status in spec.EXECUTED_STATUSES else Decimal(0)


def _spreads(legs: Sequence[OrderLeg]) -> tuple[Decimal | None, Decimal | None, list[int | None]]:
    """Return ordered and executed quantity of an order, and the ratio of each leg."""
    if len(legs) == 1:
        return legs[0].quantity, legs[0].filled_quantity, [1]
    ordered = [int(leg.quantity) for leg in legs if leg.quantity and leg.quantity == int(leg.quantity)]
    if not legs or len(ordered) < len(legs):
        return None, None, [None] * len(legs)
    units = gcd(*ordered)
    ratios = [quantity // units for quantity in ordered]
    filled = min((leg.filled_quantity or Decimal(0)) // ratio for leg, ratio in zip(legs, ratios, strict=True))
    return Decimal(units), filled, list(ratios)


def _status(message: OrderMessage, legs: Sequence[OrderLeg], known: OrderStatus | None) -> OrderStatus:
    status = spec.STATUSES.get((message.status or "").upper()) or known or "unknown"
    if status in ("accepted", "pending_new") and any(leg.filled_quantity for leg in legs):
        return "partially_filled"
    return status


def _order_type(message: OrderMessage) -> str | None:
    if message.trailing_stop:
        return "trailing_stop"
    return spec.ANSWERED_ORDER_TYPES.get((message.order_type or "").lower(), message.order_type)


def _time_in_force(duration: str | None) -> str | None:
    lower = (duration or "").lower()
    return spec.ANSWERED_DURATIONS.get(lower, lower) or None


def advances(old: Order, new: Order) -> bool:
    """Tell whether ``new`` is news: more executed, a later state, or the same state with other terms.

    A repeated or belated frame is not; a final state is only left for more executed quantity, or for a correction.
    """
    if {old.get("Status"), new.get("Status")} & spec.UNCERTAIN_STATUSES:
        return differs(old, new)
    before, after = (_total_filled(old), _rank(old)), (_total_filled(new), _rank(new))
    if before != after:
        return after > before
    return differs(old, new) and (after[1] < 3 or old.status == new.status)


def opened_ns(order: Order) -> int | None:
    """Return when the venue took an order, None where it does not say."""
    return to_ns(order.get("OpenedDateTime"))


def differs(old: Order, new: Order) -> bool:
    """Tell whether two versions of an order differ in more than their times and the order of their legs."""
    return _terms(old) != _terms(new)


def _rank(order: Order) -> int:
    if order.is_terminal and order.status != "replaced":  # an order lives on under its id after a replacement
        return 3
    return 2 if _total_filled(order) else int(order.status != "pending_new")


def _total_filled(order: Order) -> Decimal:
    return sum((leg.filled_quantity or Decimal(0) for leg in order.legs), Decimal(0))


def _terms(order: Order) -> Order:
    legs = tuple(sorted(order.legs, key=lambda leg: leg.symbol))
    return structs.replace(order, symbol="", legs=legs, time_ns=None, received_ns=0)


def position_of(message: PositionMessage, received_ns: int) -> Position:
    """Return a position, short ones negative, closed ones 0."""
    quantity = finite(message.quantity) or Decimal(0)
    is_short = (message.long_short or "").lower() == "short"
    return Position(
        NAME,
        message.symbol or "",
        None,  # the venue's Timestamp says when the position was entered, not when this was true
        received_ns,
        message.account_id,
        Decimal(0) if message.deleted else -abs(quantity) if is_short else quantity,
        finite(message.average_price),
        finite(message.last),
        finite(message.market_value),
        finite(message.unrealized_profit_loss),
        finite(message.todays_profit_loss),
        message.position_id,
    )


def balances_of(message: BalanceMessage, received_ns: int) -> list[Balance]:
    """Return the balance of an account, and one for each other currency that it holds.

    The account's own figures name no currency: they are in US dollars.
    """
    detail = message.balance_detail
    account = Balance(
        NAME,
        spec.ACCOUNT_CURRENCY,
        None,
        received_ns,
        message.account_id,
        spec.ACCOUNT_CURRENCY,
        cash=finite(message.cash_balance),
        equity=finite(message.equity),
        buying_power=finite(message.buying_power),
        market_value=finite(message.market_value),
        realized_profit=finite(detail.realized_profit_loss),
        unrealized_profit=finite(detail.unrealized_profit_loss),
    )
    return [account, *_currency_balances(message, received_ns)]


def _currency_balances(message: BalanceMessage, received_ns: int) -> list[Balance]:
    return [
        Balance(
            NAME,
            part.currency,
            None,
            received_ns,
            message.account_id,
            part.currency,
            cash=finite(part.cash_balance),
            realized_profit=finite(part.realized_profit_loss),
            unrealized_profit=finite(part.open_trade_equity or part.unrealized_profit_loss),
        )
        for part in message.currency_details
        if part.currency != spec.ACCOUNT_CURRENCY
    ]
