"""The protocol state of one TradeStation stream: controls, partial frames, snapshots, and polled balances."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from brokerwire.errors import BrokerwireError, ConnectionLostError, InvalidSymbolError
from brokerwire.events import Bar, Event, OrderUpdate, Topic, stamp, tie
from brokerwire.redact import clean
from brokerwire.typedefs import JSON, Frame
from brokerwire.venue import (
    Accepted,
    Failed,
    Fetch,
    GapFound,
    HandOver,
    Ready,
    Refused,
    Remark,
    Request,
    Response,
    Session,
    Signal,
    StreamKind,
)
from brokerwire.venue.bar_line import BarLine, as_backfill
from brokerwire.venue.layered_message import LayeredMessage, shape_of
from brokerwire.venue.tape import Tape
from brokerwire.venues.tradestation import codec, spec, wire
from brokerwire.venues.tradestation.auth import concerned_topics, end_of_ticks, stream_error
from brokerwire.venues.tradestation.spec import NAME
from brokerwire.venues.tradestation.wire import convert, decoder, parse, to_ns

_NOTHING: Sequence[Event] = ()
_read_quote = decoder(wire.QuoteMessage)
_read_bar = decoder(wire.BarMessage)
_read_tick = decoder(wire.TickMessage)
_read_depth = decoder(wire.DepthMessage)
_read_spread = decoder(wire.SpreadMessage)
_read_order = decoder(wire.OrderMessage)
_read_position = decoder(wire.PositionMessage)
_read_balance = decoder(wire.BalanceMessage)
_read_control = decoder(wire.StreamMessage)
_read_fields = decoder(dict[str, msgspec.Raw])
_read_refusals = decoder(list[wire.Refusal])
_read_rows = decoder(list[msgspec.Raw])

Read: TypeAlias = Callable[[Frame, int], Sequence[Event]]
"""What one kind of stream makes of a frame and the time it was received (UTC nanoseconds)."""


class StreamSession:
    """One connection of any kind: topics, controls and signals; a reader knows the frames of its kind.

    A reader may set ``on_snapshot`` and ``on_answer`` to hear of the end of a snapshot and of answers to its requests,
    ``on_recall`` to bring what was missed since an earlier connection, ``on_open`` and ``on_timeout`` to keep time.
    """

    def __init__(self, build_reader: "Callable[[StreamSession], Read]") -> None:
        self.has_output = False
        self.deadline: float | None = None
        self.unknown_messages = 0
        self.is_polled = False
        self.topics: dict[str, Topic] = {}
        self._signals: list[Signal] = []
        self._is_accepted = False
        self._is_leaving = False
        self._ready: set[Topic] = set()
        self.on_snapshot: Callable[[], None] | None = None
        self.on_answer: Callable[[Any, Response], Sequence[Event]] | None = None
        self.on_recall: Callable[[Sequence[Event]], None] | None = None
        self.on_open: Callable[[float], None] | None = None
        self.on_timeout: Callable[[float], Sequence[Event]] | None = None
        self._read = build_reader(self)

    def handle_open(self, now: float) -> None:
        """Take note that the venue answered 200: it serves all topics of the address; a poll has no answer yet."""
        if self.on_open is not None:
            self.on_open(now)
        if not self.is_polled:
            self.accept()

    def recall(self, topic: Topic, newest: Sequence[Event]) -> bool:
        """Let the reader bring what came after these, if its kind of stream shows it."""
        if self.on_recall is not None:
            self.on_recall(newest)
        return self.on_recall is not None

    def subscribe(self, topics: Sequence[Topic], now: float) -> None:
        """Want these topics, which are those of the address."""
        self.topics.update({topic.symbol: topic for topic in topics})

    def unsubscribe(self, topics: Sequence[Topic], now: float) -> None:
        """No longer want these topics; the stream goes on sending them, and they are passed over."""
        for topic in topics:
            self.topics.pop(topic.symbol, None)

    def resubscribe(self, topic: Topic, now: float) -> None:
        """End the connection, since one topic of it cannot be asked for again."""
        self.signal(Failed(ConnectionLostError(f"{topic} fell silent", venue=NAME, topic=topic)))

    def receive(self, frame: Frame, now: float, received_ns: int) -> Sequence[Event]:
        """Take one line, or one polled answer, and return its events.

        Raises:
            ProtocolError: The frame breaks the protocol.
        """
        if frame.startswith(b"{"):
            return self._read(frame, received_ns)
        frame = frame.strip()
        if frame.startswith(b"["):  # the specification shows arrays of orders; production sends one object per line
            return [event for row in _read_rows(frame) for event in self._read(bytes(row), received_ns)]
        return self._read(frame, received_ns) if frame else _NOTHING

    def receive_response(self, key: Any, response: Response, now: float) -> Sequence[Event]:
        """Take the answer to a ``Fetch``; only order streams ask."""
        return _NOTHING if self.on_answer is None else self.on_answer(key, response)

    def handle_timeout(self, now: float) -> Sequence[Event]:
        """Let the reader act on the time; only bars and ticks have a deadline."""
        return _NOTHING if self.on_timeout is None else self.on_timeout(now)

    def handle_close(self, now: float) -> Sequence[Event]:
        """Return nothing: what is not delivered yet is history, which the next connection shows again."""
        return _NOTHING

    def take_signals(self) -> list[Signal]:
        """Return what happened since the last call."""
        signals, self._signals = self._signals, []
        self.has_output = False
        return signals

    def frames_to_send(self) -> list[Frame]:
        """Return nothing: the streams only go one way."""
        return []

    def signal(self, signal: Signal) -> None:
        """Hand ``signal`` to the shell."""
        self._signals.append(signal)
        self.has_output = True

    def accept(self) -> None:
        """Say once that the venue serves the topics."""
        if not self._is_accepted:
            self._is_accepted = True
            self.signal(Accepted(tuple(self.topics.values())))

    def make_ready(self, topic: Topic) -> None:
        """Say once that the first data of ``topic`` is there."""
        if topic not in self._ready:
            self._ready.add(topic)
            self.signal(Ready(topic))

    def only_topic(self) -> Topic | None:
        """Return the topic of a connection that carries one, or None once it is no longer wanted."""
        return next(iter(self.topics.values()), None)

    def tell_gap(self, *, filled: bool) -> None:
        """Say what became of what was missed before this connection."""
        reason = (
            "what was missing was fetched" if filled else "the history of the stream does not reach back far enough"
        )
        for topic in self.topics.values():
            self.signal(GapFound(topic, None, None, reason, filled))

    def refuse(self, topic: Topic, error: BrokerwireError) -> None:
        """Say that the venue will not serve ``topic``, and forget it."""
        self.topics.pop(topic.symbol, None)
        self.signal(Refused(topic, error))

    def control(self, message: wire.StreamMessage) -> Sequence[Event]:
        """Act on a line that is not data."""
        if message.heartbeat is not None:
            return _NOTHING
        if message.stream_status is not None:
            self._take_status(message.stream_status)
        elif message.error is not None:
            self._take_error(message)
        else:
            self.unknown_messages += 1
        return _NOTHING

    def _take_status(self, status: str) -> None:
        if status == "GoAway":
            self.hand_over("the venue is about to shut this stream down")
        elif status == "EndSnapshot":
            if self.on_snapshot is not None:
                self.on_snapshot()
            for topic in self.topics.values():
                self.make_ready(topic)
        else:
            self.unknown_messages += 1

    def hand_over(self, reason: str) -> None:
        """Say once that another connection is to take the place of this one."""
        if not self._is_leaving:
            self._is_leaving = True
            self.signal(HandOver(reason))

    def _take_error(self, message: wire.StreamMessage) -> None:
        if message.error == "GoAway":
            self.hand_over(clean(message.message or "the venue is about to shut this stream down"))
            return
        refusal = wire.Refusal(message.error, message.message, message.account_id, message.order_id, message.symbol)
        error = stream_error(refusal)
        concerned = concerned_topics(refusal, error, self.topics)
        if concerned is None:
            self.signal(Failed(error))
            return
        for topic in concerned:
            self.refuse(topic, stream_error(refusal))


class QuoteState:
    """All that is known of one symbol: the typed fields, and the frames that are its message together."""

    __slots__ = ("_layers", "_time", "time_ns", "values")

    def __init__(self) -> None:
        self.values = codec.NO_QUOTE
        self.time_ns: int | None = None
        self._time: str | None = None
        self._layers = LayeredMessage(_read_fields, spec.FIGURED_NAMES)

    def merge(self, message: wire.QuoteMessage, frame: bytes) -> tuple[bytes, ...]:
        """Take a frame of any subset of fields; what it leaves out stays as it was. Returns the frames that count."""
        time = message.trade_time or self._time  # reading one costs as much as reading a small frame
        time_ns = self.time_ns if time == self._time else to_ns(time)
        values, layers = codec.quote_values(message, self.values), self._layers.put(frame, shape_of(frame))
        self._time, self.time_ns, self.values = time, time_ns, values  # a frame that was refused has changed nothing
        return layers


class QuoteReader:
    """Quotes: the first frame of a symbol is whole, later ones hold what changed."""

    def __init__(self, session: StreamSession) -> None:
        self._session = session
        self._topics = session.topics
        self._states: dict[str, QuoteState] = {}

    def read(self, frame: Frame, received_ns: int) -> Sequence[Event]:
        """Return the merged quote."""
        message = _read_quote(frame)
        symbol = message.symbol or ""
        topic = self._topics.get(symbol)
        if topic is None or message.error is not None:
            is_control = not symbol or message.error is not None
            return self._session.control(message) if is_control else _NOTHING
        state = self._states.get(symbol)
        if state is None:
            state = self._states[symbol] = self._open(topic, message)
        layers = state.merge(message, frame)
        quote = codec.quote_of(state.values, topic.symbol, time_ns=state.time_ns, received_ns=received_ns)
        tie(quote, "_topic", topic)
        tie(quote, "_message", layers)
        tie(quote, "_frame", frame)
        return (quote,)

    def _open(self, topic: Topic, message: wire.QuoteMessage) -> QuoteState:
        self._session.make_ready(topic)
        if message.market_flags is not None and message.market_flags.is_delayed:
            self._session.signal(Remark(f"quotes of {topic.symbol} are delayed", topic))
        return QuoteState()


class BarReader:
    """Bars: history first, then the forming bar again and again, then its closed form, which may be missing."""

    def __init__(self, session: StreamSession) -> None:
        self._session = session
        self._history: dict[int, Bar] | None = {}
        self._line = BarLine()
        self._recalled: Bar | None = None
        session.on_recall = self._recall
        session.on_open = self._open
        session.on_timeout = self._stop_waiting

    def _recall(self, newest: Sequence[Event]) -> None:
        last = newest[-1]
        self._recalled = last if isinstance(last, Bar) else None

    def _open(self, now: float) -> None:
        self._session.deadline = None if self._recalled is None else now + spec.HISTORY_S

    def _stop_waiting(self, now: float) -> Sequence[Event]:
        """Go on with as much of the history as has come."""
        topic = self._session.only_topic()
        return _NOTHING if topic is None else self._end_history(topic)

    def read(self, frame: Frame, received_ns: int) -> Sequence[Event]:
        """Return the bar, preceded by the closed form of the one before where the venue left it out."""
        message = _read_bar(frame)
        if message.error is not None or message.close is None:
            return self._session.control(message)
        topic = self._session.only_topic()
        if topic is None:
            return _NOTHING
        bar = codec.bar_of(message, topic, received_ns)
        stamp(bar, topic, frame)
        if self._history is not None and not message.is_realtime:
            self._history[bar.open_time_ns] = bar
            return self._end_history(topic) if message.is_end_of_history else _NOTHING
        found = [*self._end_history(topic), *self._line.take(bar)]
        self._session.make_ready(topic)
        return found

    def _end_history(self, topic: Topic) -> Sequence[Event]:
        """Return the bars of history that were asked for or missed, oldest first."""
        self._session.deadline = None
        if self._history is None:
            return _NOTHING
        bars = [self._history[key] for key in sorted(self._history)]
        self._history = None
        self._line.start(bars)
        if bars:
            self._session.make_ready(topic)
        if self._recalled is not None:
            return self._missed(bars, self._recalled)
        _, bars_back, _ = codec.parse_bar_variant(topic.variant)
        forming = bars[-1:] if bars and not bars[-1].is_closed else []
        closed = bars[: len(bars) - len(forming)]
        return [*closed[max(0, len(closed) - bars_back) :], *forming]

    def _missed(self, bars: Sequence[Bar], last: Bar) -> Sequence[Event]:
        """Return what an earlier connection did not deliver, and tell whether the history reaches back to there."""
        self._session.tell_gap(filled=bool(bars) and bars[0].open_time_ns <= last.open_time_ns)
        first_ns = last.open_time_ns + last.is_closed
        return [as_backfill(bar) if bar.is_closed else bar for bar in bars if bar.open_time_ns >= first_ns]


class TickReader:
    """Trades: tick bars of one tick; of the history that comes first only what was missed is new.

    There are no heartbeats: a stream that is quiet for long is handed over to another, which shows what this one
    should have.
    """

    def __init__(self, session: StreamSession) -> None:
        self._session = session
        self._tape: Tape | None = Tape()
        self._recalled: Sequence[Event] = ()
        self._has_heard = False
        self._quiet_since = 0.0
        session.on_recall = self._recall
        session.on_open = self._open
        session.on_timeout = self._look

    def _recall(self, newest: Sequence[Event]) -> None:
        self._recalled = newest

    def _open(self, now: float) -> None:
        self._quiet_since = now
        self._session.deadline = now + spec.HISTORY_S

    def _look(self, now: float) -> Sequence[Event]:
        """Go on without a history that does not come; leave when nothing has come for long."""
        session = self._session
        session.deadline = now + spec.TICKBAR_LOOK_S
        session.has_output = True
        if self._has_heard:
            self._has_heard = False
            self._quiet_since = now
        elif now - self._quiet_since >= spec.TICKBAR_QUIET_S:
            session.hand_over(f"no tick came for {spec.TICKBAR_QUIET_S:g} s")
        return self._end_history()

    def read(self, frame: Frame, received_ns: int) -> Sequence[Event]:
        """Return the trade or the correction."""
        self._has_heard = True
        if frame[:1] != b"{":
            return self._end(frame)
        message = _read_tick(frame)
        topic = self._session.only_topic()
        if message.error is not None or message.close is None or topic is None:
            return self._session.control(message)
        trade = codec.trade_of(message, topic.symbol, received_ns)
        if trade is not None:
            stamp(trade, topic, frame)
        status = message.status or 0
        if not status & spec.HISTORY_BITS:
            self._session.make_ready(topic)
            return [*self._end_history(), *(() if trade is None else (trade,))]
        if self._tape is not None and trade is not None:
            self._tape.add(trade)
        return self._end_history() if status & spec.END_OF_HISTORY_BIT else _NOTHING

    def _end_history(self) -> Sequence[Event]:
        """Return what an earlier connection did not deliver; without one, nothing of the past is new."""
        tape, self._tape = self._tape, None
        topic = self._session.only_topic()
        if tape is None or topic is None:
            return _NOTHING
        if tape.has_rows:
            self._session.make_ready(topic)
        if not self._recalled:
            return _NOTHING
        missed, is_whole = tape.beyond(self._recalled)
        self._session.tell_gap(filled=is_whole)
        return missed

    def _end(self, frame: Frame) -> Sequence[Event]:
        topic = self._session.only_topic()
        error = end_of_ticks(frame, symbol=None if topic is None else topic.symbol)
        if topic is not None and isinstance(error, InvalidSymbolError):
            self._session.refuse(topic, error)
        else:
            self._session.signal(Failed(error))
        return _NOTHING


class DepthReader:
    """Books: every frame is a whole one."""

    def __init__(self, session: StreamSession) -> None:
        self._session = session

    def read(self, frame: Frame, received_ns: int) -> Sequence[Event]:
        """Return the book."""
        message = _read_depth(frame)
        topic = self._session.only_topic()
        if message.error is not None or (message.bids is None and message.asks is None) or topic is None:
            return self._session.control(message)
        self._session.make_ready(topic)
        depth = codec.depth_of(message, topic, received_ns)
        stamp(depth, topic, frame)
        return (depth,)


class OptionReader:
    """Option chains and option quotes: each frame is one spread, merged with what was known of it."""

    def __init__(self, session: StreamSession) -> None:
        self._session = session
        self._merged: dict[tuple[Any, ...], dict[str, JSON]] = {}

    def read(self, frame: Frame, received_ns: int) -> Sequence[Event]:
        """Return the spread with all that is known of it."""
        message = _read_spread(frame)
        topic = self._session.only_topic()
        is_chain = topic is not None and topic.channel == "option_chain"
        is_data = bool(message.legs) if is_chain else message.heartbeat is None and message.stream_status is None
        if message.error is not None or not is_data or topic is None:
            return self._session.control(message)
        self._session.make_ready(topic)
        key = (message.side, *((leg.symbol, leg.ratio) for leg in message.legs)) if is_chain else ()
        merged = self._merged[key] = {**self._merged.get(key, {}), **parse(frame)}
        build = codec.chain_entry_of if is_chain else codec.option_quote_of
        event = build(convert(merged, wire.SpreadMessage), topic, received_ns)
        stamp(event, topic, merged)
        tie(event, "_frame", frame)
        return (event,)


class OrderReader:
    """Orders: a snapshot, then the whole order at every change; executions are for whoever keeps the account's book."""

    def __init__(self, session: StreamSession) -> None:
        self._session = session
        self._orders: dict[str, OrderUpdate] = {}
        self._uncertain: set[str] = set()
        self._is_live = False
        session.on_snapshot = self._finish_snapshot
        session.on_answer = self._read_again

    def read(self, frame: Frame, received_ns: int) -> Sequence[Event]:
        """Return the order, nothing if the frame repeats what is known."""
        message = _read_order(frame)
        if message.error is not None or message.order_id is None:
            return self._session.control(message)
        topic = self._session.topics.get(message.account_id or "")
        if topic is None:
            return _NOTHING
        old = self._orders.get(message.order_id)
        new = codec.order_of(message, OrderUpdate, received_ns=received_ns, known=None if old is None else old.status)
        is_news = old is None or self._is_news(old, new, message.status)
        self._check(message.status, new, topic)
        if not is_news:
            return _NOTHING
        self._orders[new.order_id] = new
        stamp(new, topic, frame)
        return (new,)

    def _is_news(self, old: OrderUpdate, new: OrderUpdate, code: str | None) -> bool:
        if code in spec.UNCERTAIN_STATUSES or old.order_id in self._uncertain:
            return codec.differs(old, new)
        return codec.advances(old, new)

    def _check(self, code: str | None, order: OrderUpdate, topic: Topic) -> None:
        """Read an order again whose code does not say what became of it; once, until the code changes."""
        if code in spec.STATUSES and code not in spec.UNCERTAIN_STATUSES:
            self._uncertain.discard(order.order_id)
        elif order.order_id not in self._uncertain and self._is_live:
            self._uncertain.add(order.order_id)
            path = f"/v3/brokerage/accounts/{topic.symbol}/orders/{order.order_id}"
            request = Request(path=path, authorization="token", bucket="orders")
            self._session.signal(Fetch(order.order_id, request))

    def _read_again(self, key: Any, response: Response) -> Sequence[Event]:
        """Take an order that was read again; without an answer the stream's word stands."""
        if not response.is_success:
            return _NOTHING
        rows = _read_fields(response.body).get("Orders", msgspec.Raw(b"[]"))
        events: list[Event] = []
        for row in _read_rows(bytes(rows)):
            events.extend(self.read(bytes(row), response.received_ns))
        return events

    def _finish_snapshot(self) -> None:
        self._is_live = True


