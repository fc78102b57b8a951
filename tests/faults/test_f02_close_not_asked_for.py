"""F02: a clean close that we did not ask for is a disconnect, not the end of the stream."""

from itertools import pairwise

import pytest
from tests.faults.conftest import Row, repeats
from tests.faults.venues import VENUES, WEBSOCKETS
from tests.faults.waiting import reached, until

from brokerwire import StateChange


@pytest.mark.parametrize("venue", [venue for venue, _ in WEBSOCKETS])
@pytest.mark.parametrize("code", [1000, 1001])
def test_a_clean_close_of_a_websocket_is_followed_by_a_subscription_anew(row: Row, venue: str, code: int) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        symbols = VENUES[venue].symbols[:2]
        watch = await row.watch(row.client(simulator), "quotes", symbols)
        await watch.more(10)
        simulator.faults.set(f"close:{code}", times=1, reason="so long")
        await reached(watch, "recovering")
        change = next(status for status in watch.statuses if isinstance(status, StateChange) and status.old == "live")
        assert str(code) in change.reason
        assert "so long" in change.reason
        await reached(watch, "live")
        await watch.more(10)
        assert {gap.topic.symbol for gap in watch.gaps} == set(symbols)
        assert watch.reconnects == 1

    row(main)


def test_the_end_of_an_http_stream_is_followed_by_another_request(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        watch = await row.watch(row.client(simulator), "quotes", ["AAPL", "MSFT"])
        await watch.more(10)
        simulator.faults.set("close", times=1)
        await reached(watch, "recovering")
        change = next(status for status in watch.statuses if isinstance(status, StateChange) and status.old == "live")
        assert "ended the stream" in change.reason
        await reached(watch, "live")
        await watch.more(10)
        assert {gap.topic.symbol for gap in watch.gaps} == {"AAPL", "MSFT"}
        assert watch.reconnects == 1

    row(main)


@pytest.mark.parametrize("variant", ["trade", "aggregate"])
def test_numbered_trades_of_that_time_are_fetched_and_none_is_lost_or_doubled(row: Row, variant: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance", settings={"rate": 5})
        client = row.client(simulator, settings={"trades": variant})
        watch = await row.watch(client, "trades", "BTCUSDT")
        for number in range(1, repeats(2, 8) + 1):
            await watch.more(30)
            simulator.faults.set("close:1001", times=1)
            await until(lambda wanted=number: len(watch.gaps) == wanted)  # type: ignore[misc]  # bound early
        await watch.more(30)
        assert all(gap.filled for gap in watch.gaps)
        assert all(new.trade_id == old.trade_id + 1 for old, new in pairwise(watch.events))

    row(main)
