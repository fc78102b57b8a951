"""The WebSocket API: requests in, replies with status and limits out, and user data events in between."""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any

import msgspec
from aiohttp import web

from brokerwire.simulator.fronts.binance import methods
from brokerwire.simulator.fronts.binance.account_methods import ACCOUNT_METHODS_BY_NAME, AccountMethod, call_account
from brokerwire.simulator.fronts.binance.arguments import Arguments
from brokerwire.simulator.fronts.binance.desk import Desk
from brokerwire.simulator.fronts.binance.doorway import Doorway
from brokerwire.simulator.fronts.binance.faulty_wire import FaultyWire
from brokerwire.simulator.fronts.binance.figures import TimeUnit
from brokerwire.simulator.fronts.binance.framing import text_frame
from brokerwire.simulator.fronts.binance.limits import Settings
from brokerwire.simulator.fronts.binance.refusals import Refusal
from brokerwire.simulator.fronts.binance.request_faults import RequestFaults
from brokerwire.simulator.fronts.binance.rest import call_with_snapshot_faults, cost_of
from brokerwire.simulator.fronts.binance.signing import KeyRing
from brokerwire.simulator.fronts.binance.trading_desk import TradingDesk
from brokerwire.simulator.fronts.binance.user_data import AccountFeed
from brokerwire.simulator.fronts.binance.ws_session import ApiSession, read_flag
from brokerwire.simulator.journal import Journal

_CONNECT_WEIGHT = 2


class _Request(msgspec.Struct):
    id: int | str | None
    method: str
    params: dict[str, Any] = {}


class ApiParts(msgspec.Struct, frozen=True):
    """What the connections of the WebSocket API share."""

    desk: Desk
    trading: TradingDesk
    feed: AccountFeed
    keys: KeyRing
    faults: RequestFaults
    journal: Journal


class ApiClient:
    """One connection of the WebSocket API."""

    def __init__(self, parts: ApiParts, *, number: int, unit: TimeUnit, shows_limits: bool) -> None:
        self._parts = parts
        self._number = number
        self._unit = unit
        self._shows_limits = shows_limits
        self._wire: FaultyWire | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._session = ApiSession(
            desk=parts.desk,
            trading=parts.trading,
            feed=parts.feed,
            keys=parts.keys,
            faults=parts.faults,
            unit=unit,
            send=self._send_event,
        )

    def attach(self, wire: FaultyWire) -> None:
        """Give the client the wire its replies go out on."""
        self._wire = wire

    def receive(self, payload: bytes) -> None:
        """Answer one request; requests are carried out side by side, as at the venue."""
        task = asyncio.get_running_loop().create_task(self._answer(payload), name="simulator-request")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _send_event(self, channel: str, event: dict[str, Any]) -> None:
        if self._wire is not None:  # pragma: no branch - the session ends with the wire
            self._wire.offer(channel, text_frame(msgspec.json.encode(event)))

    async def detach(self) -> None:
        """Stop everything that was begun for the client."""
        self._wire = None
        self._session.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, payload: bytes) -> None:
        try:
            request = _parse(payload)
        except Refusal as refusal:
            self._reply(None, _failure(refusal, self._parts.desk.now_ns()), self._limits(None))
            return
        name = request.method.removeprefix("v3/")
        self._parts.journal.record("request", connection=self._number, method=name)
        shows = read_flag(request.params.get("returnRateLimits"), self._session.shows_limits(self._shows_limits))
        try:
            outcome: dict[str, Any] = {"status": 200, "result": await self._carry_out(name, request)}
        except Refusal as refusal:
            outcome = _failure(refusal, self._parts.desk.now_ns())
        account_method = ACCOUNT_METHODS_BY_NAME.get(name)
        if account_method is not None and account_method.is_order and (lost := self._parts.faults.lost_answer(name)):
            if not lost.status:
                return
            outcome = _failure(lost, self._parts.desk.now_ns())
        self._reply(request.id, outcome, self._limits(account_method) if shows else None)

    def _reply(self, request_id: int | str | None, outcome: dict[str, Any], limits: list[Any] | None) -> None:
        body: dict[str, Any] = {"id": request_id, **outcome}
        if limits is not None:
            body["rateLimits"] = limits
        if self._wire is not None:  # pragma: no branch - requests are cancelled with the wire
            self._wire.reply(msgspec.json.encode(body))

    def _limits(self, method: AccountMethod | None) -> list[Any]:
        limits, now_ns = self._parts.desk.limits, self._parts.desk.now_ns()
        is_placing = method is not None and method.name == "order.place"
        return limits.order_usage(now_ns) if is_placing else limits.usage(now_ns)

    async def _carry_out(self, name: str, request: _Request) -> Any:
        await self._parts.faults.strike(name)
        params = {key: value for key, value in request.params.items() if key != "returnRateLimits"}
        arguments = Arguments.from_json(params)
        if method := methods.BY_NAME.get(name):
            self._spend(cost_of(method, arguments))
            return await call_with_snapshot_faults(
                method, self._parts.desk, arguments, unit=self._unit, faults=self._parts.faults
            )
        if account_method := ACCOUNT_METHODS_BY_NAME.get(name):
            self._spend(account_method.weight(arguments))
            self._session.authorize(request.params, arguments, channel=name)
            self._record_order(account_method, arguments)
            return call_account(account_method, self._parts.trading, arguments, unit=self._unit)
        self._spend(2)
        return self._session.call(name, request.params, arguments)

    def _record_order(self, method: AccountMethod, arguments: Arguments) -> None:
        if method.is_order:
            self._parts.journal.record("order", method=method.name, symbol=arguments.optional("symbol"))

    def _spend(self, weight: int) -> None:
        self._parts.desk.limits.spend(weight, self._parts.desk.now_ns())


