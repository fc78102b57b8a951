"""The protocol state of one TradingView connection: token, heartbeats, quote sessions, charts; sans-I/O."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from brokerwire.errors import BrokerwireError
from brokerwire.events import Bar, Event, StudyPoint, Topic, stamp
from brokerwire.typedefs import Frame
from brokerwire.venue import (
    Accepted,
    Access,
    Failed,
    Fetch,
    GapFound,
    Ready,
    Refused,
    Remark,
    Response,
    Signal,
)
from brokerwire.venue.bar_line import BarLine
from brokerwire.venues.tradingview import spec
from brokerwire.venues.tradingview.auth import Login, fatal_error, protocol_error, refusal_of
from brokerwire.venues.tradingview.codec import (
    KEPT,
    FlowingQuotes,
    Point,
    QuoteBoard,
    StudyCall,
    bar_of,
    bar_points,
    built_in_call,
    data_of,
    decode_packet,
    decode_quote,
    is_news,
    is_pine,
    pine_call,
    pine_request,
    resolution_of,
    study_event,
    study_points,
    symbol_spec,
    wish_of,
)
from brokerwire.venues.tradingview.wire import DataPart, Post, only_payload, pack, unpack

_S = 1_000_000_000
_SERIES, _SYMBOL, _STUDY = "sds_1", "sds_sym_1", "st1"
_QUOTE, _DATA = b'{"m":"qsd"', (b'{"m":"du"', b'{"m":"timescale_update"')
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, IndexError, TypeError, ValueError, KeyError)


class TradingViewSession:
    """Speaks the data socket's protocol; see ``venue.Session`` for how it is driven.

    Live quotes share one quote session; every chart has a chart session of its own, since some plans give each one
    series, and since an error ends the whole chart session.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.has_output = False
        self.deadline: float | None = None
        self.unknown_messages = 0
        self._settings = settings
        self._post = Post()
        self._login = Login(self._post, settings)
        self._boards: dict[str, QuoteBoard] = {}
        self._charts: dict[str, Chart] = {}
        self._homes: dict[Topic, QuoteBoard | Chart] = {}
        self._live: QuoteBoard | None = None
        self._recalled: dict[Topic, Event] = {}
        self._given_back: set[str] = set()
        self._flowing = FlowingQuotes()
        self._next_id = 1

    # Topics

    def recall(self, topic: Topic, newest: Sequence[Event]) -> bool:
        """Remember what was delivered last of bars and studies, whose missed ones come with the new chart."""
        is_filled = topic.channel in {"bar", "study"}
        if is_filled:
            self._recalled[topic] = newest[-1]
        return is_filled

    def subscribe(self, topics: Sequence[Topic], now: float) -> None:
        """Want these topics; before the token has been said they wait."""
        quotes = [topic for topic in topics if topic.channel == "quote"]
        if quotes:
            self._add_quotes(quotes, now)
        for topic in topics:
            if topic.channel == "quote_snapshot":
                board = self._new_board()
                board.add([topic], now)
                self._homes[topic] = board
            elif topic.channel != "quote":
                self._open_chart(topic, now)
        self._settle()

    def _add_quotes(self, topics: Sequence[Topic], now: float) -> None:
        if self._live is None:
            self._live = self._new_board()
        self._live.add(topics, now)
        self._homes.update(dict.fromkeys(topics, self._live))

    def _new_board(self) -> "QuoteBoard":
        board = QuoteBoard(self._new_name("qs"), self._post, self._flowing)
        self._boards[board.name] = board
        if self._login.is_said:
            board.open()
        return board

    def _open_chart(self, topic: Topic, now: float) -> None:
        chart = Chart(
            topic, self._new_name("cs"), self._post, settings=self._settings, last=self._recalled.pop(topic, None)
        )
        self._charts[chart.name] = chart
        self._homes[topic] = chart
        if self._login.is_said:
            chart.open(now)

    def _new_name(self, prefix: str) -> str:
        number, self._next_id = self._next_id, self._next_id + 1
        return f"{prefix}_{number:012d}"

    def unsubscribe(self, topics: Sequence[Topic], now: float) -> None:
        """No longer want these topics."""
        for topic in topics:
            self._recalled.pop(topic, None)
            self._leave(topic)
        self._settle()

    def _leave(self, topic: Topic) -> None:
        home = self._homes.pop(topic, None)
        if home is None:
            return
        if home.leave(topic):
            self._boards.pop(home.name, None)
            self._charts.pop(home.name, None)
            self._given_back.add(home.name)
            if home is self._live:
                self._live = None
            if self._login.is_said:
                home.close()

    def resubscribe(self, topic: Topic, now: float) -> None:
        """Open the chart or the quote anew, after the newest event that came."""
        home = self._homes.get(topic)
        newest = home.newest if isinstance(home, Chart) else None
        self._leave(topic)
        if newest is not None:
            self._recalled[topic] = newest
        self.subscribe([topic], now)

    def handle_open(self, now: float) -> None:
        """Ask who we are; everything else waits for that."""
        self._login.begin(now)
        self._settle()

    def receive_access(self, access: Access, now: float) -> None:
        """Say the token, and with the first one ask for everything that is wanted."""
        was_said = self._login.is_said
        self._login.take(access, now)
        if self._login.is_said and not was_said:
            for home in self._all():
                home.open(now)
        self._settle()

    # Frames

    def receive(self, frame: Frame, now: float, received_ns: int) -> Sequence[Event]:
        """Take one frame, packet by packet; those that can be read count even where another one cannot.

        Raises:
            ProtocolError: The frame holds nothing that can be read.
        """
        payload = only_payload(frame)
        try:
            if payload is None:
                return self._take_packets(frame, now, received_ns)
            return self._take_packet(payload, now, received_ns)
        except _UNREADABLE as exc:
            raise protocol_error(exc, frame) from exc
        finally:
            if self._post.packets or self._post.signals:
                self._settle()

    def _take_packets(self, frame: bytes, now: float, received_ns: int) -> Sequence[Event]:
        broken: Exception | None = None
        try:
            payloads = unpack(frame)
        except (ValueError, UnicodeDecodeError) as exc:
            broken, payloads = exc, exc.args[1] if len(exc.args) == 2 else []
        events: list[Event] = []
        was_read = False
        for payload in payloads:
            try:
                events += self._take_packet(payload, now, received_ns)
                was_read = True
            except _UNREADABLE as exc:
                broken = exc
        if broken is not None:
            if not was_read:
                raise broken
            self._emit(Remark("TradingView sent a packet among others that cannot be read; it was passed over"))
        return events

    def _take_packet(self, payload: bytes, now: float, received_ns: int) -> Sequence[Event]:
        if payload.startswith(_QUOTE):
            quote = self._flowing.take(payload, received_ns)
            return self._take_quote(payload, now, received_ns) if quote is None else (quote,)
        if payload.startswith(_DATA):
            return self._take_data(payload, now, received_ns)
        if payload.startswith(b"~h~"):
            self._post.packets.append(pack(payload))
            return ()
        return self._take_other(payload, now, received_ns)

    def _take_quote(self, payload: bytes, now: float, received_ns: int) -> Sequence[Event]:
        arguments = decode_quote(payload).p
        board = self._boards.get(arguments.session)
        if board is None:
            return self._of_nobody(arguments.session)
        self._login.has_answer = True
        before = board.deadline
        events = board.take(arguments.quote, payload, now, received_ns=received_ns)
        if board.refused:
            self._part_with(board)
        elif board.deadline != before:
            self._settle()
        return events

    def _take_data(self, payload: bytes, now: float, received_ns: int) -> Sequence[Event]:
        arguments = data_of(payload)
        chart = self._charts.get(arguments.session)
        if chart is None:
            return self._of_nobody(arguments.session)
        before = chart.deadline
        events = chart.take(arguments.objects, now, received_ns)
        if chart.deadline != before:
            self._settle()
        return events

    def _of_nobody(self, name: Any) -> Sequence[Event]:
        """Pass over late packets of what was given back, and count those of what never was."""
        self.unknown_messages += name not in self._given_back
        return ()

    def _take_other(self, payload: bytes, now: float, received_ns: int) -> Sequence[Event]:
        packet = decode_packet(payload)
        arguments = packet.p
        if not packet.m:
            return ()  # the hello
        if packet.m in {"qsd", "du", "timescale_update"}:  # written in another way than the venue's
            return (self._take_quote if packet.m == "qsd" else self._take_data)(payload, now, received_ns)
        if packet.m == "protocol_error":
            self._emit(Failed(fatal_error(arguments[0] if arguments else "", can_renew=self._login.can_renew)))
            return ()
        name = arguments[0] if arguments and isinstance(arguments[0], str) else ""
        home: QuoteBoard | Chart | None = self._boards.get(name) or self._charts.get(name)
        if home is None:
            return self._of_nobody(name)
        self._login.has_answer = True
        events = home.hear(packet.m, arguments, now, received_ns=received_ns)
        if events is None:
            self.unknown_messages += 1
        self._part_with(home)
        return events or ()

    def receive_response(self, key: Any, response: Response, now: float) -> Sequence[Event]:
        """Take the metadata of a study."""
        chart = self._charts.get(key)
        if chart is not None:
            chart.take_metadata(response)
            self._part_with(chart)
        return ()

    def _part_with(self, home: "QuoteBoard | Chart") -> None:
        refused, home.refused = home.refused, []
        for topic in refused:
            self._leave(topic)
        self._settle()

    # Time and output

    def handle_timeout(self, now: float) -> Sequence[Event]:
        """Renew the token, close bars by the clock, and give up on a connection that does not answer."""
        self._login.handle_timeout(now)
        events: list[Event] = []
        for home in self._all():
            if home.deadline is not None and home.deadline <= now:
                events += home.handle_timeout(now)
                if home.is_unanswered:
                    self._emit(Failed(self._login.error_of_silence(home.name)))
        self._settle()
        return events

    def handle_close(self, now: float) -> Sequence[Event]:
        """Return nothing: what a chart has not brought whole is asked for again."""
        return ()

    def _all(self) -> "list[QuoteBoard | Chart]":
        return [*self._boards.values(), *self._charts.values()]

    def _settle(self) -> None:
        times = [home.deadline for home in self._all() if home.deadline is not None]
        if self._login.deadline is not None:
            times.append(self._login.deadline)
        self.deadline = min(times, default=None)
        self.has_output = True

    def _emit(self, signal: Signal) -> None:
        self._post.emit(signal)
        self.has_output = True

    def take_signals(self) -> list[Signal]:
        """Return what happened since the last call."""
        signals, self._post.signals = self._post.signals, []
        return signals

    def frames_to_send(self) -> list[Frame]:
        """Return what to send since the last call, in one message."""
        packets, self._post.packets = self._post.packets, []
        self.has_output = bool(self._post.signals)
        return [b"".join(packets)] if packets else []


