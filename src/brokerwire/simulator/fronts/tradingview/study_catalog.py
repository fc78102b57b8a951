"""The studies that there are: names, inputs, plots, and how each is computed from bars."""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import msgspec

from brokerwire.simulator.fronts.tradingview import indicators as ta
from brokerwire.simulator.fronts.tradingview.history import Bar
from brokerwire.simulator.fronts.tradingview.indicators import Column

Inputs: TypeAlias = Mapping[str, Any]
InputType: TypeAlias = Literal["integer", "float", "bool", "source", "text"]

PINE_TYPE = "Script@tv-scripting-101!"
_VERSION = "37.0"
_BUILT_IN = re.compile(r"([A-Za-z0-9]+)@tv-basicstudies(?:-\d+)?!?")
_SOURCES: Mapping[str, Callable[[Bar], float]] = MappingProxyType(
    {
        "open": lambda bar: bar.open,
        "high": lambda bar: bar.high,
        "low": lambda bar: bar.low,
        "close": lambda bar: bar.close,
        "hl2": lambda bar: (bar.high + bar.low) / 2,
        "hlc3": lambda bar: (bar.high + bar.low + bar.close) / 3,
        "ohlc4": lambda bar: (bar.open + bar.high + bar.low + bar.close) / 4,
    }
)


class Input(msgspec.Struct, frozen=True):
    """One input of a study: its name among built-in studies, what people read, type and default."""

    id: str
    name: str
    type: InputType
    default: Any


class Data(msgspec.Struct, frozen=True):
    """What a study is computed from: the bars, and the source that was chosen."""

    bars: Sequence[Bar]
    source: Sequence[float | None]

    @property
    def highs(self) -> list[float]:
        return [bar.high for bar in self.bars]

    @property
    def lows(self) -> list[float]:
        return [bar.low for bar in self.bars]

    @property
    def closes(self) -> list[float]:
        return [bar.close for bar in self.bars]

    @property
    def volumes(self) -> list[float]:
        return [bar.volume or 0.0 for bar in self.bars]


Compute: TypeAlias = Callable[[Data, Inputs], list[Column]]


class Study(msgspec.Struct, frozen=True):
    """One study. ``names`` are those of the built-in pack, ``pine_id`` that of the script; plots are by title."""

    names: tuple[str, ...]
    pine_id: str
    title: str
    short_title: str
    inputs: tuple[Input, ...]
    plots: tuple[str, ...]
    compute: Compute
    on_price: bool = False

    @property
    def version(self) -> str:
        return _VERSION

    @property
    def template(self) -> str:
        """The compiled script, which only its maker can read."""
        code = base64.b64encode(f"{self.pine_id}/{_VERSION}".encode() * 4).decode()
        return f"bmI9Ks46_{code}"

    def memory(self, inputs: Inputs) -> int:
        """Return how many bars back the newest value reaches, to the last digit that anybody sees."""
        lengths = [int(inputs[each.id]) for each in self.inputs if each.type == "integer"]
        return 40 * max([*lengths, 10])


def _length(default: int, name: str = "Length") -> Input:
    return Input("length", name, "integer", default)


_SOURCE = Input("source", "Source", "source", "close")


def _volume(data: Data, inputs: Inputs) -> list[Column]:
    volumes: Column = list(data.volumes)
    return [volumes, ta.sma(volumes, inputs["length"])]


def _rsi(data: Data, inputs: Inputs) -> list[Column]:
    strength = ta.rsi(data.source, inputs["length"])
    return [strength, ta.sma(strength, inputs["smoothingLength"])]


def _macd(data: Data, inputs: Inputs) -> list[Column]:
    fast, slow = ta.ema(data.source, inputs["in_0"]), ta.ema(data.source, inputs["in_1"])
    line = ta.combine(fast, slow, lambda a, b: a - b)
    signal = ta.ema(line, inputs["in_2"])
    return [ta.combine(line, signal, lambda a, b: a - b), line, signal]


def _bollinger(data: Data, inputs: Inputs) -> list[Column]:
    basis = ta.sma(data.source, inputs["length"])
    width = ta.transform(ta.deviation(data.source, inputs["length"]), lambda value: value * inputs["mult"])
    upper, lower = ta.combine(basis, width, lambda a, b: a + b), ta.combine(basis, width, lambda a, b: a - b)
    return [basis, upper, lower]


