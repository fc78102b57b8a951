"""Heikin-Ashi candles: each bar averaged with what came before it."""

from collections.abc import Sequence

from brokerwire.simulator.fronts.tradingview.history import Bar
from brokerwire.simulator.fronts.tradingview.points import Row

CHART_TYPE = "BarSetHeikenAshi@"
"""How the chart type begins; the number of its pack does not matter."""

_MEMORY = 64
"""An opening halves the weight of the one before; after so many bars nothing of the first one is left."""


def averaged(bars: Sequence[Bar], before: Sequence[Bar], digits: int) -> list[Row]:
    """Return the points of ``bars``, of which those in ``before`` are the bars that came before them."""
    known = list(before[-_MEMORY:])
    rows: list[Row] = []
    opened = closed = 0.0
    for number, bar in enumerate([*known, *bars]):
        opened = (opened + closed) / 2 if number else (bar.open + bar.close) / 2
        closed = (bar.open + bar.high + bar.low + bar.close) / 4
        if number >= len(known):
            high, low = max(bar.high, opened, closed), min(bar.low, opened, closed)
            prices = [round(price, digits) for price in (opened, high, low, closed)]
            volume = [] if bar.volume is None else [bar.volume]
            rows.append((bar.time_s, [float(bar.time_s), *prices, *volume]))
    return rows
