"""The protocol state of one Binance market-data connection: acknowledgements, books, bars; sans-I/O."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Protocol, TypeAlias, cast

import msgspec

from brokerwire.errors import ConnectionLostError, InvalidSymbolError
from brokerwire.events import Bar, Event, Topic, respell, tie
from brokerwire.redact import clean
from brokerwire.typedefs import Frame
from brokerwire.venue import (
    Accepted,
    Failed,
    Fetch,
    GapFound,
    HandOver,
    Interrupted,
    Ready,
    Refused,
    Response,
    Signal,
)
from brokerwire.venues.binance import spec
from brokerwire.venues.binance.codec import (
    BookSide,
    Decode,
    aggregate_decoder,
    bar_decoder,
    bar_of_row,
    control_frames,
    decode_depth,
    decode_envelope,
    decode_snapshot,
    depth_event,
    depth_request,
    klines_request,
    protocol_error,
    quote_decoder,
    stream_name,
    trade_decoder,
)
from brokerwire.venues.binance.wire import DepthMessage, DepthSnapshot, Envelope

_HEAD = b'{"stream":"'
_MIDDLE = b'","data":'
_TAIL = b"}"
"""What stands around the parts of a combined frame when it is written as it always has been; else it is parsed."""

Emit: TypeAlias = Callable[[Signal], None]


class Receive(Protocol):
    """What takes a frame and returns its events."""

    def __call__(self, frame: Frame, now: float, received_ns: int) -> Sequence[Event]:
        """Take one frame."""
        ...


class BinanceSession:
    """Speaks the combined-stream protocol; see ``venue.Session`` for how it is driven."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.has_output = False
        self.deadline: float | None = None
        self.unknown_messages = 0
        self._settings = settings
        self._feeds: dict[bytes, Feed] = {}  # by how their frames begin
        self._is_open = False
        self._next_id = 1
        self._waiting: dict[int, tuple[float, list[str]]] = {}
        self._backlog: list[tuple[str, str]] = []
        self._frames: list[Frame] = []
        self._signals: list[Signal] = []
        self.receive = self._new_receive()

    # Topics

    def subscribe(self, topics: Sequence[Topic], now: float) -> None:
        """Want these topics; those on a stream that is there already are accepted at once."""
        fresh: list[str] = []
        for topic in topics:
            name = stream_name(topic, self._settings)
            feed = self._feed(name)
            if feed is None:
                feed = self._feeds[_head_of(name)] = self._new_feed(topic)
                fresh.append(name)
            feed.add(topic)
            if feed.is_accepted:
                self._emit(Accepted((topic,)))
                feed.accepted((topic,), now)
        if self._is_open:
            self._ask("SUBSCRIBE", fresh, now)
        self._settle_deadline()

    def unsubscribe(self, topics: Sequence[Topic], now: float) -> None:
        """No longer want these topics."""
        gone: list[str] = []
        for topic in topics:
            name = stream_name(topic, self._settings)
            feed = self._feed(name)
            if feed is not None and feed.remove(topic):
                del self._feeds[_head_of(name)]
                gone.append(name)
        unasked = {name for method, name in self._backlog} - {
            name for method, name in self._backlog if method != "SUBSCRIBE"
        }
        self._backlog = [(method, name) for method, name in self._backlog if name not in gone]
        self._ask("UNSUBSCRIBE", [name for name in gone if name not in unasked], now)

    def resubscribe(self, topic: Topic, now: float) -> None:
        """Ask again for a stream that has gone silent."""
        name = stream_name(topic, self._settings)
        self._ask("UNSUBSCRIBE", [name], now)
        self._ask("SUBSCRIBE", [name], now)

    def handle_open(self, now: float) -> None:
        """Subscribe to everything that is wanted."""
        self._is_open = True
        self._request("SUBSCRIBE", [head.removeprefix(_HEAD).decode() for head in self._feeds], now)

    def _ask(self, method: str, names: Sequence[str], now: float) -> None:
        """Ask now, or together with what else is wanted once what was asked before is answered.

        Control messages are few a second: a call for each of a hundred symbols must not become a frame for each.
        """
        self._backlog += [(method, name) for name in names]
        self._send_backlog(now)

    def _send_backlog(self, now: float) -> None:
        if self._waiting or not self._backlog:
            return
        backlog, self._backlog = self._backlog, []
        for method, run in groupby(backlog, key=itemgetter(0)):
            self._request(method, [name for _, name in run], now)

    def _request(self, method: str, names: Sequence[str], now: float) -> None:
        for message_id, frame in control_frames(method, names, self._next_id, spec.CONTROL_FRAME_BYTES):
            self._next_id = message_id + 1
            self._frames.append(frame)
            if method == "SUBSCRIBE":
                self._waiting[message_id] = (now + spec.ACK_S, msgspec.json.decode(frame)["params"])
        self.has_output = True
        self._settle_deadline()

    def _new_feed(self, topic: Topic) -> "Feed":
        if topic.channel == "bar":
            return _BarFeed(topic, self._emit)
        if topic.channel == "depth":
            return _BookFeed(topic, self._settings, self._emit, on_deadline=self._settle_deadline)
        return _Feed(_DECODERS[topic.channel, topic.variant])

    def _feed(self, name: str) -> "Feed | None":
        return self._feeds.get(_head_of(name))

    # Frames

    def _new_receive(self) -> Receive:
        """Return ``receive``: takes one frame and returns its events, raises ``ProtocolError`` if it cannot be read.

        A closure: on the path of every frame each look-up of an attribute counts.
        """
        feed_of, receive_other = self._feeds.get, self._receive_other

        def receive(frame: Frame, now: float, received_ns: int) -> Sequence[Event]:
            head, _, message = frame.partition(_MIDDLE)
            feed = feed_of(head)
            if feed is None:
                return receive_other(frame, now, received_ns)
            try:
                return feed.receive(message.removesuffix(_TAIL), now, received_ns)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                return receive_other(frame, now, received_ns)

        return receive

    def _receive_other(self, frame: Frame, now: float, received_ns: int) -> Sequence[Event]:
        """Replies, notices, late frames of streams given back, and streams written in another way."""
        try:
            message = decode_envelope(frame)
            if message.stream is not None and (feed := self._feed(message.stream)) is not None:
                return feed.receive(bytes(message.data), now, received_ns)
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            raise protocol_error(exc, frame) from exc
        if message.stream == "!serverShutdown" or message.e == "serverShutdown":
            self._emit(HandOver("Binance announced that this server shuts down"))
        elif isinstance(message.id, int) and message.id in self._waiting:
            self._take_reply(message, now)
        elif message.stream is None and message.id is None:
            self.unknown_messages += 1
        return ()

    def _take_reply(self, message: Envelope, now: float) -> None:
        _, names = self._waiting.pop(message.id)  # type: ignore[arg-type]  # the caller looked: it is an int
        refusal = message.error if isinstance(message.error, Mapping) else {"code": message.code, "msg": message.msg}
        is_refused = refusal.get("code") is not None
        for name in names:
            feed = self._feed(name)
            if feed is None:
                continue
            if is_refused:
                self._refuse(name, feed, refusal)
            else:
                feed.is_accepted = True
                self._emit(Accepted(tuple(feed.topics)))
                feed.accepted(feed.topics, now)
        self._send_backlog(now)
        self._settle_deadline()

    def _refuse(self, name: str, feed: "Feed", refusal: Mapping[str, Any]) -> None:
        del self._feeds[_head_of(name)]
        text = clean(f"{refusal.get('msg')} ({refusal.get('code')})")
        for topic in feed.topics:
            error = InvalidSymbolError(
                f"Binance refused {name}: {text}", venue=spec.NAME, symbol=topic.symbol, code=refusal.get("code")
            )
            self._emit(Refused(topic, error))

    def receive_response(self, key: Any, response: Response, now: float) -> Sequence[Event]:
        """Take the snapshot of a book or the bars of the past."""
        feed = self._feed(key)
        if feed is None:
            return ()
        try:
            return feed.receive_response(response, now)
        except (msgspec.MsgspecError, ValueError, TypeError) as exc:
            raise protocol_error(exc, response.body) from exc
        finally:
            self._settle_deadline()

    # Time and output

    def handle_timeout(self, now: float) -> None:
        """Give up on a connection that does not acknowledge; ask again for snapshots that are due."""
        if any(due <= now for due, _ in self._waiting.values()):
            self._emit(Failed(ConnectionLostError(f"Binance did not acknowledge a subscription in {spec.ACK_S:g} s")))
            self._waiting.clear()
        for feed in self._feeds.values():
            feed.handle_timeout(now)
        self._settle_deadline()

    def _settle_deadline(self) -> None:
        times = [due for due, _ in self._waiting.values()]
        times += [feed.deadline for feed in self._feeds.values() if feed.deadline is not None]
        self.deadline = min(times, default=None)
        self.has_output = True

    def _emit(self, signal: Signal) -> None:
        self._signals.append(signal)
        self.has_output = True

    def take_signals(self) -> list[Signal]:
        """Return what happened since the last call."""
        signals, self._signals = self._signals, []
        return signals

    def frames_to_send(self) -> list[Frame]:
        """Return what to send since the last call."""
        frames, self._frames = self._frames, []
        self.has_output = bool(self._signals)
        return frames


