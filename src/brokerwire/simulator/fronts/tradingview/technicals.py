"""Technical figures of the scanner, made from bars: averages, oscillators, and what they recommend together."""

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from brokerwire.simulator.fronts.tradingview import indicators
from brokerwire.simulator.fronts.tradingview.history import Bar

Bars: TypeAlias = Sequence[Bar]

_MOST_BARS = 250
_PRICES = frozenset({"open", "high", "low", "close", "volume", "change", "change_abs"})
_AVERAGE = re.compile(r"(EMA|SMA)(\d{1,3})")
_BEFORE = re.compile(r"(.+)\[([12])\]")
_VOTING = tuple(f"{kind}{length}" for length in (10, 20, 30, 50, 100, 200) for kind in ("EMA", "SMA"))
_MOST_DEVIATIONS = 2.0


def figure(name: str, bars: Bars) -> float | None:
    """Return the figure of the newest bar, or of one before it as in ``RSI[1]``; None where there is none."""
    if before := _BEFORE.fullmatch(name):
        return figure(before[1], bars[: -int(before[2])])
    if not bars:
        return None
    if average := _AVERAGE.fullmatch(name):
        smooth = indicators.ema if average[1] == "EMA" else indicators.sma
        return smooth(_closes(bars), int(average[2]) or 1)[-1]
    return _FIGURES[name](bars) if name in _FIGURES else None


def is_figure(name: str) -> bool:
    """Say whether a column is made from bars."""
    plain = name.partition("[")[0]
    return plain in _FIGURES or _AVERAGE.fullmatch(plain) is not None


def bars_needed(name: str) -> int:
    """Return how many bars a figure is made from, those before the one that ``[1]`` names included."""
    return 4 if name.partition("[")[0] in _PRICES else _MOST_BARS


def _closes(bars: Bars) -> list[float]:
    return [bar.close for bar in bars]


def _change(bars: Bars) -> float | None:
    return indicators.rate_of_change(_closes(bars[-2:]), 1)[-1]


def _relative_strength(length: int) -> Callable[[Bars], float | None]:
    return lambda bars: indicators.rsi(_closes(bars), length)[-1]


def _raw_stochastic(bars: Bars) -> indicators.Column:
    high = indicators.highest([bar.high for bar in bars], 14)
    low = indicators.lowest([bar.low for bar in bars], 14)
    above = indicators.combine(_closes(bars), low, lambda close, least: close - least)
    reach = indicators.combine(high, low, lambda most, least: most - least)
    return indicators.combine(above, reach, lambda part, whole: 100 * part / whole if whole else 50.0)


def _stochastic(bars: Bars) -> indicators.Column:
    return indicators.sma(_raw_stochastic(bars[-30:]), 3)


def _williams(bars: Bars) -> float | None:
    raw = _raw_stochastic(bars[-14:])[-1]
    return None if raw is None else raw - 100


def _commodity_channel(bars: Bars) -> float | None:
    return indicators.cci([(bar.high + bar.low + bar.close) / 3 for bar in bars[-20:]], 20)[-1]


def _awesome(bars: Bars) -> float | None:
    middles = [(bar.high + bar.low) / 2 for bar in bars[-34:]]
    fast, slow = indicators.sma(middles, 5), indicators.sma(middles, 34)
    return indicators.combine(fast, slow, lambda a, b: a - b)[-1]


def _convergence(bars: Bars) -> indicators.Column:
    closes = _closes(bars)
    return indicators.combine(indicators.ema(closes, 12), indicators.ema(closes, 26), lambda a, b: a - b)


def _hull(bars: Bars) -> float | None:
    closes = _closes(bars[-20:])
    doubled = indicators.combine(indicators.wma(closes, 4), indicators.wma(closes, 9), lambda a, b: 2 * a - b)
    return indicators.wma(doubled, 3)[-1]


def _weighted(bars: Bars) -> float | None:
    recent = bars[-20:]
    volume = sum(bar.volume or 0.0 for bar in recent)
    return sum(bar.close * (bar.volume or 0.0) for bar in recent) / volume if volume else None


