"""F23: messages of an unknown type and new fields pass by without harm and without a flood of log lines."""

import pytest
from tests.faults.conftest import Row
from tests.faults.venues import CASES
from tests.faults.waiting import notices


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_unknown_messages_are_counted_and_hardly_logged(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = row.client(simulator)
        watch = await row.watch(client, "quotes", symbol)
        await watch.more(5)
        lines = len(row.lines(""))
        simulator.faults.set("unknown_message")
        await watch.more(80)
        (stream,) = client.streams.active_streams
        assert stream._lifeline.connection is not None
        assert venue == "binance" or stream._lifeline.connection.session.unknown_messages >= 50
        assert len(row.lines("")) - lines <= 2
        assert watch.states == ["live"]
        assert watch.reconnects == 0
        assert {event.symbol for event in watch.events} == {symbol}

    row(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_they_are_noticed_once_a_minute_and_counted_in_health(row: Row, venue: str, symbol: str) -> None:
    async def main(row: Row) -> None:
        simulator = await row.simulator(venue)
        client = row.client(simulator)
        watch = await row.watch(client, "quotes", symbol)
        simulator.faults.set("unknown_message")
        await row.sleep(50)
        assert all("not known" in notice for notice in notices(watch))
        assert len(notices(watch)) == len(row.lines("not known")) == 1
        await row.sleep(50)
        assert len(notices(watch)) == 2
        (stream,) = client.health()["streams"]
        assert stream["unknown_messages"] >= 50
        assert stream["bad_frames"] == 0

    row(main)
