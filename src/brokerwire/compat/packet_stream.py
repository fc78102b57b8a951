"""PacketStream: the data socket as packets, kept alive by a client."""

import asyncio
from typing import Any

from brokerwire.client.client import Client
from brokerwire.compat.packets import (
    MOST_PACKETS,
    PacketEvent,
    heard_topic,
    packet_venue,
    said_topic,
    too_many,
)
from brokerwire.config import check_endpoint
from brokerwire.errors import BrokerwireError, ConfigurationError, ConnectionLostError, StreamError
from brokerwire.events import Status, StreamState, Topic
from brokerwire.streaming.delivery import Delivery, DeliveryOptions
from brokerwire.streaming.route import Route
from brokerwire.streaming.stream import Stream
from brokerwire.streaming.subscription import Subscription, SubscriptionControl


class PacketStream:
    """Says packets to the data socket and hears its own; after a reconnect everything is said again.

    Packets wait in a bounded queue, as the events of every subscription; of too many the oldest are dropped, and the
    log says so. It holds a slot of the client's cap until ``close``.
    """

    def __init__(self, client: Client, url: str) -> None:
        self._manager = client.streams
        self._said: list[str] = []
        self._venue = packet_venue(url, self._said)
        check_endpoint("websocket_url", self._venue.endpoints.live["stream"])
        self._stream: Stream | None = None
        self._subscription: Subscription[PacketEvent] = Subscription(
            0, callback=None, options=DeliveryOptions(), name="tradingview packets"
        )
        aiter(self._subscription)
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        """Open the socket; returns when it stands.

        Raises:
            BrokerwireError: It could not be opened in time, or at all.
        """
        topic, subscription = heard_topic(), self._subscription
        subscription.attach([topic], SubscriptionControl(_refuse, _refuse, self._release))
        try:
            await self._manager.make_room_for([self._venue.kind_of(topic)])
            self._stream = self._manager.open_raw(self._venue, topic, self)
            async with asyncio.timeout(self._manager.link.timeouts.subscribe_s):
                await subscription.accepted()
        except TimeoutError as exc:
            cause = self._stream.last_error if self._stream else None
            await self.close()
            raise StreamError(f"the data socket could not be opened in time: {cause}", action="retry") from exc
        except BaseException:
            await self.close()
            raise

    async def say(self, payload: str) -> None:
        """Say a packet, now or as soon as a connection stands.

        Raises:
            StreamError: The stream was closed, or so much was said that it could not be repeated.
            BrokerwireError: It failed; the reason.
        """
        if self._stream is None or not self._subscription.is_active:
            await self._subscription.wait_closed()
            raise ConnectionLostError("the data socket is closed", action="stop")
        if len(self._said) >= MOST_PACKETS - 1:
            raise too_many()
        topic = said_topic(len(self._said))
        self._said.append(payload)
        self._stream.want([(topic, self, topic.symbol)])

    async def hear(self, timeout_s: float | None = None) -> PacketEvent:
        """Return the next packet.

        Raises:
            TimeoutError: None came in time.
            ConnectionLostError: The stream was closed.
            BrokerwireError: It failed; the reason.
        """
        async with asyncio.timeout(timeout_s), self._turn:
            event: PacketEvent | None = await anext(self._subscription, None)
        if event is None:
            raise ConnectionLostError("the data socket is closed", action="stop")
        return event

    async def _release(self) -> None:
        if self._stream is not None:
            await self._stream.close()

    # What the stream asks for: it is the subscription's, but for the end

    @property
    def delivery(self) -> Delivery:
        """Where packets go."""
        return self._subscription.delivery

    def follow(self, symbol: str, route: Route) -> None:
        """Do nothing: nobody asks for the latest packet."""

    def set_topic_state(self, topic: Topic, state: StreamState, reason: str) -> None:
        """Hear how the stream is doing."""
        self._subscription.set_topic_state(topic, state, reason)

    def mark_ready(self, topic: Topic) -> None:
        """Hear that the first packet is there."""
        self._subscription.mark_ready(topic)

    def refuse_topic(self, topic: Topic, error: BrokerwireError) -> None:
        """Hear that the stream has ended: by an error of its own, or because somebody closed it."""
        if self._stream is None or error is self._stream.last_error or self._subscription.state == "pending":
            self._subscription.refuse_topic(topic, error)
        else:
            self._subscription.close("the stream was closed")

    def put_status(self, status: Status) -> None:
        """Hear a status."""
        self._subscription.put_status(status)

    def look(self, now: float) -> None:
        """Do nothing: there are no callbacks."""

    async def close(self) -> None:
        """Close the socket and give its slot back; safe to call twice."""
        await self._subscription.unsubscribe()


async def _refuse(_symbols: Any) -> None:
    raise ConfigurationError("packets have no symbols")
