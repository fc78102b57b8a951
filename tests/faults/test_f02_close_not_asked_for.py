"""F02: a clean close that we did not ask for is a disconnect, not the end of the stream."""

import pytest
from tests.faults.conftest import Row

from brokerwire import StateChange


@pytest.mark.parametrize("code", [1000, 1001])
def test_a_clean_close_of_a_websocket_is_followed_by_a_subscription_anew(row: Row, code: int) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance")
        watch = await row.watch(row.client(simulator), "quotes", ["BTCUSDT", "ETHUSDT"])
        await watch.more(10)
        simulator.faults.set(f"close:{code}", times=1, reason="so long")
        await watch.state("recovering")
        change = next(status for status in watch.statuses if isinstance(status, StateChange) and status.old == "live")
        assert str(code) in change.reason
        assert "so long" in change.reason
        await watch.state("live")
        await watch.more(10)
        assert {gap.topic.symbol for gap in watch.gaps} == {"BTCUSDT", "ETHUSDT"}
        assert watch.reconnects == 1

    row(main)


def test_the_end_of_an_http_stream_is_followed_by_another_request(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        watch = await row.watch(row.client(simulator), "quotes", ["AAPL", "MSFT"])
        await watch.more(10)
        simulator.faults.set("close", times=1)
        await watch.state("recovering")
        change = next(status for status in watch.statuses if isinstance(status, StateChange) and status.old == "live")
        assert "ended the stream" in change.reason
        await watch.state("live")
        await watch.more(10)
        assert {gap.topic.symbol for gap in watch.gaps} == {"AAPL", "MSFT"}
        assert watch.reconnects == 1

    row(main)