def _head_of(name: str) -> bytes:
    return _HEAD + name.encode()


class _Feed:
    """One stream of the venue and the topics that hang on it; most streams need no more than this."""

    deadline: float | None = None

    def __init__(self, new_decoder: Callable[[Sequence[Topic]], Decode]) -> None:
        self.topics: tuple[Topic, ...] = ()
        self.is_accepted = False
        self._new_decoder = new_decoder
        self.receive = new_decoder(())

    def add(self, topic: Topic) -> None:
        """Serve one more topic."""
        self.topics = (*self.topics, topic)
        self.receive = self._new_decoder(self.topics)

    def remove(self, topic: Topic) -> bool:
        """Serve a topic no more; tells whether none is left."""
        self.topics = tuple(other for other in self.topics if other != topic)
        self.receive = self._new_decoder(self.topics)
        return not self.topics

    def accepted(self, topics: Iterable[Topic], now: float) -> None:
        """The venue has taken the subscription."""

    def receive_response(self, response: Response, now: float) -> Sequence[Event]:
        """Return nothing: nothing is fetched."""
        return ()

    def handle_timeout(self, now: float) -> None:
        """Do nothing: there is no deadline."""


class _BarFeed:
    """Bars, with history first where it was asked for, and a close for every bar even if the venue's is missing."""

    deadline: float | None = None

    def __init__(self, topic: Topic, emit: Emit) -> None:
        self.topics: tuple[Topic, ...] = ()
        self.is_accepted = False
        self._emit = emit
        self._symbol = topic.symbol
        self._interval = topic.variant.partition(";")[0]
        self._key = f"{topic.symbol.lower()}@kline_{self._interval}"
        self._newest: Bar | None = None
        self._wants_history: dict[Topic, int] = {}

    def add(self, topic: Topic) -> None:
        """Serve one more topic; ``bars_back`` of it are fetched once."""
        self.topics = (*self.topics, topic)
        bars_back = int(topic.variant.partition(";")[2] or 0)
        if bars_back:
            self._wants_history[topic] = bars_back

    def remove(self, topic: Topic) -> bool:
        """Serve a topic no more; tells whether none is left."""
        self._wants_history.pop(topic, None)
        self.topics = tuple(other for other in self.topics if other != topic)
        return not self.topics

    def accepted(self, topics: Iterable[Topic], now: float) -> None:
        """Fetch the history that was asked for."""
        wanted = [self._wants_history[topic] for topic in topics if topic in self._wants_history]
        if wanted:
            self._fetch(min(max(wanted) + 1, spec.MAX_BARS))

    def _fetch(self, limit: int) -> None:
        self._emit(Fetch(self._key, klines_request(self._symbol, self._interval, limit)))

    def receive(self, message: bytes, now: float, received_ns: int) -> Sequence[Event]:
        """Return the bar for each topic; a bar that opens before the last one was closed has that one fetched."""
        bars = cast(Sequence[Bar], bar_decoder(self.topics)(message, now, received_ns))
        bar = bars[0]
        newest, self._newest = self._newest, bar
        if newest is not None and bar.open_time_ns > newest.open_time_ns and not newest.is_closed:
            self._fetch(2)
        return bars

    def receive_response(self, response: Response, now: float) -> Sequence[Event]:
        """Return the closed bars of the past that are wanted."""
        if not response.is_success:
            return ()
        bars = [
            bar_of_row(row, symbol=self._symbol, interval=self._interval, received_ns=response.received_ns)
            for row in response.json()
        ]
        closed = [bar for bar in bars if bar.is_closed]
        events: list[Event] = []
        for topic in self.topics:
            count = self._wants_history.pop(topic, 1)
            for bar in closed[-count:]:
                event = respell(bar, bar.symbol)
                tie(event, "_topic", topic)
                events.append(event)
        return events

    def handle_timeout(self, now: float) -> None:
        """Do nothing: there is no deadline."""


