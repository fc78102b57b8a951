"""The signed REST endpoints: key, time and signature are checked, then the request is carried out."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from brokerwire.simulator.fronts.binance import refusals, signing
from brokerwire.simulator.fronts.binance.account_methods import ACCOUNT_METHODS, AccountMethod, call_account
from brokerwire.simulator.fronts.binance.arguments import Arguments
from brokerwire.simulator.fronts.binance.connection import transport_of
from brokerwire.simulator.fronts.binance.figures import TimeUnit
from brokerwire.simulator.fronts.binance.request_faults import RequestFaults
from brokerwire.simulator.fronts.binance.rest import RestDesk
from brokerwire.simulator.fronts.binance.signing import KeyRing
from brokerwire.simulator.fronts.binance.trading_desk import TradingDesk
from brokerwire.simulator.fronts.binance.wallet import SIGNED_METHODS
from brokerwire.simulator.journal import Journal

_KEY_HEADER = "X-MBX-APIKEY"


class AccountRest:
    """Serves orders and the account."""

    def __init__(
        self, trading: TradingDesk, *, rest: RestDesk, keys: KeyRing, faults: RequestFaults, journal: Journal
    ) -> None:
        self._trading = trading
        self._rest = rest
        self._keys = keys
        self._faults = faults
        self._journal = journal

    def add_routes(self, app: web.Application) -> None:
        """Serve the signed requests from ``app``."""
        for method in (*ACCOUNT_METHODS, *SIGNED_METHODS):
            app.router.add_route(method.verb, method.route, self._handler(method))

    def _handler(self, method: AccountMethod) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            async def work(unit: TimeUnit) -> tuple[Any, dict[str, str]]:
                return await self._carry_out(method, request, unit)

            response = await self._rest.answer(request, work)
            lost = self._faults.lost_answer(request.path) if method.is_order else None
            if lost is None:
                return response
            if not lost.status:
                transport_of(request).abort()
            return web.json_response(lost.body, status=lost.status or 504)

        return handle

    async def _carry_out(
        self, method: AccountMethod, request: web.Request, unit: TimeUnit
    ) -> tuple[Any, dict[str, str]]:
        query, body = request.raw_path.partition("?")[2], (await request.read()).decode()
        arguments = Arguments(dict(parse_qsl(body, keep_blank_values=True)) | dict(request.query))
        desk = self._trading.desk
        desk.limits.spend(method.weight(arguments), desk.now_ns())
        self._check(request, arguments, payload=signing.rest_payload(query, body))
        result = call_account(method, self._trading, arguments, unit=unit)
        if not method.is_order:
            return result, {}
        self._journal.record("order", method=method.name, symbol=arguments.optional("symbol"))
        return result, desk.limits.order_headers(desk.now_ns())

    def _check(self, request: web.Request, arguments: Arguments, *, payload: str) -> None:
        api_key = self._keys.check_key(request.headers.get(_KEY_HEADER))
        self._faults.check_credentials(request.path)
        signature = arguments.optional("signature")
        if signature is None:
            raise refusals.missing("signature")
        signing.check_time(arguments, self._trading.desk.now_ns())
        self._keys.check(api_key=api_key, payload=payload, signature=signature)
