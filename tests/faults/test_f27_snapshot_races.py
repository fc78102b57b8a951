"""F27: snapshots that are late or old race with deltas; the book ends up as the venue's all the same."""

from tests.faults.books import agrees_with_the_venue
from tests.faults.conftest import Row, repeats
from tests.faults.waiting import reached

SCHEDULES = repeats(15, 250)


def test_whatever_the_schedule_the_book_ends_as_the_venues(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance", settings={"weight_per_minute": 0, "raw_per_5_minutes": 0})
        client = row.client(simulator)
        dice = row.random
        for _ in range(SCHEDULES):
            delay_s, age_s = dice.choice([0.0, 0.05, 0.3, 1.5]), dice.choice([0, 0, 0.2, 1, 3])
            simulator.faults.set(f"late_snapshot:{delay_s}", age_s=age_s, times=dice.randint(1, 3))
            if dice.random() < 0.5:
                simulator.faults.set("reorder", probability=0.1, times=2, channel="@depth")
            if dice.random() < 0.3:
                simulator.faults.set(f"late_ack:{dice.uniform(0.0, 1.0)}", times=1)
            watch = await row.watch(client, "market_depth", "BTCUSDT", flows=False)
            await row.sleep(dice.uniform(0.0, 2.0))
            simulator.faults.clear()
            await watch.more(5)
            await reached(watch, "live")
            await agrees_with_the_venue(simulator, watch)
            await watch.subscription.unsubscribe()

    row(main)


def test_a_snapshot_older_than_the_deltas_is_asked_for_again(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance")
        simulator.faults.set("late_snapshot:0", age_s=30, times=2)
        watch = await row.watch(row.client(simulator), "market_depth", "BTCUSDT")
        await watch.subscription.ready()
        await watch.more(20)
        await agrees_with_the_venue(simulator, watch)

    row(main)
