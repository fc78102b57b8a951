import asyncio
import re

import msgspec
import pytest

SIGN_IN = {"username": "me", "password": "secret", "remember": "on"}
REFERER = {"Referer": "https://www.tradingview.com"}


def user_of(page):
    return msgspec.json.decode(re.search(r"var user = (\{.*?\});", page)[1])


@pytest.mark.parametrize("path", ["/", "/chart/?symbol=BINANCE%3ABTCUSD", "/disclaimer/"])
async def test_pages_hold_the_user_and_a_token_for_those_with_a_session(venue, path):
    session_id = venue.simulator.credentials["sessionid"]
    _, page = await venue.get(path, headers={"Cookie": f"sessionid={session_id}"})
    user = user_of(page)
    assert (user["username"], user["pro_plan"]) == ("simulated", "pro_premium")
    assert re.search(r"eyJ[A-Za-z0-9-_]+\.eyJ[A-Za-z0-9-_]+\.[A-Za-z0-9-_]+", page)[0] == user["auth_token"]
    async with venue.dial(token=user["auth_token"]) as dial:
        await dial.chart(bars=6_000)
    assert '"user":{' in page.replace("somebody_else", "")


async def test_a_reader_that_takes_the_first_of_each_field_finds_the_owner(venue):
    _, page = await venue.get("/", headers={"Cookie": "sessionid=simsession0001"})
    found = {
        name: re.search(pattern, page)[1]
        for name, pattern in {
            "id": r'"id":([0-9]{1,10}),',
            "username": r'"username":"(.*?)"',
            "reputation": r'"reputation":(.*?),',
            "followers": r',"followers":([0-9]*?),',
            "notices": r'"notification_count":\{"following":([0-9]*),',
        }.items()
    }
    assert found == {"id": "4711", "username": "simulated", "reputation": "34.5", "followers": "1", "notices": "0"}
    assert page.index("somebody_else") > page.index("auth_token")


async def test_strangers_see_nobody(venue):
    _, page = await venue.get("/")
    assert user_of(page) == {}
    assert "auth_token" not in page


@pytest.mark.parametrize("name", ["NASDAQ-AAPL", "NASDAQ:AAPL", "nasdaq-aapl", "BINANCE-BTCUSDT", "COMEX-GC1!"])
@pytest.mark.parametrize("end", ["", "/?component-data-only=1"])
async def test_known_symbols_have_a_page(venue, name, end):
    assert (await venue.get(f"/symbols/{name}{end}"))[0] == 200


@pytest.mark.parametrize("name", ["NASDAQ-NOSUCH", "AAPL", "NOSUCH:AAPL"])
async def test_other_symbols_have_none(venue, name):
    assert (await venue.get(f"/symbols/{name}"))[0] == 404


async def test_signing_in_gives_a_token_and_cookies(venue):
    async with venue.session.post(f"{venue.site}/accounts/signin/", data=SIGN_IN, headers=REFERER) as response:
        body = await response.json()
        assert {"sessionid", "sessionid_sign", "device_t"} <= set(response.cookies)
    assert body["error"] == ""
    async with venue.dial(token=body["user"]["auth_token"]) as dial:
        await dial.chart(bars=5)


async def test_signing_in_needs_a_name_a_word_and_a_referer(venue):
    assert (await venue.post("/accounts/signin/", data=SIGN_IN))[0] == 403
    assert (await venue.post("/accounts/signin/", data={}, headers=REFERER))[1]["code"] == "invalid_credentials"
    venue.simulator.faults.set("reject_auth")
    assert (await venue.post("/accounts/signin/", data=SIGN_IN, headers=REFERER))[1]["code"] == "invalid_credentials"


async def test_a_captcha_may_be_asked_for(new_venue):
    async with new_venue(settings={"sign_in": "captcha"}) as venue:
        _, body = await venue.post("/accounts/signin/", data=SIGN_IN, headers=REFERER)
        assert body["code"] == "recaptcha_required"


async def test_a_second_factor_may_be_asked_for(new_venue):
    async with new_venue(settings={"sign_in": "two_factor"}) as venue:
        _, body = await venue.post("/accounts/signin/", data=SIGN_IN, headers=REFERER)
        assert body["error"] == "2FA_required"
        cookie = {"Cookie": f"sessionid={venue.simulator.credentials['sessionid']}"}
        path = "/accounts/two-factor/signin/totp/"
        assert (await venue.post(path, data={"code": "000000"}, headers=cookie))[0] == 400
        status, body = await venue.post(path, data={"code": "123456"}, headers=cookie)
        assert (status, body["user"]["username"]) == (200, "simulated")


async def test_the_token_request_of_old_is_dead(venue):
    assert (await venue.get("/quote_token"))[0] == 404


@pytest.mark.parametrize(
    ("argument", "status", "text"),
    [
        ("503", 503, ""),
        ("garbage", 200, '"username":"simul<'),
        ("error_body", 200, "<title>Captcha Challenge</title>"),
    ],
)
async def test_the_page_with_the_token_can_fail_in_several_ways(venue, argument, status, text):
    cookie = {"Cookie": f"sessionid={venue.simulator.credentials['sessionid']}"}
    venue.simulator.faults.set(f"token_down:{argument}")
    seen, page = await venue.get("/", headers=cookie)
    assert seen == status
    assert text in page
    assert "auth_token" not in page


async def test_the_page_with_the_token_can_come_late(venue):
    cookie = {"Cookie": f"sessionid={venue.simulator.credentials['sessionid']}"}
    venue.simulator.faults.set("token_down:slow", seconds=7)
    began = asyncio.get_running_loop().time()
    _, page = await venue.get("/", headers=cookie)
    assert "auth_token" in page
    assert asyncio.get_running_loop().time() - began >= 7
