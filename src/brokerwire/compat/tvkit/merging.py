"""Several subscriptions as one: their events as they come, each one's own in order."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from brokerwire.events import Event
from brokerwire.streaming.subscription import Subscription


async def merged(*subscriptions: Subscription[Any]) -> AsyncIterator[Event]:
    """Yield the events of all of them; ends when each has been closed.

    Raises:
        BrokerwireError: One of them has failed.
    """
    waiting = {_next_of(subscription): subscription for subscription in subscriptions}
    try:
        while waiting:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                subscription = waiting.pop(task)
                event = task.result()
                if event is not None:
                    waiting[_next_of(subscription)] = subscription
                    yield event
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


def _next_of(subscription: Subscription[Any]) -> "asyncio.Task[Event | None]":
    return asyncio.create_task(_take(subscription), name=f"brokerwire next of {subscription.name}")


async def _take(subscription: Subscription[Any]) -> Event | None:
    event: Event | None = await anext(aiter(subscription), None)
    return event
