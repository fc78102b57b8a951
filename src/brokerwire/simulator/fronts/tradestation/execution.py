"""Order execution requests: confirm, place, group, replace, cancel, routes and activation triggers."""

import base64
import secrets
from decimal import Decimal
from typing import Any

import msgspec
from aiohttp import web

from brokerwire.simulator.accounts import is_buying
from brokerwire.simulator.checks import initial_margin
from brokerwire.simulator.exchange import Exchange
from brokerwire.simulator.faults import Faults
from brokerwire.simulator.fronts.tradestation.answers import ApiError, json_response, number
from brokerwire.simulator.fronts.tradestation.gate import Caller
from brokerwire.simulator.fronts.tradestation.order_requests import (
    GroupBody,
    OrderBody,
    PriceRuleBody,
    Text,
    TicketMaker,
    TimeRuleBody,
    TrailingStopBody,
    decimal,
    read_body,
)
from brokerwire.simulator.fronts.tradestation.settings import FrontSettings
from brokerwire.simulator.instruments import Instrument
from brokerwire.simulator.journal import Journal
from brokerwire.simulator.trading import OrderRefused, OrderTicket, SimOrder, TicketGroup

_SIDES = {"buy": "Buy", "sell": "Sell", "sell_short": "Sell Short", "buy_to_cover": "Buy to Cover"}
_TYPES = {"market": "Market", "limit": "Limit", "stop": "Stop Market", "stop_limit": "Stop Limit"}
_CATEGORIES = {"stock": "EQUITY", "etf": "EQUITY", "option": "OPTION", "future": "FUTURE"}
_REFUSALS = {
    "unknown_symbol": "Invalid symbol.",
    "not_tradable": "This symbol cannot be traded.",
    "unknown_account": "Invalid Account ID.",
    "wrong_account": "The account is not authorized to trade this asset type.",
    "quantity": "Invalid quantity.",
    "lot": "Invalid quantity.",
    "tick": "Invalid price increment.",
    "price": "A price is missing for this order type.",
    "funds": "Insufficient buying power.",
    "would_take": "Book only order would have been executed on arrival.",
    "duplicate": "The OrderConfirmID must be unique: an OrderConfirmID may be used once only.",
}
_POSITION_CODES = {"not_long": "EC601", "not_short": "EC602", "is_long": "EC701", "is_short": "EC702"}

ROUTES: list[dict[str, Any]] = [
    {"Id": "Intelligent", "AssetTypes": ["STOCK", "STOCKOPTION", "INDEXOPTION"], "Name": "Intelligent"},
    {"Id": "AMEX", "AssetTypes": ["STOCK", "STOCKOPTION"], "Name": "AMEX"},
    {"Id": "ARCX", "AssetTypes": ["STOCK", "STOCKOPTION"], "Name": "ARCX"},
    {"Id": "BATS", "AssetTypes": ["STOCK", "STOCKOPTION"], "Name": "BATS"},
    {"Id": "CBOE", "AssetTypes": ["STOCKOPTION", "INDEXOPTION"], "Name": "CBOE"},
    {"Id": "CME", "AssetTypes": ["FUTURE"], "Name": "CME"},
    {"Id": "EDGX", "AssetTypes": ["STOCK", "STOCKOPTION"], "Name": "EDGX"},
    {"Id": "IEX", "AssetTypes": ["STOCK"], "Name": "IEX"},
    {"Id": "NSDQ", "AssetTypes": ["STOCK", "STOCKOPTION"], "Name": "NSDQ"},
    {"Id": "NYSE", "AssetTypes": ["STOCK"], "Name": "NYSE"},
]

TRIGGERS: list[dict[str, str]] = [
    {"Key": f"{key}{suffix}", "Name": f"{word} {name}", "Description": f"{meaning} {what}"}
    for key, word, meaning in (
        ("S", "Single", "One"),
        ("D", "Double", "Two consecutive"),
        ("T", "Twice", "Two"),
    )
    for suffix, name, what in (
        ("TT", "Trade Tick", "trade tick(s) must print at the stop price."),
        ("TTN", "Trade Tick Within NBBO", "trade tick(s) must print at the stop price within the NBBO."),
        ("BA", "Bid/Ask Tick", "tick(s): bid for sell orders, ask for buy orders."),
        ("AB", "Ask/Bid Tick", "tick(s): ask for sell orders, bid for buy orders."),
    )
]


class RulesBody(msgspec.Struct, kw_only=True):
    """Replacement of market activation rules."""

    ClearAll: bool = False
    Rules: list[PriceRuleBody] = []


class TimeRulesBody(msgspec.Struct, kw_only=True):
    """Replacement of time activation rules."""

    ClearAll: bool = False
    Rules: list[TimeRuleBody] = []


