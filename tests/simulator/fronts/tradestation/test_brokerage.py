from datetime import date, timedelta
from typing import Any

import pytest

from .conftest import FUTURES, MARGIN

ROOT = "/v3/brokerage/accounts"
SINCE = f"{date.today() - timedelta(days=80)}"


async def test_accounts_have_details_unless_they_trade_futures(wire: Any) -> None:
    margin, futures = (await wire.get(ROOT))["Accounts"]
    assert list(margin) == ["AccountID", "Currency", "Status", "AccountType", "AccountDetail"]
    assert (margin["AccountID"], margin["AccountType"]) == (MARGIN, "Margin")
    assert list(futures) == ["AccountID", "Currency", "Status", "AccountType"]
    assert futures["AccountID"] == FUTURES


@pytest.mark.parametrize("name", ["balances", "bodbalances", "positions", "orders"])
async def test_unknown_account_is_an_error_beside_the_others(wire: Any, name: str) -> None:
    body = await wire.get(f"{ROOT}/{MARGIN},SIM9999999M/{name}")
    assert body["Errors"] == [{"AccountID": "SIM9999999M", "Error": "Forbidden", "Message": "Invalid Account ID."}]


async def test_more_than_twentyfive_accounts_are_refused(wire: Any) -> None:
    accounts = ",".join(f"A{n}" for n in range(26))
    assert (await wire.call("GET", f"{ROOT}/{accounts}/balances"))[0] == 400


async def test_positions_are_filtered_by_patterns(wire: Any) -> None:
    every = (await wire.get(f"{ROOT}/{MARGIN}/positions"))["Positions"]
    assert {p["Symbol"] for p in every} == {"KO", "IBM"}
    some = (await wire.get(f"{ROOT}/{MARGIN}/positions?symbol=K*,ZZ"))["Positions"]
    assert [p["Symbol"] for p in some] == ["KO"]


async def test_todays_orders_come_newest_first_and_by_status(wire: Any) -> None:
    await wire.place()
    resting = await wire.place(OrderType="Limit", LimitPrice="50.00")
    orders = (await wire.get(f"{ROOT}/{MARGIN}/orders"))["Orders"]
    assert orders[0]["OrderID"] == resting["OrderID"]
    for status, codes in (("Open", {"ACK"}), ("filled", {"FLL"}), ("Cancelled", set()), ("Rejected", set())):
        found = (await wire.get(f"{ROOT}/{MARGIN}/orders?status={status}"))["Orders"]
        assert {order["Status"] for order in found} == codes
    assert (await wire.call("GET", f"{ROOT}/{MARGIN}/orders?status=Odd"))[0] == 400


async def test_orders_by_id_report_the_missing(wire: Any) -> None:
    placed = await wire.place()
    body = await wire.get(f"{ROOT}/{MARGIN}/orders/{placed['OrderID']},77")
    assert [order["OrderID"] for order in body["Orders"]] == [placed["OrderID"]]
    assert body["Errors"] == [
        {"AccountID": MARGIN, "OrderID": "77", "Error": "NotFound", "Message": "Order not found."}
    ]


async def test_pages_follow_each_other_once(wire: Any) -> None:
    path = f"{ROOT}/{MARGIN}/historicalorders"
    every = (await wire.get(f"{path}?since={SINCE}"))["Orders"]
    page = await wire.get(f"{path}?since={SINCE}&pageSize=10")
    seen, first_token = page["Orders"], page["NextToken"]
    while "NextToken" in page:
        page = await wire.get(f"{path}?since={SINCE}&pageSize=10&nextToken={page['NextToken']}")
        seen += page["Orders"]
    assert [order["OrderID"] for order in seen] == [order["OrderID"] for order in every]
    assert len(every) > 20
    assert (await wire.call("GET", f"{path}?since={SINCE}&nextToken={first_token}"))[0] == 400
    whole = await wire.get(f"{path}?since={SINCE}&pageSize={len(every)}")
    assert "NextToken" not in whole


async def test_historical_orders_are_closed_and_sorted(wire: Any) -> None:
    orders = (await wire.get(f"{ROOT}/{MARGIN}/historicalorders?since={SINCE}"))["Orders"]
    closed = [order["ClosedDateTime"] for order in orders]
    assert closed == sorted(closed, reverse=True)
    order_id = orders[3]["OrderID"]
    body = await wire.get(f"{ROOT}/{MARGIN}/historicalorders/{order_id}?since={SINCE}")
    assert [order["OrderID"] for order in body["Orders"]] == [order_id]


@pytest.mark.parametrize("since", ["10-25-2026", "10/25/2026", "2026-10-25"])
async def test_since_is_read_in_every_form(since: str, wire: Any) -> None:
    status, body = await wire.call("GET", f"{ROOT}/{MARGIN}/historicalorders?since={since}")
    assert status == 200 or "90 days" in body["Message"]


@pytest.mark.parametrize("query", ["", "?since=soon", "?since=2001-01-01", f"?since={SINCE}&pageSize=601"])
async def test_bad_history_requests(wire: Any, query: str) -> None:
    assert (await wire.call("GET", f"{ROOT}/{MARGIN}/historicalorders{query}"))[0] == 400


async def test_balance_stream_that_some_clients_try_does_not_exist(wire: Any) -> None:
    status, body = await wire.call("GET", f"/v3/brokerage/stream/accounts/{MARGIN}/balances")
    assert (status, body["Error"]) == (404, "NotFound")
