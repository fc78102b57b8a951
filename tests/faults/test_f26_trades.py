"""F26: doubled, reordered and missing trades: each comes once, in order, and what was missing is fetched."""

from itertools import pairwise

import pytest
from tests.faults.conftest import Row, repeats
from tests.faults.waiting import reached, until

from brokerwire.doctor.listener import Listener
from brokerwire.simulator import Simulator

PATHS = {"trade": "/api/v3/historicalTrades", "aggregate": "/api/v3/aggTrades"}


def ids_of(watch: Listener, symbol: str = "BTCUSDT") -> list[int]:
    return [event.trade_id for event in watch.events if event.symbol == symbol]


def are_consecutive(ids: list[int]) -> bool:
    return all(new == old + 1 for old, new in pairwise(ids))


def asked(simulator: Simulator, variant: str = "trade") -> list[float]:
    """Return when missing trades were asked for, in seconds."""
    return [entry.time_ns / 1e9 for entry in simulator.journal.entries("request", path=PATHS[variant])]


@pytest.mark.parametrize("variant", ["trade", "aggregate"])
@pytest.mark.parametrize("fault", ["duplicate", "reorder", "gap"])
def test_every_trade_comes_once_and_in_order(row: Row, fault: str, variant: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance")
        client = row.client(simulator, settings={"trades": variant})
        watch = await row.watch(client, "trades", "BTCUSDT")
        other = await row.watch(client, "trades", "ETHUSDT")
        await watch.more(20)
        simulator.faults.set(fault, times=5, probability=0.3, channel="btcusdt@")
        await watch.more(100)
        assert are_consecutive(ids_of(watch))
        assert are_consecutive(ids_of(other, "ETHUSDT"))
        assert bool(watch.gaps) == (fault == "gap")
        assert all(gap.filled for gap in watch.gaps)
        assert (other.gaps, other.states) == ([], ["live"])
        assert watch.states == ["live"]
        assert bool(asked(simulator, variant)) == (fault == "gap")

    row(main)


def test_a_storm_of_holes_asks_once_a_second_at_most(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance", settings={"rate": 5})
        watch = await row.watch(row.client(simulator), "trades", "BTCUSDT")
        simulator.faults.set("gap", probability=0.5, channel="btcusdt@trade")
        await row.sleep(30)
        simulator.faults.clear()
        await watch.more(30)
        assert are_consecutive(ids_of(watch))
        times = asked(simulator)
        assert len(times) >= 5
        assert all(new - old >= 0.99 for old, new in pairwise(times))

    row(main)


@pytest.mark.parametrize("variant", ["trade", "aggregate"])
def test_what_was_missed_while_disconnected_is_fetched_and_told_in_its_place(row: Row, variant: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance")
        client = row.client(simulator, settings={"trades": variant})
        watch = await row.watch(client, "trades", ["BTCUSDT", "ETHUSDT"])
        for number in range(1, repeats(3, 12) + 1):
            await watch.more(20)
            simulator.connections.drop()
            await reached(watch, "recovering")
            await reached(watch, "live")
            await until(lambda wanted=number: len(watch.gaps) == 2 * wanted)  # type: ignore[misc]  # bound early
        await watch.more(20)
        for symbol in ("BTCUSDT", "ETHUSDT"):
            assert are_consecutive(ids_of(watch, symbol))
        assert all(gap.filled and gap.start_ns < gap.end_ns for gap in watch.gaps)

    row(main)


def test_a_hole_larger_than_an_answer_is_filled_page_by_page(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance", settings={"rate": 60})
        watch = await row.watch(row.client(simulator), "trades", "BTCUSDT", flows=False)
        await watch.more(20)
        simulator.faults.set("refuse:503")
        simulator.connections.drop()
        await row.sleep(30)
        simulator.faults.clear()
        await reached(watch, "live", 40)
        await until(lambda: len(watch.gaps) == 1)
        await watch.more(100)
        assert are_consecutive(ids_of(watch))
        assert watch.gaps[0].filled
        assert len(asked(simulator)) >= 2

    row(main)


def test_a_symbol_that_is_quiet_after_the_reconnect_has_its_missed_trades_all_the_same(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance")
        watch = await row.watch(row.client(simulator), "trades", "BTCUSDT", flows=False)
        await watch.more(20)
        simulator.faults.set("refuse:503", channel="/stream")
        simulator.connections.drop()
        await row.sleep(10)
        simulator.faults.clear()
        simulator.faults.set("mute")
        before = len(watch.events)
        await reached(watch, "live", 40)
        await until(lambda: len(watch.gaps) == 1, 10)
        assert watch.gaps[0].filled
        assert len(watch.events) > before + 5
        assert are_consecutive(ids_of(watch))
        simulator.faults.clear()
        await watch.more(30)
        assert are_consecutive(ids_of(watch))

    row(main)


def test_trades_that_cannot_be_fetched_are_an_unfilled_gap_and_the_others_go_on(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance")
        watch = await row.watch(row.client(simulator), "trades", "BTCUSDT")
        await watch.more(20)
        simulator.faults.set("rate_limit:60", channel="historicalTrades")
        simulator.faults.set("refuse:503", channel="/stream")
        simulator.connections.drop()
        await reached(watch, "recovering")
        await row.sleep(10)
        simulator.faults.clear("refuse")
        live_at = await reached(watch, "live")
        heard_at = await watch.more(1)
        assert heard_at - live_at < 8
        await until(lambda: bool(watch.gaps))
        assert [gap.filled for gap in watch.gaps] == [False]
        assert "could not be fetched" in watch.gaps[0].reason
        simulator.faults.set("gap", times=1)
        await watch.more(20)
        assert not any(gap.filled for gap in watch.gaps)
        ids = ids_of(watch)
        assert ids == sorted(set(ids))

    row(main)


TROUBLES = ["gap", "duplicate", "reorder", "drop", "cut", "no answers", "late answers", "goaway"]


async def make_trouble(row: Row, simulator: Simulator, trouble: str) -> None:
    faults = simulator.faults
    if trouble == "drop":
        simulator.connections.drop()
    elif trouble == "cut":
        faults.set("refuse:503", channel="/stream")
        simulator.connections.drop()
        await row.sleep(row.random.uniform(0, 8))
        faults.clear("refuse")
    elif trouble == "no answers":
        faults.set("rate_limit:20", channel="historicalTrades", times=1)
    elif trouble == "late answers":
        faults.set("slow_loris:0.001", channel="historicalTrades")
    elif trouble == "goaway":
        faults.set("goaway:5", times=1)
    else:
        faults.set(trouble, probability=0.2, times=row.random.randint(1, 6), channel="@trade")


def test_whatever_happens_each_trade_comes_once_and_in_order_or_lies_in_an_unfilled_gap(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance", settings={"rate": 3})
        watch = await row.watch(row.client(simulator), "trades", ["BTCUSDT", "ETHUSDT"], flows=False)
        for _ in range(repeats(40, 300)):
            await make_trouble(row, simulator, row.random.choice(TROUBLES))
            await row.sleep(row.random.uniform(0, 6))
            if row.random.random() < 0.3:
                simulator.faults.clear()
        simulator.faults.clear()
        await reached(watch, "live", 120)
        await watch.more(100)
        for symbol in ("BTCUSDT", "ETHUSDT"):
            holes = [(old + 1, new - 1) for old, new in pairwise(ids_of(watch, symbol)) if new != old + 1]
            told = [gap.reason for gap in watch.gaps if gap.topic.symbol == symbol and not gap.filled]
            assert all(first <= last for first, last in holes)
            for first, last in holes:
                assert any(f"{first} to {last}" in text or f"from {first} on" in text for text in told)
        assert any(gap.filled for gap in watch.gaps)

    row(main)
