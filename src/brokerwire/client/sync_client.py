"""SyncClient: the client for scripts, on an event loop in a thread of its own."""

from collections.abc import Awaitable, Callable, Mapping
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypedDict, TypeVar, Unpack

from brokerwire.client.client import Client
from brokerwire.client.loop_thread import LoopThread
from brokerwire.client.sync_services import SyncBrokerage, SyncMarketData, SyncOrderExecution
from brokerwire.clock import Clock
from brokerwire.transport.wire_tap import WireTap
from brokerwire.venue import Source

T = TypeVar("T")


class ClientOptions(TypedDict, total=False):
    """What a client can be given by name; ``Client`` says what each means."""

    environment: str | None
    credentials: Mapping[str, str] | None
    endpoints: Mapping[str, str] | None
    settings: Mapping[str, Any] | None
    max_concurrent_streams: int
    websocket: str
    journal: str | PathLike[str] | None
    recorder: WireTap | None
    subscribe_timeout: float
    connect_timeout: float
    close_timeout: float
    callback_timeout: float | None
    proxy: str | None
    ca_file: str | Path | None
    clock: Clock | None


class SyncClient:
    """``Client`` for scripts and notebooks: the same calls without ``await``, from any thread.

    It has an event loop on a thread of its own, which starts with the first call. Calls wait, return what those of
    ``Client`` return and raise what they raise; Ctrl-C ends the waiting at once. Streams are ``SyncSubscription``:
    iterate over them, or give a plain callback, which is called on a thread of its subscription. A coroutine function
    as a callback runs in the client's loop. Use it in a ``with`` block, or call ``close``; a process that ends without
    closes it.

    Args:
        venue: The venue's name; None reads ``BROKERWIRE_VENUE``.
        options: Those of ``Client``.

    Raises:
        ConfigurationError: An argument or an environment variable is wrong; the text says which.
    """

    def __init__(self, venue: str | None = None, **options: Unpack[ClientOptions]) -> None:
        self._client = client = Client(venue, **options)
        self._host = LoopThread(f"brokerwire {client.venue}", client.close)
        self.market_data = SyncMarketData(client.market_data, self._host)
        self.order_execution = SyncOrderExecution(client.order_execution, self._host)
        self.brokerage = SyncBrokerage(client.brokerage, self._host)

    def __repr__(self) -> str:
        return f"<Sync{repr(self._client)[1:]}"

    @property
    def venue(self) -> str:
        """The venue's name."""
        return self._client.venue

    @property
    def environment(self) -> str:
        """``live``, ``paper`` or ``offline``."""
        return self._client.environment

    @property
    def endpoints(self) -> Mapping[str, str]:
        """The base addresses in use, by key; offline there are none before the start."""
        return self._client.endpoints

    @property
    def capabilities(self) -> Mapping[str, Source]:
        """What the venue offers, by stream or method name: ``stream``, ``derived`` or ``request``."""
        return self._client.capabilities

    def health(self) -> dict[str, Any]:
        """Return how the client is doing, as plain values."""
        return self._host.read(self._client.health)

    def start(self) -> None:
        """Get ready now and not with the first call.

        Raises:
            ConfigurationError: Something that the venue requires is missing.
            StreamError: The client is closed, or was made in another process.
        """
        self._host.run(self._client.start)

    def run(self, work: Callable[[Client], Awaitable[T]]) -> T:
        """Run what only the asynchronous client has, in its loop: ``client.run(lambda c: c.streams.close_stream(1))``.

        Raises:
            StreamError: The client is closed, or was made in another process.
        """

        async def awaited() -> T:
            return await work(self._client)

        return self._host.run(awaited)

    def log_in(self, announce: Callable[[str], None], *, port: int | None = None) -> str:
        """Log a human in with the browser; ``announce`` is given the address of the login page.

        Returns where the token is kept.

        Raises:
            UnsupportedError: The venue has no login, its keys are enough.
            AuthenticationError: The login was refused or did not come within 5 minutes.
            ConfigurationError: The client id is missing, or the port is in use.
        """
        return self._host.run(lambda: self._client.log_in(announce, port=port))

    def login_status(self) -> str:
        """Say in a line whether somebody is logged in, and where the token is kept.

        Raises:
            UnsupportedError: The venue has no login.
        """
        return self._client.login_status()

    def log_out(self) -> str:
        """Delete the stored token and say so in a line; the venue is not told.

        Raises:
            UnsupportedError: The venue has no login.
        """
        return self._client.log_out()

    def close_all_streams(self) -> None:
        """End every subscription and every stream; the client can be used further."""
        self._host.run(self._client.close_all_streams)

    def close(self) -> None:
        """End everything of this client; returns when no thread, task or socket of it is left. Safe to call twice.

        An interrupt ends the waiting, not the closing. Called from a callback it returns at once, and in a process
        that was forked meanwhile it touches nothing.
        """
        self._host.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
