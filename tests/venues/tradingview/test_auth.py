import base64
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from brokerwire.config import Credentials, Secret
from brokerwire.errors import AuthenticationError, ConfigurationError, RateLimitError, UnsupportedError
from brokerwire.errors import VenueUnavailableError as Unavailable
from brokerwire.venue import Access, Request, Response
from brokerwire.venues.tradingview.auth import (
    TOKENS,
    authorize,
    build_refresh,
    claims_of,
    cookies_of,
    is_anonymous,
    parse_grant,
    token_of,
)

NOW_S = 1_795_446_000


def jwt(**claims: Any) -> str:
    body = base64.urlsafe_b64encode(msgspec.json.encode(claims)).decode().rstrip("=")
    return f"eyJhbGciOiJSUzI1NiJ9.{body}.c2ln"


def access(token: str | None = None, **credentials: str) -> Access:
    return Access(
        credentials=Credentials(credentials), token=None if token is None else Secret(token), time_ns=NOW_S * 10**9
    )


def test_a_token_says_when_it_ends_and_what_its_plan_is() -> None:
    claims = claims_of(Secret(jwt(exp=NOW_S, plan="pro_premium")))
    assert (claims.exp, claims.plan) == (NOW_S, "pro_premium")


@pytest.mark.parametrize(("now_s", "left_s"), [(0, 600), (500, 100), (-1, None), (600, None), (86_400, None)])
def test_what_is_left_of_a_token_is_said_only_where_the_clock_may_be_right(now_s: int, left_s: float | None) -> None:
    claims = claims_of(Secret(jwt(exp=NOW_S + 600, iat=NOW_S)))
    assert claims.life_s == 600
    assert claims.left_s(NOW_S + now_s) == left_s


@pytest.mark.parametrize(("off_s", "life_s"), [(0, 600), (200, 400), (3600, 600), (-3600, 600)])
def test_a_clock_that_is_wrong_does_not_shorten_or_stretch_the_life_of_a_token(off_s: int, life_s: float) -> None:
    body = b'{"user":{"auth_token":"%s"}}' % jwt(exp=NOW_S + 600, iat=NOW_S).encode()
    assert parse_grant(Response(200, {}, body, received_ns=(NOW_S + off_s) * 10**9)).expires_in_s == life_s


@pytest.mark.parametrize("token", ["unauthorized_user_token", "a.b", "a.%%%.c", "a.bm9uc2Vuc2U.c", "a.\u00fc.c"])
def test_what_is_no_token_says_nothing(token: str) -> None:
    assert claims_of(Secret(token)).exp is None


def test_the_renewed_token_comes_before_the_given_one_and_nobodys_comes_last() -> None:
    assert token_of(access("renewed", auth_token="given")).reveal() == "renewed"
    assert token_of(access(auth_token="given")).reveal() == "given"
    assert is_anonymous(token_of(access()))


@pytest.mark.parametrize(
    ("token", "host"),
    [(None, "stream"), (jwt(exp=NOW_S, plan=""), "stream"), (jwt(exp=NOW_S, plan="pro"), "prodata")],
)
def test_a_paid_plan_has_a_host_of_its_own(token: str | None, host: str) -> None:
    request = authorize(Request(endpoint="stream", path="/"), access(token))
    assert request.endpoint == host
    assert not request.headers


def test_cookies_go_to_the_host_of_scripts_alone() -> None:
    login = access(sessionid="one", sessionid_sign="two")
    assert authorize(Request(endpoint="pine", path="/"), login).headers == {
        "Cookie": "sessionid=one; sessionid_sign=two"
    }
    assert not authorize(Request(endpoint="search", path="/"), login).headers
    assert cookies_of(Credentials({})) == {}


def test_a_token_is_renewed_from_the_home_page_with_cookies_or_by_a_sign_in() -> None:
    page = build_refresh(Credentials({"sessionid": "one"}), Secret("one"))
    assert (page.method, page.path, page.headers["Cookie"]) == ("GET", "/", "sessionid=one")
    sign_in = build_refresh(Credentials({"username": "me", "password": "p&q"}), Secret("p&q"))
    assert (sign_in.method, sign_in.path, sign_in.is_repeatable) == ("POST", "/accounts/signin/", False)
    assert parse_qs(sign_in.body.decode()) == {"username": ["me"], "password": ["p&q"], "remember": ["on"]}
    with pytest.raises(ConfigurationError, match="TRADINGVIEW_USERNAME"):
        build_refresh(Credentials({"password": "p"}), Secret("p"))


@pytest.mark.parametrize(
    "body",
    [
        b'<html><script>var user = {"auth_token": "%s"}</script>',
        b'{"user":{"auth_token":"%s"}}',
    ],
)
def test_the_token_is_found_in_a_page_and_in_the_answer_to_a_sign_in(body: bytes) -> None:
    token = jwt(exp=NOW_S + 600, plan="pro")
    grant = parse_grant(Response(200, {}, body % token.encode(), received_ns=NOW_S * 10**9))
    assert grant.access_token.reveal() == token
    assert grant.expires_in_s == pytest.approx(600)


def test_a_token_that_has_run_out_already_has_no_life_left() -> None:
    body = b'{"user":{"auth_token":"%s"}}' % jwt(exp=NOW_S - 5).encode()
    assert parse_grant(Response(200, {}, body, received_ns=NOW_S * 10**9)).expires_in_s == 0


@pytest.mark.parametrize(
    ("status", "body", "kind", "text"),
    [
        (429, b"", RateLimitError, "wait"),
        (503, b"", Unavailable, "503"),
        (0, b"", Unavailable, "0"),
        (200, b"<title>Captcha Challenge</title>", AuthenticationError, "captcha"),
        (200, b"<html>nobody</html>", AuthenticationError, "cookies are no longer good"),
        (200, b'{"error":"bad password","code":"invalid_credentials"}', AuthenticationError, "invalid_credentials"),
        (200, b'{"user":{}}', AuthenticationError, "no token"),
    ],
)
def test_why_there_is_no_token_is_typed(status: int, body: bytes, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        parse_grant(Response(status, {}, body))


def test_nobody_is_sent_to_a_browser_and_back() -> None:
    with pytest.raises(UnsupportedError, match="cookies"):
        TOKENS.build_authorize()
