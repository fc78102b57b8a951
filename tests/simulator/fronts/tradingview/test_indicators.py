from types import SimpleNamespace

import pytest

from brokerwire.simulator.fronts.tradingview import indicators as ta

UP = [float(number) for number in range(1, 31)]


def test_a_simple_mean_needs_as_many_values_as_it_is_long():
    assert ta.sma([1, 2, 3, 4, 5], 3) == [None, None, 2, 3, 4]
    assert ta.sma([1.0, None, 3.0, 4.0, 5.0], 2) == [None, None, None, 3.5, 4.5]


def test_a_weighted_mean_weighs_the_newest_most():
    assert ta.wma([1, 2, 3], 2) == [None, pytest.approx(5 / 3), pytest.approx(8 / 3)]


def test_an_exponential_mean_begins_with_a_simple_one():
    assert ta.ema([1, 2, 3, 4], 3) == [None, None, 2.0, 3.0]
    assert ta.rma([1, 2, 3, 7], 3) == [None, None, 2.0, pytest.approx(2 + 5 / 3)]


def test_deviation_is_that_of_the_population():
    assert ta.deviation([2, 4, 4, 4, 5, 5, 7, 9], 8)[-1] == 2.0


def test_extremes_are_those_of_the_window():
    assert ta.highest([1, 3, 2, 0], 2) == [None, 3, 3, 2]
    assert ta.lowest([1, 3, 2, 0], 2) == [None, 1, 2, 0]


def test_changes_look_back():
    assert ta.change([1, 3, 6], 1) == [None, 2, 3]
    assert ta.rate_of_change([2.0, 3.0, 0.0, 5.0], 1) == [None, 50.0, -100.0, 0.0]


def test_strength_is_full_while_prices_only_rise_and_empty_while_they_fall():
    assert ta.rsi(UP, 14)[-1] == 100.0
    assert ta.rsi(UP[::-1], 14)[-1] == 0.0
    assert ta.rsi(UP, 14)[13] is None


def test_strength_agrees_with_a_published_example():
    closes = [44.34, 44.09, 44.15, 43.61, 44.33, 44.83, 45.10, 45.42, 45.84, 46.08, 45.89, 46.03, 45.61, 46.28, 46.28]
    assert ta.rsi(closes, 14)[14] == pytest.approx(70.5, abs=0.1)


def test_a_true_range_reaches_to_the_close_before():
    assert ta.true_range([10, 12, 9], [8, 11, 7], [9, 11.5, 8]) == [2, 3, 4.5]


def test_the_channel_index_is_the_distance_in_mean_distances():
    assert ta.cci([1.0, 2.0, 3.0], 3)[-1] == pytest.approx(100.0)
    assert ta.cci([2.0, 2.0, 2.0], 3)[-1] == 0.0


def spans(closes):
    return [SimpleNamespace(high=close + 1, low=close - 1, close=close) for close in closes]


def test_a_stop_follows_prices_one_way_and_changes_sides_when_they_turn():
    closes = [10.0, 12.0, 11.0, 14.0, 9.0, 8.0, 8.5, 6.0, 12.0]
    below, above = ta.trailing_stops(spans(closes), [None, *[2.0] * 8])
    assert below == [None, 10.0, 10.0, 12.0, None, None, None, None, 10.0]
    assert above == [None, None, None, None, 11.0, 10.0, 10.0, 8.0, None]


def test_totals_skip_what_is_missing():
    assert ta.cumulative([None, 1.0, 2.0]) == [0.0, 1.0, 3.0]
