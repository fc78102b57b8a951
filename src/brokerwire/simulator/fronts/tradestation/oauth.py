"""The sign-in server: authorize, token, revoke, logout."""

import asyncio
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
from aiohttp import web

from brokerwire.clock import Clock
from brokerwire.simulator.faults import Faults
from brokerwire.simulator.fronts.tradestation.answers import json_response
from brokerwire.simulator.fronts.tradestation.settings import FrontSettings
from brokerwire.simulator.fronts.tradestation.tokens import (
    DEFAULT_SCOPE,
    AuthorizationCode,
    TokenStore,
    challenge_of,
)

_CODE_LIFE_NS = 600 * 1_000_000_000
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class _Refusal(Exception):
    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.body = {"error": error, "error_description": description}


class SignIn:
    """Handlers of the sign-in host.

    Error bodies and statuses are those of an Auth0 tenant, which the venue's is.

    Source: https://auth0.com/docs/api/authentication, read 2026-11-20.
    """

    def __init__(
        self,
        *,
        tokens: TokenStore,
        faults: Faults,
        clock: Clock,
        now_ns: Callable[[], int],
        settings: FrontSettings,
    ) -> None:
        self._now_ns = now_ns
        self._tokens = tokens
        self._faults = faults
        self._clock = clock
        self._settings = settings

    def add_routes(self, app: web.Application) -> None:
        """Serve the sign-in host from ``app``."""
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/oauth/token", self._token)
        app.router.add_post("/sim/oauth/token", self._token)  # where some clients ask for tokens of the SIM host
        app.router.add_post("/oauth/revoke", self._revoke)
        app.router.add_get("/v2/logout", self._logout)

    async def _authorize(self, request: web.Request) -> web.Response:
        query = request.query
        redirect_uri = query.get("redirect_uri", "")
        if not query.get("client_id"):
            return web.Response(status=400, text="invalid_request: Missing required parameter: client_id")
        if urlsplit(redirect_uri).hostname not in _LOOPBACK:
            return web.Response(status=403, text="Callback URL mismatch.")
        return _redirect(redirect_uri, {**self._decide(request), **_state_of(query)})

    def _decide(self, request: web.Request) -> dict[str, str]:
        query = request.query
        method = query.get("code_challenge_method")
        if query.get("response_type") != "code":
            return _denied("unsupported_response_type", "Only response_type=code is supported.")
        if query.get("code_challenge") and method != "S256":
            return _denied("invalid_request", "code_challenge_method must be S256.")
        if self._settings.refuses_consent:
            return _denied("access_denied", "User did not authorize the request.")
        code = self._tokens.issue_code(
            AuthorizationCode(
                client_id=query["client_id"],
                redirect_uri=query["redirect_uri"],
                scope=query.get("scope") or DEFAULT_SCOPE,
                challenge=query.get("code_challenge") or None,
                expires_ns=self._now_ns() + _CODE_LIFE_NS,
            )
        )
        return {"code": code}

    async def _token(self, request: web.Request) -> web.Response:
        broken = await self._break_down()
        if broken is not None:
            return broken
        try:
            form = await _read_form(request)
            grant = form.get("grant_type")
            if not form.get("client_id"):
                raise _Refusal(400, "invalid_request", "Missing required parameter: client_id")
            if grant == "authorization_code":
                return self._grant_code(form)
            if grant == "refresh_token":
                return self._grant_refresh(form)
            if not grant:
                raise _Refusal(400, "invalid_request", "Missing required parameter: grant_type")
            raise _Refusal(403, "unauthorized_client", f"Grant type '{grant}' not allowed for the client.")
        except _Refusal as refusal:
            return json_response(refusal.body, status=refusal.status)

    async def _break_down(self) -> web.Response | None:
        fault = self._faults.take("token_down")
        if fault is None:
            return None
        if fault.argument == "garbage":
            return web.Response(text="<html><body>Bad gateway</body></html>", content_type="text/html")
        if fault.argument == "error_body":
            return json_response({"error": "server_error", "error_description": "Something went wrong."})
        if fault.argument == "slow":
            await self._clock.sleep(float(fault.options.get("seconds", 60)))
            return None
        if fault.argument == "hang":
            await asyncio.get_running_loop().create_future()
        return json_response(
            {"error": "server_error", "error_description": "Internal error."}, status=int(fault.argument or 500)
        )

    def _grant_code(self, form: Mapping[str, str]) -> web.Response:
        code = self._tokens.redeem_code(form.get("code", ""))
        if code is None or code.client_id != form["client_id"]:
            raise _Refusal(403, "invalid_grant", "Invalid authorization code")
        if form.get("redirect_uri") != code.redirect_uri:
            raise _Refusal(403, "invalid_grant", "The redirect URI is wrong.")
        verifier = form.get("code_verifier")
        if code.challenge is not None and (not verifier or challenge_of(verifier) != code.challenge):
            raise _Refusal(403, "invalid_grant", "Failed to verify code verifier")
        if code.challenge is None and not form.get("client_secret"):
            raise _Refusal(401, "access_denied", "Unauthorized")
        refresh_token = None
        if "offline_access" in code.scope.split():
            refresh_token = self._tokens.issue_refresh_token(code.client_id, code.scope)
        return self._answer(code.client_id, code.scope, refresh_token)

    def _grant_refresh(self, form: Mapping[str, str]) -> web.Response:
        client_id, old = form["client_id"], form.get("refresh_token", "")
        if not old:
            raise _Refusal(400, "invalid_request", "Missing required parameter: refresh_token")
        scope = self._tokens.use_refresh_token(client_id, old)
        if scope is None:
            # Reuse of a rotated token makes Auth0 revoke the whole family.
            self._tokens.revoke_all(client_id, old)
            raise _Refusal(403, "invalid_grant", "Unknown or invalid refresh token.")
        if not self._settings.rotate_refresh_tokens:
            return self._answer(client_id, scope, None)
        self._tokens.retire(old)
        return self._answer(client_id, scope, self._tokens.issue_refresh_token(client_id, scope))

    def _answer(self, client_id: str, scope: str, refresh_token: str | None) -> web.Response:
        token = self._tokens.issue_access_token(client_id, scope)
        body: dict[str, object] = {"access_token": token.text}
        if refresh_token is not None:
            body["refresh_token"] = refresh_token
        if "openid" in scope.split():
            body["id_token"] = self._tokens.identity_token(client_id)
        body |= {"scope": scope, "expires_in": max(1, int(self._tokens.life_s)), "token_type": "Bearer"}
        response = json_response(body)
        response.headers["Cache-Control"] = "no-store"
        return response

    async def _revoke(self, request: web.Request) -> web.Response:
        try:
            form = await _read_form(request)
        except _Refusal as refusal:
            return json_response(refusal.body, status=refusal.status)
        token = form.get("token") or form.get("refresh_token")
        if not form.get("client_id") or not token:
            body = {"error": "invalid_request", "error_description": "Missing required parameter: token"}
            return json_response(body, status=400)
        self._tokens.revoke_all(form["client_id"], token)
        return web.Response(status=200)

    async def _logout(self, request: web.Request) -> web.Response:
        target = request.query.get("returnTo", "")
        if urlsplit(target).hostname in _LOOPBACK:
            return _redirect(target, {})
        return web.Response(text="OK")


def _denied(error: str, description: str) -> dict[str, str]:
    return {"error": error, "error_description": description}


def _state_of(query: Mapping[str, str]) -> dict[str, str]:
    return {"state": query["state"]} if "state" in query else {}


def _redirect(target: str, fields: dict[str, str]) -> web.Response:
    joint = "&" if urlsplit(target).query else "?"
    location = f"{target}{joint}{urlencode(fields)}" if fields else target
    return web.Response(status=302, headers={"Location": location})


async def _read_form(request: web.Request) -> dict[str, str]:
    """Read the fields of a form or JSON body; Auth0 takes both."""
    text = await request.text()
    if request.content_type != "application/json":
        return dict(parse_qsl(text))
    try:
        return msgspec.json.decode(text, type=dict[str, str])
    except msgspec.DecodeError:
        raise _Refusal(400, "invalid_request", "The body is not valid JSON.") from None
