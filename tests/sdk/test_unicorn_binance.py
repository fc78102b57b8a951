from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

CHANNELS = ["trade", "aggTrade", "bookTicker", "kline_1m", "depth@100ms", "depth20", "miniTicker", "ticker", "avgPrice"]


@pytest.fixture(scope="module")
def seen(run_sdk: Callable[..., Any]) -> Any:
    return run_sdk("unicorn_binance", venue="binance")


def test_no_step_fails_and_no_limit_is_broken(seen: Any) -> None:
    assert seen.errors() == {}
    assert seen["end"] == {}
    assert seen.violations() == []


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_stream_delivers(seen: Any, channel: str) -> None:
    counts, first = seen["streams"]["counts"], seen["streams"]["first"]
    assert counts[f"btcusdt@{channel}"] > 0
    assert counts[f"ethusdt@{channel}"] > 0
    assert first[f"btcusdt@{channel}"].get("s", "BTCUSDT") == "BTCUSDT"


def test_book_changes_follow_on_each_other(seen: Any) -> None:
    depths = seen["streams"]["depths"]
    assert len(depths) >= 20
    assert all(later[0] == earlier[1] + 1 for earlier, later in pairwise(depths))


def test_streams_are_added_and_removed_while_it_runs(seen: Any) -> None:
    told = seen["stream"]
    assert (told["status"], told["subscriptions"]) == ("running", 2 * len(CHANNELS))
    assert told["subscribed"]
    assert told["unsubscribed"]


@pytest.mark.parametrize("step", ["time", "symbol", "book", "trades", "bars", "account", "open orders"])
def test_the_websocket_api_answers(seen: Any, step: str) -> None:
    assert seen[step]["status"] == 200


def test_an_order_fills_and_the_accounts_stream_tells_it(seen: Any) -> None:
    assert seen["market"]["result"]["status"] == "FILLED"
    reports = [event for event in seen["account events"]["events"] if event["e"] == "executionReport"]
    assert reports[0]["X"] == "NEW"
    assert reports[-1]["X"] == "FILLED"
    assert {report["i"] for report in reports} == {seen["market"]["result"]["orderId"]}
