import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from brokerwire.simulator.fronts.tradestation.tokens import challenge_of

CALLBACK = "http://localhost:3000/callback"
QUERY = {
    "response_type": "code",
    "client_id": "key",
    "audience": "https://api.tradestation.com",
    "redirect_uri": CALLBACK,
    "scope": "openid offline_access MarketData",
    "state": "abc",
}

JSON = {"Content-Type": "application/json"}


async def authorize(wire: Any, **fields: str) -> tuple[int, dict[str, list[str]]]:
    url = f"{wire.rest}/authorize"
    async with wire.session.get(url, params=QUERY | fields, allow_redirects=False) as answer:
        return answer.status, parse_qs(urlsplit(answer.headers.get("Location", "")).query)


async def token(wire: Any, **fields: str) -> tuple[int, dict[str, Any]]:
    form = {"client_id": "key", **fields}
    async with wire.session.post(f"{wire.rest}/oauth/token", data=form) as answer:
        return answer.status, await answer.json()


async def test_code_grant_gives_every_token(wire: Any) -> None:
    status, query = await authorize(wire)
    assert status == 302
    assert query["state"] == ["abc"]
    fields = {"grant_type": "authorization_code", "code": query["code"][0], "redirect_uri": CALLBACK}
    status, body = await token(wire, client_secret="s", **fields)
    assert status == 200
    assert list(body) == ["access_token", "refresh_token", "id_token", "scope", "expires_in", "token_type"]
    assert (body["expires_in"], body["token_type"]) == (1200, "Bearer")
    assert body["scope"] == QUERY["scope"]
    assert (await token(wire, client_secret="s", **fields))[0] == 403


async def test_tokens_are_given_where_clients_of_the_sim_host_ask_for_them(wire: Any) -> None:
    form = {"grant_type": "refresh_token", **wire.simulator.credentials}
    async with wire.session.post(f"{wire.simulator.endpoints['auth']}/sim/oauth/token", data=form) as answer:
        assert answer.status == 200
        assert (await answer.json())["token_type"] == "Bearer"


async def test_pkce_needs_the_verifier_and_no_secret(wire: Any) -> None:
    verifier = "v" * 64
    challenge = {"code_challenge": challenge_of(verifier), "code_challenge_method": "S256"}
    for given, expected in (("wrong" * 10, 403), (verifier, 200)):
        _, query = await authorize(wire, **challenge)
        fields = {"grant_type": "authorization_code", "code": query["code"][0], "redirect_uri": CALLBACK}
        assert (await token(wire, code_verifier=given, **fields))[0] == expected


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": "x", "code_challenge_method": "plain"}, "invalid_request"),
    ],
)
async def test_bad_authorization_is_redirected_with_its_error(wire: Any, fields: dict[str, str], error: str) -> None:
    _, query = await authorize(wire, **fields)
    assert query["error"] == [error]
    assert query["state"] == ["abc"]


async def test_authorization_without_client_or_with_a_foreign_callback_is_no_redirect(wire: Any) -> None:
    assert (await authorize(wire, client_id=""))[0] == 400
    assert (await authorize(wire, redirect_uri="https://example.com/"))[0] == 403


async def test_refused_consent_comes_back_as_access_denied(start: Any) -> None:
    wire = await start(refuses_consent=True)
    _, query = await authorize(wire)
    assert query["error"] == ["access_denied"]


async def test_refresh_without_rotation_returns_no_refresh_token(wire: Any) -> None:
    status, body = await token(wire, grant_type="refresh_token", refresh_token="any")
    assert status == 200
    assert list(body) == ["access_token", "id_token", "scope", "expires_in", "token_type"]


async def test_rotated_token_is_good_once(start: Any) -> None:
    wire = await start(rotate_refresh_tokens=True)
    _, first = await token(wire, grant_type="refresh_token", refresh_token="old")
    status, body = await token(wire, grant_type="refresh_token", refresh_token="old")
    assert status == 403
    assert body == {"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."}
    assert (await token(wire, grant_type="refresh_token", refresh_token=first["refresh_token"]))[0] == 403


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"client_id": ""}, 400, "invalid_request"),
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 403, "unauthorized_client"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x"}, 403, "invalid_grant"),
    ],
)
async def test_bad_token_requests(wire: Any, fields: dict[str, str], status: int, error: str) -> None:
    found, body = await token(wire, **fields)
    assert (found, body["error"]) == (status, error)


async def test_code_needs_its_redirect_uri_and_a_secret(wire: Any) -> None:
    for fields, status in (({"redirect_uri": "http://localhost/"}, 403), ({"redirect_uri": CALLBACK}, 401)):
        _, query = await authorize(wire)
        found, _ = await token(wire, grant_type="authorization_code", code=query["code"][0], **fields)
        assert found == status


async def test_json_body_is_understood_and_garbage_refused(wire: Any) -> None:
    url = f"{wire.rest}/oauth/token"
    body = {"grant_type": "refresh_token", "client_id": "key", "refresh_token": "any"}
    async with wire.session.post(url, json=body) as answer:
        assert answer.status == 200
    async with wire.session.post(url, data=b"{", headers={"Content-Type": "application/json"}) as answer:
        assert answer.status == 400


async def test_revoking_one_token_revokes_all_of_the_key(wire: Any) -> None:
    for text in ("one", "two"):
        await token(wire, grant_type="refresh_token", refresh_token=text)
    async with wire.session.post(f"{wire.rest}/oauth/revoke", data={"client_id": "key", "token": "one"}) as answer:
        assert answer.status == 200
    assert (await token(wire, grant_type="refresh_token", refresh_token="two"))[0] == 403
    async with wire.session.post(f"{wire.rest}/oauth/revoke", data={"client_id": "key"}) as answer:
        assert answer.status == 400


async def test_logout_returns_to_the_application(wire: Any) -> None:
    async with wire.session.get(f"{wire.rest}/v2/logout?returnTo={CALLBACK}", allow_redirects=False) as answer:
        assert answer.headers["Location"] == CALLBACK
    async with wire.session.get(f"{wire.rest}/v2/logout") as answer:
        assert answer.status == 200


@pytest.mark.parametrize(("argument", "status"), [("500", 500), ("error_body", 200), ("garbage", 200), ("", 500)])
async def test_broken_token_endpoint(wire: Any, argument: str, status: int) -> None:
    wire.simulator.faults.set(f"token_down:{argument}")
    form = {"grant_type": "refresh_token", "client_id": "key", "refresh_token": "any"}
    async with wire.session.post(f"{wire.rest}/oauth/token", data=form) as answer:
        assert answer.status == status
        assert "access_token" not in await answer.text()


async def test_slow_token_endpoint_answers_in_the_end(wire: Any) -> None:
    wire.simulator.faults.set("token_down:slow", seconds=0.05)
    assert (await token(wire, grant_type="refresh_token", refresh_token="any"))[0] == 200


async def test_token_endpoint_that_hangs_never_answers(wire: Any) -> None:
    wire.simulator.faults.set("token_down:hang")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(token(wire, grant_type="refresh_token", refresh_token="any"), 3600)


async def test_revocation_that_cannot_be_read_is_refused(wire: Any) -> None:
    async with wire.session.post(f"{wire.rest}/oauth/revoke", data=b"{", headers=JSON) as answer:
        assert answer.status == 400
