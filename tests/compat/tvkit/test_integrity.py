import math
from datetime import UTC, date, datetime
from typing import Any

import polars
import pytest

from brokerwire.compat.tvkit.integrity import COLUMNS, ValidationResult, ViolationType, check_bars, validate_ohlcv

GOOD: list[tuple[Any, ...]] = [(60 * at, 10.0, 12.0, 9.0, 11.0, 5.0) for at in range(1, 4)]


def checked(rows: list[tuple[Any, ...]], **options: Any) -> ValidationResult:
    return check_bars({name: [row[at] for row in rows] for at, name in enumerate(COLUMNS)}, **options)


def test_good_bars_are_valid() -> None:
    result = checked(GOOD, interval="1")
    assert (result.is_valid, result.violations, result.bars_checked) == (True, [], 3)
    assert result.checks_run == list(ViolationType)
    assert ViolationType.GAP_DETECTED not in checked(GOOD).checks_run
    assert checked([]).is_valid


@pytest.mark.parametrize(
    ("rows", "check", "affected"),
    [
        ([*GOOD, GOOD[1]], "duplicate_timestamp", [1, 3]),
        ([*GOOD, GOOD[1]], "non_monotonic_timestamp", [2, 3]),
        ([(1, 13.0, 12.0, 9.0, 11.0, 5.0)], "ohlc_inconsistency", [0]),
        ([(1, 10.0, 12.0, 9.0, 8.0, 5.0)], "ohlc_inconsistency", [0]),
        ([(1, math.nan, 12.0, 9.0, 11.0, 5.0)], "ohlc_inconsistency", [0]),
        ([(1, 10.0, None, 9.0, 11.0, 5.0)], "ohlc_inconsistency", [0]),
        ([(1, 10.0, 12.0, 9.0, 11.0, -5.0)], "negative_volume", [0]),
        ([(1, 10.0, 12.0, 9.0, 11.0, None)], "negative_volume", [0]),
    ],
)
def test_what_cannot_be_is_an_error(rows: list[tuple[Any, ...]], check: str, affected: list[int]) -> None:
    result = checked(rows)
    found = [each for each in result.errors if each.check == check]
    assert [each.affected_rows for each in found] == [affected]
    assert found[0].message
    assert not result.is_valid
    assert result.warnings == []


def test_only_the_checks_that_are_asked_for_are_made() -> None:
    assert checked([*GOOD, GOOD[1]], checks=["negative_volume"]).is_valid
    with pytest.raises(ValueError, match="a check is one of"):
        checked(GOOD, checks=["everything"])
    with pytest.raises(ValueError, match="name it"):
        checked(GOOD, checks=[ViolationType.GAP_DETECTED])


def test_a_gap_is_a_warning() -> None:
    result = checked([GOOD[0], GOOD[2]], interval="1")
    assert result.is_valid
    assert [(each.affected_rows, each.context["actual_gap"]) for each in result.warnings] == [([1], "120s")]


@pytest.mark.parametrize("interval", ["1W", "1M", "7x"])
def test_gaps_need_an_interval_of_a_fixed_length(interval: str) -> None:
    with pytest.raises(ValueError, match=r"interval|fixed length"):
        checked(GOOD, interval=interval)


@pytest.mark.parametrize(
    "days",
    [
        [date(2026, 11, 2), date(2026, 11, 4)],
        [datetime(2026, 11, 2, tzinfo=UTC), datetime(2026, 11, 4, tzinfo=UTC)],
    ],
    ids=["dates", "datetimes"],
)
def test_a_frame_is_checked_whatever_its_times_are(days: list[Any]) -> None:
    frame = polars.DataFrame({"timestamp": days, **{name: [1.0, 1.0] for name in COLUMNS[1:]}})
    result = validate_ohlcv(frame, interval="1D")
    assert [each.context["actual_gap"] for each in result.violations] == ["172800s"]


def test_a_frame_needs_its_columns_and_times_that_are_no_text() -> None:
    with pytest.raises(ValueError, match="no column open"):
        validate_ohlcv(polars.DataFrame({"timestamp": [1.0]}))
    with pytest.raises(ValueError, match="timestamp_format"):
        checked([("2026-11-02", *GOOD[0][1:])])
