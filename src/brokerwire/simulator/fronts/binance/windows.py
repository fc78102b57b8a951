"""Bars and statistics of any window of time, also of one in which nothing was traded."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeAlias

import msgspec

from brokerwire.simulator.fronts.binance.intervals import MINUTE_NS, Interval
from brokerwire.simulator.market import Market
from brokerwire.simulator.ticks import SimBar, SimQuote

Span: TypeAlias = tuple[int, int]
"""Where a window begins and where it ends, in UTC nanoseconds."""


class Statistics(msgspec.Struct, frozen=True):
    """A window's bar with what a ticker tells besides."""

    symbol: str
    open_ns: int
    close_ns: int
    bar: SimBar
    quote: SimQuote
    last_size: Decimal
    previous_close: Decimal

    @property
    def last(self) -> Decimal:
        return self.bar.close

    @property
    def change(self) -> Decimal:
        return self.bar.close - self.bar.open

    @property
    def change_percent(self) -> Decimal:
        return self.change / self.bar.open * 100


def average_price(bar: SimBar) -> Decimal:
    """Return the volume-weighted average price; of a bar without trades its standing price."""
    return bar.quote_volume / bar.volume if bar.volume else bar.close


def bar_of(market: Market, symbol: str, span: Span) -> SimBar:
    """Return the bar of a span up to now, its end excluded; without trades it stands still at the price before it."""
    return market.window(symbol, *span) or _standing(market, symbol, span)


def _standing(market: Market, symbol: str, span: Span) -> SimBar:
    open_ns, close_ns = span
    price = market.last_trade(symbol, open_ns).price
    nothing = Decimal(0)
    return SimBar(
        symbol=symbol,
        open_ns=open_ns,
        close_ns=close_ns,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=nothing,
        quote_volume=nothing,
        trade_count=0,
        buy_count=0,
        buy_volume=nothing,
        buy_quote_volume=nothing,
        first_trade_id=-1,
        last_trade_id=-1,
        is_closed=market.now_ns() >= close_ns,
    )


def statistics_of(market: Market, symbol: str, span: Span) -> Statistics:
    """Return the statistics of a span, its end included."""
    open_ns, close_ns = span
    return Statistics(
        symbol=symbol,
        open_ns=open_ns,
        close_ns=close_ns,
        bar=bar_of(market, symbol, (open_ns, close_ns + 1)),
        quote=market.quote(symbol, close_ns),
        last_size=market.last_trade(symbol, close_ns).size,
        previous_close=market.last_trade(symbol, open_ns - 1).price,
    )


def minute_start(time_ns: int) -> int:
    """Return the start of the minute that holds ``time_ns``."""
    return time_ns - time_ns % MINUTE_NS


def kline_windows(
    interval: Interval,
    *,
    now_ns: int,
    earliest_ns: int,
    limit: int,
    start_ns: int | None = None,
    end_ns: int | None = None,
    offset_ns: int = 0,
) -> list[tuple[int, int]]:
    """Return open and close of the bars that a request for klines asks for, oldest first.

    With a start: the oldest ``limit`` bars that open from it on and not after the end. Without: the newest up to the
    end, or up to the bar in progress.
    """
    last_ns = interval.open_ns(now_ns if end_ns is None else min(end_ns, now_ns), offset_ns)
    first_ns = _first_open(interval, max(earliest_ns, start_ns or 0), offset_ns)
    if start_ns is None:
        first_ns = max(first_ns, interval.steps_back(last_ns, limit - 1, offset_ns))
    windows: list[tuple[int, int]] = []
    while first_ns <= last_ns and len(windows) < limit:
        close_ns = interval.end_ns(first_ns, offset_ns)
        windows.append((first_ns, close_ns))
        first_ns = close_ns
    return windows


def _first_open(interval: Interval, time_ns: int, offset_ns: int) -> int:
    open_ns = interval.open_ns(time_ns, offset_ns)
    return open_ns if open_ns == time_ns else interval.end_ns(open_ns, offset_ns)


def rest_kline(bar: SimBar, *, of: Sequence[int]) -> list[int | str]:
    """Return one row of the klines answer; ``of`` holds open and close time in the unit asked for."""
    return [
        of[0],
        f"{bar.open:.8f}",
        f"{bar.high:.8f}",
        f"{bar.low:.8f}",
        f"{bar.close:.8f}",
        f"{bar.volume:.8f}",
        of[1],
        f"{bar.quote_volume:.8f}",
        bar.trade_count,
        f"{bar.buy_volume:.8f}",
        f"{bar.buy_quote_volume:.8f}",
        "0",
    ]