def _atr(data: Data, inputs: Inputs) -> list[Column]:
    return [ta.rma(ta.true_range(data.highs, data.lows, data.closes), inputs["length"])]


def _stochastic(data: Data, inputs: Inputs) -> list[Column]:
    high, low = ta.highest(data.highs, inputs["length"]), ta.lowest(data.lows, inputs["length"])
    above = ta.combine(list(data.closes), low, lambda close, least: close - least)
    width = ta.combine(high, low, lambda a, b: a - b)
    raw = ta.combine(above, width, lambda a, b: 100 * a / b if b else 50.0)
    k = ta.sma(raw, inputs["smoothK"])
    return [k, ta.sma(k, inputs["smoothD"])]


def _williams(data: Data, inputs: Inputs) -> list[Column]:
    high, low = ta.highest(data.highs, inputs["length"]), ta.lowest(data.lows, inputs["length"])
    below = ta.combine(list(data.source), high, lambda close, most: close - most)
    width = ta.combine(high, low, lambda a, b: a - b)
    return [ta.combine(below, width, lambda a, b: 100 * a / b if b else -50.0)]


def _obv(data: Data, _: Inputs) -> list[Column]:
    moves = ta.change(list(data.closes))
    signed = ta.combine(moves, list(data.volumes), lambda move, volume: volume * ((move > 0) - (move < 0)))
    return [ta.cumulative(signed)]


def _vwap(data: Data, _: Inputs) -> list[Column]:
    """Return the mean price by volume since the beginning of each UTC day."""
    found: Column = []
    day, value, volume = -1, 0.0, 0.0
    for bar, price in zip(data.bars, data.source, strict=True):
        if bar.time_s // 86_400 != day:
            day, value, volume = bar.time_s // 86_400, 0.0, 0.0
        value, volume = value + (price or 0.0) * (bar.volume or 0.0), volume + (bar.volume or 0.0)
        found.append(value / volume if volume else None)
    return [found]


def _stochastic_rsi(data: Data, inputs: Inputs) -> list[Column]:
    strength = ta.rsi(data.source, inputs["lengthRSI"])
    low, high = (of(strength, inputs["lengthStoch"]) for of in (ta.lowest, ta.highest))
    above = ta.combine(strength, low, lambda value, least: value - least)
    width = ta.combine(high, low, lambda most, least: most - least)
    k = ta.sma(ta.combine(above, width, lambda a, b: 100 * a / b if b else 50.0), inputs["smoothK"])
    return [k, ta.sma(k, inputs["smoothD"])]


def _supertrend(data: Data, inputs: Inputs) -> list[Column]:
    """Return the stop below a rising price, and the one above a falling one; the other is None."""
    reach = ta.rma(ta.true_range(data.highs, data.lows, data.closes), inputs["length"])
    return ta.trailing_stops(data.bars, ta.transform(reach, lambda value: value * inputs["factor"]))


