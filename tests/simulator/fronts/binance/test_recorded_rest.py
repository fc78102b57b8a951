"""REST in a replay: what was recorded, for the symbols of the recording, and 404 for the rest."""

import pytest


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("exchangeInfo", {}, 200),
        ("exchangeInfo", {"symbol": "AAABBB"}, 200),
        ("exchangeInfo", {"symbols": '["AAABBB","CCCBBB"]'}, 200),
        ("depth", {"symbol": "AAABBB", "limit": "7"}, 200),
        ("trades", {"symbol": "CCCBBB", "limit": "1"}, 200),
        ("depth", {"symbol": "CCCBBB"}, 404),
        ("depth", {}, 404),
        ("trades", {"symbol": "AAABBB"}, 404),
        ("klines", {"symbol": "AAABBB", "interval": "1m"}, 404),
        ("ping", {}, 404),
        ("depth", {"symbol": "BTCUSDT"}, 400),
    ],
)
async def test_requests_match_on_path_and_symbol(new_venue, recorded, path, query, status):
    async with new_venue(replay=recorded) as venue:
        found, body = await venue.get(path, **query)
    assert found == status
    if status == 400:
        assert body == {"code": -1121, "msg": "Invalid symbol."}


async def test_other_verbs_and_the_websocket_api_are_not_recorded(new_venue, recorded):
    async with new_venue(replay=recorded) as venue:
        async with venue.session.post(f"{venue.rest}/api/v3/order") as response:
            assert response.status == 404
        async with venue.session.get(f"{venue.rest}/ws-api/v3") as response:
            assert response.status == 404


async def test_late_snapshot_waits_in_a_replay_too(new_venue, recorded):
    async with new_venue(replay=recorded, faults=["late_snapshot:0.01"]) as venue:
        assert (await venue.get("depth", symbol="AAABBB"))[0] == 200