class PositionReader:
    """Positions: a snapshot of whole ones, then the id and what changed; the symbol is only in the first."""

    def __init__(self, session: StreamSession) -> None:
        self._session = session
        self._merged: dict[str, dict[str, JSON]] = {}

    def read(self, frame: Frame, received_ns: int) -> Sequence[Event]:
        """Return the merged position, with a quantity of 0 once it is closed."""
        message = _read_position(frame)
        if message.error is not None or message.position_id is None:
            return self._session.control(message)
        known = self._merged.get(message.position_id)
        if known is None and message.account_id is None:
            return _NOTHING  # a change, or the end, of a position that was never shown
        merged = {**(known or {}), **parse(frame)}
        self._merged[message.position_id] = merged
        if message.deleted:
            del self._merged[message.position_id]
        topic = self._session.topics.get(merged["AccountID"])
        if topic is None:
            return _NOTHING
        event = codec.position_of(convert(merged, wire.PositionMessage), received_ns)
        stamp(event, topic, merged)
        tie(event, "_frame", frame)
        return (event,)


class BalanceReader:
    """Balances: polled answers, of which only what changed is told."""

    def __init__(self, session: StreamSession) -> None:
        self._session = session
        self._rows: dict[str, bytes] = {}

    def read(self, frame: Frame, received_ns: int) -> Sequence[Event]:
        """Return the balances of the accounts whose row differs from the one before."""
        fields = _read_fields(frame)
        if "Balances" not in fields and "Errors" not in fields:
            return self._session.control(_read_control(frame))
        self._session.accept()
        rows = [bytes(row) for row in _read_rows(bytes(fields.get("Balances", b"[]")))]
        found = [(message := _read_balance(row), row, codec.balances_of(message, received_ns)) for row in rows]
        refusals = _read_refusals(bytes(fields.get("Errors", b"[]")))
        events = [event for each in found for event in self._changes(*each)]  # once all of the answer has been read
        for refusal in refusals:
            self._refuse(refusal)
        return events

    def _changes(self, message: wire.BalanceMessage, row: bytes, balances: Sequence[Event]) -> Sequence[Event]:
        topic = self._session.topics.get(message.account_id)
        if topic is None or self._rows.get(message.account_id) == row:
            return _NOTHING
        self._rows[message.account_id] = row
        self._session.make_ready(topic)
        for balance in balances:
            stamp(balance, topic, row)
        return balances

    def _refuse(self, refusal: wire.Refusal) -> None:
        error = stream_error(refusal)
        for name in (refusal.account_id or "").split(","):
            topic = self._session.topics.get(name)
            if topic is not None and error.action == "stop":
                self._session.refuse(topic, error)


_READERS: Mapping[str, Callable[[StreamSession], Read]] = {
    "quotes": lambda session: QuoteReader(session).read,
    "bars": lambda session: BarReader(session).read,
    "tickbars": lambda session: TickReader(session).read,
    "depth": lambda session: DepthReader(session).read,
    "option_chain": lambda session: OptionReader(session).read,
    "option_quote": lambda session: OptionReader(session).read,
    "orders": lambda session: OrderReader(session).read,
    "orders_by_id": lambda session: OrderReader(session).read,
    "positions": lambda session: PositionReader(session).read,
    "balances": lambda session: BalanceReader(session).read,
}


def new_session(kind: StreamKind, settings: Mapping[str, Any]) -> Session:
    """Return the session of one new connection of ``kind``; no setting changes how frames are read."""
    session = StreamSession(_READERS[kind.name])
    session.is_polled = kind.transport == "poll"
    return session
