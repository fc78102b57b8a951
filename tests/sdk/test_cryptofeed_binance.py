from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

SYMBOLS = {"BTC-USDT", "ETH-USDT"}


@pytest.fixture(scope="module")
def seen(run_sdk: Callable[..., Any]) -> Any:
    return run_sdk("cryptofeed_binance", venue="binance")


def test_no_step_fails_and_nothing_is_complained_of(seen: Any) -> None:
    assert seen.errors() == {}
    assert seen["end"] == {}
    assert seen["streams"]["complaints"] == []
    assert seen.violations() == []


def test_symbols_are_listed(seen: Any) -> None:
    assert set(seen["symbols"]["symbols"]) >= SYMBOLS | {"ETH-BTC"}


@pytest.mark.parametrize("kind", ["trades", "ticker", "candles", "l2_book"])
def test_every_channel_delivers_for_every_symbol(seen: Any, kind: str) -> None:
    assert set(seen["streams"]["counts"][kind]) == SYMBOLS


def test_what_is_delivered_makes_sense(seen: Any) -> None:
    last = seen["streams"]["last"]
    assert 0 < last["ticker"]["bid"] < last["ticker"]["ask"]
    assert last["trades"]["side"] in {"buy", "sell"}
    assert last["candles"]["low"] <= last["candles"]["close"] <= last["candles"]["high"]


def test_books_are_kept_from_one_snapshot_each(seen: Any) -> None:
    books = seen["streams"]["books"]
    assert len(books) >= 60
    assert all(bid < ask for _, _, bid, ask in books)
    for symbol in SYMBOLS:
        sequences = [sequence for each, sequence, _, _ in books if each == symbol]
        assert sequences == sorted(sequences)
    assert seen.requests("/api/v3/depth") == len(SYMBOLS)
    assert len([entry for entry in seen.journal if entry["kind"] == "dial"]) == 1


def test_history_comes_without_a_hole(seen: Any) -> None:
    starts = seen["history"]["starts"]
    assert len(starts) == 1000
    assert {later - earlier for earlier, later in pairwise(starts)} == {60.0}
    ids = [trade["id"] for trade in seen["trades"]["result"]]
    assert ids == list(range(ids[0], ids[0] + 1000))


def test_orders_rest_are_cancelled_and_fill(seen: Any) -> None:
    assert "USDT" in {row["asset"] for row in seen["balances"]["result"]}
    resting = seen["limit"]["result"]
    assert resting["status"] == "NEW"
    assert [order["orderId"] for order in seen["open orders"]["result"]] == [resting["orderId"]]
    assert seen["cancel"]["result"]["status"] == "CANCELED"
    assert seen["market"]["result"]["status"] == "FILLED"
