import asyncio
from typing import Any

import pytest

from .conftest import FUTURES, MARGIN

STREAM = f"/v3/brokerage/stream/accounts/{MARGIN},{FUTURES}/orders"


async def test_snapshot_holds_todays_orders_and_ends(wire: Any) -> None:
    await wire.place()
    resting = await wire.place(OrderType="Limit", LimitPrice="50.00")
    async with wire.stream(STREAM) as lines:
        frames = await lines.until(lambda f: f.get("StreamStatus") == "EndSnapshot")
    assert [f["Status"] for f in frames[:-1]] == ["ACK", "FLL"]
    assert frames[0]["OrderID"] == resting["OrderID"]


async def test_frames_are_alphabetical_while_rest_is_not(wire: Any) -> None:
    placed = await wire.place()
    async with wire.stream(STREAM) as lines:
        frame = await lines.frame()
    rest = (await wire.get(f"/v3/brokerage/accounts/{MARGIN}/orders/{placed['OrderID']}"))["Orders"][0]
    assert list(frame) == sorted(frame)
    assert list(frame["Legs"][0]) == sorted(frame["Legs"][0])
    assert list(rest)[:4] == ["AccountID", "CommissionFee", "ClosedDateTime", "Currency"]
    assert next(iter(rest["Legs"][0])) == "OpenOrClose"
    assert {k: v for k, v in rest.items() if k != "ConversionRate"} == frame


async def test_market_order_is_acknowledged_and_filled(wire: Any) -> None:
    async with wire.stream(STREAM) as lines:
        await lines.until(lambda f: "StreamStatus" in f)
        placed = await wire.place()
        statuses = await lines.statuses("FLL", placed["OrderID"])
    assert statuses[0] == "ACK"
    assert set(statuses[1:-1]) <= {"FPR"}


async def test_large_order_fills_in_parts_that_add_up(wire: Any) -> None:
    async with wire.stream(STREAM) as lines:
        await lines.until(lambda f: "StreamStatus" in f)
        placed = await wire.place(Symbol="F", Quantity="9000")
        frames = await lines.until(lambda f: f.get("Status") == "FLL")
    parts = [f for f in frames if f.get("OrderID") == placed["OrderID"]]
    assert [f["Status"] for f in parts] == ["ACK", *["FPR"] * (len(parts) - 2), "FLL"]
    assert len(parts) > 3
    done = [int(f["Legs"][0]["ExecQuantity"]) for f in parts]
    assert done == sorted(done)
    assert done[-1] == 9000
    assert parts[0]["FilledPrice"] == "0"
    assert "ClosedDateTime" not in parts[-2]
    assert "ClosedDateTime" in parts[-1]


async def test_cancel_goes_through_pending_and_is_told_twice(wire: Any) -> None:
    placed = await wire.place(OrderType="Limit", LimitPrice="50.00")
    async with wire.stream(STREAM) as lines:
        await lines.until(lambda f: "StreamStatus" in f)
        await wire.call("DELETE", f"/v3/orderexecution/orders/{placed['OrderID']}")
        frames = await lines.until(lambda f: f.get("Status") == "OUT" and "ClosedDateTime" in f)
    own = [(f["Status"], "ClosedDateTime" in f) for f in frames if "Status" in f]
    assert own == [("UCN", False), ("OUT", False), ("OUT", True)]


async def test_stop_that_is_hit_goes_through_stp_and_ack(wire: Any) -> None:
    await wire.place()
    last = wire.simulator.exchange.market.last_trade("AMD").price
    async with wire.stream(STREAM) as lines:
        await lines.until(lambda f: "StreamStatus" in f)
        await wire.place(TradeAction="SELL", OrderType="StopMarket", StopPrice=str(last + 1))
        frames = await lines.until(lambda f: f.get("Status") == "FLL")
    own = [(f["Status"], f["Legs"][0]["ExecQuantity"], "ClosedDateTime" in f) for f in frames if "Status" in f]
    assert own == [("ACK", "0", False), ("STP", "0", True), ("ACK", "10", False), ("FLL", "10", True)]
    assert frames[-1]["AdvancedOptions"] == "STPTRG=STT;"