STUDIES: Sequence[Study] = (
    Study(
        ("Volume",),
        "STD;Volume",
        "Volume",
        "Vol",
        (_length(20, "MA Length"), Input("col_prev_close", "Color based on previous close", "bool", False)),
        ("Volume", "Volume MA"),
        _volume,
    ),
    Study(
        ("RSI",),
        "STD;RSI",
        "Relative Strength Index",
        "RSI",
        (_length(14, "RSI Length"), _SOURCE, Input("smoothingLength", "MA Length", "integer", 14)),
        ("RSI", "RSI-based MA"),
        _rsi,
    ),
    Study(
        ("MACD",),
        "STD;MACD",
        "Moving Average Convergence Divergence",
        "MACD",
        (
            Input("in_0", "Fast Length", "integer", 12),
            Input("in_1", "Slow Length", "integer", 26),
            Input("in_2", "Signal Smoothing", "integer", 9),
            Input("in_3", "Source", "source", "close"),
        ),
        ("Histogram", "MACD", "Signal"),
        _macd,
    ),
    Study(
        ("MASimple", "MA"),
        "STD;SMA",
        "Moving Average Simple",
        "SMA",
        (_length(9), _SOURCE),
        ("MA",),
        lambda data, inputs: [ta.sma(data.source, inputs["length"])],
        on_price=True,
    ),
    Study(
        ("MAExp", "EMA"),
        "STD;EMA",
        "Moving Average Exponential",
        "EMA",
        (_length(9), _SOURCE),
        ("EMA",),
        lambda data, inputs: [ta.ema(data.source, inputs["length"])],
        on_price=True,
    ),
    Study(
        ("MAWeighted", "WMA"),
        "STD;WMA",
        "Moving Average Weighted",
        "WMA",
        (_length(9), _SOURCE),
        ("WMA",),
        lambda data, inputs: [ta.wma(data.source, inputs["length"])],
        on_price=True,
    ),
    Study(
        ("BB",),
        "STD;Bollinger_Bands",
        "Bollinger Bands",
        "BB",
        (_length(20), _SOURCE, Input("mult", "StdDev", "float", 2.0)),
        ("Basis", "Upper", "Lower"),
        _bollinger,
        on_price=True,
    ),
    Study(("ATR",), "STD;Average_True_Range", "Average True Range", "ATR", (_length(14),), ("ATR",), _atr),
    Study(
        ("Stochastic",),
        "STD;Stochastic",
        "Stochastic",
        "Stoch",
        (
            _length(14, "%K Length"),
            Input("smoothK", "%K Smoothing", "integer", 1),
            Input("smoothD", "%D Smoothing", "integer", 3),
        ),
        ("%K", "%D"),
        _stochastic,
    ),
    Study(
        ("WilliamR",),
        "STD;Willams_R",
        "Williams %R",
        "%R",
        (_length(14), _SOURCE),
        ("%R",),
        _williams,
    ),
    Study(
        ("CCI",),
        "STD;CCI",
        "Commodity Channel Index",
        "CCI",
        (_length(20), Input("source", "Source", "source", "hlc3")),
        ("CCI",),
        lambda data, inputs: [ta.cci(data.source, inputs["length"])],
    ),
    Study(
        ("ROC",),
        "STD;ROC",
        "Rate Of Change",
        "ROC",
        (_length(9), _SOURCE),
        ("ROC",),
        lambda data, inputs: [ta.rate_of_change(data.source, inputs["length"])],
    ),
    Study(
        ("MOM",),
        "STD;Momentum",
        "Momentum",
        "Mom",
        (_length(10), _SOURCE),
        ("Mom",),
        lambda data, inputs: [ta.change(data.source, inputs["length"])],
    ),
    Study(
        ("StochasticRSI",),
        "STD;Stochastic_RSI",
        "Stochastic RSI",
        "Stoch RSI",
        (
            Input("smoothK", "K", "integer", 3),
            Input("smoothD", "D", "integer", 3),
            Input("lengthRSI", "RSI Length", "integer", 14),
            Input("lengthStoch", "Stochastic Length", "integer", 14),
            _SOURCE,
        ),
        ("K", "D"),
        _stochastic_rsi,
    ),
    Study(
        ("Supertrend",),
        "STD;Supertrend",
        "Supertrend",
        "Supertrend",
        (_length(10, "ATR Length"), Input("factor", "Factor", "float", 3.0)),
        ("Up Trend", "Down Trend"),
        _supertrend,
        on_price=True,
    ),
    Study(("OBV",), "STD;On_Balance_Volume", "On Balance Volume", "OBV", (), ("OnBalanceVolume",), _obv),
    Study(
        ("VWAP",),
        "STD;VWAP",
        "Volume Weighted Average Price",
        "VWAP",
        (Input("source", "Source", "source", "hlc3"),),
        ("VWAP",),
        _vwap,
        on_price=True,
    ),
)


def built_in(study_type: str) -> Study | None:
    """Return the study of a type such as ``RSI@tv-basicstudies-246``; the number of the pack does not matter."""
    found = _BUILT_IN.fullmatch(study_type)
    if found is None:
        return None
    return next((study for study in STUDIES if found[1] in study.names), None)


def by_pine_id(pine_id: str) -> Study | None:
    """Return the study of a script id such as ``STD;RSI``."""
    return next((study for study in STUDIES if study.pine_id == pine_id), None)


def source_of(bars: Sequence[Bar], name: str) -> Column | None:
    """Return the named price of each bar; None when there is no such price."""
    price = _SOURCES.get(name)
    return None if price is None else [price(bar) for bar in bars]


def source_names() -> list[str]:
    """Return the prices of a bar that a study can be computed from."""
    return list(_SOURCES)
