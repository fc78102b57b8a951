"""Watchdog: one task for all connections that asks who is silent and should not be."""

import asyncio
import logging
import math
from collections.abc import Callable

from brokerwire.clock import Clock
from brokerwire.redact import clean

logger = logging.getLogger(__name__)

LATE_S = 1.0
"""A look that comes later than this was held up by the loop or by a suspended machine: nobody is to blame."""

Look = Callable[[float, bool], float]
"""``(now, was_held_up) -> when to look again``; the flag asks for a fresh start of all silence clocks."""


class Watchdog:
    """Looks at what it watches, each at the time it asked for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._looks: dict[Look, float] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def watch(self, look: Look, at: float) -> None:
        """Look first at the loop time ``at``, or sooner than was said before."""
        self._looks[look] = min(at, self._looks.get(look, at))
        self._changed.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="brokerwire watchdog")

    def forget(self, look: Look) -> None:
        """Look no more."""
        self._looks.pop(look, None)

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            due_at = min(self._looks.values(), default=None)
            if due_at is None or due_at > self._clock.monotonic():
                await self._wait(None if due_at == math.inf else due_at)
                continue
            now = self._clock.monotonic()
            was_held_up = now - due_at > LATE_S
            for look in [look for look, at in self._looks.items() if at <= now]:
                self._look(look, now, was_held_up)
            await asyncio.sleep(0)  # a look that is due again at once must not keep everybody else from running

    def _look(self, look: Look, now: float, was_held_up: bool) -> None:  # handed through
        if self._looks.pop(look, None) is None:
            return  # it was forgotten by one that was due with it
        try:
            self._looks.setdefault(look, look(now, was_held_up))
        except Exception as exc:  # one broken look must not blind the others
            logger.error("the watchdog could not look: %s", clean(repr(exc)), exc_info=exc)

    async def _wait(self, due_at: float | None) -> None:
        timeout_s = None if due_at is None else due_at - self._clock.monotonic()
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return

    async def close(self) -> None:
        """Stop looking; safe to call twice."""
        task, self._task = self._task, None
        self._looks.clear()
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
