"""F38: the cap on streams holds under races, failures and random use, and no slot is ever lost."""

import asyncio

import pytest
from tests.faults.conftest import Row, repeats
from tests.faults.venues import CASES, VENUES

from brokerwire import BrokerwireError, StreamLimitError
from brokerwire.doctor.listener import Listener

CAP = 3
STEPS = repeats(80, 1000)


@pytest.mark.timeout(200)
@pytest.mark.parametrize("venue", VENUES)
def test_random_opening_and_closing_never_passes_the_cap(row: Row, venue: str) -> None:
    row.shares_wire = False
    row.extra_dials = 10_000

    async def main(row: Row) -> None:
        simulator = await row.simulator(venue, settings=VENUES[venue].unlimited)
        client = row.client(simulator, max_concurrent_streams=CAP, subscribe_timeout=30)
        dice = row.random
        held: list[Listener] = []
        refused = 0
        for _ in range(STEPS):
            if dice.random() < 0.1:
                simulator.faults.set(dice.choice(["refuse:503", "close", "reset_mid_frame"]), times=1)
            if dice.random() < 0.05:
                simulator.connections.drop()
            if held and dice.random() < 0.45:
                watch = held.pop(dice.randrange(len(held)))
                await watch.subscription.unsubscribe()
                row.forget(watch)
            else:
                wishes = [dice.choice(VENUES[venue].symbols[:6]) for _ in range(dice.randint(1, 3))]
                opening = (row.watch(client, "quotes", wish, flows=False, overflow="block") for wish in wishes)
                for outcome in await asyncio.gather(*opening, return_exceptions=True):
                    if isinstance(outcome, Listener):
                        held.append(outcome)
                    else:
                        assert isinstance(outcome, BrokerwireError)
                        refused += isinstance(outcome, StreamLimitError) and isinstance(outcome, ValueError)
            held = [watch for watch in held if watch.subscription.is_active]
            assert len(client.streams) == len(held) <= CAP
            assert len(simulator.connections) <= CAP
        assert refused >= 3

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_a_slot_returns_after_a_failure(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = row.client(simulator, max_concurrent_streams=1, subscribe_timeout=3)
        for _ in range(3):
            simulator.faults.set("refuse:503", channel=VENUES[venue].dial)
            error = await row.watch_in_vain(client, "quotes", symbol)
            assert not isinstance(error, StreamLimitError)
            assert len(client.streams) == 0
        simulator.faults.clear()
        watch = await row.watch(client, "quotes", symbol)
        await watch.more(3)
        error = await row.watch_in_vain(client, "quotes", symbol, overflow="block")
        assert isinstance(error, StreamLimitError)
        assert isinstance(error, ValueError)
        assert len(error.holders) == 1

    row.extra_dials = 20
    row(main)


def test_the_venues_own_cap_tightens_ours(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation")
        client = row.client(simulator, max_concurrent_streams=50)
        for symbol in VENUES["tradestation"].symbols:
            await row.watch(client, "market_depth", symbol, flows=False)
        error = await row.watch_in_vain(client, "market_depth", "NFLX")
        assert isinstance(error, StreamLimitError)
        assert simulator.journal.count("violation") == 0

    row(main)


def test_a_hand_over_counts_both_connections(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("tradestation", settings={"goaway_grace_s": 20.0})
        client = row.client(simulator, max_concurrent_streams=3)
        watches = [await row.watch(client, "quotes", symbol) for symbol in ("AAPL", "MSFT")]
        for watch in watches:
            await watch.more(5)
        simulator.faults.set("goaway")
        await row.sleep(60)
        held = most = 0
        for entry in simulator.journal.entries():
            held += (entry.kind == "stream_open") - (entry.kind == "stream_close")
            most = max(most, held)
        assert 2 <= most <= 3

    row(main)
