"""One study of a chart: what the client asked for, checked, and computed over the bars of its series."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from brokerwire.simulator.fronts.tradingview.history import Bar
from brokerwire.simulator.fronts.tradingview.indicators import Column
from brokerwire.simulator.fronts.tradingview.study_catalog import (
    PINE_TYPE,
    Data,
    Input,
    Study,
    built_in,
    by_pine_id,
    source_of,
)

_DIGITS = 8


class StudyRefused(Exception):
    """The study cannot be made; ``reason`` is what the venue says, text or an object."""

    def __init__(self, reason: Any, detail: str | None = None) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.detail = detail


class StudyWish(msgspec.Struct, frozen=True):
    """A study with the values of its inputs."""

    study: Study
    inputs: Mapping[str, Any]
    is_pine: bool

    @property
    def source(self) -> str:
        """Name of the price that it is computed from, or ``<study id>$<plot>``."""
        for each in self.study.inputs:
            if each.type == "source":
                return str(self.inputs[each.id])
        return "close"


def read_wish(study_type: str, given: Mapping[str, Any]) -> StudyWish:
    """Read what ``create_study`` asks for.

    Raises:
        StudyRefused: There is no such study, or an input has a value that it cannot have.
    """
    is_pine = study_type == PINE_TYPE
    study = by_pine_id(str(given.get("pineId", ""))) if is_pine else built_in(study_type)
    if study is None:
        raise StudyRefused(f"unknown study {given.get('pineId', study_type) if is_pine else study_type}")
    if is_pine and not given.get("text"):
        raise StudyRefused("Script is empty")
    names = [f"in_{number}" if is_pine else each.id for number, each in enumerate(study.inputs)]
    inputs = {
        each.id: _value(each, given.get(name, each.default)) for name, each in zip(names, study.inputs, strict=True)
    }
    return StudyWish(study, inputs, is_pine)


def changed(wish: StudyWish, given: Mapping[str, Any]) -> StudyWish:
    """Return the study with some inputs changed, as ``modify_study`` asks for.

    Raises:
        StudyRefused: An input has a value that it cannot have.
    """
    names = [f"in_{number}" if wish.is_pine else each.id for number, each in enumerate(wish.study.inputs)]
    inputs = {
        each.id: _value(each, given[name]) if name in given else wish.inputs[each.id]
        for name, each in zip(names, wish.study.inputs, strict=True)
    }
    return StudyWish(wish.study, inputs, wish.is_pine)


def _value(wanted: Input, given: Any) -> Any:
    if isinstance(given, dict):
        given = given.get("v", wanted.default)
    match wanted.type:
        case "integer":
            return _length(wanted, given)
        case "float":
            return _number(wanted, given)
        case "bool":
            return given if isinstance(given, bool) else str(given).lower() == "true"
        case _:
            return str(given)


def _number(wanted: Input, given: Any) -> float:
    try:
        return float(given)
    except (TypeError, ValueError) as exc:
        raise StudyRefused(f"invalid value of input {wanted.id}") from exc


def _length(wanted: Input, given: Any) -> int:
    value = int(_number(wanted, given))
    if value > 0:
        return value
    context = {"argName": "length", "bar_index": 0, "code": "RE10042", "funName": "'ta.sma'", "op": ">", "value": value}
    text = "Error on bar {bar_index}: bad value for '{argName}' in {funName}"
    raise StudyRefused({"ctx": context, "error": text, "stack_trace": [{"n": "#main", "p": 4}]}, "undefined")


def compute(wish: StudyWish, bars: Sequence[Bar], source: Column | None = None) -> list[list[float | None]]:
    """Return the values of every plot at every bar; ``source`` replaces the price that the study names.

    Raises:
        StudyRefused: There is no such price.
    """
    chosen = source if source is not None else source_of(bars, wish.source)
    if chosen is None:
        raise StudyRefused(f"invalid source {wish.source}")
    columns = wish.study.compute(Data(bars, chosen), wish.inputs)
    return [[_shown(value) for value in row] for row in zip(*columns, strict=True)]


def _shown(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def newest(wish: StudyWish, bars: Sequence[Bar], count: int) -> list[list[float | None]]:
    """Return the values at the newest ``count`` bars, computed from as many bars as they depend on.

    Raises:
        StudyRefused: There is no such price.
    """
    return compute(wish, bars[-(wish.study.memory(wish.inputs) + count) :])[-count:]
