"""What every HTTP side channel has in common: the journal, the faults of requests, and answers in JSON."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import msgspec
from aiohttp import web

from brokerwire.clock import Clock
from brokerwire.simulator.faults import Faults
from brokerwire.simulator.fronts.tradingview.doorway import http_error
from brokerwire.simulator.journal import Journal

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.Response]]

_LATE_S = 2.0


class SideDoor:
    """Answers requests unless a fault says otherwise."""

    def __init__(self, *, faults: Faults, journal: Journal, clock: Clock) -> None:
        self._faults = faults
        self._journal = journal
        self._clock = clock

    def guard(self, handler: Handler) -> Handler:
        """Return a handler that looks at the faults first and writes the request down."""

        async def guarded(request: web.Request) -> web.Response:
            self._journal.record("request", method=request.method, path=request.path)
            await self._strike(request)
            found = await handler(request)
            if self._faults.take("bad_json", channel=request.path):
                found.text = (found.text or "")[:-2]
            return found

        return guarded

    async def _strike(self, request: web.Request) -> None:
        if refuse := self._faults.take("refuse", channel=request.path):
            raise http_error(int(refuse.number(500)))
        if limited := self._faults.take("rate_limit", channel=request.path):
            raise web.HTTPTooManyRequests(headers={"Retry-After": str(int(limited.number(1)))})
        if self._faults.active("maintenance"):
            raise http_error(503)
        if late := self._faults.take("late_ack", channel=request.path):
            await self._clock.sleep(late.number(_LATE_S))


def answer(value: Any, *, status: int = 200) -> web.Response:
    """Return a JSON answer."""
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
