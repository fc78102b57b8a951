"""The front as the simulator starts it."""

import asyncio

import pytest

from brokerwire.simulator import Simulator


async def test_all_endpoints_share_one_port_with_their_schemes(venue):
    endpoints = venue.simulator.endpoints
    assert {key: url.split("://")[0] for key, url in endpoints.items()} == {
        "rest": "http",
        "stream": "ws",
        "ws_api": "ws",
    }
    assert len({url.rsplit(":", 1)[1] for url in endpoints.values()}) == 1
    assert set(venue.simulator.credentials) == {"api_key", "api_secret"}


async def test_same_seed_gives_the_same_market_and_another_seed_another(new_venue):
    async def first_bar(seed):
        async with Simulator("binance", seed=seed) as simulator:
            market = simulator.exchange.market
            return market.window("BTCUSDT", 1_700_000_040_000_000_000, 1_700_000_100_000_000_000)

    assert await first_bar(1) == await first_bar(1)
    assert await first_bar(1) != await first_bar(2)


def test_unknown_setting_missing_recording_and_bad_speed_are_named(tmp_path, recorded):
    with pytest.raises(ValueError, match="colour"):
        Simulator("binance", settings={"colour": 1})
    with pytest.raises(FileNotFoundError, match="recording"):
        Simulator("binance", replay=tmp_path / "absent")
    with pytest.raises(ValueError, match="speed"):
        Simulator("binance", replay=recorded, speed=-1.0)


async def test_close_ends_open_streams_and_nothing_is_left(new_venue):
    async with new_venue() as venue, venue.connect("/stream?streams=btcusdt@trade/!miniTicker@arr") as socket:
        await venue.simulator.journal.wait_for("subscribe", count=2)
        closing = asyncio.create_task(venue.simulator.close())
        while not socket.closed:
            await socket.receive(timeout=10)
        await closing
        assert socket.close_code == 1001
        assert len(venue.simulator.connections) == 0
        await venue.simulator.close()
