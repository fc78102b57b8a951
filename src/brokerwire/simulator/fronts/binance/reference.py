"""The reference price of a symbol, the rules that go by it, and block trades, of which there are none here."""

from decimal import Decimal
from typing import Any

from brokerwire.simulator.fronts.binance import refusals
from brokerwire.simulator.fronts.binance.arguments import Arguments
from brokerwire.simulator.fronts.binance.desk import Desk
from brokerwire.simulator.fronts.binance.figures import TimeUnit, decimal8
from brokerwire.simulator.fronts.binance.intervals import MINUTE_NS
from brokerwire.simulator.fronts.binance.listing import STATUSES
from brokerwire.simulator.fronts.binance.windows import bar_of
from brokerwire.simulator.market import Market

_BUCKETS = 10
_MS = 1_000_000
_MOST_WEIGHT = 40
_MAX_ROWS = 1000
_ROWS = 500


def reference_price(market: Market, symbol: str, now_ns: int) -> Decimal:
    """Return the mean of the last minutes' closing prices."""
    end_ns = now_ns // MINUTE_NS * MINUTE_NS
    spans = [(end_ns - number * MINUTE_NS, end_ns - (number - 1) * MINUTE_NS) for number in range(1, _BUCKETS + 1)]
    total = sum((bar_of(market, symbol, span).close for span in spans), Decimal(0))
    return total / _BUCKETS


def price(desk: Desk, arguments: Arguments, unit: TimeUnit) -> dict[str, Any]:
    """Tell the reference price of a symbol.

    Source: https://developers.binance.com/docs/binance-spot-api-docs/faqs/price_range_execution_rules, read 2026-11-20.
    """
    symbol = desk.listing.find(arguments.symbol()).symbol
    now_ns = desk.now_ns()
    return {
        "symbol": symbol,
        "referencePrice": decimal8(reference_price(desk.market, symbol, now_ns)),
        "timestamp": unit.of(now_ns),
    }


def calculation(desk: Desk, arguments: Arguments, _unit: TimeUnit) -> dict[str, Any]:
    """Tell how the reference price is made: of so many buckets, each so many milliseconds wide."""
    return {
        "symbol": desk.listing.find(arguments.symbol()).symbol,
        "calculationType": "ARITHMETIC_MEAN",
        "bucketCount": _BUCKETS,
        "bucketWidthMs": MINUTE_NS // _MS,
    }


def execution_rules(desk: Desk, arguments: Arguments, _unit: TimeUnit) -> dict[str, Any]:
    """Tell the rules of one symbol, of several or of all: none is in force.

    Source: https://developers.binance.com/docs/binance-spot-api-docs/faqs/price_range_execution_rules, read 2026-11-20.
    """
    symbol, symbols, status = arguments.optional_symbol(), arguments.symbols(), arguments.optional("symbolStatus")
    if sum(value is not None for value in (symbol, symbols, status)) > 1:
        raise refusals.bad_combination()
    if status is not None and status not in STATUSES:
        raise refusals.Refusal(-1122, "Invalid symbolStatus.")
    wanted = symbols if symbol is None else [symbol]
    if wanted is None:
        wanted = desk.listing.symbols if status in (None, "TRADING") else []
    return {"symbolRules": [{"symbol": desk.listing.find(name).symbol, "rules": []} for name in wanted]}


def rules_weight(arguments: Arguments) -> int:
    """Return the weight of a request for rules."""
    if arguments.has("symbol"):
        return 2
    symbols = arguments.symbols()
    return _MOST_WEIGHT if symbols is None else min(2 * len(symbols), _MOST_WEIGHT)


def block_trades(desk: Desk, arguments: Arguments, _unit: TimeUnit) -> list[dict[str, Any]]:
    """List the block trades of a symbol from an id on.

    Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/market-data-endpoints, read 2026-11-20.
    """
    desk.listing.find(arguments.symbol())
    arguments.text("fromId")
    arguments.limit(_ROWS, _MAX_ROWS)
    return []
