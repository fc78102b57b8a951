"""The protocol state of one Binance market-data connection: acknowledgements, books, bars; sans-I/O."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Protocol, TypeAlias, cast

import msgspec

from brokerwire.errors import ConnectionLostError, InvalidSymbolError
from brokerwire.events import Bar, Event, Topic, Trade, respell, tie
from brokerwire.redact import clean
from brokerwire.typedefs import Frame
from brokerwire.venue import (
    Accepted,
    Failed,
    Fetch,
    GapFound,
    HandOver,
    Refused,
    Response,
    Signal,
)
from brokerwire.venue.book_keeper import BookKeeper
from brokerwire.venue.trade_line import TradeLine, id_of
from brokerwire.venues.binance import spec
from brokerwire.venues.binance.codec import (
    bar_decoder,
    bar_of_row,
    control_frames,
    decode_envelope,
    delta_of,
    depth_event,
    depth_request,
    klines_request,
    protocol_error,
    quote_decoder,
    seed_of,
    stream_name,
    trade_decoder,
    trades_of,
    trades_request,
)
from brokerwire.venues.binance.wire import Envelope

_HEAD = b'{"stream":"'
_MIDDLE = b'","data":'
"""What stands around the name in a combined frame that is written as it always has been; else it is parsed.
After the message nothing follows but a brace."""

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
        self._recalled: dict[Topic, Event] = {}
        self._fetching: set[str] = set()
        self._fetches: deque[Fetch] = deque()
        self._is_open = False
        self._next_id = 1
        self._waiting: dict[int, tuple[float, list[str]]] = {}
        self._backlog: list[tuple[str, str]] = []
        self._given_back: deque[str] = deque(maxlen=1024)  # their last frames may still come
        self._frames: list[Frame] = []
        self._signals: list[Signal] = []
        self.receive = self._new_receive()

    # Topics

    def recall(self, topic: Topic, newest: Sequence[Event]) -> bool:
        """Remember what was delivered last, if what followed it can be asked for."""
        is_filled = topic.channel in spec.FILLED_CHANNELS
        if is_filled:
            self._recalled[topic] = newest[-1]
        return is_filled

    def subscribe(self, topics: Sequence[Topic], now: float) -> None:
        """Want these topics; those on a stream that is there already are accepted at once."""
        fresh: list[str] = []
        for topic in topics:
            name = stream_name(topic, self._settings)
            feed = self._feed(name)
            if feed is None:
                feed = self._feeds[_head_of(name)] = self._new_feed(topic)
                fresh.append(name)
            feed.add(topic, self._recalled.pop(topic, None))
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
                self._given_back.append(name)
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
        names = [head.removeprefix(_HEAD).removesuffix(_MIDDLE).decode() for head in self._feeds]
        self._request("SUBSCRIBE", names, now)

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
        if topic.channel == "trade":
            return _TradeFeed(topic, self._fetch, self._emit, on_deadline=self._settle_deadline)
        return _QuoteFeed()

    def _feed(self, name: str) -> "Feed | None":
        return self._feeds.get(_head_of(name))

    # Frames

    def _new_receive(self) -> Receive:
        """Return ``receive``: takes one frame and returns its events, raises ``ProtocolError`` if it cannot be read.

        A closure: on the path of every frame each look-up of an attribute counts. Most frames begin with as many
        bytes as the one before them, so that those bytes alone tell the stream.
        """
        feed_of, receive_other = self._feeds.get, self._receive_other
        size = 0

        def receive(frame: Frame, now: float, received_ns: int) -> Sequence[Event]:
            nonlocal size
            feed = feed_of(frame[:size])
            if feed is None:
                name, middle, _ = frame.partition(_MIDDLE)
                feed = feed_of(name + middle)
                if feed is None:
                    return receive_other(frame, now, received_ns)
                size = len(name + middle)
            try:
                return feed.receive(frame[size:-1], now, received_ns)
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
        elif message.id is None and message.stream not in self._given_back:
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

    def _fetch(self, fetch: Fetch) -> None:
        """Ask for missing trades, for a few streams at a time: what is given up meanwhile need not be asked for."""
        self._fetches.append(fetch)
        self._send_fetches()

    def _send_fetches(self) -> None:
        while self._fetches and len(self._fetching) < spec.FETCHES_AT_ONCE:
            fetch = self._fetches.popleft()
            feed = self._feed(fetch.key)
            if isinstance(feed, _TradeFeed) and feed.line.is_asking:
                self._fetching.add(fetch.key)
                self._emit(fetch)

    def receive_response(self, key: Any, response: Response, now: float) -> Sequence[Event]:
        """Take the snapshot of a book, missing trades, or the bars of the past."""
        self._fetching.discard(key)
        self._send_fetches()
        feed = self._feed(key)
        if feed is None:
            return ()
        try:
            return feed.receive_response(response, now)
        except (msgspec.MsgspecError, ValueError, TypeError, RecursionError) as exc:
            raise protocol_error(exc, response.body) from exc
        finally:
            self._settle_deadline()

    # Time and output

    def handle_timeout(self, now: float) -> Sequence[Event]:
        """Give up on a connection that does not acknowledge; ask again, or go on, where something is due."""
        if any(due <= now for due, _ in self._waiting.values()):
            self._emit(Failed(ConnectionLostError(f"Binance did not acknowledge a subscription in {spec.ACK_S:g} s")))
            self._waiting.clear()
        due = [feed for feed in self._feeds.values() if feed.deadline is not None and feed.deadline <= now]
        events = [event for feed in due for event in feed.handle_timeout(now)]
        self._settle_deadline()
        return events

    def handle_close(self, now: float) -> Sequence[Event]:
        """Return the trades and bars that wait for others before them."""
        return [event for feed in self._feeds.values() for event in feed.handle_close()]

    @property
    def repeated_messages(self) -> int:
        """How many trades came again and were dropped."""
        return sum(feed.line.repeated for feed in self._feeds.values() if isinstance(feed, _TradeFeed))

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
    return _HEAD + name.encode() + _MIDDLE


class _QuoteFeed:
    """One stream of quotes and the topics that hang on it."""

    deadline: float | None = None

    def __init__(self) -> None:
        self.topics: tuple[Topic, ...] = ()
        self.is_accepted = False
        self.receive = quote_decoder(())

    def add(self, topic: Topic, last: Event | None) -> None:
        """Serve one more topic."""
        self.topics = (*self.topics, topic)
        self.receive = quote_decoder(self.topics)

    def remove(self, topic: Topic) -> bool:
        """Serve a topic no more; tells whether none is left."""
        self.topics = tuple(other for other in self.topics if other != topic)
        self.receive = quote_decoder(self.topics)
        return not self.topics

    def accepted(self, topics: Iterable[Topic], now: float) -> None:
        """The venue has taken the subscription."""

    def receive_response(self, response: Response, now: float) -> Sequence[Event]:
        """Return nothing: nothing is fetched."""
        return ()

    def handle_timeout(self, now: float) -> Sequence[Event]:
        """Return nothing: there is no deadline."""
        return ()

    def handle_close(self) -> Sequence[Event]:
        """Return nothing: nothing is held back."""
        return ()


class _TradeFeed:
    """One stream of trades; the one topic that hangs on it is in ``line``."""

    def __init__(
        self, topic: Topic, fetch: Callable[[Fetch], None], emit: Emit, *, on_deadline: Callable[[], None]
    ) -> None:
        self.topics: tuple[Topic, ...] = ()
        self.is_accepted = False
        self._topic = topic
        self._on_deadline = on_deadline
        is_aggregate = topic.variant == "aggregate"
        self._key = f"{topic.symbol.lower()}@{'aggTrade' if is_aggregate else 'trade'}"
        self.receive, expect = trade_decoder(topic, self._take)
        self.line = TradeLine(
            topic,
            ask=lambda first_id, count: fetch(Fetch(self._key, trades_request(topic, first_id, count))),
            tell=emit,
            expect=expect,
            limits=spec.FILL_LIMITS,
        )

    @property
    def deadline(self) -> float | None:
        """When to ask for what is missing, or to go on without it."""
        return self.line.deadline

    def _take(self, trade: Trade, now: float, expected: int) -> Sequence[Event]:
        was_in_step = self.line.is_in_step
        events = self.line.take(trade, now, expected)
        if self.line.is_in_step != was_in_step:
            self._on_deadline()
        return events

    def add(self, topic: Topic, last: Event | None) -> None:
        """Serve the topic, from what was delivered last on."""
        self.topics = (topic,)
        if isinstance(last, Trade):
            self.line.recall(id_of(last))

    def remove(self, topic: Topic) -> bool:
        """Serve no topic any more."""
        return True

    def accepted(self, topics: Iterable[Topic], now: float) -> None:
        """Ask for what was missed before."""
        self.line.accepted(now)

    def receive_response(self, response: Response, now: float) -> Sequence[Event]:
        """Return the missing trades, and those behind them."""
        return self.line.fill(trades_of(response, self._topic) if response.is_success else None, now)

    def handle_timeout(self, now: float) -> Sequence[Event]:
        """Ask for what is missing, or go on without it."""
        return self.line.handle_timeout(now)

    def handle_close(self) -> Sequence[Event]:
        """Return what waits for others before it."""
        return self.line.handle_close()


class _BarFeed:
    """Bars, with history first where it was asked for, and a close for every bar even if the venue's is missing."""

    def __init__(self, topic: Topic, emit: Emit) -> None:
        self.topics: tuple[Topic, ...] = ()
        self.is_accepted = False
        self.deadline: float | None = None
        self._emit = emit
        self._symbol = topic.symbol
        self._interval = topic.variant.partition(";")[0]
        self._key = f"{topic.symbol.lower()}@kline_{self._interval}"
        self._newest: Bar | None = None
        self._wants_history: dict[Topic, int] = {}
        self._filling: dict[Topic, int] = {}  # topic → the time in ms from which bars are missing
        self._held: list[Bar] = []
        self._pages = 0

    def add(self, topic: Topic, last: Event | None) -> None:
        """Serve one more topic; what followed its last bar, or ``bars_back`` of it, are fetched once."""
        self.topics = (*self.topics, topic)
        bars_back = int(topic.variant.partition(";")[2] or 0)
        if isinstance(last, Bar):
            self._filling[topic] = last.open_time_ns // 1_000_000 + last.is_closed
        elif bars_back:
            self._wants_history[topic] = bars_back

    def remove(self, topic: Topic) -> bool:
        """Serve a topic no more; tells whether none is left."""
        self._wants_history.pop(topic, None)
        self._filling.pop(topic, None)
        self.topics = tuple(other for other in self.topics if other != topic)
        return not self.topics

    def accepted(self, topics: Iterable[Topic], now: float) -> None:
        """Fetch what was missed, or the history that was asked for."""
        if self._filling and self.deadline is None:
            self._fetch_from(min(self._filling.values()), now)
        wanted = [self._wants_history[topic] for topic in topics if topic in self._wants_history]
        if wanted:
            self._fetch(min(max(wanted) + 1, spec.MAX_BARS))

    def _fetch(self, limit: int) -> None:
        self._emit(Fetch(self._key, klines_request(self._symbol, self._interval, limit)))

    def _fetch_from(self, start_ms: int, now: float) -> None:
        self.deadline = now + spec.FILL_LIMITS.fill_s
        request = klines_request(self._symbol, self._interval, spec.MAX_BARS, start_ms=start_ms)
        self._emit(Fetch(self._key, request))

    def receive(self, message: bytes, now: float, received_ns: int) -> Sequence[Event]:
        """Return the bar for each topic; a bar that opens before the last one was closed has that one fetched."""
        bars = cast(Sequence[Bar], bar_decoder(self.topics)(message, now, received_ns))
        if self._filling:
            self._hold(bars)
            return ()
        bar = bars[0]
        newest, self._newest = self._newest, bar
        if newest is not None and bar.open_time_ns > newest.open_time_ns and not newest.is_closed:
            self._fetch(2)
        return bars

    def _hold(self, bars: Sequence[Bar]) -> None:
        """Keep bars while those before them are fetched; of one that forms, the newest state."""
        formed = bars[0].open_time_ns
        self._held = [bar for bar in self._held if bar.is_closed or bar.open_time_ns != formed]
        self._held += bars

    def receive_response(self, response: Response, now: float) -> Sequence[Event]:
        """Return the closed bars of the past that are wanted."""
        if not response.is_success:
            return self._stop_filling(is_whole=False)
        bars = [
            bar_of_row(row, symbol=self._symbol, interval=self._interval, received_ns=response.received_ns)
            for row in response.json()
        ]
        closed = [bar for bar in bars if bar.is_closed]
        if self._filling:
            return self._fill(closed, now, is_last=len(bars) < spec.MAX_BARS or not closed)
        return [event for topic in self.topics for event in _for_topic(closed[-self._count(topic) :], topic)]

    def _count(self, topic: Topic) -> int:
        return self._wants_history.pop(topic, 1)

    def _fill(self, closed: Sequence[Bar], now: float, *, is_last: bool) -> Sequence[Event]:
        """Return missed bars; ask for the next ones, or go on with what came meanwhile."""
        events: list[Event] = []
        for topic, start_ms in self._filling.items():
            events += _for_topic([bar for bar in closed if bar.open_time_ns >= start_ms * 1_000_000], topic)
        self._pages += 1
        if is_last or self._pages >= spec.FILL_LIMITS.most_pages:
            return [*events, *self._stop_filling(is_whole=is_last)]
        self._fetch_from(closed[-1].open_time_ns // 1_000_000 + 1, now)
        return events

    def _stop_filling(self, *, is_whole: bool) -> Sequence[Event]:
        """Say what became of the hole, and return what was held back."""
        reason = "what was missing was fetched" if is_whole else "not all bars could be fetched"
        for topic in self._filling:
            self._emit(GapFound(topic, None, None, reason, filled=is_whole))
        held, self._held = self._held, []
        self._filling.clear()
        self.deadline = None
        self._newest = held[-1] if held else None
        return held

    def handle_timeout(self, now: float) -> Sequence[Event]:
        """Go on without the bars that were missed."""
        return self._stop_filling(is_whole=False)

    def handle_close(self) -> Sequence[Event]:
        """Return what waits for bars before it."""
        return self._stop_filling(is_whole=False) if self._held else ()


def _for_topic(bars: Iterable[Bar], topic: Topic) -> list[Event]:
    events = [respell(bar, bar.symbol) for bar in bars]
    for event in events:
        tie(event, "_topic", topic)
    return events


class _BookFeed:
    """One stream of deltas and the book that they and the snapshots in between make up."""

    def __init__(
        self, topic: Topic, settings: Mapping[str, Any], emit: Emit, *, on_deadline: Callable[[], None]
    ) -> None:
        request = depth_request(topic.symbol, int(settings.get("depth_seed", 1000)))
        fetch = Fetch(stream_name(topic, settings), request)
        self.is_accepted = False
        self.keeper = BookKeeper(
            depth_event,
            emit=emit,
            ask=lambda: emit(fetch),
            on_deadline=on_deadline,
            retry_s=spec.SNAPSHOT_RETRY_S,
            reseed_share=spec.RESEED_SHARE,
        )

    @property
    def topics(self) -> Sequence[Topic]:
        """What hangs on the stream."""
        return self.keeper.topics

    @property
    def deadline(self) -> float | None:
        """When a snapshot is due."""
        return self.keeper.deadline

    def add(self, topic: Topic, last: Event | None) -> None:
        """Serve one more topic; a book that stands already is shown to it with the next snapshot."""
        self.keeper.topics = (*self.keeper.topics, topic)

    def remove(self, topic: Topic) -> bool:
        """Serve a topic no more; tells whether none is left."""
        self.keeper.topics = tuple(other for other in self.keeper.topics if other != topic)
        return not self.keeper.topics

    def accepted(self, topics: Iterable[Topic], now: float) -> None:
        """Take a snapshot, for the first topic or to show a standing book to one that came later."""
        self.keeper.ask_for_seed(now)

    def receive(self, message: bytes, now: float, received_ns: int) -> Sequence[Event]:
        """Return the book as the delta leaves it, for each topic."""
        return self.keeper.receive(delta_of(message, received_ns), now)

    def receive_response(self, response: Response, now: float) -> Sequence[Event]:
        """Return the book as the snapshot and the deltas behind it make it."""
        return self.keeper.seed(seed_of(response) if response.is_success else None, now)

    def handle_timeout(self, now: float) -> Sequence[Event]:
        """Ask for the snapshot that is due."""
        self.keeper.ask_for_seed(now)
        return ()

    def handle_close(self) -> Sequence[Event]:
        """Return nothing: deltas without a snapshot are of no use."""
        return ()


Feed: TypeAlias = _QuoteFeed | _TradeFeed | _BarFeed | _BookFeed
