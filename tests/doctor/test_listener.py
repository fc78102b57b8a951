import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from brokerwire.doctor.finding import Missed
from brokerwire.doctor.listener import Listener, take, until


def test_waiting_in_vain_says_for_what_and_how_long(virtual: Any) -> None:
    async def main() -> None:
        with pytest.raises(Missed, match="waited 30 s in vain for the impossible"):
            await until(lambda: False, "the impossible", within_s=30)
        assert asyncio.get_running_loop().time() >= 30

    virtual(main)


def test_events_statuses_and_errors_are_written_down(virtual: Any, offline: Callable[[], Any]) -> None:
    async def fail(_event: Any) -> None:
        raise ValueError("broken")

    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator("binance")
            client = await place.client(simulator)
            client.streams._random = random.Random(7)  # a dial that hardly waits would be refused, and counted
            listener = Listener(client)
            assert not listener.is_open
            assert listener.delays_s() == []
            await listener.open("quotes", "BTCUSDT")
            first = await listener.more(5)
            assert first == listener.times[0]
            assert listener.states == ["live"]
            assert len(listener.delays_s()) == len(listener.events)
            assert len(listener.delays_s(3)) == len(listener.events) - 3
            assert all(abs(delay_s) < 0.001 for delay_s in listener.delays_s())
            listener.behave = fail
            await listener.more(1)
            assert isinstance(listener.errors[0][0], ValueError)
            listener.behave = take
            simulator.faults.set("refuse:503")
            simulator.connections.drop()
            recovering = await listener.entered("recovering")
            simulator.faults.clear()
            assert recovering < await listener.entered("live")
            assert listener.reconnects == len(listener.gaps) == 1
            with pytest.raises(Missed, match="to be stale, and it is live"):
                await listener.entered("stale", within_s=5)

    virtual(main)
