from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest


@pytest.fixture(scope="module")
def seen(run_sdk: Callable[..., Any]) -> Any:
    return run_sdk("tvkit_charts", venue="tradingview")


def steps_of(seen: Any, step: str) -> set[float]:
    """The package takes a bar that changes while it reads for one more: it is told by its time, which is the same."""
    return {later - earlier for earlier, later in pairwise(seen[step]["times"])} - {0.0}


def test_no_step_fails_and_no_limit_is_broken(seen: Any) -> None:
    assert seen.errors() == {}
    assert seen["end"] == {}
    assert seen.violations() == []


@pytest.mark.parametrize(
    ("step", "count", "length"), [("days", 30, 86_400), ("minutes", 5000, 60), ("weeks", 52, 604_800)]
)
def test_history_by_count_comes_without_a_hole(seen: Any, step: str, count: int, length: int) -> None:
    opened_meanwhile = seen[step]["count"] - count  # the package takes one that opens while it reads
    assert opened_meanwhile in {0, 1}
    assert steps_of(seen, step) == {length}


def test_history_by_range_holds_every_hour_of_it(seen: Any) -> None:
    assert seen["range"]["count"] == 240
    assert steps_of(seen, "range") == {3600}


def test_total_return_lowers_the_past(seen: Any) -> None:
    assert seen["total return"]["count"] == seen["plain"]["count"] == 400
    assert seen["dashed symbol"]["count"] == 1


def test_bars_come_and_go_on(seen: Any) -> None:
    times = seen["bars"]["times"]
    assert len(times) == 15
    assert times == sorted(times)
    assert seen["a time"]["iso"].endswith("+00:00")


def test_quotes_carry_prices_and_the_symbol(seen: Any) -> None:
    assert len(seen["quotes"]["prices"]) == 4
    assert seen["quotes"]["prices"][0] > 0
    symbol = seen["quotes"]["symbol"]
    assert (symbol["short_name"], symbol["pro_name"], symbol["type"]) == ("AAPL", "NASDAQ:AAPL", "stock")


def test_raw_packets_come_in_the_order_of_the_venue(seen: Any) -> None:
    methods = seen["raw"]["methods"]
    assert methods[0] is None
    first = {method: methods.index(method) for method in methods}
    assert first["series_loading"] < first["timescale_update"] < first["series_completed"] < first["study_completed"]


def test_many_symbols_are_told_of_at_once(seen: Any) -> None:
    symbols = seen["trades of many"]["symbols"]
    assert {"NASDAQ:AAPL", "NYSE:JNJ", "BINANCE:BTCUSDT", "FOREX:EURUSD", "COMEX:GC1!"} <= set(symbols)


def test_refusals_are_told_in_the_venues_words(seen: Any) -> None:
    assert seen["seconds"]["reason"] == "seconds_not_entitled"
    assert seen["custom"]["reason"] == "custom_resolution"
    assert "NASDAQ:NOSUCH" in seen["unknown symbol"]["text"]


def test_an_account_sees_as_many_bars_as_its_plan_shows(seen: Any) -> None:
    assert seen["account"] == {"tier": "premium", "bars": 20_000}
    assert 20_000 <= seen["many minutes"]["count"] <= 20_001
    assert steps_of(seen, "many minutes") == {60}


def test_symbols_indicators_and_figures_are_found(seen: Any) -> None:
    assert seen["validation"]["result"] is True
    assert seen["indicators"]["ids"] == ["STD;RSI", "STD;Stochastic_RSI"]
    assert seen["indicator"]["result"]["m"] == "create_study"
    assert seen["figures"]["type"]


def test_bars_are_exported(seen: Any) -> None:
    rows, columns = seen["export"]["shape"]
    assert (rows, columns > 6) == (30, True)
    assert all(size > 500 for size in seen["export"]["sizes"])
