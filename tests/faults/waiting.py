"""Waiting for what a row is about, and what it asks of a listener besides."""

import asyncio
from collections.abc import Callable

from brokerwire import Notice, StateChange
from brokerwire.doctor.listener import POLL_S, Listener, now


async def until(condition: Callable[[], bool], within_s: float = 60.0, step_s: float = POLL_S) -> float:
    """Wait for a condition; returns the loop time at which it was seen to hold."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110  # virtual time: a poll costs nothing
            await asyncio.sleep(step_s)
    return now()


async def reached(watch: Listener, name: str, within_s: float = 60.0) -> float:
    """Wait until a state is or has been entered since the call; returns when that was."""
    known = len(watch.statuses)
    await until(lambda: watch.subscription.state == name or _entered(watch, name, known) is not None, within_s)
    return _entered(watch, name, known) or _entered(watch, name, 0) or now()


def _entered(watch: Listener, name: str, known: int) -> float | None:
    """Return when a state was last entered, leaving out the first ``known`` statuses."""
    heard = list(zip(watch.status_times, watch.statuses, strict=True))[known:]
    return next((at for at, one in reversed(heard) if isinstance(one, StateChange) and one.new == name), None)


def notices(watch: Listener) -> list[str]:
    """Return the texts of the notices that were heard."""
    return [status.text for status in watch.statuses if isinstance(status, Notice)]
