"""Orders as the venue shows them: in one order of fields by REST, in alphabetical order on streams."""

from decimal import Decimal
from typing import Any

from brokerwire.simulator.exchange import Exchange
from brokerwire.simulator.fronts.tradestation.answers import moment, number, rounded
from brokerwire.simulator.fronts.tradestation.positions import asset_type
from brokerwire.simulator.trading import SimLeg, SimOrder

DESCRIPTIONS = {
    "ACK": "Received",
    "DON": "Queued",
    "OSO": "OSO Order",
    "STP": "Stop Hit",
    "FPR": "Partial Fill (Alive)",
    "FLL": "Filled",
    "FLP": "Partial Fill (UROut)",
    "UCN": "Cancel Sent",
    "OUT": "UROut",
    "EXP": "Expired",
    "REJ": "Rejected",
    "BRF": "Bracket Filled",
    "LAT": "Too Late to Cancel",
}
_DURATIONS = {"DYP": "DAY+", "GCP": "GTC+", "GDP": "GTD+", "1": "1 min", "3": "3 min", "5": "5 min"}
_TYPES = {"market": "Market", "limit": "Limit", "stop": "StopMarket", "stop_limit": "StopLimit"}
_SIDES = {"buy": "Buy", "sell": "Sell", "sell_short": "SellShort", "buy_to_cover": "BuyToCover"}
_RELATIONS = {"oco": "OCO", "bracket": "BRK", "normal": "OSO"}


def status_of(order: SimOrder) -> str:
    """Return the status code of an order as it stands."""
    if order.is_open and order.is_cancel_pending:
        return "UCN"
    if order.status == "cancelled" and order.filled > 0:
        return "FLP"
    return {
        "held": "OSO",
        "queued": "DON",
        "working": "ACK",
        "partially_filled": "FPR",
        "filled": "FLL",
        "cancelled": "OUT",
        "rejected": "REJ",
        "expired": "EXP",
    }[order.status]


def rest_record(exchange: Exchange, order: SimOrder) -> dict[str, Any]:
    """Return an order in the field order of REST answers."""
    status = status_of(order)
    record: dict[str, Any] = {
        "AccountID": order.account_id,
        "CommissionFee": number(order.fee),
        "ClosedDateTime": moment(order.closed_ns) if order.closed_ns else None,
        "ConditionalOrders": _relations(exchange, order),
        "Currency": "USD",
        "Duration": _duration(order),
        "FilledPrice": rounded(order.average_price, 8),
        "GoodTillDate": _good_till(order),
        "GroupName": _group_name(order),
        "Legs": [leg_record(exchange, leg) for leg in order.legs],
        "MarketActivationRules": order.ticket.extra.get("market_rules"),
        "LimitPrice": None if order.limit_price is None else number(order.limit_price),
        "OrderID": str(order.order_id),
        "OpenedDateTime": moment(order.created_ns),
        "OrderType": _TYPES[order.type],
        "PriceUsedForBuyingPower": number(_price_for_buying_power(exchange, order)),
        "RejectReason": order.reason if order.status == "rejected" else None,
        "Routing": None if _is_future(exchange, order) else order.ticket.extra.get("route") or "Intelligent",
        "ShowOnlyQuantity": order.ticket.extra.get("show_only"),
        "Spread": order.ticket.extra.get("spread"),
        "Status": status,
        "StatusDescription": DESCRIPTIONS[status],
        "StopPrice": None if order.stop_price is None else number(order.stop_price),
        "AdvancedOptions": _advanced_options(order),
        "TimeActivationRules": order.ticket.extra.get("time_rules"),
        "TrailingStop": _trailing_stop(order),
        "ConversionRate": "1",
        "UnbundledRouteFee": "0",
    }
    return {name: value for name, value in record.items() if value is not None}


