import base64
import json

import pytest

from brokerwire.simulator import Faults
from brokerwire.simulator.fronts.tradingview.settings import read_settings
from brokerwire.simulator.fronts.tradingview.tokens import TokenDesk, TokenExpired, TokenRefused

NOW_S = 1_795_183_384


@pytest.fixture
def faults():
    return Faults()


@pytest.fixture
def clock():
    return {"now_s": NOW_S}


@pytest.fixture
def desk(faults, clock):
    return TokenDesk(read_settings({}), faults=faults, now_ns=lambda: clock["now_s"] * 1_000_000_000)


def jwt(claims):
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"eyJhbGciOiJub25lIn0.{part}.c2ln"


def test_an_issued_token_is_good_for_its_life_and_not_longer(desk, clock):
    token = desk.issue(60)
    grant = desk.check(token)
    assert (grant.plan, grant.expires_s, grant.is_anonymous) == ("pro_premium", NOW_S + 60, False)
    clock["now_s"] += 60
    with pytest.raises(TokenExpired):
        desk.check(token)


@pytest.mark.parametrize("token", ["unauthorized_user_token", "widget_user_token"])
def test_the_two_literals_are_anonymous(desk, token):
    grant = desk.check(token)
    assert (grant.plan, grant.is_anonymous) == ("", True)


@pytest.mark.parametrize(
    "token", ["", "garbage", "a.b", "a.b.c", "a.!!!!.c", "a.bm90anNvbg.c", jwt({"iat": 1}), "..", jwt([])]
)
def test_garbage_is_refused(desk, token):
    with pytest.raises(TokenRefused):
        desk.check(token)


def test_a_token_of_somebody_else_is_accepted_with_its_own_plan_or_the_accounts(desk):
    assert desk.check(jwt({"exp": NOW_S + 9, "plan": "ultimate"})).plan == "ultimate"
    assert desk.check(jwt({"exp": NOW_S + 9})).plan == "pro_premium"
    assert desk.check(jwt({"exp": NOW_S + 9, "plan": "unheard_of"})).plan == "pro_premium"


def test_the_fault_expires_what_was_issued_and_shortens_what_comes(desk, faults):
    old = desk.issue()
    faults.set("expire_token:30")
    with pytest.raises(TokenExpired):
        desk.check(old)
    assert desk.check(desk.issue()).expires_s == NOW_S + 30


def test_the_fault_refuses_every_token(desk, faults):
    faults.set("reject_auth")
    with pytest.raises(TokenRefused):
        desk.check("unauthorized_user_token")
    assert not desk.knows({"sessionid": "any"})


def test_a_session_that_is_not_empty_is_known(desk):
    assert desk.knows({"sessionid": "any"})
    assert not desk.knows({})
    assert not desk.knows({"sessionid": "expired"})


def test_a_profile_says_who_it_is_and_carries_a_token(desk):
    profile = desk.profile()
    assert (profile["username"], profile["pro_plan"], profile["is_pro"]) == ("simulated", "pro_premium", True)
    assert desk.check(profile["auth_token"]).plan == "pro_premium"