class Chart:
    """One chart session with one series, perhaps a study on it: loads what is wished for, then follows it.

    Bars are told apart by their times: where they stand on the chart's time scale shifts.
    """

    def __init__(
        self, topic: Topic, name: str, post: Post, *, settings: Mapping[str, Any], last: Event | None = None
    ) -> None:
        self.topic = topic
        self.name = name
        self.deadline: float | None = None
        self.refused: list[Topic] = []
        self.is_unanswered = False
        self.newest: Event | None = None
        self._post = post
        self._settings = settings
        self._wish = wish_of(topic)
        self._last = last
        self._bars: dict[int, Point] = {}
        self._values: dict[int, Point] = {}
        self._line = BarLine()
        self._study: StudyCall | None = None
        self._turnaround = "s1"
        self._known_bars = 0
        self._is_loaded = self._is_live = self._is_whole = self._has_completed = False
        self._closes_s: float | None = None
        self._planned_s: float | None = None
        self._closed_s = 0

    @property
    def _since_s(self) -> int | None:
        """The time from which on bars are wanted, where it is a time and not a number of them."""
        last = self._last
        return last.open_time_ns // _S if isinstance(last, Bar | StudyPoint) else self._wish.from_s

    # What is asked for

    def open(self, now: float) -> None:
        """Open the chart session and ask for the first page; for a range the series is modified at once."""
        wish, name = self._wish, self.name
        resolution = resolution_of(wish.interval)
        self._post.call("chart_create_session", name, "")
        self._post.call("resolve_symbol", name, _SYMBOL, symbol_spec(self.topic.symbol, self._settings))
        self._post.call("create_series", name, _SERIES, "s1", _SYMBOL, resolution, self._first_page(), "")
        if wish.from_s is not None:
            self._turnaround = "s2"
            frame = f"r,{wish.from_s}:{wish.until_s}"
            self._post.call("modify_series", name, _SERIES, "s2", _SYMBOL, resolution, frame)
        if is_pine(wish.study):
            self._post.emit(Fetch(name, pine_request(wish.study)))
        elif wish.study:
            self._study = built_in_call(wish)
        self.deadline = now + spec.ANSWER_S

    def _first_page(self) -> int:
        if self._last is not None:
            return spec.FIRST_BARS
        if self._wish.from_s is not None:
            return 2
        if self._wish.study:
            return max(self._wish.count + spec.WARM_UP_BARS, spec.FIRST_BARS)
        return max(self._wish.count + (self.topic.channel == "bar"), 2)

    def leave(self, topic: Topic) -> bool:
        """Watch no more."""
        return True

    def close(self) -> None:
        """Give the chart session back."""
        self._post.call("chart_delete_session", self.name)

    # What comes

    def take(self, objects: Mapping[str, DataPart], now: float, received_ns: int) -> Sequence[Event]:
        """Take bars and values: a page, or what has changed."""
        events: list[Event] = []
        if (part := objects.get(_SERIES)) is not None:
            points = bar_points(part.s)
            if part.lbs is not None:
                self._closes_s = part.lbs.bar_close_time
            if not self._is_live:
                self._bars.update((point.time_s, point) for point in points)
            elif self.topic.channel == "bar":
                events += self._follow_bars(points, now, received_ns)
        if (part := objects.get(_STUDY)) is not None:
            points = study_points(part.st)
            if not self._is_live:
                self._values.update((point.time_s, point) for point in points)
            elif self.topic.channel == "study":
                events += self._follow_values(points, received_ns)
        if not self._is_live:
            self.deadline = now + spec.ANSWER_S
        return events

    def hear(self, method: str, arguments: Sequence[Any], now: float, *, received_ns: int) -> Sequence[Event] | None:
        """Take another message about this chart; None for one of a kind that is not known."""
        if method == "series_completed":
            return self._complete_page(arguments, now, received_ns)
        if method == "study_completed":
            return self._finish_study(received_ns) if self._is_loaded and not self._is_live else ()
        if method == "clear_data" and not self._is_live:
            self._bars.clear()
        place = spec.REASONS_AT.get(method)
        if place is not None:
            reason, detail = (*arguments[place : place + 2], "", "")[:2]
            self._refuse(refusal_of(reason if method != "unsupported_resolution" else method, detail, self.topic))
        return () if place is not None or method in spec.SILENT else None

    def _refuse(self, error: BrokerwireError) -> None:
        self._post.emit(Refused(self.topic, error))
        self.refused.append(self.topic)

    def _complete_page(self, arguments: Sequence[Any], now: float, received_ns: int) -> Sequence[Event]:
        """Ask for an older page until what is wished for is there, or the venue says, or shows, that nothing is."""
        self._has_completed = True
        if self._is_loaded or arguments[3] != self._turnaround:
            return ()
        info = arguments[4] if len(arguments) > 4 and isinstance(arguments[4], Mapping) else {}
        is_end = "data_completed" in info or len(self._bars) == self._known_bars
        return self._take_stock(now, received_ns, is_end=is_end)

    def _take_stock(self, now: float, received_ns: int, *, is_end: bool) -> Sequence[Event]:
        since_s = self._since_s
        lacking = max(self._wish.count - len(self._bars), 0) if since_s is None else 0
        self._is_whole = not lacking and (since_s is None or min(self._bars, default=since_s + 1) <= since_s)
        if self._is_whole or is_end:
            self._is_loaded = True
            return self._finish_bars(now, received_ns) if not self._wish.study else self._begin_study()
        self._known_bars = len(self._bars)
        self._post.call("request_more_data", self.name, _SERIES, max(lacking, spec.PAGE_BARS))
        self.deadline = now + spec.ANSWER_S
        return ()

    def _begin_study(self) -> Sequence[Event]:
        if self._is_loaded and self._study is not None:
            study = self._study
            self._post.call("create_study", self.name, _STUDY, "st1", _SERIES, study.type, study.inputs)
        return ()

    def take_metadata(self, response: Response) -> None:
        """Take what the pine facade says about the script."""
        try:
            self._study = pine_call(response, self._wish)
        except BrokerwireError as exc:
            self._refuse(exc)
        else:
            self._begin_study()

    # When everything is there

    def _finish_bars(self, now: float, received_ns: int) -> Sequence[Event]:
        points = [self._bars[time_s] for time_s in sorted(self._bars)]
        is_forming = bool(points) and self._closes_s is not None and self._closes_s > received_ns / _S
        closed, forming = (points[:-1], points[-1:]) if is_forming else (points, [])
        self._go_live(points)
        if self.topic.channel == "history":
            return self._history_of(closed, forming, received_ns)
        bars = self._built(closed, received_ns, is_closed=True) + self._built(forming, received_ns, is_closed=False)
        self._line.start(bars[-2:])
        self._closed_s = closed[-1].time_s if closed else 0
        self.newest = bars[-1] if bars else self._last
        self._plan_close(now, received_ns, is_forming=is_forming)
        if isinstance(self._last, Bar):
            first_s = self._last.open_time_ns // _S + self._last.is_closed
            return [bar for bar in bars if bar.open_time_ns >= first_s * _S]
        count = self._wish.count
        return bars[-count - len(forming) :] if count else bars[len(bars) - len(forming) :]

    def _history_of(self, closed: Sequence[Point], forming: Sequence[Point], received_ns: int) -> Sequence[Event]:
        wish = self._wish
        bars = self._built(closed, received_ns, is_closed=True)
        bars += self._built(forming, received_ns, is_closed=False, is_old=True)
        if wish.from_s is None or wish.until_s is None:
            return bars[-wish.count :]
        return [bar for bar in bars if wish.from_s * _S <= bar.open_time_ns < wish.until_s * _S]

    def _built(
        self, points: Sequence[Point], received_ns: int, *, is_closed: bool, is_old: bool | None = None
    ) -> list[Bar]:
        old = is_closed if is_old is None else is_old
        return [
            bar_of(point, self.topic, self._wish.interval, received_ns=received_ns, is_closed=is_closed, is_old=old)
            for point in points
        ]

    def _finish_study(self, received_ns: int) -> Sequence[Event]:
        points = [self._values[time_s] for time_s in sorted(self._values)]
        self._go_live(points)
        if isinstance(self._last, StudyPoint):
            since_s = self._last.open_time_ns // _S
            found = self._points_of([point for point in points if point.time_s >= since_s], received_ns)
            is_repeated = bool(found) and found[0].values == self._last.values
            return found[1:] if is_repeated and found[0].open_time_ns == self._last.open_time_ns else found
        return self._points_of(points[-self._wish.count :], received_ns)

    def _points_of(self, points: Sequence[Point], received_ns: int) -> list[StudyPoint]:
        plots = () if self._study is None else self._study.plots
        found = [
            study_event(point, self.topic, wish=self._wish, plots=plots, received_ns=received_ns) for point in points
        ]
        self.newest = found[-1] if found else self.newest
        return found

    def _go_live(self, points: Sequence[Point]) -> None:
        """Say that everything is there; what was missed before is too, unless the venue does not reach back so far."""
        self._is_live = True
        self.deadline = None
        kept = {point.time_s: point for point in points[-KEPT:]}
        self._bars, self._values = (self._bars, kept) if self._wish.study else (kept, {})
        self._post.emit(Accepted((self.topic,)))
        self._post.emit(Ready(self.topic))
        is_history = self.topic.channel == "history" and not self._is_whole
        if self._last is not None or is_history:
            reason = "what was missing was fetched" if self._is_whole else "the venue does not reach back so far"
            self._post.emit(GapFound(self.topic, None, None, reason, filled=self._is_whole))

    # What follows

    def _follow_bars(self, points: Sequence[Point], now: float, received_ns: int) -> Sequence[Event]:
        events: list[Bar] = []
        for point in points:
            if not is_news(point, self._bars):
                continue
            is_closed = point.time_s <= self._closed_s
            bar = bar_of(
                point, self.topic, self._wish.interval, received_ns=received_ns, is_closed=is_closed, is_old=False
            )  # fmt: skip
            events += self._line.take(bar)
            self.newest = bar
        for bar in events:
            if bar.is_closed:
                self._closed_s = max(self._closed_s, bar.open_time_ns // _S)
        self._plan_close(now, received_ns, is_forming=bool(events) and not events[-1].is_closed)
        return events

    def _plan_close(self, now: float, received_ns: int, *, is_forming: bool) -> None:
        """Close the bar by the clock if nothing follows it; once for each bar, however often it changes."""
        if (
            not is_forming
            or self._closes_s is None
            or (self.deadline is not None and self._closes_s == self._planned_s)
        ):
            return
        self._planned_s = self._closes_s
        self.deadline = now + max(self._closes_s - received_ns / _S, 0.0) + spec.CLOSE_GRACE_S

    def _follow_values(self, points: Sequence[Point], received_ns: int) -> Sequence[Event]:
        return self._points_of([point for point in points if is_news(point, self._values)], received_ns)

    def handle_timeout(self, now: float) -> Sequence[Event]:
        """Close the bar by the clock; or go on with what has come of a page, or say that nothing has."""
        self.deadline = None
        newest = self.newest
        if self._is_live and isinstance(newest, Bar):
            self._closed_s = newest.open_time_ns // _S
            closed = msgspec.structs.replace(newest, is_closed=True)
            stamp(closed, self.topic, newest._message)
            return self._line.take(closed)
        self.is_unanswered = not self._is_live
        return ()
