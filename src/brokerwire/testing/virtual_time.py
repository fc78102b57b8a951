"""Virtual time: an event loop that skips to its next timer when nothing else can happen.

Client and simulator both run in it, over real loopback sockets, so that aiohttp's own timers obey it too and
a day of heartbeats passes in seconds. The loop is idle when no socket is ready and no executor job runs.
"""

import asyncio
import contextlib
import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

EPOCH_NS = 1_795_000_000_000_000_000
"""The wall clock at loop time 0: 2026-11-18 11:06:40 UTC."""

STUCK_S = 20.0
"""Real seconds without a timer or a ready socket after which the loop is stuck for good."""

_PROBE_S = 0.2
_NAP_S = 0.01


class _Probe:
    """A datagram to ourselves: when it is back, everything that was sent on loopback before it has arrived too."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(_PROBE_S)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.connect(self._socket.getsockname())

    def wait(self) -> None:
        """Return when the datagram is back; one that the kernel dropped is not waited for long."""
        with contextlib.suppress(TimeoutError):
            self._socket.send(b".")
            self._socket.recv(1)

    def close(self) -> None:
        self._socket.close()


class VirtualSelector(selectors.DefaultSelector):
    """Waits for sockets as usual, but lets time pass instead of waiting for timers."""

    def __init__(self, stuck_s: float = STUCK_S) -> None:
        super().__init__()
        self.now_s = 0.0
        self.jobs = 0
        self._stuck_s = stuck_s
        self._idle_since: float | None = None
        self._probe = _Probe()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return ready sockets; if there are none, move the clock to the next timer."""
        must_not_wait = timeout is not None and timeout <= 0
        ready = super().select(0)
        if not ready and not must_not_wait:
            self._probe.wait()
            ready = super().select(0)
        if ready or must_not_wait:
            self._idle_since = None
            return ready
        if self.jobs or timeout is None:
            return self._wait_in_real_time()
        self._idle_since = None
        self.now_s += timeout
        return []

    def _wait_in_real_time(self) -> list[tuple[selectors.SelectorKey, int]]:
        """Only a thread or another process can make something happen, and soon."""
        ready = super().select(_NAP_S)
        now = time.monotonic()
        self._idle_since = None if ready else self._idle_since or now
        if self._idle_since is not None and now - self._idle_since > self._stuck_s:
            raise RuntimeError(f"nothing can happen any more: no timer may pass, no ready socket for {self._stuck_s} s")
        return ready

    def close(self) -> None:
        """Give back the sockets."""
        self._probe.close()
        super().close()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A selector loop whose clock is virtual; ``time()`` starts at 0.

    When nothing can happen for ``stuck_s`` real seconds, running it raises RuntimeError.
    """

    def __init__(self, stuck_s: float = STUCK_S) -> None:
        self._virtual = VirtualSelector(stuck_s)
        super().__init__(self._virtual)

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._virtual.now_s

    def stall(self, duration_s: float) -> None:
        """Let time pass while a callback holds the loop: no socket is read and no timer runs meanwhile."""
        self._virtual.now_s += duration_s

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
