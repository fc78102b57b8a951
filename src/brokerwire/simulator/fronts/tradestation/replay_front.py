"""The TradeStation front that plays a recording: sign-in as ever, streams and answers as they were recorded."""

from collections.abc import Mapping
from typing import Literal

from aiohttp import web

from brokerwire.simulator.fronts import FrontContext
from brokerwire.simulator.fronts.tradestation.answers import error_response
from brokerwire.simulator.fronts.tradestation.front import CREDENTIALS, not_found_as_json
from brokerwire.simulator.fronts.tradestation.gate import Access, Caller, Gate
from brokerwire.simulator.fronts.tradestation.limits import Limits
from brokerwire.simulator.fronts.tradestation.oauth import SignIn
from brokerwire.simulator.fronts.tradestation.recorded_streams import RecordedStreams, key_of
from brokerwire.simulator.fronts.tradestation.settings import read_settings
from brokerwire.simulator.fronts.tradestation.streams import (
    BROKERAGE,
    MARKET_DATA,
    TICK_BARS,
    LineStream,
    StreamSpec,
    StreamTools,
)
from brokerwire.simulator.fronts.tradestation.tokens import TokenStore
from brokerwire.simulator.replay import RecordedAnswers


class ReplayFront:
    """One simulated TradeStation that knows nothing but a recording; what was not recorded is 404."""

    def __init__(self, context: FrontContext) -> None:
        self._context = context
        settings = read_settings(context.settings)
        now_ns = context.exchange.market.now_ns
        tokens = TokenStore(faults=context.faults, now_ns=now_ns, life_s=settings.token_life_s)
        limits = Limits(clock=context.clock, settings=settings)
        self._tools = StreamTools(
            faults=context.faults,
            limits=limits,
            tokens=tokens,
            connections=context.connections,
            journal=context.journal,
            clock=context.clock,
            settings=settings,
            now_ns=now_ns,
        )
        self._answers = RecordedAnswers(context.recording.answers)
        self._streams = RecordedStreams(
            context.recording,
            clock=context.clock,
            speed=_speed_of(context.speed),
            delay_s=settings.replay_delay_s,
        )
        self._app = web.Application(middlewares=[not_found_as_json])
        SignIn(tokens=tokens, faults=context.faults, clock=context.clock, now_ns=now_ns, settings=settings).add_routes(
            self._app
        )
        gate = Gate(tokens=tokens, limits=limits, faults=context.faults, journal=context.journal, clock=context.clock)
        for version in (2, 3):
            handler = gate.guard(self._handle, Access("replay", version=version))
            self._app.router.add_get(f"/v{version}/{{path:.*}}", handler, allow_head=False)

    @property
    def credentials(self) -> Mapping[str, str]:
        return CREDENTIALS

    @property
    def apps(self) -> Mapping[str, tuple[str, web.Application]]:
        return {"rest": ("http", self._app), "auth": ("http", self._app)}

    async def _handle(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        if "/stream/" in request.path:
            return await self._stream(request, caller)
        found = self._answers.find(request.path, request.query.get("symbol"), at_ns=self._streams.played_until_ns)
        if found is None:
            return error_response(404, "NotFound", f"GET {request.path} is not in the recording.")
        return web.Response(body=found.payload, content_type="application/json")

    async def _stream(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        key = key_of(request.path_qs)
        if not self._streams.has(key):
            return error_response(404, "NotFound", f"The stream {request.path} is not in the recording.")

        async def start(lines: LineStream) -> None:
            self._streams.open(key, lines)

        return await LineStream(request, caller, spec=_spec_of(request.path), tools=self._tools).serve(start)

    async def close(self) -> None:
        """End every stream; nothing of the front runs afterwards."""
        await self._streams.close()
        self._context.connections.drop()


def _spec_of(path: str) -> StreamSpec:
    if path.startswith("/v2/"):
        return TICK_BARS
    return BROKERAGE if "/brokerage/" in path else MARKET_DATA


def _speed_of(speed: float | str) -> float | Literal["max"]:
    return "max" if speed == "max" else float(speed)
