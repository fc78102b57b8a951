"""The protocol state of one TradeStation stream: controls, partial frames, snapshots, and polled balances."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
from msgspec import structs

from brokerwire.errors import BrokerwireError, ConnectionLostError, InvalidSymbolError, VenueUnavailableError
from brokerwire.events import Bar, Event, OrderUpdate, Topic, Trade, stamp, tie
from brokerwire.redact import clean
from brokerwire.typedefs import JSON, Frame
from brokerwire.venue import (
    Accepted,
    Failed,
    Fetch,
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
from brokerwire.venues.tradestation import codec
from brokerwire.venues.tradestation.auth import is_symbol_refusal, stream_error
from brokerwire.venues.tradestation.spec import HISTORY_BITS, NAME, STATUSES, UNCERTAIN_STATUSES
from brokerwire.venues.tradestation.wire import (
    BalanceMessage,
    BarMessage,
    DepthMessage,
    OrderMessage,
    PositionMessage,
    QuoteMessage,
    Refusal,
    SpreadMessage,
    StreamMessage,
    TickMessage,
    broken,
    convert,
    decoder,
    parse,
    to_ns,
)

_NOTHING: Sequence[Event] = ()
_read_quote = decoder(QuoteMessage)
_read_bar = decoder(BarMessage)
_read_tick = decoder(TickMessage)
_read_depth = decoder(DepthMessage)
_read_spread = decoder(SpreadMessage)
_read_order = decoder(OrderMessage)
_read_position = decoder(PositionMessage)
_read_balance = decoder(BalanceMessage)
_read_control = decoder(StreamMessage)
_read_fields = decoder(dict[str, msgspec.Raw])
_read_refusals = decoder(list[Refusal])
_read_rows = decoder(list[msgspec.Raw])

_FIGURES = b"0123456789.-"
_FIGURED_NAMES = frozenset({"High52Week", "High52WeekTimestamp", "Low52Week", "Low52WeekTimestamp"})
"""The documented fields of a quote with figures in their names: without them they are still different."""

_MOST_LAYERS = 32
"""Frames that are kept to make up one message; venues send a handful of shapes."""


Read: TypeAlias = Callable[[Frame, int], Sequence[Event]]
"""What one kind of stream makes of a frame and the time it was received (UTC nanoseconds)."""


class StreamSession:
    """One connection of any kind: topics, controls and signals; a reader knows the frames of its kind.

    A reader may set ``on_snapshot`` and ``on_answer`` to hear of the end of a snapshot and of answers to its requests.
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
        self._read = build_reader(self)

    def handle_open(self, now: float) -> None:
        """Take note that the venue answered 200: it serves all topics of the address; a poll has no answer yet."""
        if not self.is_polled:
            self.accept()

    def recall(self, topic: Topic, newest: Sequence[Event]) -> bool:
        """Do nothing."""
        return False

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
        """Return nothing: silence is watched from outside, and no deadline is ever set."""
        return _NOTHING

    def handle_close(self, now: float) -> Sequence[Event]:
        """Return nothing: nothing is held back."""
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

    def refuse(self, topic: Topic, error: BrokerwireError) -> None:
        """Say that the venue will not serve ``topic``, and forget it."""
        self.topics.pop(topic.symbol, None)
        self.signal(Refused(topic, error))

    def control(self, message: StreamMessage) -> Sequence[Event]:
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
            self._hand_over("the venue is about to shut this stream down")
        elif status == "EndSnapshot":
            if self.on_snapshot is not None:
                self.on_snapshot()
            for topic in self.topics.values():
                self.make_ready(topic)
        else:
            self.unknown_messages += 1

    def _hand_over(self, reason: str) -> None:
        if not self._is_leaving:
            self._is_leaving = True
            self.signal(HandOver(reason))

    def _take_error(self, message: StreamMessage) -> None:
        if message.error == "GoAway":
            self._hand_over(clean(message.message or "the venue is about to shut this stream down"))
            return
        refusal = Refusal(message.error, message.message, message.account_id, message.order_id, message.symbol)
        error = stream_error(refusal)
        concerned = self._concerned(message, error)
        if concerned is None:
            self.signal(Failed(error))
            return
        for topic in concerned:
            self.refuse(topic, stream_error(refusal))

    def _concerned(self, message: StreamMessage, error: BrokerwireError) -> list[Topic] | None:
        """Return the topics that an error is about, or None if it is about the connection."""
        if message.error == "DualLogon" or error.action != "stop":
            return None
        names = message.symbol or message.account_id
        if names is None:
            return list(self.topics.values()) if len(self.topics) == 1 else None
        return [self.topics[name] for name in names.split(",") if name in self.topics]