async def test_partly_filled_order_that_is_cancelled_ends_as_flp(wire: Any) -> None:
    ask = wire.simulator.exchange.market.quote("F").ask
    async with wire.stream(STREAM) as lines:
        await lines.until(lambda f: "StreamStatus" in f)
        placed = await wire.place(
            Symbol="F", Quantity="9000", OrderType="Limit", LimitPrice=str(ask), TimeInForce={"Duration": "IOC"}
        )
        statuses = await lines.statuses("FLP", placed["OrderID"])
    assert statuses[0] == "ACK"
    assert statuses[-2:] == ["FPR", "FLP"]


async def test_dropped_fill_is_missing_on_the_stream_and_there_by_rest(wire: Any) -> None:
    async with wire.stream(STREAM) as lines:
        await lines.until(lambda f: "StreamStatus" in f)
        wire.simulator.faults.set("drop_fill")
        placed = await wire.place()
        frames = await lines.until(lambda f: f.get("Heartbeat") == 1)
    assert [f["Status"] for f in frames if "Status" in f] == ["ACK"]
    body = await wire.get(f"/v3/brokerage/accounts/{MARGIN}/orders/{placed['OrderID']}")
    assert body["Orders"][0]["Status"] == "FLL"


async def test_stream_of_chosen_orders_leaves_out_the_others(wire: Any) -> None:
    placed = await wire.place(OrderType="Limit", LimitPrice="50.00")
    path = f"/v3/brokerage/stream/accounts/{MARGIN}/orders/{placed['OrderID']},77"
    async with wire.stream(path) as lines:
        snapshot = await lines.until(lambda f: "StreamStatus" in f)
        await wire.place()
        await wire.call("DELETE", f"/v3/orderexecution/orders/{placed['OrderID']}")
        frames = await lines.until(lambda f: f.get("Status") == "OUT")
    assert snapshot[1] == {"Error": "NotFound", "Message": "Order not found.", "OrderID": "77"}
    assert {f["OrderID"] for f in frames} == {placed["OrderID"]}


async def test_other_accounts_orders_stay_out(wire: Any) -> None:
    async with wire.stream(f"/v3/brokerage/stream/accounts/{FUTURES}/orders") as lines:
        await lines.until(lambda f: "StreamStatus" in f)
        await wire.place()
        assert "Heartbeat" in await lines.frame()


async def test_unknown_account_is_an_error_frame(wire: Any) -> None:
    async with wire.stream("/v3/brokerage/stream/accounts/SIM9999999M/orders") as lines:
        assert await lines.frame() == {
            "Error": "Forbidden", "Message": "Invalid Account ID.", "AccountID": "SIM9999999M",
        }  # fmt: skip


async def test_end_of_snapshot_can_be_late(start: Any) -> None:
    wire = await start(heartbeat_s=0.1)
    wire.simulator.faults.set("late_snapshot:0.35", times=1)
    async with wire.stream(STREAM) as lines:
        frames = await lines.until(lambda f: "StreamStatus" in f)
    assert sum("Heartbeat" in f for f in frames) >= 2


async def test_end_of_snapshot_can_be_missing(wire: Any) -> None:
    wire.simulator.faults.set("no_snapshot_end")
    async with wire.stream(STREAM) as lines:
        frames = await lines.until(lambda f: f.get("Heartbeat") == 2)
    assert not any("StreamStatus" in f for f in frames)


async def test_delay_of_the_snapshot_can_be_set(start: Any) -> None:
    wire = await start(snapshot_delay_s=30)
    async with wire.stream(STREAM) as lines:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(lines.frame(), 0.3)


async def test_order_waiting_for_a_condition_is_queued(wire: Any) -> None:
    rule = {"RuleType": "Price", "Symbol": "MSFT", "Predicate": "Gt", "TriggerKey": "STT", "Price": "99999"}
    async with wire.stream(STREAM) as lines:
        await lines.until(lambda f: "StreamStatus" in f)
        await wire.place(AdvancedOptions={"MarketActivationRules": [rule]})
        frame = (await lines.until(lambda f: "Status" in f))[-1]
    assert (frame["Status"], frame["StatusDescription"]) == ("DON", "Queued")
    assert frame["AdvancedOptions"] == "CND=MSFT>99999(STT);"
    assert frame["MarketActivationRules"][0]["Price"] == "99999"
