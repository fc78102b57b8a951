"""Virtual time: an event loop that skips to its next timer when nothing else can happen.

Client and simulator both run in it, over real loopback sockets, so that aiohttp's own timers obey it too and
a day of heartbeats passes in seconds. The loop is idle when no socket is ready and no executor job runs.
"""

import asyncio
import selectors
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

EPOCH_NS = 1_795_000_000_000_000_000
"""The wall clock at loop time 0: 2026-11-18 11:06:40 UTC."""

SETTLE_S = 0.0005
"""Real seconds that a socket gets to become ready before time may pass; loopback needs none, executors some."""


STUCK_S = 20.0
"""Real seconds without a timer or a ready socket after which the loop is stuck for good."""


class VirtualSelector(selectors.DefaultSelector):
    """Waits for sockets as usual, but lets time pass instead of waiting for timers."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.jobs = 0
        self._idle_since: float | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return ready sockets; if there are none, move the clock to the next timer."""
        if timeout is not None and timeout <= 0:
            return super().select(0)
        ready = super().select(0) or super().select(SETTLE_S)
        if ready:
            return ready
        if self.jobs or timeout is None:
            return self._wait_in_real_time()
        self._idle_since = None
        self.now_s += timeout
        return []

    def _wait_in_real_time(self) -> list[tuple[selectors.SelectorKey, int]]:
        """No timer is set: only a thread or another process can make something happen, and soon."""
        ready = super().select(0.01)
        now = time.monotonic()
        self._idle_since = None if ready else self._idle_since or now
        if self._idle_since is not None and now - self._idle_since > STUCK_S:
            raise RuntimeError(f"nothing can happen any more: no timer, no ready socket for {STUCK_S:.0f} s")
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A selector loop whose clock is virtual; ``time()`` starts at 0."""

    def __init__(self) -> None:
        self._virtual = VirtualSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._virtual.now_s

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> "asyncio.Future[T]":
        """Run a job in a thread; time stands still until it is done."""
        future = super().run_in_executor(executor, func, *args)
        self._virtual.jobs += 1
        future.add_done_callback(self._job_done)
        return future

    def _job_done(self, _future: "asyncio.Future[Any]") -> None:
        self._virtual.jobs -= 1


class VirtualClock:
    """The clock of a virtual-time loop; ``step_s`` moves the wall clock alone, as an administrator would."""

    def __init__(self) -> None:
        self.step_s = 0.0

    def monotonic(self) -> float:
        """Return the running event loop's time in seconds."""
        return asyncio.get_running_loop().time()

    def time_ns(self) -> int:
        """Return UTC nanoseconds since the epoch."""
        return EPOCH_NS + int((asyncio.get_running_loop().time() + self.step_s) * 1e9)

    async def sleep(self, delay_s: float) -> None:
        """Wait ``delay_s`` virtual seconds."""
        await asyncio.sleep(delay_s)
