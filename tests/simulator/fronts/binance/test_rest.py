"""REST answers carry weights, refusals the venue's bodies, faults their statuses."""

import asyncio

import aiohttp
import msgspec
import pytest

from brokerwire.simulator.fronts.binance.arguments import Arguments
from brokerwire.simulator.fronts.binance.methods import BY_NAME
from brokerwire.simulator.fronts.binance.rest import cost_of


async def test_answers_tell_the_weight_used(venue):
    async with venue.session.get(f"{venue.rest}/api/v3/depth?symbol=BTCUSDT&limit=1000") as response:
        assert response.headers["X-MBX-USED-WEIGHT"] == response.headers["X-MBX-USED-WEIGHT-1M"]
        assert int(response.headers["X-MBX-USED-WEIGHT-1M"]) >= 50
        assert response.content_type == "application/json"


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("depth", {"symbol": "NOPE"}, -1121),
        ("depth", {}, -1102),
        ("depth", {"symbol": "btcusdt"}, -1100),
        ("klines", {"symbol": "BTCUSDT", "interval": "2m"}, -1120),
        ("klines", {"symbol": "BTCUSDT", "interval": ""}, -1105),
        ("depth", {"symbol": "BTCUSDT", "limit": "none"}, -1100),
    ],
)
async def test_refusals_are_400_with_code_and_text(venue, path, query, code):
    status, body = await venue.get(path, **query)
    assert (status, body["code"]) == (400, code)
    assert set(body) == {"code", "msg"}


async def test_time_unit_header_multiplies_the_times(venue):
    _, milli = await venue.get("time")
    _, micro = await venue.get("time", headers={"X-MBX-TIME-UNIT": "MICROSECOND"})
    status, body = await venue.get("time", headers={"X-MBX-TIME-UNIT": "HOUR"})
    assert 0 <= micro["serverTime"] / 1000 - milli["serverTime"] < 5000
    assert (status, body["code"]) == (400, -1194)


async def test_unknown_path_and_verb_are_refused_in_json(venue):
    status, body = await venue.get("nothing")
    assert (status, body["code"]) == (404, -1000)
    async with venue.session.put(f"{venue.rest}/api/v3/depth") as response:
        assert response.status == 405
    async with venue.session.get(f"{venue.rest}/elsewhere") as response:
        assert response.status == 404


async def test_weight_limit_is_429_with_retry_after(new_venue):
    async with new_venue(settings={"weight_per_minute": 30, "ignored_before_ban": 1}) as venue:
        statuses = []
        for _ in range(5):
            async with venue.session.get(f"{venue.rest}/api/v3/trades?symbol=BTCUSDT&limit=1") as response:
                statuses.append((response.status, "Retry-After" in response.headers))
    assert (200, False) in statuses
    assert (429, True) in statuses
    assert (418, True) in statuses


@pytest.mark.parametrize(
    ("script", "options", "status", "has_wait"),
    [
        ("rate_limit:7", {}, 429, True),
        ("rate_limit:7", {"status": 418}, 418, True),
        ("refuse:502", {}, 502, False),
        ("maintenance", {}, 503, False),
    ],
)
async def test_fault_turns_requests_away(venue, script, options, status, has_wait):
    venue.simulator.faults.set(script, **options)
    async with venue.session.get(f"{venue.rest}/api/v3/ping") as response:
        assert response.status == status
        assert response.headers.get("Retry-After") == ("7" if has_wait else None)
        assert "code" in msgspec.json.decode(await response.read())
    venue.simulator.faults.clear()
    assert (await venue.get("ping")) == (200, {})


async def test_slow_loris_trickles_the_body(venue):
    venue.simulator.faults.set("slow_loris:0.01")
    assert await venue.get("ping") == (200, {})


async def test_stale_snapshot_is_older_than_the_book(venue):
    _, fresh = await venue.get("depth", symbol="BTCUSDT", limit="5")
    venue.simulator.faults.set("late_snapshot:0.01", age_s=30)
    _, stale = await venue.get("depth", symbol="BTCUSDT", limit="5")
    assert stale["lastUpdateId"] < fresh["lastUpdateId"]


async def test_request_that_is_never_answered_ends_with_the_client(venue):
    venue.simulator.faults.set("silent_accept", channel="/time", times=1)
    with pytest.raises(TimeoutError):
        async with venue.session.get(f"{venue.rest}/api/v3/time", timeout=aiohttp.ClientTimeout(total=0.2)):
            pass
    assert (await venue.get("ping")) == (200, {})


async def test_requests_are_journalled_without_signatures(venue):
    await venue.get("time", signature="secret")
    entry = venue.simulator.journal.entries("request")[-1]
    assert (entry.detail["path"], entry.detail["query"]) == ("/api/v3/time", {})


def test_malformed_request_costs_one():
    assert cost_of(BY_NAME["depth"], Arguments({"limit": "x"})) == 1


async def test_answer_that_trickles_is_whole_in_the_end(venue):
    venue.simulator.faults.set("slow_loris:0.1")
    began = asyncio.get_running_loop().time()
    status, body = await venue.get("exchangeInfo", symbol="BTCUSDT")
    assert (status, [each["symbol"] for each in body["symbols"]]) == (200, ["BTCUSDT"])
    assert asyncio.get_running_loop().time() - began > 60
    await asyncio.sleep(1)


async def test_unknown_paths_of_the_wallet_have_its_own_kind_of_error(venue):
    async with venue.session.get(f"{venue.simulator.endpoints['rest']}/sapi/v1/nothing") as response:
        body = await response.json()
    assert (response.status, body["error"], body["path"]) == (404, "Not Found", "/sapi/v1/nothing")
    assert body["timestamp"] > 1_700_000_000_000


async def test_symbols_that_are_no_json_list_are_refused(venue):
    for path in ("exchangeInfo", "ticker/price", "ticker/24hr"):
        status, body = await venue.get(path, symbols="BTCUSDT")
        assert (status, body["code"]) == (400, -1100)
        assert "parameter 'symbols'; legal range is" in body["msg"]
