from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.export.samples import TIME_NS

from brokerwire.export.csv_text import FROM_TEXT, cell_of, iso_time, parse_iso_time


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (TIME_NS, "2025-11-29T17:00:00.123456789Z"),
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
    ],
)
def test_times_are_iso_8601_and_have_a_fraction_where_there_is_one(time_ns: int, text: str) -> None:
    assert iso_time(time_ns) == text


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_nanosecond_comes_back(time_ns: int) -> None:
    assert parse_iso_time(iso_time(time_ns)) == time_ns


@pytest.mark.parametrize("text", ["", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02T03:04:05.Z", "yesterday"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a time"):
        parse_iso_time(text)


def test_a_flag_is_true_or_false() -> None:
    assert [FROM_TEXT["flag"](text) for text in ("true", "false")] == [True, False]
    with pytest.raises(ValueError, match="neither"):
        FROM_TEXT["flag"]("1")


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        ("a", "a"),
        (True, "true"),
        (False, "false"),
        (0.1, "0.1"),
        (3, "3"),
        (Decimal("1.10"), "1.10"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
        ([1, "a"], '[1,"a"]'),
        ({"a": None}, '{"a":null}'),
    ],
)
def test_any_value_has_a_cell(value: Any, cell: str) -> None:
    assert cell_of(value) == cell
