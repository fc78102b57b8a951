"""What the user of one subscription hears, written down for the checks."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from brokerwire import Client, Gap, Notice, StateChange, Subscription

Behaviour = Callable[[Any], Awaitable[None]]


def now() -> float:
    return asyncio.get_running_loop().time()


async def until(condition: Callable[[], bool], within_s: float = 60.0, step_s: float = 0.05) -> float:
    """Wait for a condition; returns the loop time at which it was seen to hold."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110  # virtual time: a poll costs nothing
            await asyncio.sleep(step_s)
    return now()


async def nothing(_event: Any) -> None:
    await asyncio.sleep(0)


class Watch:
    """Callbacks that remember events, statuses and errors, each with the loop time at which it came.

    ``flows`` says that the topic never pauses by itself, so that silence must be reported; ``behave`` is what the
    event callback does besides writing down.
    """

    def __init__(self, client: Client, *, flows: bool = True, behave: Behaviour = nothing) -> None:
        self.client = client
        self.flows = flows
        self.behave = behave
        self.events: list[Any] = []
        self.times: list[float] = []
        self.statuses: list[Any] = []
        self.status_times: list[float] = []
        self.errors: list[tuple[Exception, Any]] = []
        self.overlaps = 0
        self.began = now()
        self._is_running = False
        self._subscription: Subscription[Any] | None = None

    @property
    def is_open(self) -> bool:
        return self._subscription is not None

    @property
    def subscription(self) -> Subscription[Any]:
        assert self._subscription is not None
        return self._subscription

    async def open(self, method: str, symbols: Any, **options: Any) -> None:
        """Subscribe with a ``stream_*`` method of whichever service has it."""
        services = (self.client.market_data, self.client.order_execution, self.client.brokerage)
        stream = next(found for service in services if (found := getattr(service, f"stream_{method}", None)))
        callbacks = {"status_callback": self.on_status, "error_callback": self.on_error}
        positional = () if symbols is None else (symbols,)
        self._subscription = await stream(*positional, callback=self.on_event, **callbacks, **options)

    async def on_event(self, event: Any) -> None:
        self.overlaps += self._is_running
        self._is_running = True
        try:
            self.events.append(event)
            self.times.append(now())
            await self.behave(event)
        finally:
            self._is_running = False

    def on_status(self, status: Any) -> None:
        self.statuses.append(status)
        self.status_times.append(now())

    def on_error(self, error: Exception, event: Any) -> None:
        self.errors.append((error, event))

    @property
    def states(self) -> list[str]:
        return [status.new for status in self.statuses if isinstance(status, StateChange)]

    @property
    def gaps(self) -> list[Gap]:
        return [status for status in self.statuses if isinstance(status, Gap)]

    @property
    def notices(self) -> list[str]:
        return [status.text for status in self.statuses if isinstance(status, Notice)]

    async def more(self, count: int = 1, within_s: float = 60.0) -> float:
        """Wait for further events."""
        wanted = len(self.events) + count
        return await until(lambda: len(self.events) >= wanted, within_s)

    async def state(self, name: str, within_s: float = 60.0) -> float:
        """Wait until a state is or has been entered since the call; returns when that was."""
        known = len(self.statuses)
        await until(lambda: self.subscription.state == name or self._entered(name, known) is not None, within_s)
        return self._entered(name, known) or self._entered(name, 0) or now()

    def _entered(self, name: str, known: int) -> float | None:
        """Return when a state was last entered, leaving out the first ``known`` statuses."""
        heard = list(zip(self.status_times, self.statuses, strict=True))[known:]
        return next((at for at, one in reversed(heard) if isinstance(one, StateChange) and one.new == name), None)

    @property
    def reconnects(self) -> int:
        return sum(stream.reconnects for stream in self.client.streams.active_streams)
