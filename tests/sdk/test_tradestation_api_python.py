from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="module")
def seen(run_sdk: Callable[..., Any]) -> Any:
    return run_sdk("tradestation_api_python", venue="tradestation")


def only(found: dict[str, Any]) -> dict[str, Any]:
    (one,) = found["result"]["Orders"]
    return dict(one)


def test_no_step_fails_and_no_limit_is_broken(seen: Any) -> None:
    assert seen.errors() == {}
    assert seen["end"] == {}
    assert seen.violations() == []


def test_a_token_is_given_for_the_refresh_token(seen: Any) -> None:
    assert seen["token"]["length"] > 100


def test_accounts_balances_and_positions_are_told(seen: Any) -> None:
    accounts = seen["accounts"]["result"]
    assert {"Margin", "Futures"} <= {account["AccountType"] for account in accounts}
    numbers = {account["AccountID"] for account in accounts[:2]}
    balances = seen["balances"]["result"]["Balances"]
    assert {balance["AccountID"] for balance in balances} == numbers
    assert all(float(balance["CashBalance"]) > 0 for balance in balances)
    days = seen["balances at the beginning of the day"]["result"]["BODBalances"]
    assert {balance["AccountID"] for balance in days} == numbers
    positions = seen["positions"]["result"]["Positions"]
    assert {position["AccountID"] for position in positions} <= numbers
    assert all(float(position["Quantity"]) for position in positions)


def test_past_orders_are_told(seen: Any) -> None:
    found = seen["historical orders"]["result"]["Orders"]
    assert len(found) == 5
    assert seen["historical order"]["result"]["Orders"][0]["OrderID"] == found[0]["OrderID"]


def test_quotes_and_symbols_are_told(seen: Any) -> None:
    quotes = seen["quotes"]["result"]
    assert [quote["Symbol"] for quote in quotes["Quotes"]] == ["AAPL", "MSFT"]
    assert [error["Symbol"] for error in quotes["Errors"]] == ["NOPE"]
    assert all(0 < float(quote["Bid"]) < float(quote["Ask"]) for quote in quotes["Quotes"])
    details = {detail["Symbol"]: detail["AssetType"] for detail in seen["symbols"]["result"]["Symbols"]}
    assert details == {"AAPL": "STOCK", "ESZ26": "FUTURE"}
    assert "BTCUSD" in seen["crypto symbols"]["result"]["SymbolNames"]


def test_bars_are_told(seen: Any) -> None:
    minutes, days = seen["minutes"]["result"]["Bars"], seen["days"]["result"]["Bars"]
    assert len(minutes) == 100
    assert [bar["Epoch"] for bar in minutes] == sorted({bar["Epoch"] for bar in minutes})
    assert 35 < len(days) < 62
    for bar in [*minutes, *days]:
        low, high = float(bar["Low"]), float(bar["High"])
        assert low <= float(bar["Open"]) <= high
        assert low <= float(bar["Close"]) <= high


def test_options_are_told(seen: Any) -> None:
    assert len(seen["expirations"]["result"]["Expirations"]) > 5
    assert "Vertical" in {each["Name"] for each in seen["spread types"]["result"]["SpreadTypes"]}
    assert len(seen["strikes"]["result"]["Strikes"]) > 10


@pytest.mark.parametrize(
    ("stream", "fields"),
    [
        ("quote", {"Symbol", "Bid", "Ask", "Last"}),
        ("bar", {"Open", "High", "Low", "Close", "Epoch", "BarStatus"}),
        ("depth", {"Bids", "Asks"}),
        ("aggregate", {"Bids", "Asks"}),
        ("chain", {"Legs", "Bid", "Ask", "Delta"}),
        ("option", {"Legs", "Bid", "Ask"}),
        ("position", {"AccountID", "Symbol", "Quantity"}),
    ],
)
def test_streams_deliver(seen: Any, stream: str, fields: set[str]) -> None:
    frames = seen[f"{stream} stream"]["result"]
    assert len(frames) >= 2
    assert fields <= set(frames[0])


def test_orders_are_confirmed_before_they_are_placed(seen: Any) -> None:
    (confirmation,) = seen["confirmation"]["result"]["Confirmations"]
    assert float(confirmation["EstimatedCost"]) > 0
    assert len(seen["group confirmation"]["result"]["Confirmations"]) == 2
    assert "Intelligent" in {route["Id"] for route in seen["routes"]["result"]["Routes"]}
    assert "STT" in {trigger["Key"] for trigger in seen["triggers"]["result"]["ActivationTriggers"]}


def test_an_order_rests_is_replaced_and_cancelled(seen: Any) -> None:
    number = only(seen["limit"])["OrderID"]
    resting, replaced, cancelled = (only(seen[step]) for step in ("resting", "replaced", "cancelled"))
    assert {order["OrderID"] for order in (resting, replaced, cancelled)} == {number}
    assert (resting["Status"], resting["Legs"][0]["QuantityOrdered"]) == ("ACK", "40")
    assert (replaced["Status"], replaced["Legs"][0]["QuantityOrdered"]) == ("ACK", "30")
    assert cancelled["Status"] == "OUT"
    assert seen["replace"]["result"]["OrderID"] == seen["cancel"]["result"]["OrderID"] == number


def test_an_order_fills_and_becomes_a_position(seen: Any) -> None:
    assert only(seen["filled"])["Status"] == "FLL"
    positions = seen["positions afterwards"]["result"]["Positions"]
    assert {"AMD": "50"}.items() <= {each["Symbol"]: each["Quantity"] for each in positions}.items()


def test_a_group_is_placed_and_cancelled(seen: Any) -> None:
    placed = seen["group"]["result"]["Orders"]
    assert len({order["OrderID"] for order in placed}) == 2
    assert seen["group cancel"]["result"]["OrderID"] == placed[0]["OrderID"]


def test_the_stream_of_orders_tells_all_of_it(seen: Any) -> None:
    frames = [frame for frame in seen["order frames"]["frames"] if "OrderID" in frame]
    resting, filled = only(seen["limit"])["OrderID"], only(seen["market"])["OrderID"]
    statuses = [frame["Status"] for frame in frames if frame["OrderID"] == resting]
    assert statuses[0] == "ACK"
    assert statuses[-1] == "OUT"
    assert [frame["Status"] for frame in frames if frame["OrderID"] == filled][-1] == "FLL"
    pair = {order["OrderID"] for order in seen["group"]["result"]["Orders"]}
    assert {frame["OrderID"] for frame in frames} == {resting, filled, *pair}
