"""The one writer of a connection: frames leave in order, paced to what the venue takes."""

import asyncio
from collections import deque

from brokerwire.clock import Clock
from brokerwire.errors import ConnectionLostError
from brokerwire.transport.frame_transport import FrameTransport
from brokerwire.transport.rate_limit import SHARE, TokenBucket
from brokerwire.typedefs import Frame
from brokerwire.venue import RateBudget


class Outbox:
    """Queues frames for one transport; ``run`` sends them until the transport is gone."""

    def __init__(self, transport: FrameTransport, *, sends_per_s: float, clock: Clock) -> None:
        self._transport = transport
        # one at a time: a burst, and another a second later, would look like too many to a venue whose second differs
        self._pace = TokenBucket(RateBudget(1.0, 1.0 / (SHARE * sends_per_s)), clock, share=1.0)
        self._frames: deque[Frame] = deque()
        self._wake = asyncio.Event()

    def post(self, frames: list[Frame]) -> None:
        """Queue frames; they leave in this order."""
        self._frames.extend(frames)
        self._wake.set()

    async def run(self) -> None:
        """Send what is posted; returns when the transport is gone."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._frames:
                await self._pace.acquire()
                try:
                    await self._transport.send(self._frames.popleft())
                except ConnectionLostError:
                    return