def stream_record(exchange: Exchange, order: SimOrder, **overrides: Any) -> dict[str, Any]:
    """Return an order as streams write it: fields and legs in alphabetical order; None in ``overrides`` omits."""
    record = rest_record(exchange, order) | overrides
    record.pop("ConversionRate")
    record["Legs"] = [dict(sorted(leg.items())) for leg in record["Legs"]]
    return {name: record[name] for name in sorted(record) if record[name] is not None}


def leg_record(exchange: Exchange, leg: SimLeg) -> dict[str, str]:
    """Return one leg of an order."""
    instrument = exchange.market.instrument(leg.symbol)
    record: dict[str, str] = {}
    if instrument.expiration is not None:
        record["ExpirationDate"] = f"{instrument.expiration:%Y-%m-%d}T00:00:00Z"
    if instrument.option_type is not None:
        record["OptionType"] = instrument.option_type.upper()
    if instrument.kind != "future":
        closes = leg.effect == "close" if leg.effect else leg.side in ("sell", "buy_to_cover")
        record["OpenOrClose"] = "Close" if closes else "Open"
    record |= {
        "QuantityOrdered": number(leg.quantity),
        "ExecQuantity": number(leg.filled),
        "QuantityRemaining": number(leg.remaining),
        "BuyOrSell": _SIDES[leg.side],
        "Symbol": leg.symbol,
    }
    if instrument.kind in ("future", "option"):
        record["Underlying"] = instrument.underlying
    record["AssetType"] = asset_type(exchange, leg.symbol)
    if instrument.strike is not None:
        record["StrikePrice"] = number(instrument.strike)
    if leg.filled > 0:
        record["ExecutionPrice"] = rounded(leg.average_price, 8)
    return record


def _relations(exchange: Exchange, order: SimOrder) -> list[dict[str, str]] | None:
    found = [{"Relationship": "OSO", "OrderID": str(child)} for child in order.child_ids]
    if order.parent_id is not None:
        found.append({"Relationship": "OSP", "OrderID": str(order.parent_id)})
    if order.group_type in ("oco", "bracket"):
        relation = _RELATIONS[order.group_type]
        found += [{"Relationship": relation, "OrderID": str(other)} for other in order.sibling_ids]
    return found or None


def _duration(order: SimOrder) -> str:
    duration = str(order.ticket.extra.get("duration", "DAY")).upper()
    return _DURATIONS.get(duration, duration)


def _good_till(order: SimOrder) -> str | None:
    if order.ticket.extra.get("good_till"):
        return str(order.ticket.extra["good_till"])
    return None


def _group_name(order: SimOrder) -> str | None:
    if order.group_type in ("oco", "bracket"):
        return f"{_RELATIONS[order.group_type]} {order.group_id}"
    return None


def _is_future(exchange: Exchange, order: SimOrder) -> bool:
    return exchange.market.instrument(order.symbol).kind == "future"


def _price_for_buying_power(exchange: Exchange, order: SimOrder) -> Decimal:
    for price in (order.limit_price, order.stop_price):
        if price is not None:
            return price
    return round(order.average_price, 8) if order.filled else exchange.market.quote(order.symbol).ask


def _trailing_stop(order: SimOrder) -> dict[str, str] | None:
    if order.ticket.trail_amount is not None:
        return {"Amount": number(order.ticket.trail_amount)}
    if order.ticket.trail_percent is not None:
        return {"Percent": number(order.ticket.trail_percent)}
    return None


def _advanced_options(order: SimOrder) -> str | None:
    parts: list[str] = []
    if order.type in ("stop", "stop_limit"):
        parts.append("STPTRG=STT;")
    if order.ticket.trail_percent is not None:
        parts.append(f"TRL={number(order.ticket.trail_percent)}%;")
    elif order.ticket.trail_amount is not None:
        parts.append(f"TRL={number(order.ticket.trail_amount)};")
    if order.group_type in ("oco", "bracket"):
        parts.append(f"OCA={order.group_id};")
    parts += order.ticket.extra.get("option_codes", [])
    return "".join(parts) or None
