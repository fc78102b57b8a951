"""StreamManager: the cap on concurrent streams, the open streams, and which of them carries what."""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from brokerwire.clock import Clock
from brokerwire.errors import StreamError, StreamLimitError
from brokerwire.events import Topic
from brokerwire.streaming.json_venue import HeaderSource
from brokerwire.streaming.memory import Memory
from brokerwire.streaming.route import Sink
from brokerwire.streaming.stall_detector import StallDetector
from brokerwire.streaming.stream import Stream
from brokerwire.streaming.supervisor import Supervisor
from brokerwire.streaming.venue_link import VenueLink
from brokerwire.streaming.watchdog import Watchdog
from brokerwire.venue import StreamKind, Venue

if TYPE_CHECKING:
    from brokerwire.streaming.raw_stream import RawStream

REDIAL_INTERVAL_S = 0.5
"""At most one redial of a host in this time, whichever stream it is for."""


class StreamManager:
    """Creates streams up to ``max_concurrent_streams`` and shares them between subscriptions.

    A stream holds its slot from its creation, through every backoff, to its end. Ids only rise.
    """

    def __init__(
        self, *, link: VenueLink, clock: Clock, max_concurrent_streams: int = 10, settings: Mapping[str, Any]
    ) -> None:
        self.max_concurrent_streams = max_concurrent_streams
        self.link = link
        self.clock = clock
        self.watchdog = Watchdog(clock)
        self.stall_detector = StallDetector()
        self._settings = settings
        self._random = random.Random()
        self._streams: dict[int, Stream] = {}
        self._next_id = 1
        self._overlaps = 0
        self._next_redial: dict[str, float] = {}
        self._is_closed = False
        self.memory_of: Callable[[Topic], Memory | None] = _no_memory
        """What stands before the subscriptions of a topic, where somebody knows better than the channel."""

    @property
    def active_streams(self) -> tuple[Stream, ...]:
        """The streams that hold a slot now."""
        return tuple(self._streams.values())

    def __len__(self) -> int:
        return len(self._streams)

    # What a stream needs

    def new_supervisor(self) -> Supervisor:
        """Return the memory of one stream's decisions."""
        return Supervisor(self._random.uniform)

    def uniform(self, low: float, high: float) -> float:
        """Return a random number between the two."""
        return self._random.uniform(low, high)

    def take_overlap(self, kind: StreamKind) -> bool:
        """Take a slot for a second connection of a stream; tells whether there was one."""
        try:
            self._check_caps([kind])
        except StreamLimitError:
            return False
        self._overlaps += 1
        return True

    def give_overlap_back(self) -> None:
        """Give the slot of a second connection back."""
        self._overlaps -= 1

    async def redial_turn(self, host: str) -> None:
        """Wait until the host may be dialled again; each caller gets a turn of its own."""
        now = self.clock.monotonic()
        turn = max(now, self._next_redial.get(host, now))
        self._next_redial[host] = turn + REDIAL_INTERVAL_S
        if turn > now:
            await self.clock.sleep(turn - now)

    def stream_ended(self, stream: Stream) -> None:
        """Give the stream's slot back."""
        self._streams.pop(stream.id, None)

    # Opening and letting go

    def open(self, wishes: Sequence[tuple[Topic, str]], sink: Sink, *, is_exclusive: bool = False) -> list[Stream]:
        """Carry topics to ``sink``: on streams that have them or have room, else on new ones; all or none.

        Returns the streams that carry them.

        Raises:
            StreamLimitError: New streams are needed and the cap, or the venue's own, is reached; nothing changed.
            StreamError: The client is closed.
        """
        self._check_open()
        placed, groups = self._plan(wishes, sink, is_exclusive=is_exclusive)
        self._check_caps([kind for kind, _ in groups])
        for kind, members in groups:
            placed[self._new_stream(self.link, kind, is_exclusive=is_exclusive)] = members
        for stream, members in placed.items():
            stream.want([(topic, sink, symbol) for topic, symbol in members])
        return list(placed)

    def _plan(
        self, wishes: Sequence[tuple[Topic, str]], sink: Sink, *, is_exclusive: bool
    ) -> tuple[dict[Stream, list[tuple[Topic, str]]], list[tuple[StreamKind, list[tuple[Topic, str]]]]]:
        """Part wishes into those that open streams can carry, and those that need new ones."""
        placed, unplaced = ({}, list(wishes)) if is_exclusive else self._place(wishes, sink)
        return placed, self._group(unplaced)

    def _check_open(self) -> None:
        if self._is_closed:
            raise StreamError("the client is closed; make a new one")

    def _place(
        self, wishes: Iterable[tuple[Topic, str]], sink: Sink
    ) -> tuple[dict[Stream, list[tuple[Topic, str]]], list[tuple[Topic, str]]]:
        """Put topics on streams that carry them already, or that can take more of their kind."""
        placed: dict[Stream, list[tuple[Topic, str]]] = {}
        unplaced: list[tuple[Topic, str]] = []
        for topic, symbol in wishes:
            stream = self._carrier_of(topic, sink, placed)
            if stream is None:
                unplaced.append((topic, symbol))
            else:
                placed.setdefault(stream, []).append((topic, symbol))
        return placed, unplaced

    def _carrier_of(self, topic: Topic, sink: Sink, placed: Mapping[Stream, Sequence[object]]) -> Stream | None:
        """A stream whose topics are in its address is dialled anew for each further one: only its own user may ask."""
        kind = self.link.venue.kind_of(topic)
        fitting = [stream for stream in self._streams.values() if stream.kind == kind and not stream.is_exclusive]
        for stream in fitting:
            if stream.carries(topic):
                return stream
        for stream in fitting:
            if stream.room > len(placed.get(stream, ())) and (not kind.is_fixed or stream.serves(sink)):
                return stream
        return None

    def _group(self, wishes: Sequence[tuple[Topic, str]]) -> list[tuple[StreamKind, list[tuple[Topic, str]]]]:
        by_kind: dict[str, tuple[StreamKind, list[tuple[Topic, str]]]] = {}
        for topic, symbol in wishes:
            kind = self.link.venue.kind_of(topic)
            by_kind.setdefault(kind.name, (kind, []))[1].append((topic, symbol))
        return [
            (kind, members[start : start + kind.max_topics])
            for kind, members in by_kind.values()
            for start in range(0, len(members), kind.max_topics)
        ]

    def _check_caps(self, kinds: Sequence[StreamKind]) -> None:
        wanted = len(self._streams) + self._overlaps + len(kinds)
        self._check_cap(wanted, self.max_concurrent_streams, "this client", self._streams)
        for kind in {kind.bucket or kind.name: kind for kind in kinds}.values():
            if kind.max_streams is None:
                continue
            held = {key: s for key, s in self._streams.items() if _bucket(s.kind) == _bucket(kind)}
            wanted = len(held) + sum(1 for other in kinds if _bucket(other) == _bucket(kind))
            self._check_cap(wanted, kind.max_streams, f"{self.link.venue.name} for {_bucket(kind)}", held)

    def _check_cap(self, wanted: int, cap: int, whose: str, held: Mapping[int, Stream]) -> None:
        if wanted <= cap:
            return
        holders = tuple(f"{stream.id} {stream.name}" for stream in held.values())
        raise StreamLimitError(
            f"the cap of {whose} is {cap} concurrent streams and {len(held)} are open "
            f"({', '.join(holders) or 'none'}); unsubscribe from one first",
            holders=holders,
            venue=self.link.venue.name,
        )

    def _new_stream(self, link: VenueLink, kind: StreamKind, *, is_exclusive: bool) -> Stream:
        venue = link.venue
        stream = Stream(
            self._next_id,
            kind,
            link=link,
            parts=self,
            new_session=partial(venue.new_session, kind, self._settings),
            name=f"{venue.name} {kind.name}",
        )
        stream.is_exclusive = is_exclusive
        self._streams[stream.id] = stream
        self._next_id += 1
        self.stall_detector.start()
        return stream

    def open_raw(self, venue: Venue, topic: Topic, sink: Sink) -> Stream:
        """Carry the one topic of an address to ``sink``, on a stream of its own.

        Raises:
            StreamLimitError: The cap is reached.
            StreamError: The client is closed.
        """
        self._check_open()
        kind = venue.kind_of(topic)
        self._check_caps([kind])
        stream = self._new_stream(self.link.to(venue), kind, is_exclusive=True)
        stream.want([(topic, sink, topic.symbol)])
        return stream

    async def create_stream(self, url: str, headers: HeaderSource = None) -> "RawStream":
        """Open a stream to any address; the scheme picks ``WebSocketStream`` or ``HTTPStream``.

        ``headers`` is a mapping, or a function that is asked at each dial.

        Raises:
            StreamLimitError: The cap is reached.
            ConfigurationError: The address cannot be used.
            BrokerwireError: It could not be opened.
        """
        from brokerwire.streaming.raw_stream import stream_for  # it needs this module to stand alone

        stream = stream_for(url, headers, self)
        await stream.connect()
        return stream

    async def release(self, wishes: Sequence[tuple[Topic, str]], sink: Sink) -> None:
        """Carry these topics, as ``sink`` spells them, no more; returns when streams that nobody wants have ended."""
        for stream in self.active_streams:
            stream.unwant(wishes, sink)
        await self._close_unwanted()

    async def set_down(self, wishes: Sequence[tuple[Topic, str]], sink: Sink) -> None:
        """Do as ``release``, but let streams that nobody wants stay for the next call, as long as their kind says."""
        for stream in self.active_streams:
            stream.set_down(wishes, sink)
        await self._close_unwanted()

    async def _close_unwanted(self) -> None:
        await asyncio.gather(
            *(stream.close() for stream in self.active_streams if not stream.topics and not stream.is_idle)
        )

    async def make_room(self, wishes: Sequence[tuple[Topic, str]], sink: Sink, *, is_exclusive: bool = False) -> None:
        """End idle streams where ``open`` would need their slots."""
        _, groups = self._plan(wishes, sink, is_exclusive=is_exclusive)
        await self.make_room_for([kind for kind, _ in groups])

    async def make_room_for(self, kinds: Sequence[StreamKind]) -> None:
        """End idle streams where further ones of these kinds would need their slots."""
        try:
            self._check_caps(kinds)
        except StreamLimitError:
            await asyncio.gather(*(stream.close() for stream in self.active_streams if stream.is_idle))

    def hurry(self, channel: str, symbol: str) -> None:
        """Have the polled streams that carry a channel of a symbol ask soon: there is something to hear."""
        for stream in self.active_streams:
            if any(topic.channel == channel and topic.symbol == symbol for topic in stream.topics):
                stream.hurry()

    async def close_stream(self, stream_id: int) -> None:
        """End one stream; its subscriptions fail with a ``StreamError``.

        Raises:
            StreamError: There is no open stream of that id.
        """
        stream = self._streams.get(stream_id)
        if stream is None:
            raise StreamError(f"there is no open stream {stream_id}")
        await stream.close()

    async def close_all_streams(self) -> None:
        """End every stream."""
        await asyncio.gather(*(stream.close() for stream in self.active_streams))

    async def close(self) -> None:
        """End every stream and take no more; safe to call twice."""
        self._is_closed = True
        await self.close_all_streams()
        await self.watchdog.close()
        self.stall_detector.stop()


def _bucket(kind: StreamKind) -> str:
    return kind.bucket or kind.name


def _no_memory(_topic: Topic) -> Memory | None:
    return None
