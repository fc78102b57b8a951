"""What the user of one subscription hears during an examination, written down with its times."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from brokerwire.client.client import Client
from brokerwire.doctor.finding import Missed
from brokerwire.events import Event, Gap, StateChange, Status
from brokerwire.streaming.subscription import Subscription

Behaviour = Callable[[Any], Awaitable[None]]

POLL_S = 0.05
"""How often a condition is looked at; it bounds how precise the times are."""


def now() -> float:
    """Return the running loop's time in seconds."""
    return asyncio.get_running_loop().time()


async def until(condition: Callable[[], bool], what: str, *, within_s: float = 60.0) -> float:
    """Wait for a condition; returns the loop time at which it was seen to hold.

    Raises:
        Missed: It did not hold within ``within_s`` seconds; ``what`` says what was waited for.
    """
    deadline = now() + within_s
    while not condition():
        if now() > deadline:
            raise Missed(f"waited {within_s:g} s in vain for {what}")
        await asyncio.sleep(POLL_S)
    return now()


async def take(_event: Any) -> None:
    """Do what a quick callback does."""
    await asyncio.sleep(0)


class Listener:
    """Callbacks that remember events, statuses and errors, each with the loop time at which it came.

    ``flows`` says that the topic never pauses by itself, so that silence must be reported; ``behave`` is what the
    callback for events does besides writing down.
    """

    def __init__(self, client: Client, *, flows: bool = True, behave: Behaviour = take) -> None:
        self.client = client
        self.flows = flows
        self.behave = behave
        self.events: list[Event] = []
        self.times: list[float] = []
        self.statuses: list[Status] = []
        self.status_times: list[float] = []
        self.errors: list[tuple[Exception, Any]] = []
        self.overlaps = 0
        self._is_running = False
        self._subscription: Subscription[Any] | None = None

    @property
    def is_open(self) -> bool:
        """Whether the subscription was ever there."""
        return self._subscription is not None

    @property
    def subscription(self) -> Subscription[Any]:
        """What was subscribed to."""
        assert self._subscription is not None  # noqa: S101 - only those that have opened it ask
        return self._subscription

    async def open(self, method: str, symbols: Any, **options: Any) -> None:
        """Subscribe with the ``stream_*`` method of whichever service has it.

        Raises:
            BrokerwireError: The subscription was refused.
        """
        services = (self.client.market_data, self.client.order_execution, self.client.brokerage)
        stream = next(found for service in services if (found := getattr(service, f"stream_{method}", None)))
        callbacks = {"status_callback": self.on_status, "error_callback": self.on_error}
        positional = () if symbols is None else (symbols,)
        self._subscription = await stream(*positional, callback=self.on_event, **callbacks, **options)

    async def on_event(self, event: Any) -> None:
        """Write an event down, and behave."""
        self.overlaps += self._is_running
        self._is_running = True
        try:
            self.events.append(event)
            self.times.append(now())
            await self.behave(event)
        finally:
            self._is_running = False

    def on_status(self, status: Status) -> None:
        """Write a status down."""
        self.statuses.append(status)
        self.status_times.append(now())

    def on_error(self, error: Exception, event: Any) -> None:
        """Write an error down."""
        self.errors.append((error, event))

    @property
    def states(self) -> list[str]:
        """The states that were entered, in order."""
        return [status.new for status in self.statuses if isinstance(status, StateChange)]

    @property
    def gaps(self) -> list[Gap]:
        """The gaps that were reported."""
        return [status for status in self.statuses if isinstance(status, Gap)]

    @property
    def reconnects(self) -> int:
        """How often the client's streams were dialled again."""
        return sum(stream.reconnects for stream in self.client.streams.active_streams)

    def delays_s(self, since: int = 0) -> list[float]:
        """Return how much longer each event from number ``since`` took to its callback than the first, in seconds."""
        if not self.events:
            return []
        first_ns, began = self.events[0].received_ns, self.times[0]
        heard = zip(self.events[since:], self.times[since:], strict=True)
        return [(at - began) - (event.received_ns - first_ns) / 1e9 for event, at in heard]

    async def more(self, count: int = 1, *, within_s: float = 60.0) -> float:
        """Wait for further events; returns when the first of them came.

        Raises:
            Missed: They did not come in time.
        """
        known = len(self.events)
        await until(lambda: len(self.events) >= known + count, f"{count} events", within_s=within_s)
        return self.times[known]

    async def entered(self, name: str, *, within_s: float = 60.0) -> float:
        """Wait until a state is entered that has not been so far, or is left at once; returns when that was.

        Raises:
            Missed: It was not entered in time.
        """
        known = len(self.statuses)
        await until(
            lambda: self._when_entered(name, known) is not None,
            f"the subscription to be {name}, and it is {self.subscription.state}",
            within_s=within_s,
        )
        moment = self._when_entered(name, known)
        assert moment is not None  # noqa: S101 - it was waited for
        return moment

    def _when_entered(self, name: str, known: int) -> float | None:
        heard = list(zip(self.status_times, self.statuses, strict=True))[known:]
        return next((at for at, status in heard if isinstance(status, StateChange) and status.new == name), None)
