"""REST answers of a recording, matched on path and symbol; what was not recorded is 404."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from brokerwire.simulator.fronts.binance.arguments import Arguments
from brokerwire.simulator.fronts.binance.desk import Desk
from brokerwire.simulator.fronts.binance.figures import TimeUnit
from brokerwire.simulator.fronts.binance.recorded_session import DEPTH_PATH, EXCHANGE_INFO_PATH, RecordedSession
from brokerwire.simulator.fronts.binance.refusals import Refusal, invalid_symbol
from brokerwire.simulator.fronts.binance.request_faults import RequestFaults
from brokerwire.simulator.fronts.binance.rest import RestDesk


class RecordedRest:
    """Serves recorded answers; depth snapshots are as new as what ``played`` says has been played."""

    def __init__(
        self,
        session: RecordedSession,
        *,
        desk: Desk,
        rest: RestDesk,
        faults: RequestFaults,
        played: Callable[[], int],
    ) -> None:
        self._session = session
        self._desk = desk
        self._rest = rest
        self._faults = faults
        self._played = played

    def add_routes(self, app: web.Application) -> None:
        """Serve everything below ``/api`` from the recording."""
        app.router.add_route("*", "/api/{path:.*}", self._handle)
        app.router.add_route("*", "/ws-api/{path:.*}", self._handle)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        async def work(_: TimeUnit) -> tuple[Any, dict[str, str]]:
            self._desk.limits.spend(1, self._desk.now_ns())
            return await self._find(request), {}

        return await self._rest.answer(request, work)

    async def _find(self, request: web.Request) -> bytes:
        symbol = request.query.get("symbol")
        if symbol is not None and symbol not in self._session.symbols:
            raise invalid_symbol()
        found = await self._answer(request.path, symbol, request) if request.method == "GET" else None
        if found is None:
            what = f"{request.method} {request.path}" + (f" for {symbol}" if symbol else "")
            raise Refusal(-1000, f"{what} is not in the recording.", status=404)
        return found

    async def _answer(self, path: str, symbol: str | None, request: web.Request) -> bytes | None:
        if path == EXCHANGE_INFO_PATH:
            return self._session.exchange_info(_wanted(request))
        if path == DEPTH_PATH and symbol is not None:
            snapshot = self._session.snapshot(symbol, self._played())
            await self._faults.delay_snapshot(f"{path}?symbol={symbol}")
            return snapshot
        answer = self._session.answers.find(path, symbol)
        return None if answer is None else answer.payload


def _wanted(request: web.Request) -> frozenset[str] | None:
    arguments = Arguments(dict(request.query))
    symbol, symbols = arguments.optional("symbol"), arguments.symbols()
    if symbol is not None:
        return frozenset({symbol})
    return None if symbols is None else frozenset(symbols)
