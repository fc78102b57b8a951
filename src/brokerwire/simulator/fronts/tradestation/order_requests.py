"""Order requests: their JSON, checked as the venue checks it, becomes a ticket for the exchange."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

import msgspec

from brokerwire.simulator.exchange import Exchange
from brokerwire.simulator.fronts.tradestation.answers import ApiError
from brokerwire.simulator.price_path import MINUTE_NS
from brokerwire.simulator.sessions import new_york_ns, utc
from brokerwire.simulator.trading import (
    Effect,
    GroupType,
    OrderTicket,
    OrderType,
    PriceCondition,
    Side,
    TicketGroup,
    TicketLeg,
    TimeInForce,
)

Text: TypeAlias = str | int | float | None
T = TypeVar("T")

_ACTIONS: Mapping[str, tuple[Side, Effect | None]] = MappingProxyType(
    {
        "BUY": ("buy", None),
        "SELL": ("sell", None),
        "BUYTOCOVER": ("buy_to_cover", None),
        "SELLSHORT": ("sell_short", None),
        "BUYTOOPEN": ("buy", "open"),
        "BUYTOCLOSE": ("buy", "close"),
        "SELLTOOPEN": ("sell", "open"),
        "SELLTOCLOSE": ("sell", "close"),
    }
)
_TYPES: Mapping[str, OrderType] = MappingProxyType(
    {"market": "market", "limit": "limit", "stopmarket": "stop", "stoplimit": "stop_limit"}
)
_DURATIONS: Mapping[str, TimeInForce] = MappingProxyType(
    {
        "DAY": "day",
        "DYP": "day",
        "GTC": "gtc",
        "GCP": "gtc",
        "GTD": "gtd",
        "GDP": "gtd",
        "OPG": "opg",
        "CLO": "cls",
        "IOC": "ioc",
        "FOK": "fok",
        "1": "gtd",
        "3": "gtd",
        "5": "gtd",
    }
)
_GROUPS: Mapping[str, GroupType] = MappingProxyType({"NORMAL": "normal", "BRK": "bracket", "OCO": "oco"})
_PREDICATES = MappingProxyType({"lt": "lt", "lte": "lte", "gt": "gt", "gte": "gte"})
TRIGGERS = ("STT", "STTN", "SBA", "SAB", "DTT", "DTTN", "DBA", "DAB", "TTT", "TTTN", "TBA", "TAB")
_LONGEST = timedelta(days=90)


class LegBody(msgspec.Struct, kw_only=True):
    """A leg of an order request."""

    Symbol: str
    Quantity: Text
    TradeAction: str


class TimeInForceBody(msgspec.Struct, kw_only=True):
    """How long an order lives."""

    Duration: str
    Expiration: str | None = None


class TrailingStopBody(msgspec.Struct, kw_only=True):
    """The distance of a trailing stop, in price or in percent."""

    Amount: Text = None
    Percent: Text = None


class PriceRuleBody(msgspec.Struct, kw_only=True):
    """One market activation rule."""

    Symbol: str
    Predicate: str
    Price: Text
    RuleType: str = "Price"
    TriggerKey: str = "STT"
    LogicOperator: str | None = None


class TimeRuleBody(msgspec.Struct, kw_only=True):
    """One time activation rule; the date is ignored."""

    TimeUtc: str


class AdvancedBody(msgspec.Struct, kw_only=True):
    """Advanced options of an order request."""

    AddLiquidity: bool = False
    AllOrNone: bool = False
    BookOnly: bool = False
    NonDisplay: bool = False
    DiscretionaryPrice: Text = None
    PegValue: str | None = None
    ShowOnlyQuantity: Text = None
    TrailingStop: TrailingStopBody | None = None
    MarketActivationRules: list[PriceRuleBody] = []
    TimeActivationRules: list[TimeRuleBody] = []


class OrderBody(msgspec.Struct, kw_only=True):
    """An order request."""

    AccountID: str
    OrderType: str
    TimeInForce: TimeInForceBody
    Symbol: str | None = None
    Quantity: Text = None
    TradeAction: str | None = None
    LimitPrice: Text = None
    StopPrice: Text = None
    Route: str | None = None
    Legs: list[LegBody] = []
    OSOs: list["GroupBody"] = []
    AdvancedOptions: AdvancedBody | None = None
    OrderConfirmID: str | None = None
    BuyingPowerWarning: str | None = None


class GroupBody(msgspec.Struct, kw_only=True):
    """A group request, or what a parent sends."""

    Type: str
    Orders: list[OrderBody]


def read_body(data: bytes, kind: type[T]) -> T:
    """Parse a request body.

    Raises:
        ApiError: It is not JSON or does not have the shape.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as exc:
        raise ApiError("BadRequest", f"Invalid request: {exc}") from exc


