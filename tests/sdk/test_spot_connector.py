from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def seen(run_sdk: Callable[..., Any]) -> Any:
    return run_sdk("spot_connector", venue="binance")


def test_no_step_fails_and_no_limit_is_broken(seen: Any) -> None:
    assert seen.errors() == {}
    assert seen["end"] == {}
    assert seen.violations() == []


def test_symbols_are_listed_with_their_filters(seen: Any) -> None:
    (symbol,) = seen["symbol"]["result"]["symbols"]
    assert (symbol["symbol"], symbol["baseAsset"], symbol["quoteAsset"]) == ("BTCUSDT", "BTC", "USDT")
    assert len(symbol["filters"]) >= 5
    assert len(seen["symbols"]["result"]["symbols"]) > 100
    assert seen["execution rules"]["result"]["symbolRules"][0]["symbol"] == "BTCUSDT"


@pytest.mark.parametrize("step", ["bars", "ui bars"])
def test_history_comes_without_a_hole(seen: Any, step: str) -> None:
    rows = seen[step]["result"]
    assert len(rows) == 50
    assert {later[0] - earlier[0] for earlier, later in pairwise(rows)} == {MINUTE_MS}


@pytest.mark.parametrize(("step", "key"), [("trades", "id"), ("older trades", "id"), ("aggregate trades", "a")])
def test_trades_are_listed_without_a_hole(seen: Any, step: str, key: str) -> None:
    ids = [row[key] for row in seen[step]["result"]]
    assert ids == list(range(ids[0], ids[0] + 50))


def test_quotes_and_tickers_agree(seen: Any) -> None:
    quote = seen["quote"]["result"]
    bid, ask = float(quote["bidPrice"]), float(quote["askPrice"])
    assert 0 < bid < ask
    for step, key in [
        ("price", "price"),
        ("day", "lastPrice"),
        ("window", "lastPrice"),
        ("trading day", "lastPrice"),
        ("average", "price"),
        ("reference price", "referencePrice"),
    ]:
        assert float(seen[step]["result"][key]) == pytest.approx(bid, rel=0.05), step
    assert len(seen["book"]["result"]["bids"]) == len(seen["book"]["result"]["asks"]) == 50


def test_orders_rest_are_cancelled_and_fill(seen: Any) -> None:
    filled, resting = seen["market"]["result"], seen["limit"]["result"]
    assert (filled["status"], resting["status"]) == ("FILLED", "NEW")
    assert [order["orderId"] for order in seen["open orders"]["result"]] == [resting["orderId"]]
    assert [order["status"] for order in seen["orders"]["result"]] == ["FILLED", "CANCELED"]
    assert {fill["orderId"] for fill in seen["fills"]["result"]} == {filled["orderId"]}
    assert seen["account"]["result"]["canTrade"] is True


@pytest.mark.parametrize(
    ("stream", "event"),
    [
        ("trade", "trade"),
        ("aggregate_trade", "aggTrade"),
        ("bar", "kline"),
        ("ticker", "24hrTicker"),
        ("mini_ticker", "24hrMiniTicker"),
        ("window", "1hTicker"),
        ("average", "avgPrice"),
        ("reference_price", "referencePrice"),
        ("book_changes", "depthUpdate"),
    ],
)
def test_streams_deliver_their_events(seen: Any, stream: str, event: str) -> None:
    message = seen["messages"][stream]
    assert (message["e"], message["s"]) == (event, "BTCUSDT")


def test_streams_deliver_quotes_and_books(seen: Any) -> None:
    messages = seen["messages"]
    assert float(messages["quote"]["b"]) < float(messages["quote"]["a"])
    assert len(messages["book"]["bids"]) == len(messages["book"]["asks"]) == 10
    assert messages["all_mini_tickers"][0]["e"] == "24hrMiniTicker"


def test_the_websocket_api_answers_as_the_requests_do(seen: Any) -> None:
    results = {step: seen[f"api {step}"]["result"] for step in ("time", "book", "trades", "bars", "quote", "account")}
    assert {answer["status"] for answer in results.values()} == {200}
    assert seen["api market"]["result"]["result"]["status"] == "FILLED"
    assert seen["api open orders"]["result"]["result"] == []
