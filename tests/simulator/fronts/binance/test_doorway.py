"""The door: connection budget and faults of the handshake."""

import asyncio

import aiohttp
import pytest


async def status_of(venue, path="/ws"):
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        async with venue.connect(path):
            pass
    return caught.value.status


async def test_more_dials_than_the_budget_are_429(new_venue):
    async with new_venue(settings={"connects_per_5_minutes": 2}) as venue:
        for _ in range(2):
            async with venue.connect("/ws"):
                pass
        assert await status_of(venue) == 429
        assert venue.simulator.journal.count("violation", reason="too_many_connections") == 1


@pytest.mark.parametrize(
    ("script", "status"), [("refuse:403", 403), ("refuse", 500), ("maintenance", 503), ("refuse:599", 500)]
)
async def test_fault_refuses_the_handshake(venue, script, status):
    venue.simulator.faults.set(script)
    assert await status_of(venue) == status


@pytest.mark.parametrize("script", ["slow_loris", "silent_accept"])
async def test_handshake_that_never_ends_is_the_clients_to_give_up(venue, script):
    venue.simulator.faults.set(script)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(venue.session.ws_connect(f"{venue.ws}/ws"), 0.3)
    venue.simulator.faults.clear()
    async with venue.connect("/ws") as socket:
        assert not socket.closed


async def test_plain_request_for_a_stream_is_refused(venue):
    async with venue.session.get(f"{venue.rest}/ws") as response:
        assert response.status == 400
