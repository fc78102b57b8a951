"""The arithmetic of studies: lists of numbers in, lists of the same length out, None where there is no value yet."""

import math
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

Column: TypeAlias = list[float | None]


def sma(values: Sequence[float | None], length: int) -> Column:
    """Return the mean of the last ``length`` values."""
    return _rolling(values, length, lambda window: sum(window) / length)


def wma(values: Sequence[float | None], length: int) -> Column:
    """Return the mean of the last ``length`` values, the newest weighing most."""
    weights = range(1, length + 1)
    total = length * (length + 1) / 2
    return _rolling(values, length, lambda window: sum(v * w for v, w in zip(window, weights, strict=True)) / total)


def deviation(values: Sequence[float | None], length: int) -> Column:
    """Return the population standard deviation of the last ``length`` values."""

    def spread(window: Sequence[float]) -> float:
        mean = sum(window) / length
        return float((sum((value - mean) ** 2 for value in window) / length) ** 0.5)

    return _rolling(values, length, spread)


def highest(values: Sequence[float | None], length: int) -> Column:
    """Return the greatest of the last ``length`` values."""
    return _rolling(values, length, max)


def lowest(values: Sequence[float | None], length: int) -> Column:
    """Return the least of the last ``length`` values."""
    return _rolling(values, length, min)


def _rolling(values: Sequence[float | None], length: int, of: Callable[[Sequence[float]], float]) -> Column:
    found: Column = []
    window: list[float] = []
    for value in values:
        if value is None:
            window.clear()
        else:
            window.append(value)
        if len(window) > length:
            del window[0]
        found.append(of(window) if len(window) == length else None)
    return found


def ema(values: Sequence[float | None], length: int) -> Column:
    """Return the exponential mean with the weight 2 / (length + 1), begun with the mean of the first values."""
    return _smoothed(values, length, 2 / (length + 1))


def rma(values: Sequence[float | None], length: int) -> Column:
    """Return Wilder's mean, the weight being 1 / length, begun with the mean of the first values."""
    return _smoothed(values, length, 1 / length)


def _smoothed(values: Sequence[float | None], length: int, weight: float) -> Column:
    found: Column = []
    start: list[float] = []
    current: float | None = None
    for value in values:
        if value is not None and current is None:
            start.append(value)
            current = sum(start) / length if len(start) == length else None
        elif value is not None and current is not None:
            current += weight * (value - current)
        found.append(current)
    return found


def change(values: Sequence[float | None], length: int = 1) -> Column:
    """Return the difference to ``length`` values before."""
    return combine(values, _shifted(values, length), lambda now, then: now - then)


def rate_of_change(values: Sequence[float | None], length: int) -> Column:
    """Return the difference to ``length`` values before, in percent of that."""
    return combine(values, _shifted(values, length), lambda now, then: 100 * (now - then) / then if then else 0.0)


def _shifted(values: Sequence[float | None], length: int) -> Column:
    return ([None] * length + list(values))[: len(values)]


def combine(left: Sequence[float | None], right: Sequence[float | None], of: Callable[[float, float], float]) -> Column:
    """Return ``of`` each pair of values, None where one of them is missing."""
    return [None if a is None or b is None else of(a, b) for a, b in zip(left, right, strict=True)]


def transform(values: Sequence[float | None], of: Callable[[float], float]) -> Column:
    """Return ``of`` each value, None where it is missing."""
    return [None if value is None else of(value) for value in values]


def rsi(values: Sequence[float | None], length: int) -> Column:
    """Return the relative strength index of Wilder."""
    moves = change(values)
    gains = rma(transform(moves, lambda move: max(move, 0.0)), length)
    losses = rma(transform(moves, lambda move: max(-move, 0.0)), length)
    return combine(gains, losses, lambda gain, loss: 100 - 100 / (1 + gain / loss) if loss else 100.0)


def true_range(highs: Sequence[float], lows: Sequence[float], closes: Sequence[float]) -> Column:
    """Return how far each bar reached, the close before it included."""
    found: Column = []
    before: float | None = None
    for high, low, close in zip(highs, lows, closes, strict=True):
        reach = high - low
        found.append(reach if before is None else max(reach, abs(high - before), abs(low - before)))
        before = close
    return found


def cci(values: Sequence[float | None], length: int) -> Column:
    """Return the commodity channel index: the distance to the mean, in units of the mean distance."""

    def distance(window: Sequence[float]) -> float:
        mean = sum(window) / length
        spread = sum(abs(value - mean) for value in window) / length
        return (window[-1] - mean) / (0.015 * spread) if spread else 0.0

    return _rolling(values, length, distance)


class Span(Protocol):
    """A bar, as far as it matters here."""

    @property
    def high(self) -> float: ...

    @property
    def low(self) -> float: ...

    @property
    def close(self) -> float: ...


def trailing_stops(bars: Sequence[Span], distances: Sequence[float | None]) -> list[Column]:
    """Return the stop below while prices rise, and the one above while they fall; each moves one way only.

    ``distances`` are those from the middle of a bar. The trend turns when a close is beyond the stop.
    """
    below: Column = []
    above: Column = []
    floor, ceiling, is_rising, before = -math.inf, math.inf, True, math.nan
    for bar, distance in zip(bars, distances, strict=True):
        if distance is None:
            below.append(None)
            above.append(None)
            continue
        middle = (bar.high + bar.low) / 2
        floor = max(middle - distance, floor) if not before < floor else middle - distance
        ceiling = min(middle + distance, ceiling) if not before > ceiling else middle + distance
        is_rising = bar.close >= floor if is_rising else bar.close > ceiling
        below.append(floor if is_rising else None)
        above.append(None if is_rising else ceiling)
        before = bar.close
    return [below, above]


def cumulative(values: Sequence[float | None]) -> Column:
    """Return running totals; missing values add nothing."""
    total = 0.0
    found: Column = []
    for value in values:
        total += value or 0.0
        found.append(total)
    return found
