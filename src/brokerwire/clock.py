"""The only reader of time and the only sleeper."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Where the library gets its time from.

    ``monotonic`` is the running loop's time in seconds and what every deadline is measured in;
    ``time_ns`` is UTC wall-clock nanoseconds, used for stamps and for token expiry only.
    """

    def monotonic(self) -> float:
        """Return the running event loop's time in seconds."""
        ...

    def time_ns(self) -> int:
        """Return UTC nanoseconds since the epoch."""
        ...

    async def sleep(self, delay_s: float) -> None:
        """Wait ``delay_s`` seconds of the loop's time."""
        ...


class SystemClock:
    """The machine's clock; inside a virtual-time loop its monotonic side is virtual too."""

    def monotonic(self) -> float:
        """Return the running event loop's time in seconds."""
        return asyncio.get_running_loop().time()

    def time_ns(self) -> int:
        """Return UTC nanoseconds since the epoch."""
        return time.time_ns()

    async def sleep(self, delay_s: float) -> None:
        """Wait ``delay_s`` seconds of the loop's time."""
        await asyncio.sleep(delay_s)
