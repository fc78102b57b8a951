"""Every request for market data: its name over WebSocket, its path over HTTP, its weight and its arguments."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec

from brokerwire.simulator.fronts.binance import market_requests, reference, ticker_requests
from brokerwire.simulator.fronts.binance.arguments import Arguments
from brokerwire.simulator.fronts.binance.desk import Desk
from brokerwire.simulator.fronts.binance.figures import TimeUnit

Handler: TypeAlias = Callable[[Desk, Arguments, TimeUnit], Any | Awaitable[Any]]


class Method(msgspec.Struct, frozen=True):
    """One request. ``weight`` may depend on the arguments; ``names`` are those that are allowed."""

    name: str
    path: str
    handle: Handler
    weight: int | Callable[[Arguments], int]
    names: frozenset[str]

    def cost(self, arguments: Arguments) -> int:
        """Return the request's weight.

        Raises:
            Refusal: The weight depends on an argument that is malformed.
        """
        return self.weight if isinstance(self.weight, int) else self.weight(arguments)


def _method(
    name: str, path: str, handle: Handler, *, weight: int | Callable[[Arguments], int], names: str = ""
) -> Method:
    return Method(name, f"/api/v3/{path}", handle, weight, frozenset(names.split()))


_ROWS = "symbol interval startTime endTime timeZone limit"
_TICKER = "symbol symbols symbolStatus"

METHODS: tuple[Method, ...] = (
    _method("ping", "ping", market_requests.ping, weight=1),
    _method("time", "time", market_requests.time, weight=1),
    _method(
        "exchangeInfo",
        "exchangeInfo",
        market_requests.exchange_info,
        weight=20,
        names="symbol symbols permissions showPermissionSets symbolStatus",
    ),
    _method(
        "depth",
        "depth",
        market_requests.depth,
        weight=market_requests.depth_weight,
        names="symbol limit symbolStatus",
    ),
    _method("trades.recent", "trades", market_requests.recent_trades, weight=25, names="symbol limit"),
    _method(
        "trades.historical",
        "historicalTrades",
        market_requests.historical_trades,
        weight=25,
        names="symbol limit fromId",
    ),
    _method(
        "trades.aggregate",
        "aggTrades",
        market_requests.aggregate_trades,
        weight=4,
        names="symbol fromId startTime endTime limit",
    ),
    _method("klines", "klines", market_requests.klines, weight=2, names=_ROWS),
    _method("uiKlines", "uiKlines", market_requests.klines, weight=2, names=_ROWS),
    _method(
        "executionRules",
        "executionRules",
        reference.execution_rules,
        weight=reference.rules_weight,
        names="symbol symbols symbolStatus",
    ),
    _method("referencePrice", "referencePrice", reference.price, weight=2, names="symbol"),
    _method(
        "referencePrice.calculation",
        "referencePrice/calculation",
        reference.calculation,
        weight=2,
        names="symbol symbolStatus",
    ),
    _method(
        "blockTrades.historical",
        "historicalBlockTrades",
        reference.block_trades,
        weight=25,
        names="symbol limit fromId",
    ),
    _method("avgPrice", "avgPrice", market_requests.average, weight=2, names="symbol"),
    _method(
        "ticker.24hr", "ticker/24hr", ticker_requests.day, weight=ticker_requests.day_weight, names=f"{_TICKER} type"
    ),
    _method(
        "ticker.tradingDay",
        "ticker/tradingDay",
        ticker_requests.trading_day,
        weight=ticker_requests.window_weight,
        names=f"{_TICKER} timeZone type",
    ),
    _method(
        "ticker",
        "ticker",
        ticker_requests.rolling,
        weight=ticker_requests.window_weight,
        names=f"{_TICKER} windowSize type",
    ),
    _method(
        "ticker.price",
        "ticker/price",
        ticker_requests.price,
        weight=ticker_requests.light_weight,
        names=_TICKER,
    ),
    _method(
        "ticker.book",
        "ticker/bookTicker",
        ticker_requests.book,
        weight=ticker_requests.light_weight,
        names=_TICKER,
    ),
)

BY_NAME: Mapping[str, Method] = MappingProxyType({method.name: method for method in METHODS})
BY_PATH: Mapping[str, Method] = MappingProxyType({method.path: method for method in METHODS})


async def call(method: Method, desk: Desk, arguments: Arguments, *, unit: TimeUnit) -> Any:
    """Carry out a request whose weight has been paid.

    Raises:
        Refusal: The venue refuses it.
    """
    arguments.check_names(method.names)
    result = method.handle(desk, arguments, unit)
    return await result if isinstance(result, Awaitable) else result
