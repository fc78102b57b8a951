"""Stall detector: who blocks the loop, and which callback does not return."""

import asyncio
import logging
import sys
import threading
from collections.abc import Iterable
from types import CoroutineType, FrameType
from typing import Any

logger = logging.getLogger(__name__)

STALL_S = 1.0
"""A loop that has not turned for this long is stalled."""

PING_S = 0.5
"""How often, in real seconds, the loop is asked whether it turns."""

MOST_FRAMES = 8


def stack_of(task: "asyncio.Task[Any]") -> str:
    """Return where a suspended task waits: the innermost call first, on one line."""
    frames: list[FrameType] = []
    awaited: Any = task.get_coro()
    while isinstance(awaited, CoroutineType):
        if awaited.cr_frame is not None:
            frames.append(awaited.cr_frame)
        awaited = awaited.cr_await
    return described(reversed(frames))


def described(frames: Iterable[FrameType]) -> str:
    """Return frames on one line, in their order, each as function, file and line."""
    named = [f"{frame.f_code.co_name} ({frame.f_code.co_filename}:{frame.f_lineno})" for frame in frames]
    rest = f" < {len(named) - MOST_FRAMES} more" if len(named) > MOST_FRAMES else ""
    return " < ".join(named[:MOST_FRAMES]) + rest


class StallDetector:
    """A thread that asks the loop now and then whether it turns, and names what it is at when it does not.

    The loop has no timer for this and virtual time knows nothing of it: the thread asks in real time. A stall is
    reported once, as long as it lasts, with the stack of the loop's thread.
    """

    def __init__(self, *, stall_s: float = STALL_S, ping_s: float = PING_S) -> None:
        self.stalls = 0
        self._stall_s = stall_s
        self._ping_s = ping_s
        self._loop_thread = 0
        self._answered = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Watch the running loop; safe to call twice."""
        if self._thread is None:
            self._loop_thread = threading.get_ident()
            self._thread = threading.Thread(
                target=self._watch, args=(asyncio.get_running_loop(),), name="brokerwire stall detector", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Watch no more; safe to call twice."""
        thread, self._thread = self._thread, None
        self._stopped.set()
        self._answered.set()
        if thread is not None:
            thread.join()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._is_over(loop):
            self._answered.clear()  # before the look at the stop: a stop that comes later answers for good
            if self._stopped.wait(self._ping_s):
                return
            try:
                loop.call_soon_threadsafe(self._answered.set)
            except RuntimeError:  # the loop is closed, and nobody stopped us
                return
            if not self._answered.wait(self._stall_s) and not self._is_over(loop):
                self._report()
                while not self._answered.wait(self._stall_s) and not self._is_over(loop):
                    pass  # one report as long as it lasts

    def _is_over(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether nobody is to be watched any more; a loop that was closed answers no question that it was asked."""
        return self._stopped.is_set() or loop.is_closed()

    def _report(self) -> None:
        self.stalls += 1
        frame = sys._current_frames().get(self._loop_thread)
        frames: list[FrameType] = []
        while frame is not None:
            frames.append(frame)
            frame = frame.f_back
        logger.warning("the event loop has not turned for %.1f s; it is in %s", self._stall_s, described(frames))
