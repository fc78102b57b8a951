from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest


@pytest.fixture(scope="module")
def seen(run_sdk: Callable[..., Any]) -> Any:
    return run_sdk("tv_scraper_charts", venue="tradingview")


def test_no_step_fails_and_no_limit_is_broken(seen: Any) -> None:
    assert seen.errors() == {}
    assert seen["end"] == {}
    assert seen.violations() == []


@pytest.mark.parametrize(("step", "count", "length"), [("hours", 10, 3600), ("days", 5000, 86_400)])
def test_candles_come_without_a_hole(seen: Any, step: str, count: int, length: int) -> None:
    assert (seen[step]["status"], seen[step]["count"]) == ("success", count)
    assert {later - earlier for earlier, later in pairwise(seen[step]["times"])} == {length}


def test_months_are_months(seen: Any) -> None:
    assert seen["months"]["count"] == 100


def test_an_unknown_symbol_is_a_failed_answer(seen: Any) -> None:
    assert seen["unknown"]["status"] == "failed"
    assert "NOSUCH" in seen["unknown"]["failure"]


def test_indicators_come_with_the_candles(seen: Any) -> None:
    found = seen["with indicators"]
    assert found["status"] == "success"
    assert {key: values[0] for key, values in found["indicators"].items()} == {
        "STD;RSI": 60,
        "STD;MACD": 60,
        "STD;Bollinger_Bands": 60,
    }
    assert 0 < found["indicators"]["STD;RSI"][1]["0"] < 100
    assert len(seen["exports"]["names"]) == 1


@pytest.mark.parametrize("step", ["prices", "prices with an indicator"])
def test_prices_keep_coming(seen: Any, step: str) -> None:
    ticks = seen[step]["ticks"]
    assert len(ticks) == 12
    assert all(tick["price"] > 0 for tick in ticks if tick["price"] is not None)
    assert ticks[0]["change_percent"] is not None or ticks[-1]["change_percent"] is not None


def test_an_indicator_comes_with_the_prices(seen: Any) -> None:
    assert "STD;EMA" in seen["prices with an indicator"]["ticks"][-1]["indicators"]


def test_forecasts_are_for_companies(seen: Any) -> None:
    assert seen["forecast"]["status"] == "success"
    assert "average_price_target" in seen["forecast"]["keys"]
    assert "it is type: spot" in seen["no forecast"]["failure"]


def test_indicators_and_scripts_are_listed(seen: Any) -> None:
    assert {"STD;RSI", "STD;MACD"} <= set(seen["indicators"]["ids"])
    assert seen["scripts"]["statuses"] == ["success"] * 3
    assert [each["name"] for each in seen["scripts"]["saved"]] == ["mine"]
