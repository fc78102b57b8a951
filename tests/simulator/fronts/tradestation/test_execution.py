import asyncio
from typing import Any

import pytest

from .conftest import FUTURES, MARGIN

ORDERS = "/v3/orderexecution/orders"
DAY = {"Duration": "DAY"}


def order(**fields: Any) -> dict[str, Any]:
    return {
        "AccountID": MARGIN,
        "Symbol": "AMD",
        "Quantity": "10",
        "OrderType": "Limit",
        "LimitPrice": "50.00",
        "TradeAction": "BUY",
        "TimeInForce": DAY,
    } | fields


def future(wire: Any) -> str:
    symbol: str = wire.simulator.exchange.market.universe.contracts("MES")[0].symbol
    return symbol


async def test_placed_order_is_acknowledged_in_words(wire: Any) -> None:
    placed = await wire.place(OrderType="Limit", LimitPrice="50.5")
    assert placed["Message"] == "Sent order: Buy 10 AMD @ 50.50 Limit"
    assert list(placed) == ["Message", "OrderID"]
    stop = await wire.place(
        AccountID=FUTURES, Symbol=future(wire), Quantity="1", OrderType="StopMarket", StopPrice="9000"
    )
    assert stop["Message"].endswith("@ 9000.00 Stop Market")
    assert (await wire.place())["Message"] == "Sent order: Buy 10 AMD @ Market"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"TradeAction": "BUYTOCOVER"}, "EC602: You are short 0.00 shares!"),
        ({"TradeAction": "SELL"}, "EC601: You are long 0.00 shares!"),
        ({"Symbol": "KO", "TradeAction": "SELLSHORT"}, "EC701: You are long 200.00 shares!"),
        ({"Symbol": "NOPE1"}, "Invalid symbol."),
        ({"Quantity": "1000000"}, "Insufficient buying power."),
        ({"OrderType": "Limit"}, "A price is missing"),
        ({"TimeInForce": {"Duration": "DYP"}}, "extended hours"),
        ({"TradeAction": "BUYTOOPEN"}, "Stock orders must be"),
        ({"Symbol": "AMD 261218C160"}, "Option orders must say"),
        ({"AccountID": FUTURES}, "not authorized"),
        ({"AccountID": "SIM0"}, "Invalid Account ID."),
    ],
)
async def test_failed_order_is_answered_with_200(wire: Any, fields: dict[str, Any], text: str) -> None:
    failed = await wire.place(**fields)
    assert failed["Error"] == "FAILED"
    assert failed["Message"].startswith("Order failed. Reason: ")
    assert text in failed["Message"]


async def test_buying_what_is_short_is_refused(wire: Any) -> None:
    await wire.place(TradeAction="SELLSHORT")
    assert "EC702: You are short 10.00 shares!" in (await wire.place())["Message"]


async def test_futures_take_buy_and_sell_only(wire: Any) -> None:
    failed = await wire.place(AccountID=FUTURES, Symbol=future(wire), TradeAction="SELLSHORT")
    assert "BUY or SELL" in failed["Message"]


async def test_failures_may_come_in_the_other_list(start: Any) -> None:
    wire = await start(failures_in="Errors")
    status, body = await wire.call("POST", ORDERS, order(Symbol="NOPE1"))
    assert (status, body["Orders"]) == (200, [])
    assert body["Errors"][0]["Error"] == "FAILED"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"AccountID": MARGIN},
        order(OrderType="Wish"),
        order(TradeAction="HOLD"),
        order(TimeInForce={"Duration": "EVER"}),
        order(TimeInForce={"Duration": "GTD"}),
        order(TimeInForce={"Duration": "GTD", "Expiration": "soon"}),
        order(TimeInForce={"Duration": "GTD", "Expiration": "2001-01-01T00:00:00Z"}),
        order(Quantity="many"),
        order(Quantity=""),
        order(LimitPrice="NaN"),
        order(Symbol=None),
        order(OrderConfirmID="x" * 23),
        order(AdvancedOptions={"MarketActivationRules": [{"Symbol": "NOPE1", "Predicate": "Gt", "Price": "1"}]}),
        order(AdvancedOptions={"TimeActivationRules": [{"TimeUtc": "noon"}]}),
        order(OSOs=[{"Type": "Odd", "Orders": []}]),
        order(OSOs=[{"Type": "OCO", "Orders": []}]),
    ],
)
async def test_malformed_order_is_a_bad_request(wire: Any, body: dict[str, Any]) -> None:
    status, answer = await wire.call("POST", ORDERS, body)
    assert (status, answer["Error"]) == (400, "BadRequest")


