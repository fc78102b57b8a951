"""Desk: what the three services share: opening subscriptions and running operations at one venue."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from msgspec import structs

from brokerwire.errors import (
    AuthenticationError,
    BrokerwireError,
    ConfigurationError,
    InvalidSymbolError,
    StreamError,
    UnsupportedError,
)
from brokerwire.events import Event, Notice, Topic, respell
from brokerwire.orders.order_office import OrderOffice
from brokerwire.services.arguments import DeliveryKeywords, delivery_options, normalise_symbols
from brokerwire.services.listening import Listener
from brokerwire.streaming.manager import StreamManager
from brokerwire.streaming.route import Sink
from brokerwire.streaming.stream import Stream
from brokerwire.streaming.subscription import Subscription, SubscriptionControl
from brokerwire.streaming.venue_link import VenueLink
from brokerwire.typedefs import Callback
from brokerwire.venue import Venue

E = TypeVar("E", bound=Event)


class Desk:
    """Joins the services to one venue's link and one client's streams."""

    def __init__(
        self,
        *,
        link: VenueLink,
        streams: StreamManager,
        office: OrderOffice,
        start: Callable[[], Awaitable[None]],
        settings: Mapping[str, Any],
        venues_with: Callable[[str], Sequence[str]],
    ) -> None:
        self.link = link
        self.streams = streams
        self.office = office
        streams.memory_of = office.keeper.memory_of
        office.keeper.on_fill = partial(streams.hurry, "balance")
        self.start = start
        self._settings = settings
        self._venues_with = venues_with
        self._listener = Listener(streams)
        self._known_symbols: set[str] = set()
        self._next_id = 1
        self.subscriptions: dict[int, Subscription[Any]] = {}
        self._ending: set[Subscription[Any]] = set()

    @property
    def venue(self) -> Venue:
        """The venue."""
        return self.link.venue

    def require(self, capability: str) -> None:
        """Check that the venue has something.

        Raises:
            UnsupportedError: It does not; the text names the venues that do.
        """
        if capability in self.venue.capabilities:
            return
        others = self._venues_with(capability)
        raise UnsupportedError(
            f"{self.venue.name} does not offer {capability}; venues that do: {', '.join(others) or 'none'}",
            venue=self.venue.name,
        )

    # Requests

    async def call(self, operation: str, *args: Any, **kwargs: Any) -> Any:
        """Run an operation of the venue.

        Raises:
            UnsupportedError: The venue has no such operation.
            BrokerwireError: What the operation and the link raise.
        """
        self.require(operation)
        await self.start()
        conversation = self.venue.conversations.get(operation)
        if conversation is not None:
            return await self._listener.run(conversation(*args, **kwargs))
        return await self.link.run(self.venue.operations[operation](*args, **kwargs))

    async def call_for(self, operation: str, symbols: str | Sequence[str], **kwargs: Any) -> Any:
        """Run an operation for some symbols; its records carry the symbols as they were given."""
        given = normalise_symbols(symbols)
        self.require(operation)
        spellings = {self.topic("quote", symbol).symbol: symbol for symbol in given}
        found = await self.call(operation, given, **kwargs)
        return [_spelled(record, spellings) for record in found]

    def respelled(self, records: Sequence[Any], symbol: str) -> list[Any]:
        """Return records of one symbol under the spelling that was given."""
        spellings = {self.topic("quote", symbol).symbol: symbol}
        return [_spelled(record, spellings) for record in records]

    async def accounts(self, given: str | Sequence[str] | None) -> list[str]:
        """Return the accounts that were given, or all of the login.

        Raises:
            ConfigurationError: The login has none.
            StreamError: The venue did not say in ``subscribe_timeout``.
        """
        if given is not None:
            return normalise_symbols(given)
        listing = self.venue.streamed_accounts
        if listing is None:
            raise ConfigurationError(f"say which accounts of {self.venue.name} to stream", venue=self.venue.name)
        async with self.patience(self.deadline(), f"{self.venue.name}: no answer about the accounts"):
            await self.start()
            found = await self.link.run(listing())
        if not found:
            raise ConfigurationError(f"this login has no account at {self.venue.name}", venue=self.venue.name)
        return found

    # Subscriptions

    def topic(self, channel: str, symbol: str, variant: str = "") -> Topic:
        """Return the venue's topic for a symbol as a user spells it."""
        return self.venue.build_topic(channel, symbol, variant, self._settings)

    async def subscribe(
        self,
        channel: str,
        symbols: Sequence[str],
        callback: Callback[E] | None,
        *,
        delivery: DeliveryKeywords,
        variant: str = "",
        consumer: str | None = None,
    ) -> Subscription[E]:
        """Open a subscription; returns when the venue has accepted every topic, else leaves nothing behind.

        ``consumer`` names who hears of orders from the journal.

        Raises:
            StreamLimitError: The cap is reached.
            InvalidSymbolError: A symbol is unknown; nothing is subscribed.
            AuthenticationError: There is no good token.
            StreamError: The venue did not accept in ``subscribe_timeout``.
        """
        options = delivery_options(channel, delivery, callback_timeout_s=self.link.timeouts.callback_s)
        if channel == "order" and self.office.journal is not None:
            options = structs.replace(options, overflow="fail", is_queued=True)  # what is too much waits in the journal
        until = self.deadline()
        name = f"{self.venue.name} {channel} {','.join(symbols[:5])}{'...' if len(symbols) > 5 else ''}"
        async with self.patience(until, f"{name}: no answer about the symbols"):
            await self.start()
            wishes = await self._wishes(channel, symbols, variant)
        subscription: Subscription[E] = Subscription(self._next_id, callback=callback, options=options, name=name)
        self._next_id += 1
        hold = _Hold(self, subscription, channel, variant)
        subscription.attach([topic for topic, _ in wishes], hold.control())
        self.subscriptions[subscription.id] = subscription
        try:
            if channel == "order":
                await hold.keep_orders([topic for topic, _ in wishes], consumer, capacity=options.max_pending)
            await hold.open(wishes, until)
        except BaseException:
            await subscription.unsubscribe()
            raise
        return subscription

    async def _wishes(self, channel: str, symbols: Sequence[str], variant: str) -> list[tuple[Topic, str]]:
        wishes = [(self.topic(channel, symbol, variant), symbol) for symbol in symbols]
        await self._check_symbols([topic for topic, _ in wishes])
        return wishes

    async def _check_symbols(self, topics: Sequence[Topic]) -> None:
        """Where a venue accepts unknown symbols and stays silent, ask it first."""
        check = self.venue.check_symbols
        unknown = list(dict.fromkeys(topic.symbol for topic in topics if topic.symbol not in self._known_symbols))
        if check is not None and unknown:
            self._known_symbols.update(await self.link.run(check(unknown)))

    def deadline(self) -> float:
        """Return when a call made now must have been accepted, in the loop's time."""
        return self.link.clock.monotonic() + self.link.timeouts.subscribe_s

    @asynccontextmanager
    async def patience(self, until: float, lacking: str, streams: Sequence[Stream] = ()) -> AsyncIterator[None]:
        """Wait for the venue until the deadline; ``lacking`` says what has not come by then.

        Raises:
            StreamError: It did not come; AuthenticationError while there is no token.
        """
        try:
            async with asyncio.timeout_at(until):
                yield
        except TimeoutError as exc:
            causes = [stream.last_error for stream in streams if stream.last_error is not None]
            raise self._out_of_time(lacking, causes) from exc

    def _out_of_time(self, lacking: str, causes: Sequence[BrokerwireError]) -> BrokerwireError:
        tokens = self.link.tokens
        text = f"{lacking} within {self.link.timeouts.subscribe_s:g} s"
        text += f"; the last error was: {causes[-1]}" if causes else ""
        if tokens is not None and not tokens.is_valid:
            return AuthenticationError(f"{text}; there is no good token", venue=self.venue.name)
        return StreamError(text, venue=self.venue.name, action="retry")

    def notify(self, text: str) -> None:
        """Tell every subscription something that concerns all of them."""
        for subscription in list(self.subscriptions.values()):
            subscription.put_status(Notice(text))

    def forget(self, subscription: Subscription[Any]) -> None:
        """Count a subscription no more; ``close_all`` waits for what is still in its callback."""
        self.subscriptions.pop(subscription.id, None)
        task = subscription.closing
        if task is not None and not task.done():
            self._ending.add(subscription)
            task.add_done_callback(lambda _: self._ending.discard(subscription))

    async def close_all(self, reason: str) -> None:
        """End every subscription and wait until everything of them is gone."""
        for subscription in list(self.subscriptions.values()):
            subscription.close(reason)
        subscriptions = {*self.subscriptions.values(), *self._ending}
        own = [subscription for subscription in subscriptions if subscription.delivery.is_current_task]
        endings = [subscription.closing for subscription in subscriptions if subscription not in own]
        waiting = [task for task in endings if task is not None and task is not asyncio.current_task()]
        for subscription in own:  # we are in its callback: waiting for that to end would never end
            await subscription.unsubscribe()
        if waiting:
            # not gather: a callback that will not be cancelled must not hold up whoever gives up waiting for it
            await asyncio.wait(waiting)


