"""F40: 429 and 418: the header is honoured, the venue's budget is shared, and other venues are not held up."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.faults.conftest import Row
from tests.faults.venues import LOGINS, VENUES, WEBSOCKETS
from tests.faults.waiting import reached

from brokerwire import Client, RateLimitError

ASKED: dict[str, Callable[[Client], Awaitable[Any]]] = {
    "tradestation": lambda client: client.market_data.get_quotes(["AAPL"]),
    "binance": lambda client: client.market_data.get_quotes(["BTCUSDT"]),
    "tradingview": lambda client: client.market_data.search_symbols("AAPL"),  # quotes come on its data socket
}
"""A request over HTTP of each venue."""


def requests(simulator: Any, kind: str = "request") -> list[float]:
    return [entry.time_ns / 1e9 for entry in simulator.journal.entries(kind)]


@pytest.mark.parametrize("status", [429, 418])
def test_no_request_leaves_before_the_deadline_and_another_venue_goes_on(row: Row, status: int) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance")
        other = await row.simulator("tradestation")
        client, unhurt = row.client(simulator), row.client(other)
        watch = await row.watch(unhurt, "quotes", "AAPL")
        await client.market_data.get_quotes(["BTCUSDT"])
        simulator.faults.set("rate_limit:60", times=1, status=status)
        began = row.now()
        with pytest.raises(RateLimitError) as caught:
            await client.market_data.get_quotes(["BTCUSDT"])
        assert caught.value.retry_after_s is not None
        assert 59 <= caught.value.retry_after_s <= 61
        sent = len(requests(simulator))
        await unhurt.market_data.get_quotes(["AAPL"])
        assert row.now() - began < 5
        await client.market_data.get_quotes(["BTCUSDT"])
        assert row.now() - began >= 59
        assert len(requests(simulator)) == sent + 1
        await watch.more(5)
        assert watch.states == ["live"]

    row.allows_violations = True
    row(main)


@pytest.mark.parametrize("venue", VENUES)
def test_a_short_wait_is_waited_for_and_the_request_repeated(row: Row, venue: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = row.client(simulator)
        await ASKED[venue](client)
        simulator.faults.set("rate_limit:5", times=1)
        before = requests(simulator)
        began = row.now()
        assert await ASKED[venue](client)
        assert 4.9 <= row.now() - began <= 8
        first, second = requests(simulator)[len(before) :]
        assert second - first >= 4.9

    row.allows_violations = True
    row(main)


@pytest.mark.parametrize(("venue", "symbol"), LOGINS)
def test_a_stream_that_is_refused_for_its_quota_returns_after_the_reset(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        watch = await row.watch(row.client(simulator), "quotes", symbol)
        await watch.more(5)
        simulator.faults.set("rate_limit:20", times=1, channel=VENUES[venue].dial)
        simulator.connections.drop()
        cut = await reached(watch, "recovering")
        assert 18 <= await reached(watch, "live") - cut <= 28
        dials = requests(simulator, "dial")
        assert len(dials) == 3
        assert dials[2] - dials[1] >= 18
        await watch.more(5)

    row.allows_violations = True
    row(main)


@pytest.mark.parametrize(("venue", "symbol"), WEBSOCKETS)
def test_a_handshake_over_the_limit_is_repeated_in_the_slow_lane(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        watch = await row.watch(row.client(simulator), "quotes", symbol)
        await watch.more(5)
        simulator.faults.set("refuse:429", times=2)
        simulator.connections.drop()
        await reached(watch, "recovering")
        await reached(watch, "live")
        dials = requests(simulator, "dial")
        assert len(dials) == 4
        assert dials[2] - dials[1] >= 4.9
        assert dials[3] - dials[2] >= 9.9

    row(main)
