"""Whether bars can be what they say: times that rise, prices within high and low, volumes, no gaps; pure functions."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any, Literal, TypeAlias

from msgspec import field

from brokerwire.compat.tvkit.errors import SeriesError
from brokerwire.compat.tvkit.model import Model
from brokerwire.errors import BrokerwireError, ConfigurationError
from brokerwire.services.arguments import normalise_interval
from brokerwire.venues.tradingview.codec import seconds_of

Columns: TypeAlias = Mapping[str, Sequence[Any]]
"""The values of ``timestamp``, four prices and ``volume``, by their names."""

ContextValue: TypeAlias = str | int | float | bool | None
ViolationContext: TypeAlias = dict[str, ContextValue]

COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")


class ViolationType(StrEnum):
    """What is looked for, in the order in which it is."""

    DUPLICATE_TIMESTAMP = "duplicate_timestamp"
    NON_MONOTONIC_TIMESTAMP = "non_monotonic_timestamp"
    OHLC_INCONSISTENCY = "ohlc_inconsistency"
    NEGATIVE_VOLUME = "negative_volume"
    GAP_DETECTED = "gap_detected"


class Violation(Model, kw_only=True):
    """Something that was found, and in which rows, counted from 0; a gap is a warning, all else an error."""

    check: ViolationType
    severity: Literal["ERROR", "WARNING"]
    message: str
    affected_rows: list[int] = field(default_factory=list)
    context: ViolationContext = field(default_factory=dict)


class ValidationResult(Model, kw_only=True):
    """Everything that was found, by check and then by row; valid is what has no errors."""

    is_valid: bool
    violations: list[Violation] = field(default_factory=list)
    bars_checked: int
    checks_run: list[ViolationType]

    @property
    def errors(self) -> list[Violation]:
        """What cannot be right."""
        return [each for each in self.violations if each.severity == "ERROR"]

    @property
    def warnings(self) -> list[Violation]:
        """What may be right: gaps, which weekends and holidays are too."""
        return [each for each in self.violations if each.severity == "WARNING"]


class DataIntegrityError(BrokerwireError):
    """Bars that were to be written have errors; ``result`` is what was found."""

    def __init__(self, result: ValidationResult) -> None:
        first = f", the first: {result.errors[0].message}" if result.errors else ""
        super().__init__(f"the bars have {len(result.errors)} errors{first}")
        self.result = result


def validate_ohlcv(
    df: Any, *, interval: str | None = None, checks: Sequence[ViolationType | str] | None = None
) -> ValidationResult:
    """Return what is wrong with a frame of bars, whose times are numbers (seconds of UTC), dates or datetimes.

    Gaps are looked for where an interval is given.

    Raises:
        SeriesError: A column is missing or its times are text, a check is unknown, or the interval is none or has no
            fixed length; also a ``ValueError``.
    """
    missing = [name for name in COLUMNS if name not in df.columns]
    if missing:
        raise SeriesError(f"the frame has no column {', '.join(missing)}")
    return check_bars({name: df[name].to_list() for name in COLUMNS}, interval=interval, checks=checks)


def check_bars(
    columns: Columns, *, interval: str | None = None, checks: Sequence[ViolationType | str] | None = None
) -> ValidationResult:
    """Return what is wrong with columns of bars; raises what ``validate_ohlcv`` raises."""
    wanted = _checks_of(checks, interval)
    if any(isinstance(moment, str) for moment in columns["timestamp"]):
        raise SeriesError('times are text; make the frame with timestamp_format="unix" or "datetime"')
    run = [check for check in ViolationType if check in wanted]
    found = [each for check in run for each in _CHECKS[check](columns, interval)]
    is_valid = all(each.severity != "ERROR" for each in found)
    return ValidationResult(is_valid=is_valid, violations=found, bars_checked=len(columns["timestamp"]), checks_run=run)


def _checks_of(checks: Sequence[ViolationType | str] | None, interval: str | None) -> set[ViolationType]:
    if checks is None:
        return {check for check in ViolationType if interval is not None or check != ViolationType.GAP_DETECTED}
    try:
        wanted = {ViolationType(check) for check in checks}
    except ValueError as exc:
        raise SeriesError(f"a check is one of {', '.join(ViolationType)}") from exc
    if ViolationType.GAP_DETECTED in wanted and interval is None:
        raise SeriesError("gaps are looked for between bars of an interval; name it")
    return wanted


def _error(check: ViolationType, message: str, rows: list[int], **context: ContextValue) -> Violation:
    return Violation(check=check, severity="ERROR", message=message, affected_rows=rows, context=context)


def _duplicates(columns: Columns, _interval: str | None) -> Iterator[Violation]:
    places: dict[Any, list[int]] = defaultdict(list)
    for row, moment in enumerate(columns["timestamp"]):
        places[moment].append(row)
    for moment, rows in places.items():
        if len(rows) > 1:
            message = f"{len(rows)} bars have the time {moment}: rows {', '.join(map(str, rows))}"
            context: ViolationContext = {"duplicate_timestamp": str(moment), "count": len(rows)}
            yield _error(ViolationType.DUPLICATE_TIMESTAMP, message, rows, **context)


def _steps_back(columns: Columns, _interval: str | None) -> Iterator[Violation]:
    for row, (before, moment) in enumerate(pairwise(columns["timestamp"]), start=1):
        if not moment > before:
            message = f"the time of row {row} is not after that of the row before it"
            context: ViolationContext = {"prev_timestamp": str(before), "curr_timestamp": str(moment)}
            yield _error(ViolationType.NON_MONOTONIC_TIMESTAMP, message, [row - 1, row], **context)


def _broken_prices(columns: Columns, _interval: str | None) -> Iterator[Violation]:
    names = ("open", "high", "low", "close")
    for row, prices in enumerate(zip(*(columns[name] for name in names), strict=True)):
        reason = _reason_of(*prices)
        if reason:
            context: ViolationContext = {name: _number(price) for name, price in zip(names, prices, strict=True)}
            context["violated_constraint"] = reason
            yield _error(ViolationType.OHLC_INCONSISTENCY, f"prices of row {row}: {reason}", [row], **context)


def _reason_of(open_: Any, high: Any, low: Any, close: Any) -> str:
    if any(_number(price) is None for price in (open_, high, low, close)):
        return "one is missing or not a number"
    for name, price in (("open", open_), ("close", close)):
        if not low <= price <= high:
            return f"{name} {price} is not between low {low} and high {high}"
    return ""


def _number(value: Any) -> float | None:
    return None if value is None or math.isnan(value) else float(value)


def _broken_volumes(columns: Columns, _interval: str | None) -> Iterator[Violation]:
    for row, volume in enumerate(columns["volume"]):
        number = _number(volume)
        if number is None or number < 0:
            reason = "missing or not a number" if number is None else f"negative, {volume}"
            yield _error(ViolationType.NEGATIVE_VOLUME, f"the volume of row {row} is {reason}", [row], volume=number)


def _gaps(columns: Columns, interval: str | None) -> Iterator[Violation]:
    expected_s = _length_of(interval or "")
    for row, (before, moment) in enumerate(pairwise(columns["timestamp"]), start=1):
        actual_s = _seconds_between(before, moment)
        if actual_s > expected_s:
            yield Violation(
                check=ViolationType.GAP_DETECTED,
                severity="WARNING",
                message=f"row {row} comes {actual_s} s after the row before it, not {expected_s} s",
                affected_rows=[row],
                context={
                    "expected_interval": interval,
                    "actual_gap": f"{actual_s}s",
                    "prev_timestamp": str(before),
                    "curr_timestamp": str(moment),
                },
            )


def _length_of(interval: str) -> int:
    try:
        name = normalise_interval(interval)
    except ConfigurationError as exc:
        raise SeriesError(str(exc)) from exc
    if name[-1] not in "smhd":
        raise SeriesError(f"{interval!r} has no fixed length, so that gaps cannot be told")
    return seconds_of(name)


def _seconds_between(before: Any, moment: Any) -> int:
    step = moment - before
    return round(step.total_seconds() if isinstance(step, timedelta) else step)


_CHECKS: Mapping[ViolationType, Callable[[Columns, str | None], Iterator[Violation]]] = {
    ViolationType.DUPLICATE_TIMESTAMP: _duplicates,
    ViolationType.NON_MONOTONIC_TIMESTAMP: _steps_back,
    ViolationType.OHLC_INCONSISTENCY: _broken_prices,
    ViolationType.NEGATIVE_VOLUME: _broken_volumes,
    ViolationType.GAP_DETECTED: _gaps,
}
