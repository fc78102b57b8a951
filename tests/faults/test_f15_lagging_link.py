"""F15: the old connection lags behind the new one."""

from itertools import pairwise

from tests.faults.conftest import Row, repeats
from tests.faults.waiting import until


def test_an_old_connection_that_lags_behind_the_new_one_loses_and_doubles_nothing(row: Row) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator("binance", settings={"rate": 5})
        row.keeps_time = False  # what the new connection heard first is told after what the old one was late with
        weather = await row.weather(simulator)
        client = row.client(simulator, weather=weather)
        watch = await row.watch(client, "trades", "BTCUSDT")
        for number in range(1, repeats(2, 8) + 1):
            await watch.more(30)
            weather.set("latency:4", direction="down", reach="open")
            await row.sleep(5)
            simulator.faults.set("goaway:30", times=1)
            await until(lambda wanted=number: watch.reconnects == wanted)  # type: ignore[misc]  # bound early
            await row.sleep(5)
        await watch.more(30)
        ids = [event.trade_id for event in watch.events]
        assert all(new == old + 1 for old, new in pairwise(ids))
        assert watch.gaps == []

    row(main)
