"""Numbers and times are written as the venue writes them."""

from decimal import Decimal

from brokerwire.simulator.fronts.binance.figures import (
    MICROSECOND,
    MILLISECOND,
    ZERO,
    decimal8,
    level,
    percent,
    time_unit,
)


def test_decimals_have_eight_places_whatever_the_tick():
    assert decimal8(Decimal("91250.5")) == "91250.50000000"
    assert decimal8(Decimal(0)) == ZERO
    assert decimal8(0.1) == "0.10000000"
    assert level(Decimal(2), Decimal(0)) == ("2.00000000", "0.00000000")
    assert percent(Decimal("-0.0955")) == "-0.096"


def test_microseconds_are_a_thousand_times_the_milliseconds():
    time_ns = 1_767_225_600_125_000_000
    assert MICROSECOND.of(time_ns) == 1000 * MILLISECOND.of(time_ns)


def test_last_instant_of_a_bar_is_one_unit_before_its_end():
    assert MILLISECOND.last_before(60_000_000_000) == 59_999
    assert MICROSECOND.last_before(60_000_000_000) == 59_999_999


def test_unit_names_of_url_and_header():
    assert time_unit(None) is MILLISECOND
    assert time_unit("microsecond") is MICROSECOND
    assert time_unit("MICROSECOND") is MICROSECOND
    assert time_unit("fortnight") is None
