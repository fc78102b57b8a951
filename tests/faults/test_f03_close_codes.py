"""F03: each close code is fatal, sent to the slow lane, or retried, as the venue's table says."""

import pytest
from tests.faults.conftest import Row
from tests.faults.venues import VENUES
from tests.faults.waiting import reached

from brokerwire import StreamError

RETRIED = [1002, 1007, 1009, 1011, 1012, 4000, 4999]
SLOW = [1008, 1013]
FATAL = [1003]
TRADINGVIEW_RETRIED = [1003, 1006, 1008, 1011, 4000]
"""TradingView's codes say nothing: it says why in a packet before, if it does."""


@pytest.mark.parametrize(
    ("venue", "code"),
    [*(("binance", code) for code in RETRIED + SLOW), *(("tradingview", code) for code in TRADINGVIEW_RETRIED)],
)
def test_a_code_that_never_ends_is_retried_without_a_tight_loop(row: Row, venue: str, code: int) -> None:
    row.converge_s = 320.0

    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        watch = await row.watch(row.client(simulator), "quotes", VENUES[venue].symbols[0])
        await watch.more(5)
        began = row.now()
        simulator.faults.set(f"close:{code}", reason="enough", after=5)
        await reached(watch, "recovering")
        assert any(str(code) in status.reason for status in watch.statuses if hasattr(status, "reason"))
        assert row.warned(str(code))
        await reached(watch, "live")
        assert (row.now() - began >= 5.0) == (venue == "binance" and code in SLOW)
        await row.sleep(290)
        assert 5 <= simulator.journal.count("dial") <= 21

    row(main)


@pytest.mark.parametrize("code", FATAL)
def test_a_fatal_code_fails_the_subscription_with_the_reason(row: Row, code: int) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance")
        watch = await row.watch(row.client(simulator), "quotes", "BTCUSDT")
        await watch.more(5)
        simulator.faults.set(f"close:{code}", reason="no such thing", times=1)
        with pytest.raises(StreamError, match=str(code)) as caught:
            await watch.subscription.wait_closed()
        assert caught.value.close_code == code
        assert watch.subscription.state == "failed"
        assert simulator.journal.count("dial") == 1

    row(main)


@pytest.mark.parametrize("title", ["InternalServerError", "ServiceUnavailable", "GatewayTimeout"])
def test_an_error_frame_of_an_http_stream_is_retried_without_a_tight_loop(row: Row, title: str) -> None:
    row.converge_s = 320.0

    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        watch = await row.watch(row.client(simulator), "quotes", "AAPL")
        await watch.more(5)
        simulator.faults.set(f"stream_error:{title}")
        await reached(watch, "recovering")
        await row.sleep(290)
        assert 5 <= simulator.journal.count("dial") <= 21
        assert watch.subscription.is_active

    row(main)


@pytest.mark.parametrize("words", ["wrong data", "something new"])
def test_a_packet_that_ends_the_connection_is_retried_without_a_tight_loop(row: Row, words: str) -> None:
    row.converge_s = 320.0

    async def main(row: Row) -> None:
        simulator = await row.simulator("tradingview")
        watch = await row.watch(row.client(simulator), "quotes", VENUES["tradingview"].symbols[0])
        await watch.more(5)
        simulator.faults.set(f"stream_error:{words}")
        await reached(watch, "recovering")
        assert row.warned(words)
        await row.sleep(290)
        assert 5 <= simulator.journal.count("dial") <= 21
        assert watch.subscription.is_active

    row(main)


@pytest.mark.parametrize("words", ["banned", "banned by ip", "banned by user_id"])
def test_a_ban_is_never_dialled_again(row: Row, words: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradingview")
        watch = await row.watch(row.client(simulator), "quotes", VENUES["tradingview"].symbols[0])
        await watch.more(5)
        simulator.faults.set(f"stream_error:{words}", times=1)
        with pytest.raises(StreamError, match=words) as caught:
            await watch.subscription.wait_closed()
        assert caught.value.action == "stop"
        assert watch.subscription.state == "failed"
        await row.sleep(300)
        assert simulator.journal.count("dial") == 1

    row(main)