class _Hold:
    """What one subscription holds at the desk: its topics by the user's spelling."""

    def __init__(self, desk: Desk, subscription: Subscription[Any], channel: str, variant: str) -> None:
        self._desk = desk
        self._subscription = subscription
        self._channel = channel
        self._variant = variant
        self._topics: dict[str, Topic] = {}
        self._is_exclusive = subscription.delivery.is_blocking
        self._gated: list[Stream] = []
        self._sink: Sink = subscription

    async def keep_orders(self, topics: Sequence[Topic], consumer: str | None, *, capacity: int) -> None:
        """Let the books of the accounts, and the journal if there is one, stand before the subscription."""
        keeper = self._desk.office.keeper
        self._sink = await keeper.join(self._subscription, topics, consumer=consumer, capacity=capacity)

    def control(self) -> SubscriptionControl:
        return SubscriptionControl(self._add, self._remove, self._release)

    async def open(self, wishes: Sequence[tuple[Topic, str]], until: float) -> None:
        """Carry the wishes and wait for the venue; the caller undoes a failure."""
        desk = self._desk
        subscription = self._subscription
        await desk.streams.make_room(wishes, self._sink, is_exclusive=self._is_exclusive)
        streams = desk.streams.open(wishes, self._sink, is_exclusive=self._is_exclusive)
        desk.office.keeper.opened(subscription)
        self._topics.update((symbol, topic) for topic, symbol in wishes)
        if self._is_exclusive:
            self._gated = [*self._gated, *streams]
            subscription.delivery.queue.gate = self._set_gate
        async with desk.patience(until, f"{subscription.name}: not accepted", streams):
            await subscription.accepted()

    def _set_gate(self, is_open: bool) -> None:
        for stream in self._gated:
            stream.set_gate(is_open)

    async def _add(self, symbols: Sequence[str]) -> None:
        desk = self._desk
        until = desk.deadline()
        fresh = [symbol for symbol in normalise_symbols(symbols) if symbol not in self._topics]
        if not fresh:
            return
        async with desk.patience(until, f"{self._subscription.name}: no answer about the symbols"):
            wishes = await desk._wishes(self._channel, fresh, self._variant)
        self._subscription.add_topics([topic for topic, _ in wishes])
        try:
            if self._channel == "order":
                await desk.office.keeper.extend(self._subscription, [topic for topic, _ in wishes])
            await self.open(wishes, until)
        except BaseException:
            await self._drop(wishes)
            raise

    async def _remove(self, symbols: Sequence[str]) -> None:
        for symbol in symbols:
            if symbol not in self._topics:
                raise InvalidSymbolError(f"{symbol!r} is not subscribed here", symbol=symbol)
        await self._drop([(self._topics[symbol], symbol) for symbol in symbols])

    async def _drop(self, wishes: Sequence[tuple[Topic, str]]) -> None:
        """Let go of symbols; a topic that another spelling still names stays."""
        for _, symbol in wishes:
            self._topics.pop(symbol, None)
        for topic, symbol in wishes:
            if topic not in self._topics.values():
                self._subscription.remove_topic(topic, symbol)
        await self._desk.streams.release(wishes, self._sink)

    async def _release(self) -> None:
        wishes = [(topic, symbol) for symbol, topic in self._topics.items()]
        self._topics.clear()
        try:
            await self._desk.streams.release(wishes, self._sink)
        finally:
            self._desk.office.keeper.leave(self._subscription)
            self._desk.forget(self._subscription)


def _spelled(record: Any, spellings: Mapping[str, str]) -> Any:
    if not isinstance(record, Event):
        return record
    symbol = spellings.get(record.symbol, record.symbol)
    return record if symbol == record.symbol else respell(record, symbol)
