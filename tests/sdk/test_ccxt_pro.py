from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

SYMBOL = "BTC/USDT"
MINUTE_MS = 60_000
DAY_MS = 1440 * MINUTE_MS


@pytest.fixture(scope="module")
def seen(run_sdk: Callable[..., Any]) -> Any:
    return run_sdk("ccxt_pro", venue="binance")


def test_no_step_fails_and_no_limit_is_broken(seen: Any) -> None:
    assert seen.errors() == {}
    assert seen["end"] == {}
    assert seen.violations() == []


def test_symbols_and_currencies_are_loaded(seen: Any) -> None:
    market = seen["symbols"]["market"]
    assert (market["id"], market["base"], market["quote"], market["spot"]) == ("BTCUSDT", "BTC", "USDT", True)
    assert market["precision"]["price"] == pytest.approx(0.01)
    assert {"BTC", "ETH", "USDT", "EUR"} <= set(seen["currencies"]["codes"])
    assert seen["status"]["result"]["status"] == "ok"
    assert seen["time"]["result"] > 1_700_000_000_000


@pytest.mark.parametrize(
    ("step", "length_ms", "count"), [("minutes", MINUTE_MS, 500), ("days", DAY_MS, 90), ("weeks", 7 * DAY_MS, 4)]
)
def test_history_comes_without_a_hole(seen: Any, step: str, length_ms: int, count: int) -> None:
    rows = seen[step]["result"]
    assert len(rows) == count
    assert {later[0] - earlier[0] for earlier, later in pairwise(rows)} == {length_ms}
    assert all(low <= min(first, last) <= max(first, last) <= high for _, first, high, low, last, _ in rows)


def test_trades_and_quotes_are_told(seen: Any) -> None:
    trades = seen["trades"]["result"]
    assert len(trades) == 50
    assert {trade["side"] for trade in trades} == {"buy", "sell"}
    ticker = seen["ticker"]["result"]
    assert 0 < ticker["bid"] < ticker["ask"]
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert seen["tickers"]["symbols"] == seen["symbols"]["symbols"]
    assert set(seen["quotes"]["result"]) == {SYMBOL, "ETH/USDT"}
    assert seen["last prices"]["result"][SYMBOL]["price"] == pytest.approx(ticker["last"], rel=0.01)
    assert len(seen["book"]["result"]["bids"]) == len(seen["book"]["result"]["asks"]) == 50


def test_streams_deliver(seen: Any) -> None:
    assert seen["watched trades"]["result"][0]["symbol"] == SYMBOL
    assert seen["trades of two"]["result"][0]["symbol"] in {SYMBOL, "ETH/USDT"}
    assert seen["watched ticker"]["result"]["last"] > 0
    assert all(quote["bid"] < quote["ask"] for quote in seen["watched quotes"]["result"].values())
    (bar,) = seen["watched bars"]["result"]
    assert bar[0] % MINUTE_MS == 0
    assert seen["unwatched trades"]["result"] is True


def test_a_book_is_kept_from_one_snapshot(seen: Any) -> None:
    book = seen["kept book"]["result"]
    nonces = [nonce for nonce, _, _ in book]
    assert len(book) == 20
    assert nonces == sorted(nonces)
    assert all(bid < ask for _, bid, ask in book)
    asked_for_itself = 1
    assert seen.requests("/api/v3/depth") == asked_for_itself + 1


def test_orders_rest_are_edited_cancelled_and_fill(seen: Any) -> None:
    resting, edited, filled = (seen[step]["result"] for step in ("limit", "edit", "market"))
    assert resting["status"] == "open"
    assert [order["id"] for order in seen["open orders"]["result"]] == [resting["id"]]
    assert seen["order"]["result"]["status"] == "open"
    assert (edited["status"], edited["amount"]) == ("open", 0.002)
    assert seen["cancel"]["result"]["status"] == "canceled"
    assert (filled["status"], filled["filled"]) == ("closed", 0.01)
    statuses = {order["id"]: order["status"] for order in seen["orders"]["result"]}
    assert statuses == {resting["id"]: "canceled", edited["id"]: "canceled", filled["id"]: "closed"}
    assert {fill["order"] for fill in seen["fills"]["result"]} == {filled["id"]}


def test_the_accounts_streams_tell_the_same(seen: Any) -> None:
    filled = seen["market"]["result"]
    assert any(order["id"] == filled["id"] for order in seen["watched orders"]["result"])
    assert {fill["order"] for fill in seen["watched fills"]["result"]} == {filled["id"]}
    assert seen["watched balance"]["free"]["USDT"] < seen["balance"]["free"]["USDT"]


def test_fees_are_told(seen: Any) -> None:
    assert seen["fee"]["result"]["taker"] == 0.001
    assert seen["fees"]["symbols"] == seen["symbols"]["symbols"]


def test_the_websocket_api_trades_too(seen: Any) -> None:
    assert {"BTC", "USDT"} <= {row["asset"] for row in seen["api balance"]["balances"]}
    assert len(seen["api bars"]["result"]) == len(seen["api trades"]["result"]) == 5
    assert seen["api market"]["result"]["status"] == "closed"
    resting = seen["api limit"]["result"]
    assert [order["id"] for order in seen["api open orders"]["result"]] == [resting["id"]]
    assert seen["api order"]["result"]["status"] == "open"
    assert seen["api cancel"]["result"]["status"] == "canceled"
    assert {fill["order"] for fill in seen["api fills"]["result"]} >= {seen["api market"]["result"]["id"]}


def test_a_client_without_asyncio_works_too(seen: Any) -> None:
    told = seen["client of the other kind"]
    assert told["markets"] == len(seen["symbols"]["symbols"])
    assert told["last"] > 0
