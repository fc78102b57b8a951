"""SyncSubscription: a subscription as a script sees it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from brokerwire.client.callback_thread import CallbackThread
from brokerwire.client.loop_thread import LoopThread
from brokerwire.errors import ConfigurationError, StreamError
from brokerwire.events import Event, StreamState, Topic
from brokerwire.streaming.subscription import Subscription, SubscriptionStats
from brokerwire.typedefs import Callback

E = TypeVar("E", bound=Event)
T = TypeVar("T")

_END: Any = object()


class SyncSubscription(Generic[E]):
    """Delivers the events of its topics to a callback, or to a ``for`` loop.

    Made by the ``stream_*`` methods of a ``SyncClient``. Use it in a ``with`` block to unsubscribe at the end. A loop
    takes its events from the subscription's own bounded queue: one that is slow meets the overflow policy. Plain
    callbacks run one after the other on a thread of this subscription; they may block, and may use the client.
    """

    def __init__(self, subscription: Subscription[E], host: LoopThread, callbacks: CallbackThread) -> None:
        self._subscription = subscription
        self._host = host
        self._callbacks = callbacks
        self._turn = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<Sync{repr(self._subscription)[1:]}"

    @property
    def id(self) -> int:
        """Its number, unique within the client."""
        return self._subscription.id

    @property
    def name(self) -> str:
        """What it is called in the log."""
        return self._subscription.name

    @property
    def topics(self) -> tuple[Topic, ...]:
        """The topics, in the venue's own spelling."""
        return self._host.read(lambda: self._subscription.topics)

    @property
    def state(self) -> StreamState:
        """``pending``, ``live``, ``stale``, ``recovering``, ``paused``, ``closed`` or ``failed``; the worst topic's."""
        return self._subscription.state

    @property
    def is_active(self) -> bool:
        """Whether events may still come."""
        return self._subscription.is_active

    @property
    def stats(self) -> SubscriptionStats:
        """The counters as they are now; ``received = delivered + dropped + coalesced + pending``."""
        return self._host.read(lambda: self._subscription.stats)

    def latest(self, symbol: str | None = None) -> E | None:
        """Return the newest event about ``symbol`` (as subscribed), or of all if None; None before the first."""
        return self._host.read(lambda: self._subscription.latest(symbol))

    # Events

    def __iter__(self) -> Iterator[E]:
        """Yield events until the subscription is closed.

        Raises:
            ConfigurationError: It has a callback.
            BrokerwireError: It failed; the reason.
        """
        return self.events()

    def events(self, timeout: float | None = None) -> Iterator[E]:
        """Return an iterator over the events until the subscription is closed.

        ``timeout`` is how many seconds to wait for each at most.

        Raises:
            ConfigurationError: It has a callback.
            TimeoutError: Nothing came in time; iterate again to go on.
            BrokerwireError: It failed; the reason.
        """
        self._host.read(self._subscription.__aiter__)
        return iter(lambda: self._next(timeout), _END)

    def get(self, timeout: float | None = None) -> E:
        """Return the next event; ``timeout`` is how many seconds to wait for it at most.

        Raises:
            ConfigurationError: It has a callback.
            TimeoutError: Nothing came in time.
            StreamError: The subscription was closed.
            BrokerwireError: It failed; the reason.
        """
        self._host.read(self._subscription.__aiter__)
        event = self._next(timeout)
        if event is _END:
            raise StreamError(f"the subscription to {self.name} has ended; subscribe again")
        return event

    def _next(self, timeout: float | None) -> E:
        """Return the next event, or ``_END``."""

        async def take() -> E:
            async with asyncio.timeout(timeout), self._turn:
                return await anext(self._subscription, _END)

        try:
            return self._host.run(take)
        except StreamError:
            if self._host.is_open or self._host.is_forked or self._subscription.state != "closed":
                raise
        return _END  # type: ignore[no-any-return]  # the client was closed, and this with it

    def add_callback(self, callback: Callback[E]) -> None:
        """Call ``callback`` too, after those that are there.

        Raises:
            ConfigurationError: It is not callable.
        """
        self._host.read(lambda: self._subscription.add_callback(self._callbacks.wrapped(callback)))

    # From the start to the end

    def ready(self, timeout: float | None = None) -> None:
        """Return when each topic has its first event, whole snapshot or synchronised book.

        Raises:
            TimeoutError: It was not so in ``timeout`` seconds.
            BrokerwireError: The subscription ended before.
        """
        self._wait(self._subscription.ready, timeout)

    def unsubscribe(self) -> None:
        """Stop; returns when no callback runs and the venue's slot is free. Safe to call twice.

        Called from one of its own callbacks it returns at once, and the rest happens when that has returned.
        """
        if self._host.is_forked:
            return
        if self._callbacks.is_current or not self._host.is_open:
            self.cancel()
            return
        self._host.run(self._subscription.unsubscribe)
        self._callbacks.stop()

    def cancel(self) -> None:
        """Stop and do not wait: no callback starts after this; ``wait_closed`` tells when all is done."""
        self._host.read(self._subscription.cancel)

    def resume(self) -> None:
        """Go on after a pause."""
        self._host.read(self._subscription.resume)

    def wait_closed(self, timeout: float | None = None) -> None:
        """Return when the subscription has ended and everything of it is gone.

        Raises:
            TimeoutError: It had not in ``timeout`` seconds.
            BrokerwireError: Why it failed, if it did.
        """
        self._wait(self._subscription.wait_closed, timeout)

    def _wait(self, until: Callable[[], Coroutine[Any, Any, T]], timeout: float | None) -> T:
        if self._callbacks.is_current:
            raise ConfigurationError("a callback cannot wait for its own subscription, which waits for it to return")

        async def wait() -> T:
            async with asyncio.timeout(timeout):
                return await until()

        return self._host.run(wait)

    def add_symbols(self, symbols: str | Sequence[str]) -> None:
        """Subscribe to more symbols; returns when the venue has accepted them.

        Raises:
            StreamError: The subscription has ended.
            InvalidSymbolError: One of them is unknown; nothing was changed.
        """
        self._host.run(lambda: self._subscription.add_symbols(symbols))

    def remove_symbols(self, symbols: str | Sequence[str]) -> None:
        """Stop receiving these symbols.

        Raises:
            StreamError: The subscription has ended.
            InvalidSymbolError: One of them is not subscribed.
        """
        self._host.run(lambda: self._subscription.remove_symbols(symbols))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.unsubscribe()
