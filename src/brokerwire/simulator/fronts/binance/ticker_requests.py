"""Requests for tickers: 24 hours, trading day, rolling window, last price, best bid and ask."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

from brokerwire.simulator.fronts.binance import refusals
from brokerwire.simulator.fronts.binance.arguments import Arguments
from brokerwire.simulator.fronts.binance.desk import Desk
from brokerwire.simulator.fronts.binance.figures import TimeUnit, decimal8, percent
from brokerwire.simulator.fronts.binance.intervals import DAY_NS, HOUR_NS, MINUTE_NS, parse_zone
from brokerwire.simulator.fronts.binance.windows import Span, average_price, bar_of, minute_start, statistics_of
from brokerwire.simulator.ticks import SimBar

_MS = 1_000_000
_MOST_SYMBOLS = 100
_TYPES = ("FULL", "MINI")
_WINDOW = re.compile(r"(?:([1-9]|[1-5][0-9])m|([1-9]|1[0-9]|2[0-3])h|([1-7])d)")
_YIELD_EVERY = 20


async def day(desk: Desk, arguments: Arguments, unit: TimeUnit) -> Any:
    """Return the last 24 hours of one symbol, of several, or of all.

    Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/market-data-endpoints, read 2026-11-20.
    """
    build = _day_mini if _type(arguments) == "MINI" else _day_full
    return await _each(desk, arguments, lambda symbol: build(desk, symbol, unit), needs_symbol=False)


async def rolling(desk: Desk, arguments: Arguments, unit: TimeUnit) -> Any:
    """Return a window of ``windowSize`` up to now, which begins on a whole minute."""
    match = _WINDOW.fullmatch(arguments.optional("windowSize") or "1d")
    if match is None:
        raise refusals.invalid_data("windowSize")
    length_ns = int(match[1] or 0) * MINUTE_NS + int(match[2] or 0) * HOUR_NS + int(match[3] or 0) * DAY_NS
    build = _window_mini if _type(arguments) == "MINI" else _window_full
    now_ns = desk.now_ns()
    span = (minute_start(now_ns - length_ns), now_ns)
    return await _each(desk, arguments, lambda symbol: build(desk, symbol, span=span, unit=unit))


async def trading_day(desk: Desk, arguments: Arguments, unit: TimeUnit) -> Any:
    """Return the day so far, in the time zone asked for."""
    offset_ns = parse_zone(arguments.optional("timeZone") or "0")
    if offset_ns is None:
        raise refusals.invalid_data("timeZone")
    build = _window_mini if _type(arguments) == "MINI" else _window_full
    now_ns = desk.now_ns()
    open_ns = now_ns - (now_ns + offset_ns) % DAY_NS
    span = (open_ns, open_ns + DAY_NS - _MS)
    return await _each(desk, arguments, lambda symbol: build(desk, symbol, span=span, unit=unit))


async def price(desk: Desk, arguments: Arguments, _unit: TimeUnit) -> Any:
    def build(symbol: str) -> dict[str, Any]:
        return {"symbol": symbol, "price": decimal8(desk.market.last_trade(symbol).price)}

    return await _each(desk, arguments, build, needs_symbol=False)


async def book(desk: Desk, arguments: Arguments, _unit: TimeUnit) -> Any:
    def build(symbol: str) -> dict[str, Any]:
        quote = desk.market.quote(symbol)
        return {
            "symbol": symbol,
            "bidPrice": decimal8(quote.bid),
            "bidQty": decimal8(quote.bid_size),
            "askPrice": decimal8(quote.ask),
            "askQty": decimal8(quote.ask_size),
        }

    return await _each(desk, arguments, build, needs_symbol=False)


async def _each(
    desk: Desk, arguments: Arguments, build: Callable[[str], dict[str, Any]], *, needs_symbol: bool = True
) -> Any:
    """Answer one object for ``symbol``, a list for ``symbols``, all for neither where the venue allows that."""
    symbol, symbols = arguments.optional_symbol(), arguments.symbols()
    if symbol is not None and symbols is not None:
        raise refusals.bad_combination()
    if symbol is not None:
        return build(desk.listing.find(symbol).symbol)
    if symbols is None:
        if needs_symbol:
            raise refusals.one_missing("symbol", "symbols")
        symbols = desk.listing.symbols
    elif needs_symbol and len(symbols) > _MOST_SYMBOLS:
        text = f"Too many values sent for parameter 'symbols', maximum allowed up to {_MOST_SYMBOLS}."
        raise refusals.Refusal(-1101, text)
    found = []
    for number, name in enumerate(desk.listing.find(name).symbol for name in symbols):
        found.append(build(name))
        if number % _YIELD_EVERY == _YIELD_EVERY - 1:
            await asyncio.sleep(0)
    return found


def _type(arguments: Arguments) -> str:
    return arguments.choice("type", _TYPES, refusals.Refusal(-1139, "Invalid ticker type."))


def _day_full(desk: Desk, symbol: str, unit: TimeUnit) -> dict[str, Any]:
    close_ns = desk.now_ns() // _MS * _MS
    statistics = statistics_of(desk.market, symbol, (close_ns - DAY_NS, close_ns))
    bar, quote = statistics.bar, statistics.quote
    return {
        "symbol": symbol,
        "priceChange": decimal8(statistics.change),
        "priceChangePercent": percent(statistics.change_percent),
        "weightedAvgPrice": decimal8(average_price(bar)),
        "prevClosePrice": decimal8(statistics.previous_close),
        "lastPrice": decimal8(bar.close),
        "lastQty": decimal8(statistics.last_size),
        "bidPrice": decimal8(quote.bid),
        "bidQty": decimal8(quote.bid_size),
        "askPrice": decimal8(quote.ask),
        "askQty": decimal8(quote.ask_size),
        "openPrice": decimal8(bar.open),
        "highPrice": decimal8(bar.high),
        "lowPrice": decimal8(bar.low),
        "volume": decimal8(bar.volume),
        "quoteVolume": decimal8(bar.quote_volume),
        **_times(bar, (statistics.open_ns, statistics.close_ns), unit),
    }


def _day_mini(desk: Desk, symbol: str, unit: TimeUnit) -> dict[str, Any]:
    close_ns = desk.now_ns() // _MS * _MS
    return _window_mini(desk, symbol, span=(close_ns - DAY_NS, close_ns), unit=unit)


def _window_full(desk: Desk, symbol: str, *, span: Span, unit: TimeUnit) -> dict[str, Any]:
    bar = bar_of(desk.market, symbol, (span[0], span[1] + 1))
    change = bar.close - bar.open
    return {
        "symbol": symbol,
        "priceChange": decimal8(change),
        "priceChangePercent": percent(change / bar.open * 100),
        "weightedAvgPrice": decimal8(average_price(bar)),
        "openPrice": decimal8(bar.open),
        "highPrice": decimal8(bar.high),
        "lowPrice": decimal8(bar.low),
        "lastPrice": decimal8(bar.close),
        "volume": decimal8(bar.volume),
        "quoteVolume": decimal8(bar.quote_volume),
        **_times(bar, span, unit),
    }


def _window_mini(desk: Desk, symbol: str, *, span: Span, unit: TimeUnit) -> dict[str, Any]:
    bar = bar_of(desk.market, symbol, (span[0], span[1] + 1))
    return {
        "symbol": symbol,
        "openPrice": decimal8(bar.open),
        "highPrice": decimal8(bar.high),
        "lowPrice": decimal8(bar.low),
        "lastPrice": decimal8(bar.close),
        "volume": decimal8(bar.volume),
        "quoteVolume": decimal8(bar.quote_volume),
        **_times(bar, span, unit),
    }


def _times(bar: SimBar, span: Span, unit: TimeUnit) -> dict[str, int]:
    return {
        "openTime": unit.of(span[0]),
        "closeTime": unit.of(span[1]),
        "firstId": bar.first_trade_id,
        "lastId": bar.last_trade_id,
        "count": bar.trade_count,
    }


def day_weight(arguments: Arguments) -> int:
    """Return the weight of the 24-hour ticker: 2 up to 20 symbols, 40 up to 100, 80 for more or all."""
    if arguments.has("symbol"):
        return 2
    count = len(arguments.symbols() or ())
    if not count or count > 100:
        return 80
    return 2 if count <= 20 else 40


def window_weight(arguments: Arguments) -> int:
    """Return the weight of a window: 4 a symbol, 200 at most."""
    return min(200, 4 * len(arguments.symbols() or ("one",)))


def light_weight(arguments: Arguments) -> int:
    """Return the weight of last prices and of best bids and asks: 2 for one symbol, 4 for more."""
    return 2 if arguments.has("symbol") else 4