class ReplaceOptionsBody(msgspec.Struct, kw_only=True):
    """Advanced options of a replacement."""

    ShowOnlyQuantity: Text = None
    TrailingStop: TrailingStopBody | None = None
    MarketActivationRules: RulesBody | None = None
    TimeActivationRules: TimeRulesBody | None = None


class ReplaceBody(msgspec.Struct, kw_only=True):
    """A replacement; what is absent stays."""

    LimitPrice: Text = None
    StopPrice: Text = None
    Quantity: Text = None
    OrderType: str | None = None
    AdvancedOptions: ReplaceOptionsBody | None = None


class Execution:
    """Handlers under ``/v3/orderexecution``."""

    def __init__(self, exchange: Exchange, *, faults: Faults, journal: Journal, settings: FrontSettings) -> None:
        self._exchange = exchange
        self._faults = faults
        self._journal = journal
        self._settings = settings
        self._maker = TicketMaker(exchange)

    async def place(self, request: web.Request, _: Caller) -> web.Response:
        """Answer ``POST orders``."""
        ticket = self._maker.ticket(read_body(await request.read(), OrderBody))
        try:
            self._check_rules(ticket)
            order = self._place(ticket)
        except OrderRefused as refused:
            return self._answer([], [self._failure(refused)])
        return self._answer([self._sent(placed) for placed in self._family(order)], [])

    async def place_group(self, request: web.Request, _: Caller) -> web.Response:
        """Answer ``POST ordergroups``."""
        group = self._maker.group(read_body(await request.read(), GroupBody))
        failures: list[dict[str, str]] = []
        for ticket in group.tickets:
            try:
                self._check_rules(ticket)
                self._exchange.check(ticket)
            except OrderRefused as refused:
                failures.append(self._failure(refused))
        if failures:
            return self._answer([], failures)
        orders = self._exchange.place_group(group)
        return self._answer([self._sent(placed) for order in orders for placed in self._family(order)], [])

    def _place(self, ticket: OrderTicket) -> SimOrder:
        """Place an order, unless it is to be rejected: at once, or (option ``late``) after its acknowledgement."""
        fault = self._faults.take("reject_order", channel=ticket.symbol)
        if fault is None:
            return self._exchange.place(ticket)
        reason = fault.argument or "The order was rejected."
        if fault.options.get("late"):
            return self._exchange.place_rejected(ticket, reason)
        raise OrderRefused("reason", reason)

    def _check_rules(self, ticket: OrderTicket) -> None:
        """Refuse what this venue does not take although an exchange could."""
        if ticket.type == "market" and str(ticket.extra.get("duration")) in ("DYP", "GCP", "GDP"):
            raise OrderRefused("reason", "Market orders are not allowed in extended hours.")
        if sum(leg.quantity for leg in ticket.legs) <= 0:
            raise OrderRefused("quantity", "")
        for leg in ticket.legs:
            self._check_action(ticket, leg.symbol, leg.side, leg.effect)
        for group in ticket.children:
            for child in group.tickets:
                self._check_rules(child)

    def _check_action(self, ticket: OrderTicket, symbol: str, side: str, effect: str | None) -> None:
        instrument = self._exchange.market.universe.find(symbol)
        if instrument is None:
            raise OrderRefused("unknown_symbol", "")
        if instrument.kind == "future" and (effect is not None or side not in ("buy", "sell")):
            raise OrderRefused("reason", "Futures orders must be BUY or SELL.")
        if instrument.kind == "option" and effect is None:
            raise OrderRefused("reason", "Option orders must say whether they open or close.")
        if instrument.kind in ("stock", "etf") and effect is not None and len(ticket.legs) == 1:
            raise OrderRefused("reason", "Stock orders must be BUY, SELL, SELLSHORT or BUYTOCOVER.")

    def _answer(self, orders: list[dict[str, str]], failures: list[dict[str, str]]) -> web.Response:
        if self._settings.failures_in == "Orders":
            return json_response({"Orders": orders + failures})
        return json_response({"Orders": orders, "Errors": failures})

    def _family(self, order: SimOrder) -> list[SimOrder]:
        """Return an order and everything it sends, parents first."""
        found = [order]
        for child_id in order.child_ids:
            found += self._family(self._exchange.orders[child_id])
        return found

    def _failure(self, refused: OrderRefused) -> dict[str, str]:
        """Return a failed order; the venue gives it an id all the same."""
        order_id = self._exchange.take_order_id()
        self._journal.record("order", order_id=order_id, failure=refused.code)
        return {"Error": "FAILED", "Message": f"Order failed. Reason: {_wording(refused)}", "OrderID": str(order_id)}

    def _sent(self, order: SimOrder) -> dict[str, str]:
        self._journal.record("order", order_id=order.order_id, account_id=order.account_id, symbol=order.symbol)
        return {"Message": f"Sent order: {summary(order.ticket)}", "OrderID": str(order.order_id)}

    async def confirm(self, request: web.Request, _: Caller) -> web.Response:
        """Answer ``POST orderconfirm``; nothing is placed."""
        ticket = self._maker.ticket(read_body(await request.read(), OrderBody))
        return json_response({"Confirmations": self._confirmations([ticket])})

    async def confirm_group(self, request: web.Request, _: Caller) -> web.Response:
        """Answer ``POST ordergroupconfirm``; nothing is placed."""
        group: TicketGroup = self._maker.group(read_body(await request.read(), GroupBody))
        return json_response({"Confirmations": self._confirmations(list(group.tickets))})

    def _confirmations(self, tickets: list[OrderTicket]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for ticket in tickets:
            try:
                self._check_rules(ticket)
                self._exchange.check(ticket)
            except OrderRefused as refused:
                raise ApiError("BadRequest", _wording(refused)) from refused
            found.append(self._confirmation(ticket))
            for group in ticket.children:
                found += [self._confirmation(child) for child in group.tickets]
        return found

    def _confirmation(self, ticket: OrderTicket) -> dict[str, Any]:
        instrument = self._exchange.market.instrument(ticket.symbol)
        account = self._exchange.accounts[ticket.account_id]
        price = ticket.limit_price or ticket.stop_price or self._exchange.market.quote(ticket.symbol).ask
        duration = {"Duration": str(ticket.extra["duration"])}
        if "good_till" in ticket.extra:
            duration["Expiration"] = str(ticket.extra["good_till"])
        record: dict[str, Any] = {
            "OrderAssetCategory": _CATEGORIES.get(instrument.kind, "EQUITY"),
            "Currency": "USD",
            "Route": ticket.extra.get("route") or "Intelligent",
            "TimeInForce": duration,
            "AccountID": ticket.account_id,
            "OrderConfirmID": ticket.client_order_id or _new_confirm_id(),
            "EstimatedPrice": number(price),
            "EstimatedCost": number(_estimated_cost(ticket, instrument, price)),
            "EstimatedCommission": number(account.fee_per_order + account.fee_per_contract * ticket.quantity),
        }
        if instrument.kind == "future":
            margin = initial_margin(instrument) * ticket.quantity
            record |= {
                "InitialMarginDisplay": f"{margin:,.2f} USD",
                "ProductCurrency": "USD",
                "AccountCurrency": account.currency,
            }
        else:
            record["DebitCreditEstimatedCost"] = number(_signed_cost(ticket, instrument, price))
        if instrument.kind == "option":
            record |= self._option_fields(ticket, instrument)
        return record | {"SummaryMessage": summary(ticket)}

    def _option_fields(self, ticket: OrderTicket, instrument: Instrument) -> dict[str, Any]:
        legs: list[dict[str, str]] = []
        for leg in ticket.legs:
            terms = self._exchange.market.instrument(leg.symbol)
            verb = "BUY" if is_buying(leg.side) else "SELL"
            row = {
                "Quantity": number(leg.quantity),
                "Symbol": leg.symbol,
                "TradeAction": f"{verb}TO{leg.effect or ''}".upper(),
            }
            if terms.expiration is not None and terms.strike is not None and terms.option_type is not None:
                row |= {
                    "ExpirationDate": f"{terms.expiration:%Y-%m-%d}T00:00:00Z",
                    "OptionType": terms.option_type.upper(),
                    "StrikePrice": number(terms.strike),
                }
            legs.append(dict(sorted(row.items())))
        fields: dict[str, Any] = {"Underlying": instrument.underlying, "Legs": legs}
        if ticket.limit_price is not None:
            fields["LimitPrice"] = number(ticket.limit_price)
        if "spread" in ticket.extra:
            fields["Spread"] = ticket.extra["spread"]
        return fields

    def _open_order(self, request: web.Request) -> int:
        text = request.match_info["order_id"]
        if not text.isdigit() or int(text) not in self._exchange.orders:
            raise ApiError("BadRequest", "Invalid order ID.")
        return int(text)

    async def replace(self, request: web.Request, _: Caller) -> web.Response:
        """Answer ``PUT orders/{orderID}``: an acknowledgement; the order changes a moment later."""
        order_id = self._open_order(request)
        body = read_body(await request.read(), ReplaceBody)
        order = self._exchange.find(order_id)
        if body.OrderType is not None and body.OrderType.lower() not in (
            "market",
            _TYPES[order.type].lower().replace(" ", ""),
        ):
            raise ApiError("BadRequest", "An order can be changed to a market order only.")
        try:
            self._exchange.replace(
                order_id,
                quantity=decimal(body.Quantity, "Quantity"),
                limit_price=decimal(body.LimitPrice, "LimitPrice"),
                stop_price=decimal(body.StopPrice, "StopPrice"),
                order_type="market" if (body.OrderType or "").lower() == "market" else None,
                changes=self._ticket_changes(body, order),
            )
        except OrderRefused as refused:
            raise ApiError("BadRequest", f"Failed to Cancel/Replace order: {_change_wording(refused)}") from refused
        return json_response({"Message": "Cancel/Replace order sent.", "OrderID": str(order_id)})

    def _ticket_changes(self, body: ReplaceBody, order: SimOrder) -> dict[str, object]:
        options = body.AdvancedOptions
        changes: dict[str, object] = {}
        if options is None:
            if all(value is None for value in (body.LimitPrice, body.StopPrice, body.Quantity, body.OrderType)):
                raise ApiError("BadRequest", "Nothing to replace.")
            return changes
        if options.TrailingStop is not None:
            changes["trail_amount"] = decimal(options.TrailingStop.Amount, "TrailingStop")
            changes["trail_percent"] = decimal(options.TrailingStop.Percent, "TrailingStop")
        extra = dict(order.ticket.extra)
        if options.ShowOnlyQuantity is not None:
            extra["show_only"] = str(options.ShowOnlyQuantity)
        if (rules := options.MarketActivationRules) is not None:
            changes["conditions"] = self._maker.conditions([] if rules.ClearAll else rules.Rules)
            extra["market_rules"] = None if rules.ClearAll else msgspec.to_builtins(rules.Rules)
        if (times := options.TimeActivationRules) is not None:
            changes["not_before_ns"] = self._maker.not_before_ns([] if times.ClearAll else times.Rules)
            extra["time_rules"] = None if times.ClearAll else msgspec.to_builtins(times.Rules)
        return changes | {"extra": extra}

    async def cancel(self, request: web.Request, _: Caller) -> web.Response:
        """Answer ``DELETE orders/{orderID}``: an acknowledgement; the order ends a moment later."""
        order_id = self._open_order(request)
        try:
            self._exchange.cancel(order_id)
        except OrderRefused as refused:
            raise ApiError("BadRequest", _change_wording(refused)) from refused
        return json_response({"Message": "Cancel request sent", "OrderID": str(order_id)})

    async def routes(self, _: web.Request, __: Caller) -> web.Response:
        """Answer ``GET routes``."""
        return json_response({"Routes": ROUTES})

    async def triggers(self, _: web.Request, __: Caller) -> web.Response:
        """Answer ``GET activationtriggers``."""
        return json_response({"ActivationTriggers": TRIGGERS})


def summary(ticket: OrderTicket) -> str:
    """Return an order in words, as in ``Buy 50 AMD @ 161.25 Limit``."""
    legs = ", ".join(f"{_SIDES[leg.side]} {number(leg.quantity)} {leg.symbol}" for leg in ticket.legs)
    price = ticket.limit_price if ticket.type in ("limit", "stop_limit") else ticket.stop_price
    if ticket.type == "market" or price is None:
        return f"{legs} @ {_TYPES[ticket.type]}"
    text = number(price)
    whole, _, decimals = text.partition(".")
    return f"{legs} @ {whole}.{decimals.ljust(2, '0')} {_TYPES[ticket.type]}"


def _wording(refused: OrderRefused) -> str:
    if refused.code in _POSITION_CODES:
        side = "short" if refused.code in ("not_short", "is_short") else "long"
        return f"{_POSITION_CODES[refused.code]}: You are {side} {refused.quantity:.2f} shares!"
    return _REFUSALS.get(refused.code, str(refused))


def _change_wording(refused: OrderRefused) -> str:
    return {
        "unknown_order": "Invalid order ID.",
        "not_open": "Not an open order.",
        "cancel_pending": "Cancel/Replace not allowed after cancel has been attempted",
        "triggered": "prior stop already triggered",
    }.get(refused.code, "Invalid quantity.")


def _estimated_cost(ticket: OrderTicket, instrument: Instrument, price: Decimal) -> Decimal:
    if instrument.kind == "future":
        return initial_margin(instrument) * ticket.quantity
    return abs(price) * ticket.quantity * instrument.point_value


def _signed_cost(ticket: OrderTicket, instrument: Instrument, price: Decimal) -> Decimal:
    cost = price * ticket.quantity * instrument.point_value
    return cost if len(ticket.legs) > 1 or is_buying(ticket.side) else -cost


def _new_confirm_id() -> str:
    return base64.b64encode(secrets.token_bytes(16)).decode().rstrip("=")
