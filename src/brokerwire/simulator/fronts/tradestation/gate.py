"""What every request passes before its handler: faults, the bearer token, its scope, and the quota."""

import asyncio
import itertools
import uuid
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec
from aiohttp import web

from brokerwire.clock import Clock
from brokerwire.simulator.faults import Fault, Faults
from brokerwire.simulator.fronts.tradestation.abort import abort
from brokerwire.simulator.fronts.tradestation.answers import TITLES, ApiError, error_response, json_response
from brokerwire.simulator.fronts.tradestation.limits import Limits, refusal
from brokerwire.simulator.fronts.tradestation.tokens import AccessToken, TokenStore
from brokerwire.simulator.journal import Journal

_SLOW_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Padding: "


class Access(msgspec.Struct, frozen=True):
    """What a route needs: the ``resource`` whose quota it counts against, the scopes, and the API version."""

    resource: str
    scopes: tuple[str, ...] = ("MarketData",)
    version: int = 3


class Caller(msgspec.Struct, frozen=True):
    """Who asks, and the quota headers that the answer must carry."""

    token: AccessToken
    headers: dict[str, str]
    resource: str

    @property
    def client_id(self) -> str:
        return self.token.client_id


Handler: TypeAlias = Callable[[web.Request, Caller], Awaitable[web.StreamResponse]]
PlainHandler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Gate:
    """Wraps handlers so that they see only requests that may pass."""

    def __init__(self, *, tokens: TokenStore, limits: Limits, faults: Faults, journal: Journal, clock: Clock) -> None:
        self._tokens = tokens
        self._limits = limits
        self._faults = faults
        self._journal = journal
        self._clock = clock

    def guard(self, handler: Handler, access: Access) -> PlainHandler:
        """Return ``handler`` behind the gate."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            self._journal.record("request", method=request.method, path=request.path, resource=access.resource)
            if "/stream/" in request.path:
                self._journal.record("dial", path=request.path)
            refused = await self._break_down(request)
            if refused is not None:
                return refused
            try:
                caller = self._admit(request, access)
                if isinstance(caller, web.Response):
                    return caller
                response = await handler(request, caller)
            except ApiError as error:
                response = error.response()
                caller = None
            if caller is not None and not response.prepared:
                response.headers.update(caller.headers)
            if not response.prepared:
                response = await self._lose_answer(request, response)
            return response

        return guarded

    async def _break_down(self, request: web.Request) -> web.StreamResponse | None:
        path = request.path
        if (fault := self._faults.take("refuse", channel=path)) is not None:
            status = int(fault.number(500))
            return error_response(status, TITLES.get(status, "InternalServerError"), "The request failed.")
        if self._faults.take("maintenance", channel=path) is not None:
            return error_response(503, "ServiceUnavailable", "The service is unavailable.")
        if self._faults.take("silent_accept", channel=path) is not None:
            await asyncio.get_running_loop().create_future()
        if (fault := self._faults.take("slow_loris", channel=path)) is not None:
            await self._trickle(request, fault)
        return None

    async def _trickle(self, request: web.Request, fault: Fault) -> None:
        """Send the beginning of an answer a byte at a time, and never its end."""
        transport = request.transport
        assert transport is not None  # noqa: S101 - the request has only just come; if its client goes, this is cancelled
        for byte in itertools.chain(_SLOW_HEAD, itertools.repeat(ord("x"))):  # pragma: no branch - it never ends
            transport.write(bytes([byte]))
            await self._clock.sleep(fault.number(1.0))

    def _admit(self, request: web.Request, access: Access) -> Caller | web.Response:
        if (fault := self._faults.take("reject_auth", channel=request.path)) is not None:
            status = int(fault.number(401))
            return _refused(status, "Access to this resource is refused.", access)
        token = self._tokens.find_access_token(_bearer(request))
        if token is None:
            return _refused(401, "Access token is missing, invalid or expired.", access)
        if not set(access.scopes) <= set(token.scope.split()):
            return _refused(403, "The access token lacks a scope that this resource needs.", access)
        if (fault := self._faults.take("rate_limit", channel=request.path)) is not None:
            return refusal(self._limits.exhausted(access.resource, fault.number(5.0)))
        reading = self._limits.take(token.client_id, access.resource)
        if reading is not None and not reading.is_granted:
            self._journal.record("violation", what="quota", resource=access.resource)
            return refusal(reading)
        return Caller(token=token, headers=reading.headers() if reading else {}, resource=access.resource)

    async def _lose_answer(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        """Delay an answer, replace it by an error, or cut the connection in its place."""
        if (fault := self._faults.take("late_ack", channel=request.path)) is not None:
            await self._clock.sleep(fault.number(2.0))
        found = self._faults.active("drop_answer", channel=request.path)
        if found is None or (request.method == "GET" and not found.channel):
            return response
        fault = self._faults.take("drop_answer", channel=request.path)
        if fault is None:
            return response
        self._journal.record("control", what="answer dropped", path=request.path)
        if (status := int(fault.number(0))) > 0:
            return error_response(status, TITLES.get(status, "InternalServerError"), "The answer was lost.")
        if fault.options.get("mid_body") and request.transport is not None:
            request.transport.write(
                b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"Ord'
            )
        if fault.options.get("hang"):
            await asyncio.get_running_loop().create_future()
        abort(request)
        return response


def _bearer(request: web.Request) -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return token.strip()
    return request.query.get("access_token", "")  # clients written for v2 go on sending it so


def _refused(status: int, message: str, access: Access) -> web.Response:
    if access.version == 2:
        return v2_error(status, message)
    return error_response(status, TITLES.get(status, "Forbidden"), message)


def v2_error(status: int, message: str) -> web.Response:
    """Return an error body of the v2 API."""
    return json_response({"TraceId": str(uuid.uuid4()), "StatusCode": status, "Message": message}, status=status)