class QuoteState:
    """All that is known of one symbol: the typed fields, and the frames that are its message together."""

    __slots__ = ("_layers", "_time", "time_ns", "values")

    def __init__(self) -> None:
        self.values = codec.NO_QUOTE
        self.time_ns: int | None = None
        self._time: str | None = None
        self._layers: dict[bytes, bytes] = {}

    def merge(self, message: QuoteMessage, frame: bytes) -> tuple[bytes, ...]:
        """Take a frame of any subset of fields; what it leaves out stays as it was. Returns the frames that count.

        A frame with its figures taken out shows which fields it has: the newest of each shape holds all there is
        to know, so that nothing is parsed a second time until somebody reads it.
        """
        if message.trade_time is not None and message.trade_time != self._time:
            self._time = message.trade_time  # reading a time costs as much as reading a small frame
            self.time_ns = to_ns(message.trade_time)
        self.values = codec.quote_values(message, self.values)
        layers = self._layers
        shape = frame.translate(None, _FIGURES)
        if shape in layers:
            del layers[shape]  # the newest comes last
            layers[shape] = frame
        else:
            self._add(shape, frame)
        return tuple(self._layers.values())

    def _add(self, shape: bytes, frame: bytes) -> None:
        """Take a frame of a new shape; field names with figures of their own are told apart by reading them."""
        names = _read_fields(frame)
        if any(_has_figure(name) for name in names):
            shape = "\n".join(names).encode()
            self._layers.pop(shape, None)
        self._layers[shape] = frame
        if len(self._layers) > _MOST_LAYERS:
            self._collapse()

    def _collapse(self) -> None:
        merged: dict[str, msgspec.Raw] = {}
        for frame in self._layers.values():
            merged |= _read_fields(frame)
        self._layers = {b"": msgspec.json.encode(merged)}


def _has_figure(name: str) -> bool:
    return name not in _FIGURED_NAMES and any(figure in name for figure in _FIGURES.decode())


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

    def _open(self, topic: Topic, message: QuoteMessage) -> QuoteState:
        self._session.make_ready(topic)
        if message.market_flags is not None and message.market_flags.is_delayed:
            self._session.signal(Remark(f"quotes of {topic.symbol} are delayed", topic))
        return QuoteState()


class BarReader:
    """Bars: history first, then the forming bar again and again, then its closed form, which may be missing."""

    def __init__(self, session: StreamSession) -> None:
        self._session = session
        self._history: dict[int, Bar] | None = {}
        self._forming: Bar | None = None
        self._closed: Bar | None = None

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
        return [*self._end_history(topic), *self._advance(bar, topic)]

    def _end_history(self, topic: Topic) -> Sequence[Event]:
        """Return the bars of history that were asked for, oldest first."""
        if self._history is None:
            return _NOTHING
        self._session.make_ready(topic)
        bars = [self._history[key] for key in sorted(self._history)]
        self._history = None
        forming = [bars.pop()] if bars and not bars[-1].is_closed else []
        self._forming = forming[0] if forming else None
        self._closed = bars[-1] if bars else None
        _, bars_back, _ = codec.parse_bar_variant(topic.variant)
        return [*bars[max(0, len(bars) - bars_back) :], *forming]

    def _advance(self, bar: Bar, topic: Topic) -> Sequence[Event]:
        known = self._known(bar.open_time_ns)
        if known is not None and _is_same_bar(known, bar):
            return _NOTHING
        if self._closed is not None and bar.open_time_ns <= self._closed.open_time_ns:
            return (bar,) if bar.is_closed else _NOTHING  # a correction, or a late frame of a bar that has closed
        missed = self._close_forming(bar, topic)
        self._forming = None if bar.is_closed else bar
        self._closed = bar if bar.is_closed else self._closed
        return (*missed, bar)

    def _known(self, open_time_ns: int) -> Bar | None:
        for bar in (self._forming, self._closed):
            if bar is not None and bar.open_time_ns == open_time_ns:
                return bar
        return None

    def _close_forming(self, bar: Bar, topic: Topic) -> Sequence[Bar]:
        forming = self._forming
        if forming is None or forming.open_time_ns >= bar.open_time_ns:
            return ()
        closed = structs.replace(forming, is_closed=True, time_ns=bar.open_time_ns, received_ns=bar.received_ns)
        stamp(closed, topic, forming.raw)
        self._closed = closed
        return (closed,)


