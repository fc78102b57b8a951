import re
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="module")
def seen(run_sdk: Callable[..., Any]) -> Any:
    return run_sdk("tv_scraper_side_by_side", venue="tradingview")


def _both(seen: Any, step: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return their envelope, without what only their later versions have, and ours."""
    theirs, ours = seen[step]["theirs"], seen[step]["ours"]
    assert theirs.pop("warnings") != []
    return theirs, ours


def test_no_step_fails_and_no_limit_is_broken(seen: Any) -> None:
    assert seen.errors() == {}
    assert seen["end"] == {}
    assert seen.violations() == []


@pytest.mark.parametrize("step", ["hours", "days", "with an indicator"])
def test_envelopes_and_candles_are_the_same(seen: Any, step: str) -> None:
    theirs, ours = _both(seen, step)
    assert list(theirs) == list(ours)
    assert theirs["metadata"] == ours["metadata"]
    assert list(theirs["data"]) == list(ours["data"])
    assert theirs["data"]["ohlcv"][:-1] == ours["data"]["ohlcv"][:-1]  # the last one is forming
    assert list(theirs["data"]["ohlcv"][-1]) == list(ours["data"]["ohlcv"][-1])


def test_indicators_have_the_same_rows_and_ours_begin_warm(seen: Any) -> None:
    theirs, ours = (seen["with an indicator"][whose]["data"]["indicators"]["STD;RSI"] for whose in ("theirs", "ours"))
    assert [row["timestamp"] for row in theirs] == [row["timestamp"] for row in ours]
    assert [row["index"] for row in theirs] == [row["index"] for row in ours]
    assert [list(row) for row in theirs] == [list(row) for row in ours]
    assert theirs[0]["0"] is None
    assert 0 < ours[0]["0"] < 100


@pytest.mark.parametrize("step", ["unknown", "no timeframe", "too many"])
def test_failures_are_told_in_the_same_shape(seen: Any, step: str) -> None:
    theirs, ours = _both(seen, step)
    assert list(theirs) == list(ours)
    assert (theirs["status"], theirs["data"]) == (ours["status"], ours["data"]) == ("failed", None)
    assert theirs["metadata"] == ours["metadata"]
    assert ours["error"]


def test_ticks_have_the_same_fields(seen: Any) -> None:
    theirs = [name for name in seen["ticks"]["theirs"] if name != "indicators"]  # ours are there where asked for
    assert theirs == seen["ticks"]["ours"]


def test_the_same_indicators_are_listed(seen: Any) -> None:
    assert seen["indicators"]["theirs"]["data"] == seen["indicators"]["ours"]


def test_files_are_named_alike(seen: Any) -> None:
    theirs, ours = seen["exports"]["names"]
    assert re.fullmatch(r"get_candles_aapl_\d{8}-\d{6}.json", theirs)
    assert re.fullmatch(r"ohlcv_aapl_1m_\d{8}-\d{6}.json", ours)