async def test_confirm_id_can_be_used_once(wire: Any) -> None:
    await wire.place(OrderConfirmID="c7f1a09be2d84c5f9a3310")
    again = await wire.place(OrderConfirmID="c7f1a09be2d84c5f9a3310")
    assert again["Error"] == "FAILED"
    assert "unique" in again["Message"]
    assert "OrderConfirmID" in again["Message"]


async def test_rejected_by_fault_with_its_reason(wire: Any) -> None:
    wire.simulator.faults.set("reject_order:No thanks", times=1)
    assert "No thanks" in (await wire.place())["Message"]
    assert "Error" not in await wire.place()


async def test_late_rejection_comes_on_the_stream_with_its_reason(wire: Any) -> None:
    wire.simulator.faults.set("reject_order:No thanks", late=True, times=1)
    async with wire.stream(f"/v3/brokerage/stream/accounts/{MARGIN}/orders") as lines:
        placed = await wire.place()
        frames = await lines.until(lambda f: f.get("Status") == "REJ")
    assert placed["Message"].startswith("Sent order")
    assert [f["Status"] for f in frames if "Status" in f] == ["ACK", "REJ"]
    assert frames[-1]["RejectReason"] == "No thanks"


async def test_parent_and_children_are_answered_in_order(wire: Any) -> None:
    exits = [
        order(TradeAction="SELL", LimitPrice="900.00"),
        order(TradeAction="SELL", OrderType="StopMarket", AdvancedOptions={"TrailingStop": {"Percent": "3.5"}}),
    ]
    _, body = await wire.call("POST", ORDERS, order(OSOs=[{"Type": "BRK", "Orders": exits}]))
    ids = [int(each["OrderID"]) for each in body["Orders"]]
    assert ids == [ids[0], ids[0] + 1, ids[0] + 2]
    parent, target, stop = (await wire.get(f"/v3/brokerage/accounts/{MARGIN}/orders"))["Orders"][::-1]
    assert (parent["Status"], target["Status"], stop["Status"]) == ("ACK", "OSO", "OSO")
    assert {"Relationship": "OSP", "OrderID": str(ids[0])} in target["ConditionalOrders"]
    assert {"Relationship": "BRK", "OrderID": str(ids[1])} in stop["ConditionalOrders"]


async def test_group_is_answered_per_sibling(wire: Any) -> None:
    group = {"Type": "OCO", "Orders": [order(), order(LimitPrice="40.00")]}
    _, body = await wire.call("POST", "/v3/orderexecution/ordergroups", group)
    assert len(body["Orders"]) == 2
    orders = (await wire.get(f"/v3/brokerage/accounts/{MARGIN}/orders"))["Orders"]
    assert {o["GroupName"] for o in orders} == {orders[0]["GroupName"]}
    assert orders[0]["GroupName"].startswith("OCO ")


async def test_group_with_a_bad_order_places_nothing(wire: Any) -> None:
    group = {"Type": "NORMAL", "Orders": [order(), order(Symbol="NOPE1")]}
    _, body = await wire.call("POST", "/v3/orderexecution/ordergroups", group)
    assert [each["Error"] for each in body["Orders"]] == ["FAILED"]
    assert (await wire.get(f"/v3/brokerage/accounts/{MARGIN}/orders"))["Orders"] == []


async def test_bracket_needs_one_symbol_and_side(wire: Any) -> None:
    group = {"Type": "BRK", "Orders": [order(), order(TradeAction="SELL")]}
    assert (await wire.call("POST", "/v3/orderexecution/ordergroups", group))[0] == 400


async def test_confirmation_places_nothing(wire: Any) -> None:
    _, body = await wire.call("POST", "/v3/orderexecution/orderconfirm", order())
    (confirmation,) = body["Confirmations"]
    assert confirmation["SummaryMessage"] == "Buy 10 AMD @ 50.00 Limit"
    assert len(confirmation["OrderConfirmID"]) == 22
    assert (confirmation["OrderAssetCategory"], confirmation["EstimatedCost"]) == ("EQUITY", "500")
    assert (await wire.get(f"/v3/brokerage/accounts/{MARGIN}/orders"))["Orders"] == []