def _band(side: int) -> Callable[[Bars], float | None]:
    def band(bars: Bars) -> float | None:
        closes = _closes(bars[-20:])
        middle, spread = indicators.sma(closes, 20), indicators.deviation(closes, 20)
        return indicators.combine(middle, spread, lambda mean, width: mean + side * _MOST_DEVIATIONS * width)[-1]

    return band


def _true_range(bars: Bars) -> float | None:
    ranges = indicators.true_range([bar.high for bar in bars], [bar.low for bar in bars], _closes(bars))
    return indicators.rma(ranges, 14)[-1]


def _vote(buys: bool, sells: bool) -> int:
    return int(buys) - int(sells)


def _below_close(name: str) -> Callable[[Bars], int | None]:
    """Vote to buy above an average and to sell below it."""

    def vote(bars: Bars) -> int | None:
        value, close = figure(name, bars), bars[-1].close
        return None if value is None else _vote(value < close, value > close)

    return vote


def _turning(name: str, low: float, high: float) -> Callable[[Bars], int | None]:
    """Vote to buy what was sold too far and rises again, and to sell the opposite."""

    def vote(bars: Bars) -> int | None:
        now, before = figure(name, bars), figure(f"{name}[1]", bars)
        if now is None or before is None:
            return None
        return _vote(now < low and now > before, now > high and now < before)

    return vote


def _rising(name: str, than: str) -> Callable[[Bars], int | None]:
    """Vote to buy when a figure is above another one."""

    def vote(bars: Bars) -> int | None:
        value, other = figure(name, bars), figure(than, bars)
        return None if value is None or other is None else _vote(value > other, value < other)

    return vote


_AVERAGES = tuple(_below_close(name) for name in (*_VOTING, "VWMA", "HullMA9"))
_OSCILLATORS = (
    _turning("RSI", 30, 70),
    _turning("Stoch.K", 20, 80),
    _turning("CCI20", -100, 100),
    _turning("W.R", -80, -20),
    _rising("AO", "AO[1]"),
    _rising("Mom", "Mom[1]"),
    _rising("MACD.macd", "MACD.signal"),
)


def _recommended(voters: Sequence[Callable[[Bars], int | None]]) -> Callable[[Bars], float | None]:
    def recommend(bars: Bars) -> float | None:
        votes = [vote for voter in voters if (vote := voter(bars)) is not None]
        return sum(votes) / len(votes) if votes else None

    return recommend


def _overall(bars: Bars) -> float | None:
    both = [_recommended(voters)(bars) for voters in (_AVERAGES, _OSCILLATORS)]
    return indicators.combine(both[:1], both[1:], lambda a, b: (a + b) / 2)[0]


_FIGURES: Mapping[str, Callable[[Bars], float | None]] = MappingProxyType(
    {
        "open": lambda bars: bars[-1].open,
        "high": lambda bars: bars[-1].high,
        "low": lambda bars: bars[-1].low,
        "close": lambda bars: bars[-1].close,
        "volume": lambda bars: bars[-1].volume,
        "change": _change,
        "change_abs": lambda bars: indicators.change(_closes(bars[-2:]))[-1],
        "RSI": _relative_strength(14),
        "RSI7": _relative_strength(7),
        "Stoch.K": lambda bars: _stochastic(bars)[-1],
        "Stoch.D": lambda bars: indicators.sma(_stochastic(bars), 3)[-1],
        "CCI20": _commodity_channel,
        "W.R": _williams,
        "AO": _awesome,
        "Mom": lambda bars: indicators.change(_closes(bars), 10)[-1],
        "MACD.macd": lambda bars: _convergence(bars)[-1],
        "MACD.signal": lambda bars: indicators.ema(_convergence(bars), 9)[-1],
        "HullMA9": _hull,
        "VWMA": _weighted,
        "BB.upper": _band(1),
        "BB.lower": _band(-1),
        "ATR": _true_range,
        "Rec.WR": _turning("W.R", -80, -20),
        "Rec.HullMA9": _below_close("HullMA9"),
        "Rec.VWMA": _below_close("VWMA"),
        "Recommend.MA": _recommended(_AVERAGES),
        "Recommend.Other": _recommended(_OSCILLATORS),
        "Recommend.All": _overall,
    }
)