def _parse(payload: bytes) -> _Request:
    try:
        message = msgspec.json.decode(payload)
    except msgspec.DecodeError as exc:
        raise Refusal(-1135, "Invalid JSON Request") from exc
    if not isinstance(message, dict):
        raise Refusal(-1135, "Invalid JSON Request")
    for name, kinds, text in (
        ("id", (int, str, type(None)), "an integer, a string, or null"),
        ("method", (str,), "a string"),
        ("params", (dict,), "an object"),
    ):
        if name in message and not isinstance(message[name], kinds):
            raise Refusal(-1135, f"Invalid '{name}' in JSON request; expected {text}.")
    if "method" not in message:
        raise Refusal(-1135, "Invalid 'method' in JSON request; expected a string.")
    return _Request(message.get("id"), message["method"], message.get("params") or {})


def _failure(refusal: Refusal, now_ns: int) -> dict[str, Any]:
    error: dict[str, Any] = dict(refusal.body)
    if refusal.retry_at_ms:
        error["data"] = {"serverTime": now_ns // 1_000_000, "retryAfter": refusal.retry_at_ms}
    return {"status": refusal.status, "error": error}


class ApiServer:
    """Serves ``/ws-api/v3``."""

    def __init__(self, parts: ApiParts, *, doorway: Doorway, settings: Settings, now_ns: Callable[[], int]) -> None:
        self._parts = parts
        self._doorway = doorway
        self._settings = msgspec.structs.replace(settings, inbound_per_second=0, max_frame_bytes=0)
        self._now_ns = now_ns
        self._numbers = count(1_000_001)

    def add_routes(self, app: web.Application) -> None:
        """Serve the WebSocket API from ``app``."""
        app.router.add_get("/ws-api/v3", self._serve)
        app.router.add_get("/ws-api/v3/", self._serve)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        unit = await self._doorway.enter(request)
        try:
            self._parts.desk.limits.spend(_CONNECT_WEIGHT, self._now_ns())
        except Refusal as refusal:
            body = msgspec.json.encode(refusal.body)
            return web.Response(body=body, status=refusal.status, headers=refusal.headers)
        shows_limits = read_flag(request.query.get("returnRateLimits"), True)
        number = next(self._numbers)
        client = ApiClient(self._parts, number=number, unit=unit, shows_limits=shows_limits)
        return await self._doorway.serve(
            request,
            number=number,
            settings=self._settings,
            on_text=client.receive,
            shutdown=lambda: self._shutdown(unit),
            on_open=client.attach,
            on_close=client.detach,
        )

    def _shutdown(self, unit: TimeUnit) -> bytes:
        event = {"event": {"e": "serverShutdown", "E": unit.of(self._now_ns())}}
        return text_frame(msgspec.json.encode(event))
