"""Packets: the wire's own messages, parsed, as tvkit's raw methods hand them over."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from brokerwire.transport.frame_transport import FrameTransport
from brokerwire.transport.tapped import TappedTransport
from brokerwire.transport.wire_tap import TapContext
from brokerwire.typedefs import Frame
from brokerwire.venue import Response
from brokerwire.venues.tradingview.wire import unpack

logger = logging.getLogger(__name__)

MOST_FRAMES = 1_000
"""Frames that wait for a reader of raw packets at most; the oldest give way."""


class PacketTap:
    """Shows the frames of a client's streams to those who read raw packets; without any it costs one call a batch."""

    def __init__(self) -> None:
        self._readers: list[PacketReader] = []

    def start(self, context: TapContext) -> None:
        """Begin; there is nothing to do."""

    def tap(self, transport: FrameTransport, url: str) -> FrameTransport:
        """Return a wire that is heard."""
        return TappedTransport(transport, received=self._take, sent=_pass_over, ended=_rest)

    def _take(self, frames: Sequence[Frame]) -> None:
        for reader in self._readers:
            reader.take(frames)

    def answered(self, method: str, url: str, answer: Response) -> None:
        """Hear the answer to a request; packets come by streams only."""

    def health(self) -> dict[str, Any]:
        """Return how many readers there are, and what they were too slow for."""
        return {"readers": len(self._readers), "dropped": sum(reader.dropped for reader in self._readers)}

    async def close(self) -> None:
        """End it; the readers end with their streams."""

    @contextmanager
    def reading(self) -> Iterator["PacketReader"]:
        """Hear every packet that comes meanwhile."""
        reader = PacketReader()
        self._readers.append(reader)
        try:
            yield reader
        finally:
            self._readers.remove(reader)


def _pass_over(_frame: Frame) -> None:
    """Hear what was sent."""


def _rest() -> None:
    """Hear that a wire has ended; another one follows."""


class PacketReader:
    """Frames that wait to be read packet by packet; ``dropped`` counts those that waited too long."""

    def __init__(self) -> None:
        self.dropped = 0
        self._frames: deque[Frame] = deque()
        self._arrived = asyncio.Event()
        self._error: BaseException | None = None

    def take(self, frames: Sequence[Frame]) -> None:
        """Keep frames; the oldest give way where too many wait."""
        self._frames.extend(frames)
        excess = len(self._frames) - MOST_FRAMES
        for _ in range(excess):
            self._frames.popleft()
        if excess > 0:
            if not self.dropped:
                logger.warning("raw packets are read too slowly; the oldest are dropped")
            self.dropped += excess
        self._arrived.set()

    def fail(self, error: BaseException) -> None:
        """End the reading with an error, after what waits."""
        self._error = error
        self._arrived.set()

    async def packets(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what the venue says, message by message; heartbeats are answered and not shown."""
        while True:
            while self._frames:
                for packet in packets_of(self._frames.popleft()):
                    yield packet
            if self._error is not None:
                raise self._error
            self._arrived.clear()
            await self._arrived.wait()


def packets_of(frame: Frame) -> list[dict[str, Any]]:
    """Return the JSON objects of one frame, parsed; what cannot be read is passed over, as the session does."""
    try:
        payloads = unpack(frame)
    except ValueError as exc:
        payloads = exc.args[1] if len(exc.args) == 2 else []
    found = []
    for payload in payloads:
        try:
            message = msgspec.json.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if isinstance(message, dict):
            found.append(message)
    return found