def decimal(value: Text, name: str) -> Decimal | None:
    """Return a number that may come as text, None when it is absent.

    Raises:
        ApiError: It is not a number.
    """
    if value is None or value == "":
        return None
    try:
        found = Decimal(str(value).replace(",", ""))
    except InvalidOperation:
        raise ApiError("BadRequest", f"Invalid {name}: {value}.") from None
    if not found.is_finite():
        raise ApiError("BadRequest", f"Invalid {name}: {value}.")
    return found


def _choice(options: Mapping[str, T], text: str | None, name: str, *, key: str) -> T:
    if key not in options:
        raise ApiError("BadRequest", f"Invalid {name}: {text}.")
    return options[key]


class TicketMaker:
    """Turns order requests into tickets."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def group(self, body: GroupBody) -> TicketGroup:
        """Return the group's tickets.

        Raises:
            ApiError: The request is not valid.
        """
        group_type = _choice(_GROUPS, body.Type, "Type", key=body.Type.upper())
        if not body.Orders:
            raise ApiError("BadRequest", "A group needs orders.")
        tickets = tuple(self.ticket(order) for order in body.Orders)
        if group_type == "bracket" and len({(t.symbol, t.side) for t in tickets}) > 1:
            raise ApiError("BadRequest", "All orders of a bracket must have the same symbol and side.")
        return TicketGroup(type=group_type, tickets=tickets)

    def ticket(self, body: OrderBody) -> OrderTicket:
        """Return the order's ticket.

        Raises:
            ApiError: The request is not valid.

        Source: https://api.tradestation.com/docs/specification, PlaceOrder, read 2026-11-20.
        """
        advanced = body.AdvancedOptions or AdvancedBody()
        trailing = advanced.TrailingStop or TrailingStopBody()
        order_type = _choice(_TYPES, body.OrderType, "OrderType", key=body.OrderType.lower())
        duration = body.TimeInForce.Duration.upper()
        if body.OrderConfirmID is not None and not 1 <= len(body.OrderConfirmID) <= 22:
            raise ApiError("BadRequest", "OrderConfirmID must have 1 to 22 characters.")
        return OrderTicket(
            account_id=body.AccountID,
            legs=self._legs(body),
            type=order_type,
            limit_price=decimal(body.LimitPrice, "LimitPrice") if "limit" in order_type else None,
            stop_price=decimal(body.StopPrice, "StopPrice") if "stop" in order_type else None,
            trail_amount=decimal(trailing.Amount, "TrailingStop"),
            trail_percent=decimal(trailing.Percent, "TrailingStop"),
            time_in_force=_choice(_DURATIONS, duration, "Duration", key=duration),
            expire_ns=self._expire_ns(duration, body.TimeInForce.Expiration),
            client_order_id=body.OrderConfirmID,
            post_only=advanced.BookOnly and advanced.AddLiquidity,
            all_or_none=advanced.AllOrNone,
            conditions=self.conditions(advanced.MarketActivationRules),
            not_before_ns=self.not_before_ns(advanced.TimeActivationRules),
            children=tuple(self.group(group) for group in body.OSOs),
            extra=_extra(body, advanced, duration),
        )

    def _legs(self, body: OrderBody) -> tuple[TicketLeg, ...]:
        if body.Legs:
            return tuple(self._leg(leg.Symbol, leg.Quantity, leg.TradeAction) for leg in body.Legs)
        if not body.Symbol or body.Quantity is None or not body.TradeAction:
            raise ApiError("BadRequest", "Symbol, Quantity and TradeAction are required.")
        return (self._leg(body.Symbol, body.Quantity, body.TradeAction),)

    def _leg(self, symbol: str, quantity: Text, action: str) -> TicketLeg:
        side, effect = _choice(_ACTIONS, action, "TradeAction", key=action.upper())
        wanted = decimal(quantity, "Quantity")
        if wanted is None:
            raise ApiError("BadRequest", "Quantity is required.")
        return TicketLeg(symbol=symbol.upper(), side=side, quantity=wanted, effect=effect)

    def conditions(self, rules: list[PriceRuleBody]) -> tuple[PriceCondition, ...]:
        """Return the market activation rules as the exchange takes them.

        Raises:
            ApiError: One of them is not valid.
        """
        return tuple(self._condition(rule) for rule in rules)

    def _condition(self, rule: PriceRuleBody) -> PriceCondition:
        price = decimal(rule.Price, "Price")
        symbol = rule.Symbol.upper()
        if (
            price is None
            or rule.TriggerKey.upper() not in TRIGGERS
            or self._exchange.market.universe.find(symbol) is None
        ):
            raise ApiError("BadRequest", "Invalid market activation rule.")
        predicate = _choice(_PREDICATES, rule.Predicate, "Predicate", key=rule.Predicate.lower())
        return PriceCondition(
            symbol=symbol,
            relation=predicate,  # type: ignore[arg-type]  # one of the four keys
            price=price,
            joins_with_or=(rule.LogicOperator or "And").lower() == "or",
        )

    def not_before_ns(self, rules: list[TimeRuleBody]) -> int | None:
        """Return the time today from which the order may work, or None without rules.

        Raises:
            ApiError: A time is not valid.
        """
        if not rules:
            return None
        now = utc(self._exchange.now_ns())
        times = [_parse_time(rule.TimeUtc) for rule in rules]
        moments = [now.replace(hour=t.hour, minute=t.minute, second=t.second, microsecond=0) for t in times]
        return int(max(moments).timestamp()) * 1_000_000_000

    def _expire_ns(self, duration: str, expiration: str | None) -> int | None:
        now_ns = self._exchange.now_ns()
        if duration in ("1", "3", "5"):
            return now_ns + int(duration) * MINUTE_NS
        if duration not in ("GTD", "GDP"):
            return None
        if not expiration:
            raise ApiError("BadRequest", "Expiration is required for GTD and GDP.")
        day = _parse_time(expiration).date()
        today = utc(now_ns).date()
        if not today <= day <= today + _LONGEST:
            raise ApiError("BadRequest", "Expiration must lie within the next 90 days.")
        return new_york_ns(day + timedelta(days=1), 0)


def _parse_time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ApiError("BadRequest", f"Invalid time: {text}.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _extra(body: OrderBody, advanced: AdvancedBody, duration: str) -> dict[str, Any]:
    """Return what the order shows again but the exchange does not act on."""
    extra: dict[str, Any] = {"duration": duration, "route": body.Route, "option_codes": _option_codes(advanced)}
    if body.TimeInForce.Expiration and duration in ("GTD", "GDP"):
        extra["good_till"] = f"{_parse_time(body.TimeInForce.Expiration):%Y-%m-%d}T00:00:00Z"
    if advanced.ShowOnlyQuantity is not None:
        extra["show_only"] = str(advanced.ShowOnlyQuantity)
    if advanced.MarketActivationRules:
        extra["market_rules"] = [
            {name: value for name, value in msgspec.to_builtins(rule).items() if value is not None}
            for rule in advanced.MarketActivationRules
        ]
    if advanced.TimeActivationRules:
        extra["time_rules"] = [{"TimeUtc": rule.TimeUtc} for rule in advanced.TimeActivationRules]
    if len(body.Legs) > 1:
        extra["spread"] = "Vertical" if len(body.Legs) == 2 else "Custom"
    return extra


def _option_codes(advanced: AdvancedBody) -> list[str]:
    codes = [
        code
        for code, is_set in (
            ("AON;", advanced.AllOrNone),
            ("BKO;", advanced.BookOnly),
            ("PSO;", advanced.AddLiquidity),
            ("NON;", advanced.NonDisplay),
        )
        if is_set
    ]
    for name, value in (
        ("DSCPR", advanced.DiscretionaryPrice),
        ("PEGVAL", advanced.PegValue),
        ("SHWQTY", advanced.ShowOnlyQuantity),
    ):
        if value is not None:
            codes.append(f"{name}={value};")
    signs = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
    for rule in advanced.MarketActivationRules:
        codes.append(f"CND={rule.Symbol}{signs.get(rule.Predicate.lower(), '')}{rule.Price}({rule.TriggerKey});")
    codes += [f"TIM={_parse_time(rule.TimeUtc):%H:%M:%S};" for rule in advanced.TimeActivationRules]
    return codes
