"""F37: a call cancelled at any of its steps leaves no task, no slot and no socket."""

import asyncio

import pytest
from tests.faults.conftest import Row, repeats
from tests.faults.venues import CASES, VENUES

STEPS = repeats(60, 250)


async def cancel_at(task: "asyncio.Task[object]", step: int) -> bool:
    """Cancel a task after so many turns of the loop; tells whether it was still running."""
    for _ in range(step):
        if task.done():
            break
        await asyncio.sleep(0)
    was_running = not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return was_running


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_a_subscribe_that_is_cancelled_leaves_nothing(row: Row, venue: str, symbol: str) -> None:
    row.extra_dials = 10_000

    async def main(row: Row) -> None:
        simulator = await row.simulator(venue, settings=VENUES[venue].unlimited)
        step = 0
        is_running = True
        while is_running and step < STEPS:
            client = row.client(simulator)
            task = asyncio.create_task(row.watch(client, "quotes", symbol, flows=False))
            is_running = await cancel_at(task, step)
            step += 1
            if is_running:
                assert len(client.streams) == 0, f"step {step}"
                assert client.subscriptions == (), f"step {step}"
            await client.close()
            await row.settle(client)
        assert not simulator.connections

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_an_unsubscribe_that_is_cancelled_still_happens(row: Row, venue: str, symbol: str) -> None:
    row.extra_dials = 10_000

    async def main(row: Row) -> None:
        simulator = await row.simulator(venue, settings=VENUES[venue].unlimited)
        client = row.client(simulator, subscribe_timeout=90)  # its own budget of dials makes the last ones wait
        for step in range(repeats(8, 40)):
            watch = await row.watch(client, "quotes", symbol, flows=False)
            task = asyncio.create_task(watch.subscription.unsubscribe())
            await cancel_at(task, step)
            async with asyncio.timeout(5):
                await watch.subscription.wait_closed() if watch.subscription.state == "closed" else None
            if watch.subscription.is_active:
                await watch.subscription.unsubscribe()
            assert len(client.streams) == 0
            row.forget(watch)

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_a_close_that_is_cancelled_can_be_repeated(row: Row, venue: str, symbol: str) -> None:
    row.extra_dials = 10_000

    async def main(row: Row) -> None:
        simulator = await row.simulator(venue, settings=VENUES[venue].unlimited)
        for step in range(repeats(8, 40)):
            client = row.client(simulator)
            await row.watch(client, "quotes", symbol, flows=False)
            await cancel_at(asyncio.create_task(client.close()), step)
            await client.close()
            assert row.tasks() == [], f"step {step}"
            await row.settle(client)

    row(main)
