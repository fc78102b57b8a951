"""F17: the token endpoint is down, slow or talks nonsense: the token at hand is used as long as it is good."""

import asyncio
from itertools import pairwise

import pytest
from tests.faults.conftest import Row
from tests.faults.venues import LOGINS, SHORT_LOGIN
from tests.faults.waiting import until

from brokerwire import AuthenticationError, BrokerwireError

BROKEN = ["500", "503", "garbage", "error_body", "slow"]


@pytest.mark.parametrize(("venue", "symbol"), LOGINS)
@pytest.mark.parametrize("how", BROKEN)
def test_a_live_stream_is_untouched_until_its_token_expires(row: Row, venue: str, symbol: str, how: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue, settings={"token_life_s": 600.0})
        client = row.client(simulator)
        watch = await row.watch(client, "quotes", symbol)
        tokens = client.tokens
        assert tokens is not None
        simulator.faults.set(f"token_down:{how}")
        await row.sleep(590)
        assert watch.states == ["live"]
        assert watch.reconnects == 0
        assert 2 <= tokens.refresh_count <= 8
        assert how == "slow" or row.warned("before it expires")
        await client.market_data.get_quotes([symbol]) if tokens.is_valid else None
        simulator.faults.clear()
        await until(lambda: tokens.is_valid, 130)
        await client.market_data.get_quotes([symbol])
        assert venue == "tradingview" or watch.states == ["live"]  # there the stream falls silent with its token
        await watch.more(5)

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), LOGINS)
def test_a_hundred_callers_cause_one_request_to_a_slow_endpoint(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue, faults=["token_down:slow"])
        client = row.client(simulator, subscribe_timeout=100)
        simulator.faults.set("token_down:slow", seconds=5)
        quotes = await asyncio.gather(*(client.market_data.get_quotes([symbol]) for _ in range(100)))
        assert len(quotes) == 100
        assert client.tokens is not None
        assert client.tokens.refresh_count == 1

    row(main)


@pytest.mark.parametrize("venue", [venue for venue, _ in LOGINS])
def test_renewals_that_fail_come_ever_less_often(row: Row, venue: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue, settings=SHORT_LOGIN)
        client = row.client(simulator)
        await client.start()
        tokens = client.tokens
        assert tokens is not None
        await tokens.token()
        simulator.faults.set("token_down:500")
        moments: list[float] = []
        for number in range(2, 7):
            moments.append(await until(lambda wanted=number: tokens.refresh_count >= wanted, 1300, 0.25))  # type: ignore[misc]  # bound early
        waits = [new - old for old, new in pairwise(moments)]
        assert all(new >= 1.5 * old for old, new in pairwise(waits))

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), LOGINS)
@pytest.mark.parametrize("how", ["500", "garbage", "error_body"])
def test_without_any_token_the_call_says_why(row: Row, venue: str, symbol: str, how: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = row.client(simulator)
        simulator.faults.set(f"token_down:{how}")
        error = await row.watch_in_vain(client, "quotes", symbol)
        assert isinstance(error, AuthenticationError | BrokerwireError)
        assert len(client.streams) == 0
        simulator.faults.clear()
        watch = await row.watch(client, "quotes", symbol)
        await watch.more(3)

    row(main)
