"""Where WebSocket clients come in: origin, dial budget, faults of the handshake, and everybody who is connected."""

import asyncio
import itertools
import re
from collections import deque
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from brokerwire.clock import Clock
from brokerwire.simulator.connections import Connections
from brokerwire.simulator.faults import Faults
from brokerwire.simulator.fronts.tradingview.faulty_line import FaultyLine
from brokerwire.simulator.fronts.tradingview.line import GOING_AWAY, Line, transport_of
from brokerwire.simulator.fronts.tradingview.settings import Settings
from brokerwire.simulator.journal import Journal

PATH = "/socket.io/websocket"
_OWN = re.compile(r"https://(?:[a-z0-9-]+\.)*tradingview\.com")
"""The origin is not one page's: public clients name the hosts ``www``, ``data``, ``prodata`` and ``s``."""
_LOOPBACK = re.compile(r"https?://127\.0\.0\.1(?::\d+)?")
"""Some clients make their origin of the address that they dial, which may be that of a proxy before this one."""
_POLL_S = 0.25
_BYTE_INTERVAL_S = 1.0
_MINUTE_S = 60.0
_SLOW_HEAD = b"HTTP/1.1 101 Switching Protocols\r\nX-Wait: "


class Visit(msgspec.Struct, frozen=True):
    """What is known of a client when it comes in: which host it dialled, and what its query said."""

    number: int
    host: str
    kind: str
    via: str


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
        self._dials: deque[float] = deque()
        self._numbers = itertools.count(1)
        self._present: dict[Line, FaultyLine] = {}
        self._gone = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._present)

    async def enter(self, request: web.Request, *, host: str) -> Visit:
        """Let a client in, or raise the HTTP answer that turns it away."""
        self._journal.record("dial", path=request.path_qs, host=host)
        await self._strike_handshake(request)
        if not self._is_welcome(request):
            self._journal.record("violation", reason="origin", origin=request.headers.get("Origin", ""))
            raise web.HTTPForbidden
        if not self._counts_dial():
            self._journal.record("violation", reason="too_many_dials", path=request.path)
            raise web.HTTPTooManyRequests(headers={"Retry-After": "60"})
        return Visit(
            number=next(self._numbers), host=host, kind=request.query.get("type", ""), via=request.host or "127.0.0.1"
        )

    @staticmethod
    def _is_welcome(request: web.Request) -> bool:
        origin = request.headers.get("Origin", "").rstrip("/")
        return _OWN.fullmatch(origin) is not None or _LOOPBACK.fullmatch(origin) is not None

    def _counts_dial(self) -> bool:
        limit, now_s = self._settings.connects_per_minute, self._clock.monotonic()
        while self._dials and now_s - self._dials[0] >= _MINUTE_S:
            self._dials.popleft()
        self._dials.append(now_s)
        return not limit or len(self._dials) <= limit

    async def _strike_handshake(self, request: web.Request) -> None:
        if refuse := self._faults.take("refuse", channel=request.path):
            raise http_error(int(refuse.number(500)))
        if limited := self._faults.take("rate_limit", channel=request.path):
            raise web.HTTPTooManyRequests(headers={"Retry-After": str(int(limited.number(1)))})
        if self._faults.active("maintenance"):
            raise http_error(503)
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
        visit: Visit,
        on_text: Callable[[str], None],
        on_open: Callable[[Line, FaultyLine], None],
        on_close: Callable[[], Awaitable[None]],
    ) -> web.StreamResponse:
        """Serve one client until it is gone."""

        def report(reason: str) -> None:
            self._journal.record("violation", reason=reason, connection=visit.number)

        line = Line(request, clock=self._clock, settings=self._settings, on_text=on_text, report=report)
        faulty = FaultyLine(self._faults, line, self._settings.lengths)
        remove = self._connections.add(f"{request.path_qs}#{visit.number}", line.abort)
        self._present[line] = faulty
        self._arm()
        self._journal.record("stream_open", connection=visit.number, path=request.path, host=visit.host)
        try:
            return await line.run(lambda: on_open(line, faulty))
        finally:
            await on_close()
            remove()
            del self._present[line]
            self._gone.set()
            self._journal.record("stream_close", connection=visit.number, path=request.path, host=visit.host)

    def _arm(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_POLL_S, self._poll)

    def _poll(self) -> None:
        self._timer = None
        for faulty in list(self._present.values()):
            faulty.poll()
        if self._present:
            self._arm()

    async def close(self) -> None:
        """End every connection and wait until all are gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for line in list(self._present):
            line.finish(GOING_AWAY)
        while self._present:
            self._gone.clear()
            await self._gone.wait()


def http_error(status: int) -> web.HTTPException:
    """Return the exception that answers with a status; 500 for one that is not among the usual ones."""
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
