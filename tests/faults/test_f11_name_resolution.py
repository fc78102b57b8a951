"""F11: names that cannot be resolved, or slowly, or to another address: each dial looks them up anew."""

import asyncio
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

import pytest
from tests.faults.conftest import Row
from tests.faults.names import Names, Trouble
from tests.faults.plain_door import PlainDoor
from tests.faults.venues import CASES, VENUES
from tests.faults.waiting import reached

from brokerwire import VenueUnavailableError

RECOVERY_S = 5.0
STALL_S = 0.05
OTHER_ADDRESS = "127.0.0.2"


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    found = Names()
    monkeypatch.setattr(socket, "getaddrinfo", found)
    return found


def named(endpoints: Mapping[str, str]) -> dict[str, str]:
    """Return addresses by name instead of by number."""
    return {key: address.replace("127.0.0.1", "localhost") for key, address in endpoints.items()}


@pytest.mark.parametrize(("venue", "symbol"), CASES)
@pytest.mark.parametrize("trouble", ["nxdomain", "servfail"])
@pytest.mark.parametrize("outage_s", [20.0, 600.0])
def test_a_stream_is_back_soon_after_its_name_can_be_resolved_again(
    row: Row, names: Names, venue: str, symbol: str, trouble: Trouble, outage_s: float
) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        watch = await row.watch(row.client(simulator, endpoints=named(simulator.endpoints)), "quotes", symbol)
        await watch.more(5)
        names.trouble = trouble
        simulator.connections.drop()
        await reached(watch, "recovering")
        before = names.asked
        await row.sleep(outage_s)
        assert watch.subscription.is_active
        assert outage_s / 6 <= names.asked - before <= outage_s
        assert row.warned("could not be resolved")
        names.trouble = ""
        healed = row.now()
        assert await reached(watch, "live", within_s=60) - healed <= RECOVERY_S
        await watch.more(5)

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
@pytest.mark.parametrize("trouble", ["nxdomain", "servfail"])
def test_what_needs_a_name_that_cannot_be_resolved_says_so(
    row: Row, names: Names, venue: str, symbol: str, trouble: Trouble
) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = row.client(simulator, endpoints=named(simulator.endpoints))
        names.trouble = trouble
        with pytest.raises(VenueUnavailableError, match="resolved") as caught:
            await client.market_data.get_quotes([symbol])
        assert caught.value.action == "retry"
        error = await row.watch_in_vain(client, "quotes", symbol)
        assert "could not be resolved" in str(error)
        assert len(client.streams) == 0
        names.trouble = ""
        watch = await row.watch(client, "quotes", symbol)
        await watch.more(5)

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_each_dial_looks_the_name_up_and_follows_it(row: Row, names: Names, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue, settings=VENUES[venue].one_address)
        address = next(iter(simulator.endpoints.values()))
        moved = PlainDoor(address, host=OTHER_ADDRESS, port=port_of(address))
        await moved.start()
        row.owned.append(moved)
        watch = await row.watch(row.client(simulator, endpoints=named(simulator.endpoints)), "quotes", symbol)
        await watch.more(5)
        for entered, address in ((1, OTHER_ADDRESS), (1, "127.0.0.1"), (2, OTHER_ADDRESS)):
            names.address = address
            simulator.connections.drop()
            await reached(watch, "recovering")
            await reached(watch, "live", within_s=45)
            await watch.more(5)
            assert moved.entered == entered

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_a_slow_answer_holds_nothing_up_but_its_own_dial(row: Row, names: Names, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = row.client(simulator, endpoints=named(simulator.endpoints))
        watch = await row.watch(client, "quotes", symbol)
        unhurt = await row.watch(row.client(simulator), "quotes", symbol)
        await watch.more(2)
        names.trouble = "slow"
        stalls: list[float] = []
        while len(stalls) < 4 and min(stalls, default=1.0) > STALL_S:  # a busy machine may hold the loop up too
            simulator.connections.drop()
            await reached(watch, "recovering")
            heard = len(unhurt.events)
            stalls.append(await longest_stall(asyncio.create_task(reached(watch, "live", within_s=15))))
            await reached(unhurt, "live")
            assert len(unhurt.events) > heard
        assert min(stalls) <= STALL_S

    row.in_real_time(main)


def port_of(address: str) -> int:
    port = urlsplit(address).port
    assert port is not None
    return port


async def longest_stall(during: asyncio.Task[float]) -> float:
    """Return the longest time for which the loop did not get to us."""
    longest, seen = 0.0, asyncio.get_running_loop().time()
    while not during.done():
        await asyncio.sleep(0)
        now = asyncio.get_running_loop().time()
        longest, seen = max(longest, now - seen), now
    await during
    return longest