async def test_confirmation_of_a_future_and_of_a_spread(wire: Any) -> None:
    contract = order(AccountID=FUTURES, Symbol=future(wire), Quantity="1", OrderType="Market")
    _, body = await wire.call("POST", "/v3/orderexecution/orderconfirm", contract)
    assert body["Confirmations"][0]["InitialMarginDisplay"].endswith(".00 USD")
    day = f"{wire.simulator.exchange.market.universe.expirations('SPY')[4]:%y%m%d}"
    legs = [
        {"Symbol": f"SPY {day}P640", "Quantity": "2", "TradeAction": "SELLTOOPEN"},
        {"Symbol": f"SPY {day}P635", "Quantity": 2, "TradeAction": "BUYTOOPEN"},
    ]
    spread = {"AccountID": MARGIN, "OrderType": "Limit", "LimitPrice": "-0.85", "TimeInForce": DAY, "Legs": legs}
    _, body = await wire.call("POST", "/v3/orderexecution/orderconfirm", spread)
    (confirmation,) = body["Confirmations"]
    assert (confirmation["OrderAssetCategory"], confirmation["LimitPrice"]) == ("OPTION", "-0.85")
    assert [leg["TradeAction"] for leg in confirmation["Legs"]] == ["SELLTOOPEN", "BUYTOOPEN"]


async def test_confirmation_of_a_group_and_of_children(wire: Any) -> None:
    child = order(TradeAction="SELL", LimitPrice="900.00", TimeInForce={"Duration": "GTD", "Expiration": soon(wire)})
    group = {"Type": "NORMAL", "Orders": [order(OSOs=[{"Type": "NORMAL", "Orders": [child]}])]}
    _, body = await wire.call("POST", "/v3/orderexecution/ordergroupconfirm", group)
    assert len(body["Confirmations"]) == 2
    assert "Expiration" in body["Confirmations"][1]["TimeInForce"]
    status, _ = await wire.call("POST", "/v3/orderexecution/orderconfirm", order(Symbol="NOPE1"))
    assert status == 400


def soon(wire: Any) -> str:
    day = wire.simulator.exchange.market.universe.expirations("AMD")[1]
    return f"{day}T00:00:00Z"


async def test_replace_is_acknowledged_first_and_carried_out_later(wire: Any) -> None:
    placed = await wire.place(OrderType="Limit", LimitPrice="50.00")
    path = f"{ORDERS}/{placed['OrderID']}"
    status, body = await wire.call("PUT", path, {"Quantity": "7", "LimitPrice": "51.25", "OrderType": "Limit"})
    assert (status, body) == (200, {"Message": "Cancel/Replace order sent.", "OrderID": placed["OrderID"]})
    async with wire.stream(f"/v3/brokerage/stream/accounts/{MARGIN}/orders/{placed['OrderID']}") as lines:
        frames = await lines.until(lambda f: f.get("LimitPrice") == "51.25")
    assert frames[0]["LimitPrice"] == "50"
    assert frames[-1]["Legs"][0]["QuantityOrdered"] == "7"


async def test_replace_to_market_fills(wire: Any) -> None:
    placed = await wire.place(OrderType="Limit", LimitPrice="50.00")
    await wire.call("PUT", f"{ORDERS}/{placed['OrderID']}", {"OrderType": "Market"})
    async with wire.stream(f"/v3/brokerage/stream/accounts/{MARGIN}/orders") as lines:
        await lines.until(lambda f: f.get("Status") == "FLL")


async def test_replaced_options_show_in_the_order(wire: Any) -> None:
    placed = await wire.place(OrderType="Limit", LimitPrice="50.00")
    rules = [{"RuleType": "Price", "Symbol": "AMD", "Predicate": "Gt", "TriggerKey": "STT", "Price": "1"}]
    options = {
        "ShowOnlyQuantity": "5",
        "TrailingStop": {"Amount": "2.11"},
        "MarketActivationRules": {"ClearAll": False, "Rules": rules},
        "TimeActivationRules": {"ClearAll": True, "Rules": []},
    }
    status, _ = await wire.call("PUT", f"{ORDERS}/{placed['OrderID']}", {"AdvancedOptions": options})
    assert status == 200
    async with wire.stream(f"/v3/brokerage/stream/accounts/{MARGIN}/orders") as lines:
        changed = (await lines.until(lambda f: "ShowOnlyQuantity" in f))[-1]
    assert changed["TrailingStop"] == {"Amount": "2.11"}
    assert changed["MarketActivationRules"][0]["Symbol"] == "AMD"


@pytest.mark.parametrize(
    "body", [{}, {"OrderType": "StopMarket"}, {"Quantity": "x"}, {"Quantity": 1, "AdvancedOptions": 5}]
)
async def test_bad_replacements(wire: Any, body: dict[str, Any]) -> None:
    placed = await wire.place(OrderType="Limit", LimitPrice="50.00")
    assert (await wire.call("PUT", f"{ORDERS}/{placed['OrderID']}", body))[0] == 400


