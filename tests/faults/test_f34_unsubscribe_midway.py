"""F34: unsubscribing while connecting, reconnecting or catching up: nothing comes back."""

import asyncio

import pytest
from tests.faults.conftest import Row, repeats
from tests.faults.venues import VENUES, options_of
from tests.faults.waiting import reached, until

from brokerwire.doctor.listener import Listener

CASES = [(venue, list(facts.symbols[:3])) for venue, facts in VENUES.items()]
SCHEDULES = repeats(25, 300)
METHODS = {venue: facts.methods for venue, facts in VENUES.items()} | {"tradestation": ("quotes", "quotes", "bars")}
FAULTS = ["", "refuse:503", "late_ack:0.5", "late_snapshot:0.7", "close", "reset_mid_frame", "goaway", "silent_accept"]


async def leave(row: Row, watch: Listener) -> None:
    """Unsubscribe; no callback may start once that has returned."""
    began = row.now()
    await watch.subscription.unsubscribe()
    assert row.now() - began <= 5.0
    heard = len(watch.events)
    await row.sleep(row.random.choice([0.0, 0.3]))
    assert len(watch.events) == heard


@pytest.mark.parametrize(("venue", "symbols"), CASES)
def test_no_schedule_leaves_a_subscription_on_the_wire(row: Row, venue: str, symbols: list[str]) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue, settings=VENUES[venue].unlimited)
        client = row.client(simulator, subscribe_timeout=100)  # its own budget of dials may have to be waited for
        dice = row.random
        methods = METHODS[venue]
        for _ in range(SCHEDULES):
            symbol, method = dice.choice(symbols), dice.choice(methods)
            earlier = dice.choice(methods)
            before = await row.watch(client, earlier, dice.choice(symbols), flows=False, **options_of(earlier))
            fault = dice.choice(FAULTS)
            watch = await row.watch(client, method, symbol, flows=False, **options_of(method))
            if fault:
                simulator.faults.set(fault, times=1)
            if dice.random() < 0.4:
                simulator.connections.drop()
            await row.sleep(dice.choice([0.0, 0.001, 0.02, 0.3, 1.0, 3.0]))
            leaving = [asyncio.create_task(leave(row, one)) for one in (watch, before)]
            await row.sleep(dice.choice([0.0, 0.01]))
            await asyncio.gather(*leaving)
            simulator.faults.clear()
            assert len(client.streams) == 0
            await row.sleep(1)
            assert not row.wire(simulator)
            row.forget(watch, before)

    row.extra_dials = 10_000
    row(main)


@pytest.mark.parametrize(("venue", "symbols"), CASES)
def test_a_topic_given_back_leaves_the_wire_while_its_neighbour_stays(row: Row, venue: str, symbols: list[str]) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        watch = await row.watch(row.client(simulator), "quotes", symbols)
        await watch.more(10)
        await watch.subscription.remove_symbols(symbols[1])
        await until(lambda: set(row.wire(simulator)) == {("quote", symbols[0]), ("quote", symbols[2])}, 10)
        heard = len(watch.events)
        await watch.more(20)
        assert symbols[1] not in {event.symbol for event in watch.events[heard:]}

    row(main)


@pytest.mark.parametrize(("venue", "symbols"), CASES)
def test_an_unsubscribe_during_a_dial_that_hangs_returns_at_once(row: Row, venue: str, symbols: list[str]) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        watch = await row.watch(row.client(simulator), "quotes", symbols[0])
        await watch.more(5)
        simulator.faults.set("silent_accept")
        simulator.connections.drop()
        await reached(watch, "recovering")
        await row.sleep(2)
        began = row.now()
        await watch.subscription.unsubscribe()
        assert row.now() - began <= 1.0

    row(main)


@pytest.mark.parametrize(("venue", "symbols"), CASES)
def test_a_topic_given_back_during_a_reconnect_stays_away_while_others_return(
    row: Row, venue: str, symbols: list[str]
) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = row.client(simulator)
        stays = await row.watch(client, "quotes", symbols[0])
        leaves = await row.watch(client, "quotes", symbols[1], flows=False)
        await leaves.more(5)
        simulator.faults.set("refuse:503")
        simulator.connections.drop()
        await reached(leaves, "recovering")
        await leaves.subscription.unsubscribe()
        heard = len(leaves.events)
        simulator.faults.clear()
        await stays.more(10)
        assert set(row.wire(simulator)) == {("quote", symbols[0])}
        assert len(leaves.events) == heard

    row(main)
