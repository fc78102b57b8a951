import pytest

from brokerwire.simulator.fronts.tradingview.tokens import CREDENTIALS

ROOT = "/pine-facade"
GOOD = "//@version=5\nindicator('mine')\nplot(close)"


@pytest.fixture
def cookie():
    return {"Cookie": f"sessionid={CREDENTIALS['sessionid']}"}


async def test_the_catalogue_lists_what_can_be_translated(venue):
    _, listed = await venue.get(f"{ROOT}/list", params={"filter": "standard"})
    assert len(listed) >= 15
    for each in listed:
        _, body = await venue.get(f"{ROOT}/translate/{each['scriptIdPart']}/{each['version']}")
        assert body["success"]
        meta = body["result"]["metaInfo"]
        assert meta["inputs"][0]["defval"] == body["result"]["ilTemplate"]
        assert len(meta["plots"]) == len(meta["styles"])
        assert meta["pine"]["version"] == each["version"]
    assert (await venue.get(f"{ROOT}/list", params={"filter": "fundamental"}))[1] == []


@pytest.mark.parametrize("slash", ["", "/"])
async def test_public_scripts_are_suggested_with_and_without_a_slash(venue, slash):
    status, body = await venue.get(f"/pubscripts-suggest-json{slash}?search=rsi")
    assert status == 200
    assert body["results"]


@pytest.mark.parametrize("path", ["STD%3BRSI/last", "STD;RSI/37.0", "STD%253BRSI/last"])
async def test_ids_may_be_escaped_in_several_ways(venue, path):
    _, body = await venue.get(f"{ROOT}/translate/{path}")
    assert [each["name"] for each in body["result"]["metaInfo"]["inputs"][3:]] == ["RSI Length", "Source", "MA Length"]


@pytest.mark.parametrize("path", ["PUB;nothing/last", "STD;RSI/1.0"])
async def test_unknown_scripts_and_versions_are_said_to_be_so(venue, path):
    _, body = await venue.get(f"{ROOT}/translate/{path}")
    assert (body["success"], "not found" in body["reason"]) == (False, True)


async def test_saved_scripts_need_a_session(venue):
    for path in ("list?filter=saved", "get/USER;1/1.0"):
        assert (await venue.get(f"{ROOT}/{path}"))[0] == 403
    for path in ("translate_light?v=3", "save/new", "save/next/USER;1", "delete/USER;1"):
        assert (await venue.post(f"{ROOT}/{path}", data={"source": GOOD}))[0] == 403


async def test_scripts_are_checked_saved_fetched_and_deleted(venue, cookie):
    _, body = await venue.post(f"{ROOT}/translate_light?v=3", data={"source": "plot(close)"}, headers=cookie)
    assert len(body["result"]["errors"]) == 1
    _, body = await venue.post(f"{ROOT}/save/new?name=mine", data={"source": "plot(close)"}, headers=cookie)
    assert not body["success"]
    _, body = await venue.post(f"{ROOT}/save/new?name=mine", data={"source": GOOD}, headers=cookie)
    script_id = body["result"]["metaInfo"]["scriptIdPart"]
    _, body = await venue.post(f"{ROOT}/save/next/{script_id}", data={"source": GOOD}, headers=cookie)
    assert body["result"]["metaInfo"]["pine"]["version"] == "2.0"
    _, listed = await venue.get(f"{ROOT}/list?filter=saved", headers=cookie)
    assert [(each["scriptName"], each["version"]) for each in listed] == [("mine", "2.0")]
    _, script = await venue.get(f"{ROOT}/get/{script_id}/2.0", headers=cookie)
    assert script["source"] == GOOD
    assert (await venue.get(f"{ROOT}/is_auth_to_get/{script_id}/2.0"))[1] is True
    assert (await venue.post(f"{ROOT}/delete/{script_id}", headers=cookie))[0] == 200
    assert (await venue.post(f"{ROOT}/delete/{script_id}", headers=cookie))[0] == 404
    assert (await venue.post(f"{ROOT}/save/next/{script_id}", data={"source": GOOD}, headers=cookie))[0] == 404
    assert (await venue.get(f"{ROOT}/get/{script_id}/2.0", headers=cookie))[0] == 404


async def test_scripts_are_suggested_by_name(venue):
    _, body = await venue.get("/pubscripts-suggest-json/", params={"search": "RSI"})
    assert [each["scriptIdPart"] for each in body["results"]] == ["STD;RSI", "STD;Stochastic_RSI"]
    assert body["results"][0]["author"]["username"]
