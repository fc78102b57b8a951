"""What carries the frames of one connection, whatever the wire is."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct

from brokerwire.errors import BrokerwireError
from brokerwire.typedefs import Frame

OnFrames: TypeAlias = Callable[[Sequence[Frame]], None]
"""Takes the frames of one turn of the loop, in order; it never raises."""


class ConnectionEnd(Struct, frozen=True):
    """Why a connection ended: a WebSocket close code, or an error, and what the other side said."""

    close_code: int | None = None
    reason: str = ""
    error: BrokerwireError | None = None


class FrameTransport(Protocol):
    """One open wire. ``pump`` reads it to its end; the rest may be called meanwhile."""

    reading: "ReadGate"

    async def pump(self, on_frames: OnFrames) -> ConnectionEnd:
        """Push every frame into ``on_frames`` until the wire ends; say why it ended."""
        ...

    async def send(self, frame: Frame) -> None:
        """Send one frame.

        Raises:
            ConnectionLostError: The wire is gone.
        """
        ...

    def hurry(self) -> None:
        """Ask soon, where frames come by asking; elsewhere they come by themselves."""
        ...

    async def close(self) -> None:
        """End the wire; safe to call twice."""
        ...


class ReadGate:
    """Lets a slow consumer hold back the reading of its connection."""

    __slots__ = ("_opened", "is_shut")

    def __init__(self) -> None:
        self.is_shut = False
        self._opened: asyncio.Event | None = None

    def shut(self) -> None:
        """Stop reading after the frame in hand."""
        self.is_shut = True
        self._opened = self._opened or asyncio.Event()
        self._opened.clear()

    def open(self) -> None:
        """Go on reading."""
        self.is_shut = False
        if self._opened is not None:
            self._opened.set()

    async def passage(self) -> None:
        """Wait until the gate is open."""
        if self.is_shut and self._opened is not None:
            await self._opened.wait()
