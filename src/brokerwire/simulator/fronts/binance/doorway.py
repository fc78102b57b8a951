"""Where WebSocket clients come in: connection budget, faults of the handshake, and everybody who is connected."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

from aiohttp import web

from brokerwire.clock import Clock
from brokerwire.simulator.connections import Connections
from brokerwire.simulator.faults import Faults
from brokerwire.simulator.fronts.binance.connection import GOING_AWAY, Connection, transport_of
from brokerwire.simulator.fronts.binance.faulty_wire import FaultyWire
from brokerwire.simulator.fronts.binance.figures import TimeUnit, time_unit
from brokerwire.simulator.fronts.binance.limits import Settings, SlidingLimit
from brokerwire.simulator.journal import Journal

_POLL_S = 0.25
_BYTE_INTERVAL_S = 1.0
_SHUTDOWN_S = 0.2
_SLOW_HEAD = b"HTTP/1.1 101 Switching Protocols\r\nX-Wait: "


class Doorway:
    """Admits WebSocket clients and knows all of them; one timer looks for faults that strike by themselves."""

    def __init__(
        self, *, clock: Clock, settings: Settings, faults: Faults, journal: Journal, connections: Connections
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._faults = faults
        self._journal = journal
        self._connections = connections
        self._dials = SlidingLimit(settings.connects_per_5_minutes, 300.0)
        self._present: dict[Connection, FaultyWire] = {}
        self._gone = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    async def enter(self, request: web.Request) -> TimeUnit:
        """Let a client in, or raise the HTTP answer that turns it away; returns the time unit it asked for."""
        self._journal.record("dial", path=request.path_qs)
        await self._strike_handshake(request)
        if not self._dials.allows(self._clock.monotonic()):
            self._journal.record("violation", reason="too_many_connections", path=request.path)
            raise web.HTTPTooManyRequests(headers={"Retry-After": "300"})
        unit = time_unit(request.query.get("timeUnit"))
        if unit is None:
            raise web.HTTPBadRequest(
                text='{"code":-1194,"msg":"Invalid value for time unit; expected either MICROSECOND or MILLISECOND."}'
            )
        return unit

    async def _strike_handshake(self, request: web.Request) -> None:
        if refuse := self._faults.take("refuse", channel=request.path):
            raise _answer(int(refuse.number(500)))
        if self._faults.active("maintenance"):
            raise _answer(503)
        if self._faults.take("silent_accept", channel=request.path):
            await asyncio.Event().wait()
        if self._faults.active("slow_loris", channel=request.path):
            await self._trickle(request)

    async def _trickle(self, request: web.Request) -> None:
        """Answer one byte a second until the client gives up, which cancels this."""
        transport = transport_of(request)
        for byte in itertools.chain(_SLOW_HEAD, itertools.repeat(ord("."))):  # pragma: no branch - it never ends
            transport.write(bytes((byte,)))
            await self._clock.sleep(_BYTE_INTERVAL_S)

    async def serve(
        self,
        request: web.Request,
        *,
        number: int,
        on_text: Callable[[bytes], None],
        shutdown: Callable[[], bytes],
        on_open: Callable[[FaultyWire], None],
        on_close: Callable[[], Awaitable[None]],
        settings: Settings | None = None,
    ) -> web.StreamResponse:
        """Serve one client until it is gone."""

        def report(reason: str) -> None:
            self._journal.record("violation", reason=reason, connection=number)

        connection = Connection(
            request, clock=self._clock, settings=settings or self._settings, on_text=on_text, report=report
        )
        wire = FaultyWire(self._faults, connection, shutdown=shutdown)
        remove = self._connections.add(f"{request.path_qs}#{number}", connection.abort)
        self._present[connection] = wire
        self._arm()
        self._journal.record("stream_open", connection=number, path=request.path)
        try:
            return await connection.run(lambda: on_open(wire))
        finally:
            await on_close()
            remove()
            del self._present[connection]
            self._gone.set()
            self._journal.record("stream_close", connection=number, path=request.path)

    def _arm(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_POLL_S, self._poll)

    def _poll(self) -> None:
        self._timer = None
        for wire in list(self._present.values()):
            wire.poll()
        if self._present:
            self._arm()

    async def drained(self) -> None:
        """Wait until everything put on every connection has been sent."""
        await asyncio.gather(*(connection.drained() for connection in list(self._present)))

    async def close(self) -> None:
        """End every connection and wait until all are gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for connection in list(self._present):
            connection.finish(GOING_AWAY, "", _SHUTDOWN_S)
        while self._present:
            self._gone.clear()
            await self._gone.wait()


def _answer(status: int) -> web.HTTPException:
    return _HTTP_ERRORS.get(status, web.HTTPInternalServerError)()


_HTTP_ERRORS: dict[int, type[web.HTTPException]] = {
    401: web.HTTPUnauthorized,
    403: web.HTTPForbidden,
    404: web.HTTPNotFound,
    429: web.HTTPTooManyRequests,
    500: web.HTTPInternalServerError,
    502: web.HTTPBadGateway,
    503: web.HTTPServiceUnavailable,
    504: web.HTTPGatewayTimeout,
}
