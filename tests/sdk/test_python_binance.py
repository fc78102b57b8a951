from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

MINUTE_MS = 60_000
DAY_MS = 1440 * MINUTE_MS


@pytest.fixture(scope="module")
def seen(run_sdk: Callable[..., Any]) -> Any:
    return run_sdk("python_binance", venue="binance")


def test_no_step_fails_and_no_limit_is_broken(seen: Any) -> None:
    assert seen.errors() == {}
    assert seen["end"] == {}
    assert seen.violations() == []


def test_symbols_are_listed_with_their_filters(seen: Any) -> None:
    assert {"BTCUSDT", "ETHUSDT", "ETHBTC"} <= set(seen["symbols"]["symbols"])
    assert {"REQUEST_WEIGHT", "ORDERS", "RAW_REQUESTS"} <= set(seen["symbols"]["limits"])
    symbol = seen["symbol"]["result"]
    assert (symbol["baseAsset"], symbol["quoteAsset"], symbol["status"]) == ("BTC", "USDT", "TRADING")
    assert {"PRICE_FILTER", "LOT_SIZE", "NOTIONAL"} <= {each["filterType"] for each in symbol["filters"]}


@pytest.mark.parametrize(("step", "length_ms", "least"), [("minutes", MINUTE_MS, 179), ("days", DAY_MS, 400)])
def test_history_comes_without_a_hole(seen: Any, step: str, length_ms: int, least: int) -> None:
    opens = seen[step]["opens"]
    assert len(opens) >= least
    assert {later - earlier for earlier, later in pairwise(opens)} == {length_ms}


def test_bars_are_bars(seen: Any) -> None:
    rows = seen["bars"]["rows"]
    assert len(rows) == 24
    for row in rows:
        opened, high, low, closed = map(float, row[1:5])
        assert low <= min(opened, closed) <= max(opened, closed) <= high
        assert row[6] == row[0] + 60 * MINUTE_MS - 1
    assert len(seen["ui bars"]["result"]) == 3


def test_trades_are_listed_without_a_hole(seen: Any) -> None:
    ids = [row["id"] for row in seen["trades"]["rows"]]
    assert ids == list(range(ids[0], ids[0] + 1000))
    assert len(seen["older trades"]["result"]) == 10
    assert len(seen["aggregate trades"]["result"]) == 10
    iterated = seen["aggregate iterator"]["ids"]
    assert iterated == list(range(iterated[0], iterated[0] + len(iterated)))


def test_quotes_and_tickers_agree(seen: Any) -> None:
    quote = seen["quote"]["result"]
    bid, ask = float(quote["bidPrice"]), float(quote["askPrice"])
    assert 0 < bid < ask
    assert float(seen["price"]["result"]["price"]) == pytest.approx(bid, rel=0.01)
    assert float(seen["day"]["result"]["lastPrice"]) == pytest.approx(bid, rel=0.01)
    assert float(seen["average"]["result"]["price"]) == pytest.approx(bid, rel=0.05)
    assert seen["all quotes"]["count"] == seen["all prices"]["count"] == len(seen["symbols"]["symbols"])
    assert seen["window"]["result"]["symbol"] == "BTCUSDT"
    assert len(seen["book"]["result"]["bids"]) == len(seen["book"]["result"]["asks"]) == 100


@pytest.mark.parametrize(
    ("socket", "event"),
    [("trade", "trade"), ("aggregate trade", "aggTrade"), ("bar", "kline"), ("ticker", "24hrTicker")],
)
def test_sockets_deliver_their_events(seen: Any, socket: str, event: str) -> None:
    messages = seen[f"{socket} socket"]["result"]
    assert [(message["e"], message["s"]) for message in messages] == [(event, "BTCUSDT")] * 3


def test_sockets_deliver_quotes_and_books(seen: Any) -> None:
    assert all(float(each["b"]) < float(each["a"]) for each in seen["quote socket"]["result"])
    assert all(len(each["bids"]) == len(each["asks"]) == 20 for each in seen["depth 20 socket"]["result"])
    changes = seen["depth socket"]["result"]
    assert all(later["U"] == earlier["u"] + 1 for earlier, later in pairwise(changes))
    assert all(message[0]["e"] == "24hrMiniTicker" for message in seen["mini tickers socket"]["result"])
    assert {each["stream"] for each in seen["several socket"]["result"]} <= {"btcusdt@trade", "ethusdt@bookTicker"}


def test_a_book_is_kept_from_one_snapshot(seen: Any) -> None:
    tops = seen["kept book"]["tops"]
    assert len(tops) == 20
    assert all(bid < ask for bid, ask in tops)
    assert seen["kept book"]["books"] == 1, "the package began anew with another snapshot"


def test_orders_rest_are_cancelled_and_fill(seen: Any) -> None:
    resting = seen["limit"]["result"]
    assert resting["status"] == "NEW"
    assert [each["orderId"] for each in seen["open orders"]["result"]] == [resting["orderId"]]
    assert seen["order"]["result"]["status"] == "NEW"
    assert seen["cancel"]["result"]["status"] == "CANCELED"
    filled = seen["market"]["result"]
    assert filled["status"] == "FILLED"
    assert sum(float(fill["qty"]) for fill in filled["fills"]) == pytest.approx(0.01)
    statuses = {each["orderId"]: each["status"] for each in seen["all orders"]["result"]}
    assert statuses == {resting["orderId"]: "CANCELED", filled["orderId"]: "FILLED"}
    assert {each["orderId"] for each in seen["fills"]["result"]} == {filled["orderId"]}


def test_the_accounts_stream_tells_the_same(seen: Any) -> None:
    events = seen["account events"]["events"]
    reports = [event for event in events if event["e"] == "executionReport"]
    statuses = [report["X"] for report in reports]
    assert statuses[:3] == ["NEW", "CANCELED", "NEW"]
    assert statuses[-1] == "FILLED"
    assert {report["i"] for report in reports} == {seen[step]["result"]["orderId"] for step in ("limit", "market")}
    assert "outboundAccountPosition" in {event["e"] for event in events}


def test_the_account_has_balances(seen: Any) -> None:
    assert seen["account"]["result"]["canTrade"] is True
    assert float(seen["balance"]["result"]["free"]) > 0
    assert seen["test order"]["result"] == {}


def test_the_websocket_api_answers_as_the_requests_do(seen: Any) -> None:
    assert seen["api time"]["result"]["serverTime"] > 1_700_000_000_000
    assert "symbols" in seen["api symbol"]["keys"]
    assert len(seen["api book"]["result"]["bids"]) == 5
    assert len(seen["api trades"]["result"]) == len(seen["api bars"]["result"]) == 5
    assert seen["api account"]["result"]["canTrade"] is True
    assert seen["api market"]["result"]["status"] == "FILLED"
    assert seen["api open orders"]["result"] == []


def test_a_client_without_asyncio_works_too(seen: Any) -> None:
    assert seen["client of the other kind"] == {"prices": seen["all prices"]["count"], "can_trade": True}
