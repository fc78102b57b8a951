"""The control endpoint: see what the simulator does, switch faults, drop streams; under ``/_control/``."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal

import msgspec
from aiohttp import web

from brokerwire.simulator.connections import Connections
from brokerwire.simulator.exchange import Exchange
from brokerwire.simulator.faults import Faults
from brokerwire.simulator.journal import Journal
from brokerwire.simulator.trading import OrderRefused
from brokerwire.simulator.weather import Weather

PREFIX = "/_control"


class OrderWish(msgspec.Struct):
    """What ``POST order`` asks for."""

    order_id: int
    do: Literal["fill", "reject", "expire"]
    quantity: Decimal | None = None
    price: Decimal | None = None
    reason: str = "Rejected by the control endpoint."


class ControlPanel:
    """Handlers for ``GET state|journal``, ``POST|DELETE fault``, ``GET|POST|DELETE weather``, ``POST drop|order``."""

    def __init__(
        self,
        *,
        exchange: Exchange,
        faults: Faults,
        journal: Journal,
        connections: Connections,
        weather: Callable[[], Weather | None],
    ) -> None:
        self._exchange = exchange
        self._faults = faults
        self._journal = journal
        self._connections = connections
        self._weather = weather

    def add_routes(self, app: web.Application) -> None:
        """Serve the control endpoint from ``app``."""
        app.router.add_get(f"{PREFIX}/state", self._state)
        app.router.add_get(f"{PREFIX}/journal", self._journal_entries)
        app.router.add_post(f"{PREFIX}/fault", self._set_fault)
        app.router.add_delete(f"{PREFIX}/fault", self._clear_fault)
        app.router.add_get(f"{PREFIX}/weather", self._tell_weather)
        app.router.add_post(f"{PREFIX}/weather", self._set_weather)
        app.router.add_delete(f"{PREFIX}/weather", self._clear_weather)
        app.router.add_post(f"{PREFIX}/drop", self._drop)
        app.router.add_post(f"{PREFIX}/order", self._order)

    async def _state(self, _: web.Request) -> web.Response:
        orders = self._exchange.orders
        return _json(
            {
                "seed": self._exchange.market.seed,
                "time_ns": self._exchange.market.now_ns(),
                "faults": self._faults.names(),
                "streams": self._connections.names(),
                "accounts": sorted(self._exchange.accounts),
                "orders": len(orders),
            }
        )

    async def _journal_entries(self, request: web.Request) -> web.Response:
        return _json(self._journal.entries(request.query.get("kind")))

    async def _set_fault(self, request: web.Request) -> web.Response:
        try:
            body = msgspec.json.decode(await request.read(), type=dict[str, Any])
            script = msgspec.convert(body.pop("script", None), str)
            self._faults.set(script, **body)
        except (msgspec.DecodeError, ValueError, TypeError) as exc:
            return _json({"error": str(exc)}, status=400)
        return _json({"faults": self._faults.names()})

    async def _clear_fault(self, request: web.Request) -> web.Response:
        self._faults.clear(request.query.get("script"))
        return _json({"faults": self._faults.names()})

    async def _tell_weather(self, _: web.Request) -> web.Response:
        weather = self._weather()
        if weather is None:
            return _json({"error": "there is no weather; start the simulator with some, or with fair"}, status=409)
        return _json({"weather": weather.conditions()})

    async def _set_weather(self, request: web.Request) -> web.Response:
        weather = self._weather()
        if weather is not None:
            try:
                body = msgspec.json.decode(await request.read(), type=dict[str, Any])
                weather.set(msgspec.convert(body.pop("script", None), str), **body)
            except (msgspec.DecodeError, ValueError, TypeError) as exc:
                return _json({"error": str(exc)}, status=400)
        return await self._tell_weather(request)

    async def _clear_weather(self, request: web.Request) -> web.Response:
        weather = self._weather()
        if weather is not None:
            weather.clear(request.query.get("script"))
        return await self._tell_weather(request)

    async def _drop(self, request: web.Request) -> web.Response:
        return _json({"dropped": self._connections.drop(request.query.get("channel", ""))})

    async def _order(self, request: web.Request) -> web.Response:
        """Make something happen to an open order: ``fill``, ``reject`` or ``expire``."""
        try:
            wish = msgspec.json.decode(await request.read(), type=OrderWish, strict=False)
            if wish.do == "fill":
                self._exchange.fill(wish.order_id, wish.quantity, wish.price)
            elif wish.do == "reject":
                self._exchange.reject(wish.order_id, wish.reason)
            else:
                self._exchange.expire(wish.order_id)
        except (msgspec.DecodeError, OrderRefused) as exc:
            return _json({"error": str(exc)}, status=400)
        return _json({"order_id": wish.order_id, "status": self._exchange.find(wish.order_id).status})


def _json(value: object, *, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
