"""A repeated request as frames: the answer of each is one frame."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from brokerwire.clock import Clock
from brokerwire.errors import BrokerwireError, UnsupportedError
from brokerwire.transport.frame_transport import ConnectionEnd, OnFrames, ReadGate
from brokerwire.typedefs import Frame
from brokerwire.venue import Response

LEAST_INTERVAL_S = 1.0
"""However often it is hurried: it asks no more often than this."""


class PollTransport:
    """Asks ``fetch`` every ``interval_s`` seconds, sooner when hurried; a refusal ends it like a broken wire."""

    def __init__(self, first: Response, *, fetch: Callable[[], Awaitable[Response]], interval_s: float, clock: Clock):
        self._first = first
        self._fetch = fetch
        self._interval_s = interval_s
        self._clock = clock
        self._is_closed = False
        self._hurried = asyncio.Event()
        self.reading = ReadGate()

    def hurry(self) -> None:
        """Ask soon: there is something to hear."""
        self._hurried.set()

    async def _rest(self) -> None:
        """Wait for the next turn; who is in a hurry waits for the least interval alone."""
        self._hurried.clear()
        least_s = min(LEAST_INTERVAL_S, self._interval_s)
        await self._clock.sleep(least_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._interval_s - least_s):
                await self._hurried.wait()

    async def pump(self, on_frames: OnFrames) -> ConnectionEnd:
        """Push every answer into ``on_frames`` until one is refused."""
        on_frames([self._first.body])
        while True:
            await self._rest()
            await self.reading.passage()
            if self._is_closed:
                return ConnectionEnd(reason="closed")
            try:
                answer = await self._fetch()
            except BrokerwireError as exc:
                return ConnectionEnd(error=exc)
            on_frames([answer.body])

    async def send(self, frame: Frame) -> None:
        """Refuse: there is nothing to send to.

        Raises:
            UnsupportedError: Always.
        """
        raise UnsupportedError("a polled stream carries nothing to the server")

    async def close(self) -> None:
        """Stop asking; safe to call twice."""
        self._is_closed = True
        self.reading.open()
