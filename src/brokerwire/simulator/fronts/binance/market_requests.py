"""Requests for books, trades and bars, in one shape for REST and the WebSocket API."""

from typing import Any

from brokerwire.simulator.fronts.binance import refusals
from brokerwire.simulator.fronts.binance.arguments import Arguments
from brokerwire.simulator.fronts.binance.desk import Desk
from brokerwire.simulator.fronts.binance.figures import TimeUnit, decimal8, level
from brokerwire.simulator.fronts.binance.intervals import INTERVALS, MINUTE_NS, Interval, parse_zone
from brokerwire.simulator.fronts.binance.listing import PERMISSIONS, STATUSES
from brokerwire.simulator.fronts.binance.windows import average_price, bar_of, kline_windows, rest_kline
from brokerwire.simulator.ticks import SimBook, SimTrade

_MAX_DEPTH = 5000
_MAX_ROWS = 1000
_ROWS = 500
_HOUR_NS = 60 * MINUTE_NS
_PAGE_NS = 5 * MINUTE_NS


def ping(_desk: Desk, _arguments: Arguments, _unit: TimeUnit) -> dict[str, Any]:
    return {}


def time(desk: Desk, _arguments: Arguments, unit: TimeUnit) -> dict[str, Any]:
    return {"serverTime": unit.of(desk.now_ns())}


def exchange_info(desk: Desk, arguments: Arguments, unit: TimeUnit) -> dict[str, Any]:
    """Return the exchange information of one symbol, of several, or of all that have a permission.

    Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/general-endpoints, read 2026-11-20.
    """
    sets = [PERMISSIONS] if arguments.flag("showPermissionSets", "true") else []
    pairs = _wanted_pairs(desk, arguments)
    return {
        "timezone": "UTC",
        "serverTime": unit.of(desk.now_ns()),
        "rateLimits": desk.limits.rules(),
        "exchangeFilters": [],
        "symbols": [desk.listing.describe(pair, permission_sets=sets) for pair in pairs],
    }


def _wanted_pairs(desk: Desk, arguments: Arguments) -> list[Any]:
    symbol, symbols = arguments.optional_symbol(), arguments.symbols()
    permissions, status = arguments.texts("permissions"), arguments.optional("symbolStatus")
    if sum(value is not None for value in (symbol, symbols, permissions)) > 1 or (status and (symbol or symbols)):
        raise refusals.bad_combination()
    if symbol is not None:
        return [desk.listing.find(symbol)]
    if symbols is not None:
        return [desk.listing.find(name) for name in symbols]
    if status is not None and status not in STATUSES:
        raise refusals.Refusal(-1122, "Invalid symbolStatus.")
    found = desk.listing.with_permissions(permissions or PERMISSIONS)
    return found if status in (None, "TRADING") else []


def depth(desk: Desk, arguments: Arguments, _unit: TimeUnit) -> dict[str, Any]:
    """Return the book; its ``lastUpdateId`` lies on the id line of the depth streams."""
    symbol = desk.listing.find(arguments.symbol()).symbol
    taken_ns = desk.now_ns() - desk.snapshot_age_ns
    return book_object(desk.market.book(symbol, arguments.limit(100, _MAX_DEPTH), taken_ns))


def book_object(book: SimBook) -> dict[str, Any]:
    """Return a book as the depth request answers it."""
    return {
        "lastUpdateId": book.sequence,
        "bids": [level(entry.price, entry.size) for entry in book.bids],
        "asks": [level(entry.price, entry.size) for entry in book.asks],
    }


def depth_weight(arguments: Arguments) -> int:
    """Return the weight of a depth request: 5, 25, 50 or 250 by its limit."""
    limit = arguments.limit(100, _MAX_DEPTH)
    for most, weight in ((100, 5), (500, 25), (1000, 50)):
        if limit <= most:
            return weight
    return 250


def recent_trades(desk: Desk, arguments: Arguments, unit: TimeUnit) -> list[dict[str, Any]]:
    symbol = desk.listing.find(arguments.symbol()).symbol
    return _newest(desk, symbol, limit=arguments.limit(_ROWS, _MAX_ROWS), unit=unit)


def historical_trades(desk: Desk, arguments: Arguments, unit: TimeUnit) -> list[dict[str, Any]]:
    symbol = desk.listing.find(arguments.symbol()).symbol
    limit, from_id = arguments.limit(_ROWS, _MAX_ROWS), arguments.optional_integer("fromId")
    if from_id is None:
        return _newest(desk, symbol, limit=limit, unit=unit)
    return [_trade_row(trade, unit) for trade in _trades_from(desk, symbol, trade_id=from_id, limit=limit)]