class _BookFeed:
    """A book kept by the documented procedure: buffer deltas, take a snapshot, apply what continues it.

    Source: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams, "How to manage a local
    order book correctly", read 2026-11-20. The first delta applied may start at the snapshot's id plus one.
    """

    def __init__(
        self, topic: Topic, settings: Mapping[str, Any], emit: Emit, *, on_deadline: Callable[[], None]
    ) -> None:
        self.topics: tuple[Topic, ...] = ()
        self.is_accepted = False
        self.deadline: float | None = None
        self._on_deadline = on_deadline
        self._emit = emit
        self._symbol = topic.symbol
        self._key = stream_name(topic, settings)
        self._seed_levels = int(settings.get("depth_seed", 1000))
        self._bids = BookSide(-1)
        self._asks = BookSide(1)
        self._sequence: int | None = None
        self._buffer: deque[tuple[DepthMessage, bytes, int]] = deque(maxlen=100_000)
        self._is_fetching = False
        self._retry_s = spec.SNAPSHOT_RETRY_S[0]
        self._last_fetch = -spec.SNAPSHOT_RETRY_S[1]
        self._gap_start_ns: int | None = None
        self._last_ns = 0
        self._window = (0.0, float("inf"))
        self._late: list[Topic] = []

    def add(self, topic: Topic) -> None:
        """Serve one more topic; a book that stands already is shown to it with the next snapshot."""
        self.topics = (*self.topics, topic)

    def remove(self, topic: Topic) -> bool:
        """Serve a topic no more; tells whether none is left."""
        self.topics = tuple(other for other in self.topics if other != topic)
        return not self.topics

    def accepted(self, topics: Iterable[Topic], now: float) -> None:
        """Take a snapshot, for the first topic or to show a standing book to one that came later."""
        self._fetch(now)

    def _fetch(self, now: float) -> None:
        """Ask for a snapshot, once a second at most."""
        if self._is_fetching:
            return
        due = self._last_fetch + self._retry_s
        if now < due:
            self.deadline = due
            self._on_deadline()
            return
        self.deadline = None
        self._is_fetching = True
        self._last_fetch = now
        self._emit(Fetch(self._key, depth_request(self._symbol, self._seed_levels)))

    def handle_timeout(self, now: float) -> None:
        """Ask for the snapshot that is due."""
        if self.deadline is not None and self.deadline <= now:
            self._fetch(now)

    def receive(self, message: bytes, now: float, received_ns: int) -> Sequence[Event]:
        """Apply a delta that continues the book; keep it while a snapshot is awaited."""
        delta = decode_depth(message)
        if self._is_fetching or self._sequence is None:
            self._buffer.append((delta, message, received_ns))
        if self._sequence is None or delta.u <= self._sequence:
            return ()
        if self._sequence + 1 < delta.U:
            self._lose_step(delta, message, now, received_ns)
            return ()
        self._apply(delta, received_ns)
        if self._has_left_window():
            self._fetch(now)
        return self._events(delta.E * 1_000_000, received_ns, is_snapshot=False, message=message)

    def _lose_step(self, delta: DepthMessage, message: bytes, now: float, received_ns: int) -> None:
        reason = f"updates {(self._sequence or 0) + 1} to {delta.U - 1} of the book are missing"
        self._sequence = None
        self._gap_start_ns = self._last_ns
        if not self._is_fetching:
            self._buffer.append((delta, message, received_ns))
        for topic in self.topics:
            self._emit(Interrupted(topic, reason))
        self._fetch(now)

    def _apply(self, delta: DepthMessage, received_ns: int) -> None:
        self._bids.apply(delta.b)
        self._asks.apply(delta.a)
        self._sequence = delta.u
        self._last_ns = received_ns

    def _has_left_window(self) -> bool:
        """Whether the market has moved to where the seed knew too little (see ``RESEED_SHARE``)."""
        low, high = self._window
        bid, ask = self._bids.best, self._asks.best
        return not self._is_fetching and bid is not None and ask is not None and (bid < low or ask > high)

    def receive_response(self, response: Response, now: float) -> Sequence[Event]:
        """Start the book from a snapshot and the deltas that continue it; ask again if they do not."""
        self._is_fetching = False
        if not response.is_success:
            self._retry_s = min(2 * self._retry_s, spec.SNAPSHOT_RETRY_S[1])
            self._fetch(now)
            return ()
        snapshot = decode_snapshot(response.body)
        kept = [entry for entry in self._buffer if entry[0].u > snapshot.last_update_id]
        shown = self._sequence
        if kept and not _continues(snapshot.last_update_id, [entry[0] for entry in kept]):
            self._fetch(now)
            return ()
        self._retry_s = spec.SNAPSHOT_RETRY_S[0]
        self._buffer.clear()
        return self._start_from(snapshot, response, kept, shown)

    def _start_from(
        self,
        snapshot: DepthSnapshot,
        response: Response,
        kept: Sequence[tuple[DepthMessage, bytes, int]],
        shown: int | None,
    ) -> Sequence[Event]:
        """Show the snapshot and each later delta, but none that was shown already."""
        self._bids, self._asks = BookSide(-1, snapshot.bids), BookSide(1, snapshot.asks)
        self._sequence = snapshot.last_update_id
        self._last_ns = response.received_ns
        self._window = _window_of(self._bids, self._asks)
        already = [entry for entry in kept if shown is not None and entry[0].u <= shown]
        for delta, _, received_ns in already:
            self._apply(delta, received_ns)
        if shown is None:
            self._report_back(response.received_ns)
        events = list(self._events(None, response.received_ns, is_snapshot=True, message=response.body))
        for delta, message, received_ns in kept[len(already) :]:
            self._apply(delta, received_ns)
            events += self._events(delta.E * 1_000_000, received_ns, is_snapshot=False, message=message)
        return events

    def _report_back(self, received_ns: int) -> None:
        start_ns, self._gap_start_ns = self._gap_start_ns, None
        for topic in self.topics:
            if start_ns is not None:
                self._emit(GapFound(topic, start_ns, received_ns, "updates of the book were missing"))
                self._emit(Accepted((topic,)))
            self._emit(Ready(topic))

    def _events(self, time_ns: int | None, received_ns: int, *, is_snapshot: bool, message: bytes) -> Sequence[Event]:
        return [
            depth_event(
                self._bids,
                self._asks,
                topic=topic,
                sequence=self._sequence or 0,
                time_ns=time_ns,
                received_ns=received_ns,
                is_snapshot=is_snapshot,
                message=message,
            )
            for topic in self.topics
        ]


def _continues(sequence: int, deltas: Sequence[DepthMessage]) -> bool:
    """Tell whether the deltas follow the snapshot and each other without a hole."""
    for delta in deltas:
        if sequence + 1 < delta.U:
            return False
        sequence = max(sequence, delta.u)
    return True


def _window_of(bids: BookSide, asks: BookSide) -> tuple[float, float]:
    """Return the prices between which the seed knows the market well enough."""
    bid, ask, lowest, highest = bids.best, asks.best, bids.worst, asks.worst
    if bid is None or ask is None or lowest is None or highest is None:
        return 0.0, float("inf")
    return bid - spec.RESEED_SHARE * (bid - lowest), ask + spec.RESEED_SHARE * (highest - ask)


Feed: TypeAlias = _Feed | _BarFeed | _BookFeed
_DECODERS: Mapping[tuple[str, str], Callable[[Sequence[Topic]], Decode]] = {
    ("quote", ""): quote_decoder,
    ("trade", "trade"): trade_decoder,
    ("trade", "aggregate"): aggregate_decoder,
}
