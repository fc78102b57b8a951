"""The protocol state of one TradingView connection: token, heartbeats, quote sessions, charts; sans-I/O."""

import math
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
from brokerwire.venues.tradingview import codec, spec, wire
from brokerwire.venues.tradingview.auth import Login, fatal_error, protocol_error, refusal_of

_S = 1_000_000_000
_SERIES, _SYMBOL, _STUDY = "sds_1", "sds_sym_1", "st1"
_DATA = (b'{"m":"du"', b'{"m":"timescale_update"')
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
        self._post = wire.Post()
        self._login = Login(self._post, settings)
        self._boards: dict[str, codec.QuoteBoard] = {}
        self._charts: dict[str, Chart] = {}
        self._homes: dict[Topic, codec.QuoteBoard | Chart] = {}
        self._live: codec.QuoteBoard | None = None
        self._recalled: dict[Topic, Event] = {}
        self._given_back: set[str] = set()
        self._flowing = codec.FlowingQuotes()
        self._time = codec.VenueTime()
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

    def _new_board(self) -> codec.QuoteBoard:
        board = codec.QuoteBoard(self._new_name("qs"), self._post, self._flowing)
        self._boards[board.name] = board
        if self._login.is_said:
            board.open()
        return board

    def _open_chart(self, topic: Topic, now: float) -> None:
        clock = codec.CloseClock(topic.variant.partition(";")[0], self._time)
        last = self._recalled.pop(topic, None)
        chart = Chart(topic, self._new_name("cs"), self._post, settings=self._settings, clock=clock, last=last)
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
        payload = wire.only_payload(frame)
        if payload is not None and (quote := self._flowing.take(payload, received_ns)) is not None:
            return (quote,)
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
        payloads, broken = wire.readable(frame)
        events: list[Event] = []
        was_read = False
        for payload in payloads:
            try:
                quote = self._flowing.take(payload, received_ns)
                events += self._take_packet(payload, now, received_ns) if quote is None else (quote,)
                was_read = True
            except _UNREADABLE as exc:
                broken = exc
        if broken is not None:
            if not was_read:
                raise broken
            self._emit(Remark("TradingView sent a packet among others that cannot be read; it was passed over"))
        return events

    def _take_packet(self, payload: bytes, now: float, received_ns: int) -> Sequence[Event]:
        if payload.startswith(codec.QUOTE):
            return self._take_quote(payload, now, received_ns)
        if payload.startswith(_DATA):
            return self._take_data(payload, now, received_ns)
        if payload.startswith(b"~h~"):
            self._post.packets.append(wire.pack(payload))
            return ()
        return self._take_other(payload, now, received_ns)

    def _take_quote(self, payload: bytes, now: float, received_ns: int) -> Sequence[Event]:
        arguments = codec.decode_quote(payload).p
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
        packet = wire.data_of(payload)
        arguments = packet.p
        if packet.t_ms is not None:
            self._time.hear(packet.t_ms, received_ns)
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
        packet = codec.decode_packet(payload)
        arguments = packet.p
        self._time.hear(packet.t_ms, received_ns)
        if not packet.m:
            return ()  # the hello
        if packet.m in {"qsd", "du", "timescale_update"}:  # written in another way than the venue's
            return (self._take_quote if packet.m == "qsd" else self._take_data)(payload, now, received_ns)
        if packet.m == "protocol_error":
            self._emit(Failed(fatal_error(arguments[0] if arguments else "", can_renew=self._login.can_renew)))
            return ()
        name = arguments[0] if arguments and isinstance(arguments[0], str) else ""
        home: codec.QuoteBoard | Chart | None = self._boards.get(name) or self._charts.get(name)
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

    def _part_with(self, home: "codec.QuoteBoard | Chart") -> None:
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

    def _all(self) -> "list[codec.QuoteBoard | Chart]":
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
        self,
        topic: Topic,
        name: str,
        post: wire.Post,
        *,
        settings: Mapping[str, Any],
        clock: codec.CloseClock,
        last: Event | None,
    ) -> None:
        self.topic = topic
        self.name = name
        self.deadline: float | None = None
        self.refused: list[Topic] = []
        self.is_unanswered = False
        self.newest: Event | None = None
        self._post = post
        self._settings = settings
        self._wish = wire.wish_of(topic)
        self._last = last
        self._pages = codec.Pages(self._wish, self._since_s)
        self._bars: dict[int, wire.Point] = {}  # the newest, once it is live
        self._values: dict[int, wire.Point] = {}
        self._line = BarLine()
        self._study: codec.StudyCall | None = None
        self._is_loaded = self._is_live = self._is_doubtful = False
        self._lost_rows = 0
        self._received_ns = 0
        self._clock = clock
        self._closed_s = self._corrected_s = 0

    @property
    def _since_s(self) -> int | None:
        """The time from which on bars are wanted, where it is a time and not a number of them."""
        last = self._last
        return last.open_time_ns // _S if isinstance(last, Bar | StudyPoint) else self._wish.from_s

    # What is asked for

    def open(self, now: float) -> None:
        """Open the chart session and ask for the first page."""
        wish, name = self._wish, self.name
        self._post.call("chart_create_session", name, "")
        self._post.call("resolve_symbol", name, _SYMBOL, wire.symbol_spec(self.topic.symbol, self._settings))
        count = spec.FIRST_BARS if self._last is not None else wish.first_page(is_live=self.topic.channel == "bar")
        self._post.call("create_series", name, _SERIES, "s1", _SYMBOL, codec.resolution_of(wish.interval), count, "")
        if codec.is_pine(wish.study):
            self._post.emit(Fetch(name, codec.pine_request(wish.study)))
        elif wish.study:
            self._study = codec.built_in_call(wish)
        self._wait(now, spec.ANSWER_S if wish.from_s is None else spec.SIGN_S)

    def _ask_range(self, now: float) -> bool:
        """Modify the series once the venue knows the symbol: before, its refusal would hide that of the symbol."""
        wish = self._wish
        if wish.from_s is None or self._pages.is_range_asked:
            return False
        self._pages.is_range_asked = True
        frame = f"r,{wish.from_s}:{wish.until_s}"
        self._post.call("modify_series", self.name, _SERIES, "s2", _SYMBOL, codec.resolution_of(wish.interval), frame)
        self._wait(now, spec.ANSWER_S)
        return True

    def leave(self, topic: Topic) -> bool:
        """Watch no more."""
        return True

    def close(self) -> None:
        """Give the chart session back."""
        self._post.call("chart_delete_session", self.name)

    # What comes

    def take(self, objects: Mapping[str, wire.DataPart], now: float, received_ns: int) -> Sequence[Event]:
        """Take bars and values: a page, or what has changed."""
        events: Sequence[Event] = ()
        self._received_ns = received_ns
        if (part := objects.get(_SERIES)) is not None:
            points = wire.bar_points(part.s)
            self._count_lost(len(part.s) - len(points))
            self._clock.set_close(part.lbs, points)
            if not self._is_live:
                self._pages.hear(points)
                self._ask_range(now)
            elif self.topic.channel == "bar":
                events = self._follow_bars(points, now, received_ns)
        if (part := objects.get(_STUDY)) is not None:
            points = wire.study_points(part.st)
            self._count_lost(len(part.st) - len(points))
            if not self._is_live:
                self._values.update((point.time_s, point) for point in points)
            elif self.topic.channel == "study":
                events = self._follow_values(points, received_ns)
        if not self._is_live:
            self._wait(now, spec.ANSWER_S)
        return events

    def _count_lost(self, rows: int) -> None:
        """Tell of rows that cannot be read: they are passed over, the others count."""
        if rows:
            self._lost_rows += rows
            text = f"rows of {self.topic.channel} of {self.topic.symbol} that cannot be read were passed over: {rows}"
            self._post.emit(Remark(text, self.topic))

    def _wait(self, now: float, seconds: float, *, is_doubtful: bool = False) -> None:
        """Wait for something more; if nothing comes, a doubtful completion is believed."""
        self._is_doubtful = is_doubtful
        self.deadline = now + seconds

    def hear(self, method: str, arguments: Sequence[Any], now: float, *, received_ns: int) -> Sequence[Event] | None:
        """Take another message about this chart; None for one of a kind that is not known."""
        if method == "series_completed":
            return self._complete_page(arguments, now, received_ns)
        if method == "study_completed":
            return self._finish_study(received_ns) if self._is_loaded and not self._is_live else ()
        if method in spec.SIGNS_OF_WORK and not self._is_live:
            self._pages.hear()
            self._ask_range(now)
        if method == "clear_data" and not self._is_live:
            self._pages.bars.clear()
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
        info = arguments[4] if len(arguments) > 4 and isinstance(arguments[4], Mapping) else {}
        self._clock.set_pace(arguments[2], info)
        self._received_ns = received_ns
        if self._is_loaded:
            return ()
        self._ask_range(now)
        is_end = "data_completed" in info
        doubt_s = self._pages.doubt_s(arguments[3], is_end=is_end)
        if doubt_s is None:
            return self._take_stock(now, is_end=is_end)
        if doubt_s < math.inf:
            self._wait(now, doubt_s, is_doubtful=True)
        return ()

    def _take_stock(self, now: float, *, is_end: bool) -> Sequence[Event]:
        more = self._pages.more(is_end=is_end)
        self._wait(now, spec.ANSWER_S)
        if more:
            self._post.call("request_more_data", self.name, _SERIES, more)
            return ()
        self._is_loaded = True
        return self._finish_bars(now, self._received_ns) if not self._wish.study else self._begin_study()

    def _begin_study(self) -> Sequence[Event]:
        if self._is_loaded and self._study is not None:
            study = self._study
            self._post.call("create_study", self.name, _STUDY, "st1", _SERIES, study.type, study.inputs)
        return ()

    def take_metadata(self, response: Response) -> None:
        """Take what the pine facade says about the script."""
        try:
            self._study = codec.pine_call(response, self._wish)
        except BrokerwireError as exc:
            self._refuse(exc)
        else:
            self._begin_study()

    # When everything is there

    def _finish_bars(self, now: float, received_ns: int) -> Sequence[Event]:
        points = [self._pages.bars[time_s] for time_s in sorted(self._pages.bars)]
        is_history = self.topic.channel == "history"
        is_forming = bool(points) and self._clock.is_forming(received_ns, is_live=not is_history)
        closed, forming = (points[:-1], points[-1:]) if is_forming else (points, [])
        self._go_live(points)
        if is_history:
            old = self._built(forming, received_ns, is_closed=False, is_old=True)
            return codec.asked_for(self._built(closed, received_ns, is_closed=True) + old, self._wish)
        bars = self._built(closed, received_ns, is_closed=True) + self._built(forming, received_ns, is_closed=False)
        self._line.start(bars[-2:])
        self._closed_s = closed[-1].time_s if closed else 0
        self.newest = bars[-1] if bars else self._last
        if is_forming:
            self._plan_close(now, received_ns)
        if isinstance(self._last, Bar):
            first_s = self._last.open_time_ns // _S + self._last.is_closed
            return [bar for bar in bars if bar.open_time_ns >= first_s * _S]
        count = self._wish.count
        return bars[-count - len(forming) :] if count else bars[len(bars) - len(forming) :]

    def _built(self, points: Sequence[wire.Point], received_ns: int, **state: bool) -> list[Bar]:
        return codec.bars_of(points, self.topic, self._wish.interval, received_ns=received_ns, **state)

    def _finish_study(self, received_ns: int) -> Sequence[Event]:
        points = [self._values[time_s] for time_s in sorted(self._values)]
        self._go_live(points)
        if isinstance(self._last, StudyPoint):
            since_s = self._last.open_time_ns // _S
            found = self._points_of([point for point in points if point.time_s >= since_s], received_ns)
            is_repeated = bool(found) and found[0].values == self._last.values
            return found[1:] if is_repeated and found[0].open_time_ns == self._last.open_time_ns else found
        return self._points_of(points[-self._wish.count :], received_ns)

    def _points_of(self, points: Sequence[wire.Point], received_ns: int) -> list[StudyPoint]:
        plots = () if self._study is None else self._study.plots
        found = [
            codec.study_event(point, self.topic, wish=self._wish, plots=plots, received_ns=received_ns)
            for point in points
        ]
        self.newest = found[-1] if found else self.newest
        return found

    def _go_live(self, points: Sequence[wire.Point]) -> None:
        """Say that everything is there; what was missed before is too, unless the venue does not reach back so far."""
        self._is_live = True
        self.deadline = None
        kept = {point.time_s: point for point in points[-codec.KEPT :]}
        self._bars, self._values = ({}, kept) if self._wish.study else (kept, {})
        self._post.emit(Accepted((self.topic,)))
        self._post.emit(Ready(self.topic))
        is_history = self.topic.channel == "history"
        is_whole = self._pages.is_whole and not self._lost_rows
        if self._last is not None or (is_history and (self._pages.is_missed or self._lost_rows)):
            reason = "rows cannot be read" if self._lost_rows else "the venue does not reach back so far"
            reason = "what was missing was fetched" if is_whole else reason
            self._post.emit(GapFound(self.topic, None, None, reason, filled=is_whole))
        if self._clock.delay_s and self.topic.channel in {"bar", "study"}:
            self._post.emit(Remark(f"{self.topic} is {self._clock.delay_s:.0f} s behind the market", self.topic))

    # What follows

    def _follow_bars(self, points: Sequence[wire.Point], now: float, received_ns: int) -> Sequence[Event]:
        events: list[Bar] = []
        for point in points if len(points) == 1 else sorted(points, key=lambda each: each.time_s):
            if not codec.is_news(point, self._bars):
                continue
            if point.time_s <= self._closed_s:
                self._note_correction(point)
                continue
            bar = self.newest = codec.bar_of(
                point, self.topic, self._wish.interval, received_ns=received_ns, is_closed=False, is_old=False
            )  # fmt: skip
            events += self._line.take(bar)
        for bar in events:
            if bar.is_closed:
                self._closed_s = max(self._closed_s, bar.open_time_ns // _S)
        if events and not events[-1].is_closed:
            self._plan_close(now, received_ns)
        return events

    def _note_correction(self, point: wire.Point) -> None:
        """A bar that was told as closed is told once: say that the venue has changed its mind, once for each bar."""
        if point.time_s != self._corrected_s:
            self._corrected_s = point.time_s
            text = f"the bar of {self.topic.symbol} that opened at {point.time_s} was changed after it closed"
            self._post.emit(Remark(f"{text}; ask for it with get_bars", self.topic))

    def _plan_close(self, now: float, received_ns: int) -> None:
        """Close the bar by the clock if nothing follows it; once for each bar, however often it changes."""
        in_s = self._clock.plan_s(received_ns, is_planned=self.deadline is not None)
        if in_s is not None:
            self.deadline = now + in_s

    def _follow_values(self, points: Sequence[wire.Point], received_ns: int) -> Sequence[Event]:
        return self._points_of([point for point in points if codec.is_news(point, self._values)], received_ns)

    def handle_timeout(self, now: float) -> Sequence[Event]:
        """Close the bar by the clock; or go on with what has come of a page, or say that nothing has."""
        self.deadline = None
        newest = self.newest
        if self._is_live and isinstance(newest, Bar):
            self._closed_s = newest.open_time_ns // _S
            closed = msgspec.structs.replace(newest, is_closed=True)
            stamp(closed, self.topic, newest._message)
            return self._line.take(closed)
        if self._is_doubtful:
            return self._take_stock(now, is_end=True)
        if self._ask_range(now):
            return ()
        self.is_unanswered = not self._is_live
        return ()