def _is_same_bar(one: Bar, other: Bar) -> bool:
    return structs.replace(one, received_ns=other.received_ns, time_ns=other.time_ns) == other


class TickReader:
    """Trades: tick bars of one tick; the rows of history that come first are not new and are passed over."""

    def __init__(self, session: StreamSession) -> None:
        self._session = session

    def read(self, frame: Frame, received_ns: int) -> Sequence[Event]:
        """Return the trade or the correction."""
        if frame[:1] != b"{":
            return self._end(frame)
        message = _read_tick(frame)
        topic = self._session.only_topic()
        if message.error is not None or message.close is None or topic is None:
            return self._session.control(message)
        self._session.make_ready(topic)
        trade = codec.trade_of(message, topic.symbol, received_ns)
        if trade is None or (isinstance(trade, Trade) and (message.status or 0) & HISTORY_BITS):
            return _NOTHING
        stamp(trade, topic, frame)
        return (trade,)

    def _end(self, frame: Frame) -> Sequence[Event]:
        text = clean(frame.decode("utf-8", "replace"))
        if not text.startswith(("END", "ERROR")):
            raise broken("a line that is neither JSON nor END or ERROR", frame)
        topic = self._session.only_topic()
        if topic is not None and is_symbol_refusal(text):  # https://github.com/tradestation/api-docs/issues/4
            self._session.refuse(topic, InvalidSymbolError(f"{NAME}: {text}", venue=NAME, symbol=topic.symbol))
            return _NOTHING
        error = ConnectionLostError if text.startswith("END") else VenueUnavailableError
        self._session.signal(Failed(error(f"{NAME} ended the stream: {text}", venue=NAME)))
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
        event = build(convert(merged, SpreadMessage), topic, received_ns)
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
        if code in UNCERTAIN_STATUSES or old.order_id in self._uncertain:
            return codec.differs(old, new)
        return codec.advances(old, new)

    def _check(self, code: str | None, order: OrderUpdate, topic: Topic) -> None:
        """Read an order again whose code does not say what became of it; once, until the code changes."""
        if code in STATUSES and code not in UNCERTAIN_STATUSES:
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
        event = codec.position_of(convert(merged, PositionMessage), received_ns)
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
        events: list[Event] = []
        for row in _read_rows(bytes(fields.get("Balances", b"[]"))):
            events.extend(self._changes(bytes(row), received_ns))
        for refusal in _read_refusals(bytes(fields.get("Errors", b"[]"))):
            self._refuse(refusal)
        return events

    def _changes(self, row: bytes, received_ns: int) -> Sequence[Event]:
        message = _read_balance(row)
        topic = self._session.topics.get(message.account_id)
        if topic is None or self._rows.get(message.account_id) == row:
            return _NOTHING
        self._rows[message.account_id] = row
        self._session.make_ready(topic)
        balances = codec.balances_of(message, received_ns)
        for balance in balances:
            stamp(balance, topic, row)
        return balances

    def _refuse(self, refusal: Refusal) -> None:
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