def aggregate_trades(desk: Desk, arguments: Arguments, unit: TimeUnit) -> list[dict[str, Any]]:
    """Return taker orders' trades by id or by time; on the synthetic exchange each taker order is one trade."""
    symbol = desk.listing.find(arguments.symbol()).symbol
    limit, from_id = arguments.limit(_ROWS, _MAX_ROWS), arguments.optional_integer("fromId")
    start_ns, end_ns = arguments.time_ns("startTime"), arguments.time_ns("endTime")
    if from_id is not None:
        if start_ns is not None or end_ns is not None:
            raise refusals.bad_combination()
        found = _trades_from(desk, symbol, trade_id=from_id, limit=limit)
    else:
        found = _trades_between(desk, symbol, start_ns=start_ns, end_ns=end_ns, limit=limit)
    return [_aggregate_row(trade, unit) for trade in found]


def _newest(desk: Desk, symbol: str, *, limit: int, unit: TimeUnit) -> list[dict[str, Any]]:
    last_id = desk.market.last_trade(symbol).trade_id
    found = _trades_from(desk, symbol, trade_id=last_id - limit + 1, limit=limit)
    return [_trade_row(trade, unit) for trade in found]


def _trades_from(desk: Desk, symbol: str, *, trade_id: int, limit: int) -> list[SimTrade]:
    earliest_ns = desk.earliest_ns()
    first = bar_of(desk.market, symbol, (earliest_ns, earliest_ns + MINUTE_NS)).first_trade_id
    return desk.market.trades_from(symbol, max(trade_id, first), limit)


def _trades_between(desk: Desk, symbol: str, *, start_ns: int | None, end_ns: int | None, limit: int) -> list[SimTrade]:
    """Follow the window rules: newest without times, from the start on, or up to the end; the end is included."""
    if start_ns is None:
        last = desk.market.last_trade(symbol, None if end_ns is None else min(end_ns, desk.now_ns()))
        return _trades_from(desk, symbol, trade_id=last.trade_id - limit + 1, limit=limit)
    stop_ns = desk.now_ns() if end_ns is None else end_ns
    at_ns = max(start_ns, desk.earliest_ns())
    found: list[SimTrade] = []
    while at_ns <= stop_ns and at_ns <= desk.now_ns() and len(found) < limit:
        found += desk.market.trades(symbol, at_ns, min(at_ns + _PAGE_NS, stop_ns + 1))
        at_ns += _PAGE_NS
    return found[:limit]


def _trade_row(trade: SimTrade, unit: TimeUnit) -> dict[str, Any]:
    return {
        "id": trade.trade_id,
        "price": decimal8(trade.price),
        "qty": decimal8(trade.size),
        "quoteQty": decimal8(trade.price * trade.size),
        "time": unit.of(trade.time_ns),
        "isBuyerMaker": trade.side == "sell",
        "isBestMatch": True,
    }


def _aggregate_row(trade: SimTrade, unit: TimeUnit) -> dict[str, Any]:
    return {
        "a": trade.trade_id,
        "p": decimal8(trade.price),
        "q": decimal8(trade.size),
        "f": trade.trade_id,
        "l": trade.trade_id,
        "T": unit.of(trade.time_ns),
        "m": trade.side == "sell",
        "M": True,
    }


async def klines(desk: Desk, arguments: Arguments, unit: TimeUnit) -> list[list[int | str]]:
    """Return bars, the one in progress included; bars without trades stand still at the price before them.

    Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/market-data-endpoints, read 2026-11-20.
    """
    symbol = desk.listing.find(arguments.symbol()).symbol
    interval = read_interval(arguments)
    windows = kline_windows(
        interval,
        now_ns=desk.now_ns(),
        earliest_ns=desk.earliest_ns(),
        limit=arguments.limit(_ROWS, _MAX_ROWS),
        start_ns=arguments.time_ns("startTime"),
        end_ns=arguments.time_ns("endTime"),
        offset_ns=_read_zone(arguments),
    )
    traded = {bar.open_ns: bar for bar in await desk.market.collect(symbol, windows)}
    rows: list[list[int | str]] = []
    for open_ns, close_ns in windows:
        bar = traded.get(open_ns) or bar_of(desk.market, symbol, (open_ns, close_ns))
        rows.append(rest_kline(bar, of=(unit.of(open_ns), unit.last_before(close_ns))))
    return rows


def read_interval(arguments: Arguments) -> Interval:
    """Return the interval asked for.

    Raises:
        Refusal: Missing (-1102) or unknown (-1120).
    """
    found = INTERVALS.get(arguments.text("interval"))
    if found is None:
        raise refusals.invalid_interval()
    return found


def _read_zone(arguments: Arguments) -> int:
    text = arguments.optional("timeZone")
    offset_ns = parse_zone(text) if text is not None else 0
    if offset_ns is None:
        raise refusals.invalid_data("timeZone")
    return offset_ns


def average(desk: Desk, arguments: Arguments, unit: TimeUnit) -> dict[str, Any]:
    symbol = desk.listing.find(arguments.symbol()).symbol
    now_ns = desk.now_ns()
    bar = bar_of(desk.market, symbol, (now_ns - _PAGE_NS, now_ns + 1))
    closed = desk.market.last_trade(symbol).time_ns
    return {"mins": 5, "price": decimal8(average_price(bar)), "closeTime": unit.of(closed)}
