"""WebSocketStream and HTTPStream: one address, parsed JSON, a callback; kept alive like every other stream."""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from brokerwire.clock import Clock, SystemClock
from brokerwire.config import Credentials, Network, Timeouts, check_endpoint, check_proxy
from brokerwire.errors import ConfigurationError, ConnectionLostError, StreamError
from brokerwire.events import Event
from brokerwire.streaming.delivery import DeliveryOptions
from brokerwire.streaming.json_venue import HeaderSource, json_venue, transport_of
from brokerwire.streaming.manager import StreamManager
from brokerwire.streaming.stream import Stream
from brokerwire.streaming.subscription import Subscription, SubscriptionControl
from brokerwire.streaming.venue_link import VenueLink
from brokerwire.transport.http import HttpClient
from brokerwire.typedefs import JSON, Callback
from brokerwire.venue import Transport

USER_AGENT = "brokerwire"


class RawStream:
    """One address whose every message goes, parsed, to one callback.

    It reconnects by itself and reports nothing but errors; a gap shows as a log line. With a ``manager`` it
    holds one of that manager's slots, without one it stands alone.

    Args:
        url: ``ws://``, ``wss://``, ``http://`` or ``https://``; plaintext to this machine only.
        headers: A mapping, or a function that is asked at each dial.
        manager: Whose slot to hold, and whose network to use.
        proxy: An HTTP proxy's URL, for a stream that stands alone; the environment is not asked.
        ca_file: A file of trusted certificates instead of the system's, for a stream that stands alone.
        clock: Where time comes from; for tests.

    Raises:
        ConfigurationError: The address or the proxy cannot be used, or the manager has a network already.
    """

    transport: Transport = "websocket"

    def __init__(
        self,
        url: str,
        headers: HeaderSource = None,
        *,
        manager: StreamManager | None = None,
        proxy: str | None = None,
        ca_file: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        if manager is not None and (proxy or ca_file):
            raise ConfigurationError("a manager's streams use its network; give proxy and ca_file to the client")
        if transport_of(url) != self.transport:
            raise ConfigurationError(
                f"{type(self).__name__} cannot carry this address; its scheme belongs to the other"
            )
        self.url = url
        self._venue = json_venue(url, headers)
        check_endpoint("url", self._venue.endpoints.live["stream"])
        self._network = Network(proxy=check_proxy(proxy) if proxy else None, ca_file=ca_file)
        self._clock = clock or SystemClock()
        self._manager = manager
        self._own: tuple[StreamManager, HttpClient] | None = None
        self._stream: Stream | None = None
        self._subscription: Subscription[Event] | None = None
        self._callback: Callback[JSON] | None = None
        self._has_callback = asyncio.Event()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._venue.name}>"

    @property
    def id(self) -> int | None:
        """The stream's id at its manager, None before ``connect``."""
        return None if self._stream is None else self._stream.id

    @property
    def is_connected(self) -> bool:
        """Whether a connection stands now."""
        return self._stream is not None and self._stream.is_connected

    def set_callback(self, callback: Callback[JSON]) -> None:
        """Hand every parsed message to ``callback``; messages that came before wait for it."""
        self._callback = callback
        self._has_callback.set()

    async def connect(self) -> None:
        """Open the stream; returns when it stands. Does nothing if it does already.

        Raises:
            StreamLimitError: The manager's cap is reached.
            BrokerwireError: It could not be opened in time.
        """
        if self._subscription is not None:
            return
        manager = self._alone() if self._manager is None else self._manager
        subscription: Subscription[Event] = Subscription(
            0, callback=self._dispatch, options=DeliveryOptions(raw=True), name=self._venue.name
        )
        self._subscription = subscription
        topic = self._venue.build_topic("message", "", "", {})
        subscription.attach([topic], SubscriptionControl(_refuse, _refuse, self._release))
        try:
            await manager.make_room_for([self._venue.kind_of(topic)])
            self._stream = manager.open_raw(self._venue, topic, subscription)
            async with asyncio.timeout(manager.link.timeouts.subscribe_s):
                await subscription.accepted()
        except TimeoutError as exc:
            cause = self._stream.last_error if self._stream else None
            await self.close()
            raise StreamError(f"{self._venue.name} could not be opened in time: {cause}", action="retry") from exc
        except BaseException:
            await self.close()
            raise

    def _alone(self) -> StreamManager:
        timeouts = Timeouts()
        http = HttpClient(network=self._network, timeouts=timeouts, clock=self._clock, user_agent=USER_AGENT)
        link = VenueLink(
            self._venue, http=http, endpoints={}, credentials=Credentials({}), clock=self._clock, timeouts=timeouts
        )
        manager = StreamManager(link=link, clock=self._clock, settings={})
        self._own = (manager, http)
        return manager

    async def _dispatch(self, message: JSON) -> None:
        await self._has_callback.wait()
        if self._callback is not None:
            result = self._callback(message)
            if inspect.isawaitable(result):
                await result

    async def send(self, message: Mapping[str, Any]) -> None:
        """Send a message as JSON.

        Raises:
            ConnectionLostError: The stream is not connected now.
            UnsupportedError: The wire has one direction.
        """
        if self._stream is None:
            raise ConnectionLostError("the stream is not connected; call connect() first")
        await self._stream.send(message)

    async def _release(self) -> None:
        if self._stream is not None:
            await self._stream.close()

    async def close(self) -> None:
        """End the stream and give its slot back; safe to call twice."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await subscription.unsubscribe()
        own, self._own = self._own, None
        if own is not None:
            manager, http = own
            await manager.close()
            await http.close()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


class WebSocketStream(RawStream):
    """A ``ws://`` or ``wss://`` address."""

    transport: Transport = "websocket"


class HTTPStream(RawStream):
    """An ``http://`` or ``https://`` address that answers with JSON, one object a line."""

    transport: Transport = "http_lines"


def stream_for(url: str, headers: HeaderSource, manager: StreamManager) -> RawStream:
    """Return the stream that the scheme of ``url`` asks for."""
    kinds: Mapping[Transport, Callable[..., RawStream]] = {"websocket": WebSocketStream, "http_lines": HTTPStream}
    return kinds[transport_of(url)](url, headers, manager=manager)


async def _refuse(_symbols: object) -> None:
    raise ConfigurationError("a raw stream has no symbols")