async def test_cancel_messages(wire: Any) -> None:
    async def cancel(order_id: str) -> tuple[int, str]:
        status, body = await wire.call("DELETE", f"{ORDERS}/{order_id}")
        return status, body["Message"]

    placed = await wire.place(OrderType="Limit", LimitPrice="50.00")
    filled = await wire.place()
    assert await cancel(placed["OrderID"]) == (200, "Cancel request sent")
    attempted = (400, "Cancel/Replace not allowed after cancel has been attempted")
    assert await cancel(placed["OrderID"]) == attempted
    assert await cancel(filled["OrderID"]) == (400, "Not an open order.")
    assert await cancel("123") == (400, "Invalid order ID.")
    assert await cancel("abc") == (400, "Invalid order ID.")
    status, body = await wire.call("PUT", f"{ORDERS}/{filled['OrderID']}", {"Quantity": "5"})
    assert (status, body["Message"]) == (400, "Failed to Cancel/Replace order: Not an open order.")


async def test_triggered_stop_cannot_be_replaced(wire: Any) -> None:
    market = wire.simulator.exchange.market
    await wire.place()
    stop = str(market.last_trade("AMD").price + 1)
    placed = await wire.place(TradeAction="SELL", OrderType="StopLimit", StopPrice=stop, LimitPrice="900.00")
    found = wire.simulator.exchange.find(int(placed["OrderID"]))
    assert found.is_triggered
    found.type = "stop"
    status, body = await wire.call("PUT", f"{ORDERS}/{placed['OrderID']}", {"Quantity": "5"})
    assert status == 400
    assert "prior stop already triggered" in body["Message"]


async def test_routes_and_triggers(wire: Any) -> None:
    routes = (await wire.get("/v3/orderexecution/routes"))["Routes"]
    assert list(routes[0]) == ["Id", "AssetTypes", "Name"]
    triggers = (await wire.get("/v3/orderexecution/activationtriggers"))["ActivationTriggers"]
    assert {t["Key"] for t in triggers} == {
        "STT", "STTN", "SBA", "SAB", "DTT", "DTTN", "DBA", "DAB", "TTT", "TTTN", "TBA", "TAB",
    }  # fmt: skip


async def test_some_advanced_options_can_be_replaced_and_others_left(wire: Any) -> None:
    placed = await wire.place(OrderType="Limit", LimitPrice="50.00")
    path = f"{ORDERS}/{placed['OrderID']}"
    rules = [{"RuleType": "Price", "Symbol": "AMD", "Predicate": "Gt", "TriggerKey": "STT", "Price": "1"}]
    for options in (
        {"MarketActivationRules": {"ClearAll": False, "Rules": rules}},
        {"ShowOnlyQuantity": "5"},
        {"TimeActivationRules": {"ClearAll": True, "Rules": []}},
    ):
        assert (await wire.call("PUT", path, {"AdvancedOptions": options}))[0] == 200
        await asyncio.sleep(1)
    async with wire.stream(f"/v3/brokerage/stream/accounts/{MARGIN}/orders/{placed['OrderID']}") as lines:
        found = await lines.frame()
    assert found["ShowOnlyQuantity"] == "5"
    assert found["MarketActivationRules"][0]["Symbol"] == "AMD"


async def test_order_for_nothing_is_refused(wire: Any) -> None:
    assert "Error" in await wire.place(Quantity="0")


async def test_confirmation_of_options_at_the_market_and_of_a_covered_call(wire: Any) -> None:
    market = wire.simulator.exchange.market
    day = f"{market.universe.expirations('AMD')[3]:%y%m%d}"
    strike = market.universe.strikes("AMD")[20].normalize()
    call = f"AMD {day}C{strike:f}"
    single = order(Symbol=call, Quantity="1", OrderType="Market", LimitPrice=None, TradeAction="BUYTOOPEN")
    _, body = await wire.call("POST", "/v3/orderexecution/orderconfirm", single)
    (confirmed,) = body["Confirmations"]
    assert "LimitPrice" not in confirmed
    assert "Spread" not in confirmed
    assert confirmed["Legs"][0]["OptionType"] == "CALL"
    legs = [
        {"Symbol": call, "Quantity": "1", "TradeAction": "SELLTOOPEN"},
        {"Symbol": "AMD", "Quantity": "100", "TradeAction": "BUY"},
    ]
    covered = {name: value for name, value in order(LimitPrice="90").items() if name not in ("Symbol", "TradeAction")}
    status, body = await wire.call("POST", "/v3/orderexecution/orderconfirm", covered | {"Legs": legs})
    assert status == 200, body
    option, stock = body["Confirmations"][0]["Legs"]
    assert "StrikePrice" not in stock
    assert "StrikePrice" in option
