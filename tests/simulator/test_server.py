import asyncio
from pathlib import Path

import aiohttp
import pytest

from brokerwire.simulator import Simulator, known_venues


def test_unknown_venue_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="tradestation"):
        Simulator("nowhere")
    assert "tradestation" in known_venues()


def test_unknown_fault_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="unknown fault"):
        Simulator("tradestation", faults=["nonsense"])


@pytest.mark.parametrize("venue", ["binance", "tradestation"])
def test_folder_without_a_recording_says_so(venue: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="bwrec"):
        Simulator(venue, replay=tmp_path)


def test_seed_is_kept_and_drawn_when_not_given() -> None:
    assert Simulator("tradestation", seed=5).seed == 5
    assert Simulator("tradestation").seed != Simulator("tradestation").seed


async def test_it_serves_on_loopback_until_closed() -> None:
    simulator = Simulator("tradestation", seed=1)
    async with simulator, aiohttp.ClientSession() as session:
        assert set(simulator.endpoints) == {"rest", "auth"}
        assert simulator.endpoints["rest"].startswith("http://127.0.0.1:")
        async with session.get(f"{simulator.endpoints['rest']}/_control/state") as answer:
            assert answer.status == 200
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(simulator.endpoints["rest"])
    await simulator.close()


async def test_taken_port_is_an_error_that_names_it() -> None:
    async with Simulator("tradestation", seed=1) as first:
        port = int(first.endpoints["rest"].rsplit(":", 1)[1])
        with pytest.raises(OSError, match=str(port)):
            await Simulator("tradestation", port=port).start()


async def test_nothing_is_left_running_after_close() -> None:
    before = asyncio.all_tasks()
    async with Simulator("tradestation", seed=1) as simulator, aiohttp.ClientSession() as session:
        form = {"grant_type": "refresh_token", **simulator.credentials}
        async with session.post(f"{simulator.endpoints['auth']}/oauth/token", data=form) as answer:
            token = (await answer.json())["access_token"]
        url = f"{simulator.endpoints['rest']}/v3/marketdata/stream/quotes/AAPL"
        stream = await session.get(url, headers={"Authorization": f"Bearer {token}"})
        await stream.content.readline()
        await simulator.close()
        stream.close()
    assert asyncio.all_tasks() == before
