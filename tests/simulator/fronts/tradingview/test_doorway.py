import asyncio

import aiohttp
import pytest

ORIGIN = "https://www.tradingview.com"


async def status_of(venue, *, headers=None, path="/socket.io/websocket"):
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        async with venue.dial(path=path, headers=headers or {"Origin": ORIGIN}):
            pass
    return caught.value.status


@pytest.mark.parametrize(
    "origin",
    [
        ORIGIN,
        f"{ORIGIN}/",
        "https://data.tradingview.com",
        "https://prodata.tradingview.com",
        "https://s.tradingview.com",
        "https://tradingview.com",
    ],
)
async def test_the_venues_own_origins_are_let_in(venue, origin):
    async with venue.dial(headers={"Origin": origin}) as dial:
        assert "session_id" in await dial.next()


@pytest.mark.parametrize("origin", ["http://127.0.0.1:1", "https://127.0.0.1", "http://127.0.0.1:54321"])
async def test_addresses_on_loopback_are_let_in(venue, origin):
    async with venue.dial(headers={"Origin": origin}) as dial:
        assert "session_id" in await dial.next()


@pytest.mark.parametrize(
    "headers",
    [
        {"X": "1"},
        {"Origin": "https://example.com"},
        {"Origin": "http://127.0.0.1.example.com"},
        {"Origin": "http://www.tradingview.com"},
        {"Origin": "https://nottradingview.com"},
        {"Origin": "https://tradingview.com.example.com"},
    ],
)
async def test_any_other_origin_is_403(venue, headers):
    assert await status_of(venue, headers=headers) == 403
    assert venue.simulator.journal.count("violation", reason="origin") == 1


async def test_another_path_is_404(venue):
    assert await status_of(venue, path="/socket.io/other") == 404


async def test_more_dials_than_the_budget_are_429_for_a_minute(new_venue):
    async with new_venue(settings={"connects_per_minute": 2}) as venue:
        for _ in range(2):
            async with venue.dial():
                pass
        assert await status_of(venue) == 429
        await asyncio.sleep(61)
        async with venue.dial() as dial:
            assert "session_id" in await dial.next()


@pytest.mark.parametrize(
    ("script", "status"), [("refuse:403", 403), ("refuse", 500), ("maintenance", 503), ("rate_limit:7", 429)]
)
async def test_faults_refuse_the_handshake(venue, script, status):
    venue.simulator.faults.set(script)
    assert await status_of(venue) == status


@pytest.mark.parametrize("script", ["slow_loris", "silent_accept"])
async def test_a_handshake_that_never_ends_is_the_clients_to_give_up(venue, script):
    venue.simulator.faults.set(script)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3), venue.dial():
            pass
    venue.simulator.faults.clear()
    async with venue.dial() as dial:
        assert "session_id" in await dial.next()


async def test_the_journal_says_who_dialled_which_host(venue):
    async with venue.dial(host="stream") as dial:
        await dial.next()
    async with venue.dial() as dial:
        await dial.next()
    assert [entry.detail["host"] for entry in venue.simulator.journal.entries("dial")] == ["data", "prodata"]
    await venue.simulator.journal.wait_for("stream_close", count=2)
