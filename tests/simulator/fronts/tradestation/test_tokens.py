import base64
import json

import pytest

from brokerwire.simulator.faults import Faults
from brokerwire.simulator.fronts.tradestation.tokens import AuthorizationCode, TokenStore, challenge_of


class Time:
    """Nanoseconds the test moves."""

    now_ns = 1_795_183_384_000_000_000


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def store(time: Time, faults: Faults) -> TokenStore:
    return TokenStore(faults=faults, now_ns=lambda: time.now_ns, life_s=1200)


def test_access_token_is_a_jwt_that_tells_its_end(store: TokenStore, time: Time) -> None:
    token = store.issue_access_token("key", "openid MarketData")
    head, body, signature = token.text.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    assert claims["exp"] == time.now_ns // 10**9 + 1200
    assert claims["azp"] == "key"
    assert head
    assert signature


def test_token_ends_with_its_time(store: TokenStore, time: Time) -> None:
    token = store.issue_access_token("key", "openid")
    assert store.find_access_token(token.text) is token
    time.now_ns += 1200 * 10**9
    assert store.find_access_token(token.text) is None


def test_expiry_fault_ends_older_tokens_only(store: TokenStore, faults: Faults) -> None:
    old = store.issue_access_token("key", "openid")
    faults.set("expire_token")
    new = store.issue_access_token("key", "openid")
    assert not store.is_good(old)
    assert store.is_good(new)


def test_code_is_good_once_and_not_for_long(store: TokenStore, time: Time) -> None:
    code = AuthorizationCode("key", "http://localhost/", "openid", None, time.now_ns + 10)
    first, late = store.issue_code(code), store.issue_code(code)
    assert store.redeem_code(first) is code
    assert store.redeem_code(first) is None
    time.now_ns += 10
    assert store.redeem_code(late) is None


def test_revoking_kills_every_refresh_token_of_the_key(store: TokenStore) -> None:
    issued = store.issue_refresh_token("key", "openid")
    store.use_refresh_token("key", "typed in")
    store.revoke_all("key", issued)
    assert store.use_refresh_token("key", "typed in") is None
    assert store.use_refresh_token("other", "theirs") is not None
    store.retire("theirs")
    assert store.was_retired("theirs")


def test_challenge_is_that_of_the_specification() -> None:
    # RFC 7636, appendix B
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
