"""The REST endpoints: requests in, JSON or refusals out, with the weight headers of the venue."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import msgspec
from aiohttp import web
from aiohttp.typedefs import Middleware

from brokerwire.simulator.fronts.binance import methods
from brokerwire.simulator.fronts.binance.arguments import Arguments
from brokerwire.simulator.fronts.binance.desk import Desk
from brokerwire.simulator.fronts.binance.figures import TimeUnit, time_unit
from brokerwire.simulator.fronts.binance.methods import Method
from brokerwire.simulator.fronts.binance.refusals import Refusal
from brokerwire.simulator.fronts.binance.request_faults import RequestFaults
from brokerwire.simulator.fronts.binance.wallet import PUBLIC_METHODS
from brokerwire.simulator.journal import Journal

_MS = 1_000_000
_JSON_TYPE = "application/json;charset=UTF-8"

Work: TypeAlias = Callable[[TimeUnit], Awaitable[tuple[Any, dict[str, str]]]]
"""Carries a request out; returns the answer and headers that it adds."""


class RestDesk:
    """Answers requests: faults, limits, time unit, and refusals in the venue's shape."""

    def __init__(self, desk: Desk, *, faults: RequestFaults, journal: Journal) -> None:
        self._desk = desk
        self._faults = faults
        self._journal = journal

    async def answer(self, request: web.Request, work: Work) -> web.StreamResponse:
        """Carry out ``work`` and answer with its result, or with the refusal it raised."""
        self._journal.record("request", method=request.method, path=request.path, query=_without_secrets(request))
        try:
            await self._faults.strike(request.path)
            unit = _unit_of(request)
            result, headers = await work(unit)
        except Refusal as refusal:
            return await self._send(request, refusal.body, status=refusal.status, headers=refusal.headers)
        return await self._send(request, result, headers=headers)

    async def _send(
        self, request: web.Request, body: Any, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> web.StreamResponse:
        encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
        all_headers = {"Content-Type": _JSON_TYPE, **self._desk.limits.headers(self._desk.now_ns()), **(headers or {})}
        trickle = self._faults.trickle(request.path)
        if trickle is None:
            return web.Response(body=encoded, status=status, headers=all_headers)
        response = web.StreamResponse(status=status, headers={**all_headers, "Content-Length": str(len(encoded))})
        await response.prepare(request)
        await trickle(encoded, response.write)
        return response


def _unit_of(request: web.Request) -> TimeUnit:
    unit = time_unit(request.headers.get("X-MBX-TIME-UNIT"))
    if unit is None:
        raise Refusal(-1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")
    return unit


def _without_secrets(request: web.Request) -> dict[str, str]:
    return {name: value for name, value in request.query.items() if name not in {"signature", "apiKey"}}


class MarketRest:
    """Serves every request for market data."""

    def __init__(self, desk: Desk, rest: RestDesk, faults: RequestFaults) -> None:
        self._desk = desk
        self._rest = rest
        self._faults = faults

    def add_routes(self, app: web.Application) -> None:
        """Serve the market data from ``app``."""
        for method in (*methods.METHODS, *PUBLIC_METHODS):
            app.router.add_get(method.path, self._handler(method))

    def _handler(self, method: Method) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            async def work(unit: TimeUnit) -> tuple[Any, dict[str, str]]:
                arguments = Arguments.from_pairs(request.query.items())
                return await self._call(method, arguments, unit), {}

            return await self._rest.answer(request, work)

        return handle

    async def _call(self, method: Method, arguments: Arguments, unit: TimeUnit) -> Any:
        self._desk.limits.spend(cost_of(method, arguments), self._desk.now_ns())
        return await call_with_snapshot_faults(method, self._desk, arguments, unit=unit, faults=self._faults)


def cost_of(method: Method, arguments: Arguments) -> int:
    """Return a request's weight; a malformed request costs 1 and is refused later."""
    try:
        return method.cost(arguments)
    except Refusal:
        return 1


async def call_with_snapshot_faults(
    method: Method, desk: Desk, arguments: Arguments, *, unit: TimeUnit, faults: RequestFaults
) -> Any:
    """Carry out a request; a depth snapshot may be older than it should be, or late."""
    if method.name != "depth":
        return await methods.call(method, desk, arguments, unit=unit)
    channel = f"{method.path}?symbol={arguments.optional('symbol') or ''}"
    aged = _aged(desk, faults.snapshot_age_ns(channel))
    result = await methods.call(method, aged, arguments, unit=unit)
    await faults.delay_snapshot(channel)
    return result


def _aged(desk: Desk, age_ns: int) -> Desk:
    if not age_ns:
        return desk
    return Desk(desk.market, desk.listing, desk.limits, desk.settings, age_ns)


def refuses_unknown_paths(now_ns: Callable[[], int]) -> Middleware:
    """Return what answers requests for paths or with verbs that do not exist as the venue's gateways do."""

    @web.middleware
    async def refuse(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
            if request.path.startswith("/sapi/"):
                return _json(_unknown_to_the_wallet(request.path, now_ns() // _MS), 404)
            if not request.path.startswith("/api/"):
                raise
            return _json({"code": -1000, "msg": f"{request.method} {request.path}: {error.reason}"}, error.status)

    return refuse


def _json(body: dict[str, Any], status: int) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), status=status, headers={"Content-Type": _JSON_TYPE})


def _unknown_to_the_wallet(path: str, now_ms: int) -> dict[str, Any]:
    """Return what the servers of the wallet say, which are not those of the market.

    Source: https://github.com/nautechsystems/nautilus_trader/issues/2914, an answer of Binance US in 2025.
    """
    return {
        "timestamp": now_ms,
        "status": 404,
        "error": "Not Found",
        "message": "No message available",
        "path": path,
    }
