import asyncio
import json
from typing import Any

import pytest

from brokerwire.simulator.fronts.tradestation.tickbars import _LiveTickBars
from brokerwire.simulator.market import Market
from brokerwire.testing.virtual_time import EPOCH_NS


async def test_history_then_a_line_per_trade(wire: Any) -> None:
    async with wire.stream("/v2/stream/tickbars/AAPL/1/3") as lines:
        history = [await lines.line() for _ in range(3)]
        live = [json.loads(await lines.line()) for _ in range(3)]
    assert all(b'"TimeStamp":"\\/Date(' in line and b')\\/"' in line for line in history)
    rows = [json.loads(line) for line in history]
    assert list(rows[0]) == ["Close", "Status", "TimeStamp", "TotalVolume"]
    assert [row["Status"] for row in rows] == [13, 13, 536870925]
    assert [row["Status"] for row in live] == [11, 11, 11]
    market = wire.simulator.exchange.market
    known = [
        (float(t.price), int(t.size)) for t in market.trades("AAPL", market.now_ns() - 60 * 10**9, market.now_ns())
    ]
    got = [(row["Close"], row["TotalVolume"]) for row in rows + live]
    assert any(known[i : i + 6] == got for i in range(len(known)))


async def test_larger_bars_sum_their_trades_and_close(wire: Any) -> None:
    async with wire.stream("/v2/stream/tickbars/AAPL/3/2") as lines:
        rows = [json.loads(await lines.line()) for _ in range(8)]
    assert [row["Status"] for row in rows[:2]] == [13, 536870925]
    assert [row["Status"] for row in rows[2:]] == [3, 2, 10, 3, 2, 10]


async def test_many_trades_back_are_gathered_in_pieces(wire: Any) -> None:
    async with wire.stream("/v2/stream/tickbars/AAPL/600/10") as lines:
        rows = [json.loads(await lines.line()) for _ in range(10)]
    assert rows[-1]["Status"] == 536870925


@pytest.mark.parametrize(
    ("path", "status"), [("NOPE1/1/1", 404), ("AAPL/0/1", 400), ("AAPL/x/1", 400), ("AAPL/1/11", 400)]
)
async def test_refusals_are_v2_errors(wire: Any, path: str, status: int) -> None:
    found, body = await wire.call("GET", f"/v2/stream/tickbars/{path}")
    assert (found, body["StatusCode"]) == (status, status)


async def test_silence_ends_in_an_error_line_without_heartbeats(start: Any) -> None:
    wire = await start(tickbar_timeout_s=0.3, heartbeat_s=0.05)
    wire.simulator.faults.set("gap", after=1)
    async with wire.stream("/v2/stream/tickbars/AAPL/1/1") as lines:
        rest = await asyncio.wait_for(lines.answer.read(), 5)
    assert rest.endswith(b"ERROR - A Timeout Occurred after waiting 300ms\n")
    assert b"Heartbeat" not in rest


class HurryingClock:
    """Time passes whenever somebody looks at it."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        self.now_s += 0.5
        return self.now_s

    def time_ns(self) -> int:
        return EPOCH_NS

    async def sleep(self, delay_s: float) -> None:
        self.now_s += delay_s


class Lines:
    """What a stream was given."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.undo: list[Any] = []

    def push(self, line: bytes) -> None:
        self.rows.append(json.loads(line))

    def at_end(self, undo: Any) -> None:
        self.undo.append(undo)


async def test_trades_that_happen_while_history_is_gathered_are_not_lost() -> None:
    market = Market(seed=1, clock=HurryingClock())
    lines = Lines()
    await _LiveTickBars(market, "AAPL", 1).follow(lines, 3)  # type: ignore[arg-type]  # all of a stream it uses
    assert [row["Status"] for row in lines.rows[:3]] == [13, 13, 536870925]
    assert lines.rows[3:]
    trades = market.trades("AAPL", EPOCH_NS - 60 * 10**9, market.now_ns())
    known = [(float(trade.price), int(trade.size)) for trade in trades]
    got = [(row["Close"], row["TotalVolume"]) for row in lines.rows]
    assert any(known[at : at + len(got)] == got for at in range(len(known)))
    for undo in lines.undo:
        undo()
    await market.close()
