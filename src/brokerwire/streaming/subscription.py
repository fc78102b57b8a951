"""Subscription: one user's interest in some topics, from the first acknowledgement to the end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Generic, Self, TypeVar, cast

from msgspec import Struct

from brokerwire.errors import BrokerwireError, ConfigurationError, SlowConsumerError, StreamError
from brokerwire.events import Event, StateChange, Status, StreamState, Topic
from brokerwire.redact import clean
from brokerwire.streaming.delivery import Delivery, DeliveryOptions
from brokerwire.streaming.event_queue import Marker
from brokerwire.streaming.route import Route
from brokerwire.typedefs import Callback

logger = logging.getLogger(__name__)

E = TypeVar("E", bound=Event)

_SEVERITY: dict[StreamState, int] = {"live": 0, "stale": 1, "recovering": 2, "pending": 3}
_ENDED: frozenset[StreamState] = frozenset({"closed", "failed"})
_WORRYING: frozenset[StreamState] = frozenset({"failed", "recovering", "stale", "paused"})


class SubscriptionStats(Struct, frozen=True, kw_only=True):
    """Counters of one subscription; ``received = delivered + dropped + coalesced + pending``, exactly.

    ``errors`` counts raising callbacks, ``gaps`` the reported ones; times are UTC nanoseconds, None before
    the first event; ``lag_s`` is how old the newest event was on arrival, by the venue's clock.
    """

    received: int
    delivered: int
    dropped: int
    coalesced: int
    pending: int
    errors: int
    gaps: int
    dropped_by_reason: Mapping[str, int]
    last_received_ns: int | None
    last_event_time_ns: int | None
    lag_s: float | None


class SubscriptionControl(Struct, frozen=True):
    """What a subscription may ask of whoever made it: to change its topics and to let go of them."""

    add: Callable[[Sequence[str]], Awaitable[None]]
    remove: Callable[[Sequence[str]], Awaitable[None]]
    release: Callable[[], Awaitable[None]]


class Subscription(Generic[E]):
    """Delivers the events of its topics to callbacks, one at a time and in order.

    Made by the ``stream_*`` methods. Use it as an asynchronous context to unsubscribe at the end, or
    iterate over it (``async for event in subscription``) instead of giving a callback.
    """

    def __init__(
        self, subscription_id: int, *, callback: Callback[E] | None, options: DeliveryOptions, name: str
    ) -> None:
        self.id = subscription_id
        self.name = name
        self.delivery = Delivery(options, name=name, on_pause=self._paused, on_overflow=self._overflowed)
        self._control: SubscriptionControl | None = None
        self._topic_states: dict[Topic, StreamState] = {}
        self._unready: set[Topic] = set()
        self._followed: dict[str, Route] = {}
        self._state: StreamState = "pending"
        loop = asyncio.get_running_loop()
        self._accepted: asyncio.Future[None] = loop.create_future()
        self._ready: asyncio.Future[None] = loop.create_future()
        self._released: asyncio.Future[None] = loop.create_future()
        self._closing: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self._reason: BrokerwireError | None = None
        if callback is not None:
            self.delivery.add(callback)

    def __repr__(self) -> str:
        return f"<Subscription {self.id} {self.name} {self._state}>"

    @property
    def topics(self) -> tuple[Topic, ...]:
        """The topics, in the venue's own spelling."""
        return tuple(self._topic_states)

    @property
    def state(self) -> StreamState:
        """``pending``, ``live``, ``stale``, ``recovering``, ``paused``, ``closed`` or ``failed``; the worst topic's."""
        return self._state

    @property
    def is_active(self) -> bool:
        """Whether events may still come."""
        return self._state not in _ENDED

    @property
    def stats(self) -> SubscriptionStats:
        """The counters as they are now."""
        queue = self.delivery.queue
        newest = self.latest()
        time_ns = newest.time_ns if newest else None
        return SubscriptionStats(
            received=queue.received,
            delivered=queue.delivered,
            dropped=queue.dropped,
            coalesced=queue.coalesced,
            pending=queue.pending,
            errors=self.delivery.errors,
            gaps=self.delivery.gaps,
            dropped_by_reason=dict(queue.dropped_by_reason),
            last_received_ns=newest.received_ns if newest else None,
            last_event_time_ns=time_ns,
            lag_s=(newest.received_ns - time_ns) / 1e9 if newest and time_ns is not None else None,
        )

    def latest(self, symbol: str | None = None) -> E | None:
        """Return the newest event about ``symbol`` (as subscribed), or of all if None; None before the first."""
        found = (event for spelling, route in self._followed.items() for event in route.newest(spelling, symbol))
        return cast("E | None", max(found, key=lambda event: event.received_ns, default=None))

    def add_callback(self, callback: Callback[E]) -> None:
        """Call ``callback`` too, after those that are there.

        Raises:
            ConfigurationError: It is not callable, or a plain function with ``overflow="block"``.
        """
        self.delivery.add(callback)

    async def ready(self) -> None:
        """Return when each topic has its first event, whole snapshot or synchronised book.

        Raises:
            BrokerwireError: The subscription ended before.
        """
        await asyncio.shield(self._ready)

    async def unsubscribe(self) -> None:
        """Stop; returns when no callback runs and the venue's slot is free. Safe to call twice.

        Called from one of its own callbacks, it returns when the slot is free.
        """
        self.cancel()
        if self.delivery.is_current_task:
            await asyncio.shield(self._released)
        elif self._closing is not None:
            await asyncio.shield(self._closing)

    def cancel(self) -> None:
        """Stop from synchronous code: no callback starts after this; ``wait_closed`` tells when all is done."""
        self.close("unsubscribed")

    def resume(self) -> None:
        """Go on after a pause."""
        if self._state == "paused":
            self.delivery.resume()
            self._change_state(self._worst(), "resumed")

    async def wait_closed(self) -> None:
        """Return when the subscription has ended and everything of it is gone.

        Raises:
            BrokerwireError: Why it failed, if it did.
        """
        await self._ended.wait()
        if self._closing is not None and not self.delivery.is_current_task:
            await asyncio.shield(self._closing)
        if self._reason is not None:
            raise self._reason

    async def add_symbols(self, symbols: str | Sequence[str]) -> None:
        """Subscribe to more symbols; returns when the venue has accepted them.

        Raises:
            StreamError: The subscription has ended.
            InvalidSymbolError: One of them is unknown; nothing was changed.
        """
        await self._controlled().add([symbols] if isinstance(symbols, str) else list(symbols))

    async def remove_symbols(self, symbols: str | Sequence[str]) -> None:
        """Stop receiving these symbols.

        Raises:
            StreamError: The subscription has ended.
            InvalidSymbolError: One of them is not subscribed.
        """
        await self._controlled().remove([symbols] if isinstance(symbols, str) else list(symbols))

    def _controlled(self) -> SubscriptionControl:
        if not self.is_active or self._control is None:
            raise StreamError(f"the subscription to {self.name} has ended; subscribe again")
        return self._control

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.unsubscribe()

    def __aiter__(self) -> Self:
        if self.delivery.has_callbacks:
            raise ConfigurationError("this subscription has a callback; make one without to iterate over")
        self.delivery.is_iterated = True
        return self

    async def __anext__(self) -> E:
        """Return the next event; the iteration ends when the subscription is closed, raises when it has failed."""
        queue = self.delivery.queue
        while True:
            item = queue.take()
            if item is None:
                if not self.is_active:
                    break
                await queue.wait()
            elif isinstance(item, Marker):
                await self.delivery.tell(item)
            else:
                queue.finish()
                return cast(E, self.delivery.shaped(item))
        if self._reason is not None:
            raise self._reason
        raise StopAsyncIteration

    # What the stream and the service call

    def attach(self, topics: Iterable[Topic], control: SubscriptionControl) -> None:
        """Start out with these topics, all of them pending."""
        self._control = control
        self.add_topics(topics)

    def add_topics(self, topics: Iterable[Topic]) -> None:
        """Wait for more topics; ``accepted`` returns when they are live.

        Raises:
            StreamError: The subscription has ended.
        """
        if not self.is_active:
            raise StreamError(f"the subscription to {self.name} has ended; subscribe again")
        for topic in topics:
            self._topic_states[topic] = "pending"
            self._unready.add(topic)
        if self._accepted.done():
            self._accepted = asyncio.get_running_loop().create_future()

    def remove_topic(self, topic: Topic, symbol: str) -> None:
        """Forget a topic that the user no longer wants, or could not get."""
        self._topic_states.pop(topic, None)
        self._followed.pop(symbol, None)
        self.mark_ready(topic)
        if self.is_active:  # it may have ended while symbols were being added
            self._settle("symbols removed")

    async def accepted(self) -> None:
        """Return when no topic is pending any more; raises when one is refused before."""
        await asyncio.shield(self._accepted)

    def follow(self, symbol: str, route: Route) -> None:
        """Remember where the events of a symbol pass, for ``latest``."""
        self._followed[symbol] = route

    def mark_ready(self, topic: Topic) -> None:
        """Take note that the topic has its first event or whole snapshot."""
        self._unready.discard(topic)
        if not self._unready and not self._ready.done():
            self._ready.set_result(None)

    def set_topic_state(self, topic: Topic, state: StreamState, reason: str) -> None:
        """Take note of how one topic is doing."""
        if topic in self._topic_states and self.is_active:
            self._topic_states[topic] = state
            self._settle(reason)

    def refuse_topic(self, topic: Topic, error: BrokerwireError) -> None:
        """Take note that the venue will not serve a topic: before acceptance it fails the call, later only itself."""
        if not self.is_active or self._topic_states.pop(topic, None) is None:
            return
        if not self._accepted.done():
            _settle_with(self._accepted, error)
        elif not self._topic_states:
            self.fail(error)
        else:
            self.mark_ready(topic)
            self.delivery.report(error, None)
            self._settle(str(error))

    def put_status(self, status: Status) -> None:
        """Tell the user something, in its place between the events."""
        self.delivery.put_status(status)

    def look(self, now: float) -> None:
        """Report a callback that does not return; called every few seconds with the loop's time."""
        self.delivery.look(now)

    def fail(self, error: BrokerwireError) -> None:
        """End with a reason; what was received before is still delivered."""
        if self.is_active:
            self._finish("failed", error, str(error))

    def close(self, reason: str) -> None:
        """End without an error; what waits is dropped."""
        if self.is_active:
            self.delivery.queue.drop_all("closed")
            self._finish("closed", None, reason)

    @property
    def closing(self) -> asyncio.Task[None] | None:
        """The task that tidies up after the end, once it has begun."""
        return self._closing

    # State

    def _worst(self) -> StreamState:
        worst: StreamState = "live"
        for state in self._topic_states.values():
            worst = max(worst, state, key=_SEVERITY.__getitem__)
        return worst

    def _settle(self, reason: str) -> None:
        worst = self._worst()
        if worst != "pending" and not self._accepted.done():
            self._accepted.set_result(None)
        if self._state != "paused":
            self._change_state(worst, reason)

    def _change_state(self, state: StreamState, reason: str, tell: Callable[[StateChange], None] | None = None) -> None:
        if state == self._state:
            return
        change = StateChange(self._state, state, reason)
        self._state = state
        level = logging.WARNING if state in _WORRYING else logging.INFO
        logger.log(level, "%s: %s -> %s (%s)", self.name, change.old, change.new, clean(reason))
        (tell or self.put_status)(change)

    def _paused(self, reason: str) -> None:
        # Its place is behind the event that failed, not behind those that wait: they wait for resume().
        self._change_state("paused", reason, self.delivery.tell_now)

    def _overflowed(self, error: SlowConsumerError) -> None:
        asyncio.get_running_loop().call_soon(self.fail, error)

    def _finish(self, state: StreamState, error: BrokerwireError | None, reason: str) -> None:
        self._reason = error
        for future in (self._accepted, self._ready):
            _settle_with(future, error or StreamError(f"{self.name} was closed: {reason}"))
        self._change_state(state, reason)
        self.delivery.end()
        self._closing = asyncio.get_running_loop().create_task(self._tidy_up(), name=f"brokerwire close {self.name}")
        self._ended.set()

    async def _tidy_up(self) -> None:
        """Let go of the wire, then let the delivery end."""
        try:
            if self._control is not None:
                await self._control.release()
        finally:
            self._released.set_result(None)
            await self.delivery.join()


def _settle_with(future: "asyncio.Future[None]", error: BrokerwireError) -> None:
    """End a future with an error that nobody has to ask for."""
    if not future.done():
        future.set_exception(error)
        future.exception()
