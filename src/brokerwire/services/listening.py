"""Calls that are answered on a stream: they take a slot of the cap, or share one, for as long as it takes."""

import asyncio
import logging
from collections.abc import Sequence

from msgspec import structs

from brokerwire.errors import BrokerwireError, VenueUnavailableError
from brokerwire.events import Event, Gap, Status, StreamState, Topic
from brokerwire.streaming.manager import StreamManager
from brokerwire.streaming.route import Route
from brokerwire.venue import Conversation, Heard, Listen, T

logger = logging.getLogger(__name__)

PATIENCE = 4
"""A listening waits this many times as long as a request: a page may come over several connections."""


class Collector:
    """A sink that keeps the events of its topics until each has come to its end."""

    def __init__(self, topics: Sequence[Topic]) -> None:
        self.inbox: list[Event] = []
        self.gaps: list[Gap] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.done.add_done_callback(_look_at)  # where nobody waits for it any more
        self._waiting = set(topics)

    @property
    def delivery(self) -> "Collector":
        """Where its events go: here."""
        return self

    def flush(self) -> None:
        """Keep what lies in the inbox."""

    def put(self, event: Event) -> None:
        """Take one event."""
        self.inbox.append(event)

    def follow(self, symbol: str, route: Route) -> None:
        """Hear where the events of a symbol pass."""

    def set_topic_state(self, topic: Topic, state: StreamState, reason: str) -> None:
        """Hear how a topic is doing."""

    def mark_ready(self, topic: Topic) -> None:
        """Hear that a topic has come to its end; its last events follow in the same turn."""
        self._waiting.discard(topic)
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._finish)

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def refuse_topic(self, topic: Topic, error: BrokerwireError) -> None:
        """Hear that the venue will not serve a topic."""
        if not self.done.done():
            self.done.set_exception(error)

    def put_status(self, status: Status) -> None:
        """Keep the gaps."""
        if isinstance(status, Gap):
            self.gaps.append(status)

    def look(self, now: float) -> None:
        """Hear the time; there is no callback to look after."""


def _look_at(done: "asyncio.Future[None]") -> None:
    if not done.cancelled():
        done.exception()


class Listener:
    """Holds conversations with one venue over the streams of one client."""

    def __init__(self, streams: StreamManager) -> None:
        self._streams = streams
        self._next_number = 1

    async def run(self, conversation: Conversation[T]) -> T:
        """Hold a conversation and return its result; its streams stay, for what their kind says, for the next one.

        Raises:
            StreamLimitError: The cap on streams is reached.
            InvalidSymbolError: The venue does not know a symbol.
            VenueUnavailableError: Not everything came in time.
        """
        held: _Hearing | None = None
        try:
            wish = next(conversation)
            while True:
                before, held = held, await self._listen(wish)
                if before is not None:
                    await before.set_down()
                wish = conversation.send(await held.heard())
        except StopIteration as stop:
            result: T = stop.value
            if held is not None:
                await held.set_down()
            return result
        except BaseException:
            if held is not None:
                await held.close()
            raise
        finally:
            conversation.close()

    async def _listen(self, wish: Listen) -> "_Hearing":
        number, self._next_number = self._next_number, self._next_number + 1
        topics = [structs.replace(topic, variant=f"{topic.variant};#{number}") for topic in wish.topics]
        collector = Collector(topics)
        wishes = [(topic, topic.symbol) for topic in topics]
        await self._streams.make_room(wishes, collector)
        return _Hearing(self._streams, wishes, collector)


class _Hearing:
    """The topics of one ``Listen`` while they are carried."""

    def __init__(self, streams: StreamManager, wishes: Sequence[tuple[Topic, str]], collector: Collector) -> None:
        self._streams = streams
        self._wishes = wishes
        self._collector = collector
        self._carriers = streams.open(wishes, collector)

    async def heard(self) -> Heard:
        """Wait for everything.

        Raises:
            VenueUnavailableError: It did not come in time.
        """
        link = self._streams.link
        patience_s = PATIENCE * link.timeouts.request_s
        try:
            async with asyncio.timeout(patience_s):
                await self._collector.done
        except TimeoutError as exc:
            causes = [stream.last_error for stream in self._carriers if stream.last_error is not None]
            text = f"{link.venue.name} did not answer within {patience_s:g} s"
            text += f"; the last error was: {causes[-1]}" if causes else ""
            raise VenueUnavailableError(text, venue=link.venue.name) from exc
        for gap in self._collector.gaps:
            if not gap.filled:
                about = f"{gap.topic.channel} of {gap.topic.symbol}"
                logger.warning("%s: %s: not all that was asked for is there: %s", link.venue.name, about, gap.reason)
        return Heard(self._collector.inbox, self._collector.gaps)

    async def set_down(self) -> None:
        """Carry the topics no more, now that they have been heard."""
        await self._streams.set_down(self._wishes, self._collector)

    async def close(self) -> None:
        """Carry the topics no more, on streams of which it is not known whether they are good."""
        await self._streams.release(self._wishes, self._collector)
