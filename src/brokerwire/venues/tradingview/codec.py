"""Between TradingView's wire and our events: symbols, intervals, quotes, bars, studies, errors; no I/O."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct

from brokerwire.errors import (
    ConfigurationError,
    InvalidSymbolError,
    RequestError,
)
from brokerwire.events import Bar, Event, Quote, StudyPoint, Topic, tie
from brokerwire.redact import clean
from brokerwire.venue import Accepted, Ready, Refused, Remark, Request, Response
from brokerwire.venue.layered_message import LayeredMessage, shape_of
from brokerwire.venues.tradingview import spec
from brokerwire.venues.tradingview.auth import protocol_error, refusal_of
from brokerwire.venues.tradingview.wire import (
    NO_FIGURES,
    ChangeReader,
    LastBar,
    Packet,
    Point,
    Post,
    QuoteBody,
    QuotePacket,
    Translation,
    Wish,
    read_fields,
)

decode_packet = msgspec.json.Decoder(Packet).decode
decode_quote = msgspec.json.Decoder(QuotePacket).decode
_decode_translation = msgspec.json.Decoder(Translation).decode

_S = 1_000_000_000
QUOTE = b'{"m":"qsd"'
KEPT = 10
"""Bars and values that a live chart remembers, to tell what is news."""
_SYMBOL = re.compile(r"[A-Z0-9_]+:[A-Z0-9_.!&/*+\-:'()]+")
_DELAYED = re.compile("delayed_streaming_([0-9]{1,6})")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "M": 2_678_400}


# Symbols, intervals, topics


def canonical_symbol(symbol: str) -> str:
    """Return TradingView's spelling: ``nasdaq-aapl`` and ``NASDAQ:AAPL`` are ``NASDAQ:AAPL``.

    Raises:
        InvalidSymbolError: It names no exchange, or cannot be a symbol.
    """
    name = symbol.strip().upper().replace(" ", "")
    exchange, separator, ticker = name.partition(":")
    if not separator:
        exchange, separator, ticker = name.partition("-")
    canonical = f"{exchange}:{ticker}"
    if not _SYMBOL.fullmatch(canonical):
        text = f"{clean(symbol)!r} is not a TradingView symbol; write EXCHANGE:SYMBOL, for example NASDAQ:AAPL"
        raise InvalidSymbolError(text, symbol=symbol, venue=spec.NAME)
    return canonical


def resolution_of(interval: str) -> str:
    """Return what TradingView calls an interval: ``1h`` is ``60``, ``1d`` is ``1D``.

    Raises:
        ConfigurationError: It is none.
    """
    number, unit = interval[:-1], interval[-1:]
    if not (number.isascii() and number.isdigit() and int(number)) or unit not in _SECONDS:
        known = " ".join(sorted(spec.INTERVALS))
        raise ConfigurationError(f"TradingView has no bars of {interval!r}; it has: {known}", venue=spec.NAME)
    if unit in {"m", "h"}:
        return str(int(number) * (60 if unit == "h" else 1))
    return f"{int(number)}{unit.upper()}"


def seconds_of(interval: str) -> int:
    """Return the length of an interval in seconds; the longest month for months."""
    return int(interval[:-1]) * _SECONDS[interval[-1]]


def build_topic(channel: str, symbol: str, variant: str, settings: Mapping[str, Any]) -> Topic:
    """Return the topic in TradingView's spelling.

    The variant of bars is ``interval`` or ``interval;bars_back``, of studies ``interval;study;name=value&...``.

    Raises:
        InvalidSymbolError: The symbol cannot be one.
        ConfigurationError: The interval or a setting is none of TradingView's.
    """
    for name, choices in spec.SETTING_CHOICES.items():
        if settings.get(name, choices[0]) not in choices:
            raise ConfigurationError(
                f"setting {name!r} must be one of {choices}, not {settings[name]!r}", venue=spec.NAME
            )
    if channel in {"bar", "study"}:
        resolution_of(variant.partition(";")[0])
    return Topic(channel, canonical_symbol(symbol), variant)


# Quotes


class QuoteLine:
    """One quote as its changes have made it."""

    __slots__ = ("_figures", "_layers", "_merge", "_time_ns", "_time_s", "symbol", "topic")

    def __init__(self, symbol: str, topic: Topic, reader: ChangeReader) -> None:
        self.symbol = symbol
        self.topic = topic
        self._merge = reader.merge
        self._figures = NO_FIGURES
        self._time_s: float | None = None
        self._time_ns: int | None = None
        self._layers = LayeredMessage(read_fields)

    def take(self, values: bytes, packet: bytes, received_ns: int) -> Quote:
        """Merge what changed, and return the whole quote.

        Raises:
            msgspec.MsgspecError: The values have another shape; nothing was changed.
        """
        shape = shape_of(values)
        figures = self._merge(self._figures, values, shape)
        layers = self._layers.put(values, shape)
        self._figures = figures
        time_s = figures[0]
        if time_s != self._time_s:
            self._time_s = time_s
            self._time_ns = None if time_s is None else int(time_s * 1000) * 1_000_000
        event = Quote(spec.NAME, self.symbol, self._time_ns, received_ns, *figures[1:])
        tie(event, "_topic", self.topic)
        tie(event, "_message", layers)
        tie(event, "_frame", packet)
        return event


class FlowingQuotes:
    """Quotes whose changes are delivered as they come, by how their packets begin: only the values differ then."""

    def __init__(self) -> None:
        self._lines: dict[bytes, QuoteLine] = {}

    def take(self, packet: bytes, received_ns: int) -> Quote | None:
        """Return the whole quote; None for a packet that is not known, or differs in more than its values."""
        if not packet.startswith(QUOTE):
            return None
        start = packet.find(b'"v":{', 0, spec.MOST_HEAD)
        line = self._lines.get(packet[:start]) if start > 0 else None
        if line is None or packet[-3:] != b"}]}":
            return None
        try:
            return line.take(packet[start + 4 : -3], packet, received_ns)
        except msgspec.MsgspecError:
            return None

    def learn(self, packet: bytes, values: Raw, line: QuoteLine) -> None:
        """Remember how a packet begins, if nothing but its values can differ."""
        start = packet.find(b'"v":{', 0, spec.MOST_HEAD)
        if start > 0 and packet[start + 4 :] == bytes(values) + b"}]}":
            if len(self._lines) >= spec.MOST_HEADS:
                self.forget()
            self._lines[packet[:start]] = line

    def forget(self) -> None:
        """Know none any more: one was given back."""
        self._lines.clear()

    def __len__(self) -> int:
        return len(self._lines)


class QuoteBoard:
    """One quote session: symbols, and what is known of each; ``flowing`` hears of those that flow."""

    def __init__(self, name: str, post: Post, flowing: FlowingQuotes) -> None:
        self.name = name
        self.deadline: float | None = None
        self.refused: list[Topic] = []
        self.is_unanswered = False
        self._post = post
        self._flowing = flowing
        self._reader = ChangeReader()
        self._lines: dict[str, QuoteLine] = {}
        self._waiting: dict[str, tuple[float, Event | None]] = {}  # symbol → until when, and what has come so far
        self._is_open = False

    def add(self, topics: Sequence[Topic], now: float) -> None:
        """Watch these symbols too."""
        for topic in topics:
            self._lines[topic.symbol] = QuoteLine(topic.symbol, topic, self._reader)
            self._waiting[topic.symbol] = (now + spec.ANSWER_S, None)
        if self._is_open:
            self._ask([topic.symbol for topic in topics])
        self._settle()

    def open(self, _now: float = 0.0) -> None:
        """Open the session and ask for everything that is watched."""
        self._is_open = True
        self._post.call("quote_create_session", self.name)
        self._post.call("quote_set_fields", self.name, *spec.QUOTE_FIELDS)
        if self._lines:
            self._ask(list(self._lines))

    def _ask(self, symbols: Iterable[str]) -> None:
        """Add symbols; the list of those at full rate is always said whole."""
        self._post.call("quote_add_symbols", self.name, *symbols)
        self._post.call("quote_fast_symbols", self.name, *self._lines)

    def leave(self, topic: Topic) -> bool:
        """Watch a symbol no more; tells whether none is left."""
        self._flowing.forget()
        self._lines.pop(topic.symbol, None)
        self._waiting.pop(topic.symbol, None)
        if self._lines and self._is_open:
            self._post.call("quote_remove_symbols", self.name, topic.symbol)
            self._post.call("quote_fast_symbols", self.name, *self._lines)
        self._settle()
        return not self._lines

    def close(self) -> None:
        """Give the session back."""
        self._post.call("quote_delete_session", self.name)

    def take(self, body: QuoteBody, packet: bytes, now: float, *, received_ns: int) -> Sequence[Event]:
        """Merge what changed of a quote; until the venue says that its values are complete they are held together."""
        line = self._lines.get(body.n)
        if line is None:
            return ()
        if body.s != "ok":
            self._refuse(line, body)
            return ()
        quote = line.take(bytes(body.v), packet, received_ns)
        if body.n not in self._waiting:
            self._flowing.learn(packet, body.v, line)
            return (quote,)
        _, held = self._waiting[body.n]
        if held is None:
            self._post.emit(Accepted((line.topic,)))
            self._waiting[body.n] = (now + spec.SNAPSHOT_S, quote)
        else:
            self._waiting[body.n] = (self._waiting[body.n][0], quote)
        self._settle()
        return ()

    def _refuse(self, line: QuoteLine, body: QuoteBody) -> None:
        """A symbol that never came is refused; one that did keeps its values."""
        error = refusal_of(body.errmsg or body.s, None, line.topic)
        held = self._waiting.get(body.n)
        if held is not None and held[1] is None:
            self._post.emit(Refused(line.topic, error))
            self.refused.append(line.topic)
        else:
            self._post.emit(Remark(str(error), line.topic))

    def hear(self, method: str, arguments: Sequence[Any], now: float, *, received_ns: int) -> Sequence[Event] | None:
        """Take another message about this session; None for one of a kind that is not known."""
        if method == "quote_completed":
            return self._complete([str(arguments[1])])
        if method == "critical_error":
            arguments = (*arguments, "", "")
            for line in self._lines.values():
                self._post.emit(Refused(line.topic, refusal_of(arguments[1], arguments[2], line.topic)))
            self.refused = [line.topic for line in self._lines.values()]
            return ()
        return () if method == "quote_list_fields" else None

    def _complete(self, symbols: Iterable[str]) -> list[Event]:
        """Deliver what has come of quotes whose first values are complete."""
        events: list[Event] = []
        for symbol in symbols:
            if symbol not in self._waiting:
                continue
            _, held = self._waiting.pop(symbol)
            if held is None:  # complete, and there is nothing: the venue serves it all the same
                self._post.emit(Accepted((self._lines[symbol].topic,)))
            self._post.emit(Ready(self._lines[symbol].topic))
            events += [] if held is None else [held]
        self._settle()
        return events

    def handle_timeout(self, now: float) -> Sequence[Event]:
        """Deliver quotes of which the venue does not say that they are complete; those that never came are missed."""
        due = [symbol for symbol, (until, _) in self._waiting.items() if until <= now]
        missed = [symbol for symbol in due if self._waiting[symbol][1] is None]
        self.is_unanswered = bool(missed)
        for symbol in missed:  # once is enough: it ends the connection
            del self._waiting[symbol]
        return self._complete(due)

    def _settle(self) -> None:
        self.deadline = min((until for until, _ in self._waiting.values()), default=None)


# Bars and studies


class Pages:
    """The bars of a chart while they come page by page: how far they reach, and whether a completion is an answer."""

    def __init__(self, wish: Wish, since_s: int | None) -> None:
        self.bars: dict[int, Point] = {}
        self.is_whole = False
        self.is_end_told = False
        self.is_range_asked = False
        self._wish = wish
        self._since_s = since_s
        self._known = 0
        self._has_heard = True

    @property
    def turnaround(self) -> str:
        """What the completion of what was asked last is marked with."""
        return "s2" if self.is_range_asked else "s1"

    def hear(self, points: Iterable[Point] = ()) -> None:
        """Take bars, or hear that the venue is at work on what was asked last."""
        self.bars.update((point.time_s, point) for point in points)
        self._has_heard = True

    def doubt_s(self, turnaround: Any, *, is_end: bool) -> float | None:
        """Return how long to wait whether something else follows a completion; None if it is the answer.

        One that nothing came before is the repeat of an earlier one, or a page that brings nothing. For a range the
        first request may be answered with the second: https://github.com/lumduan/tvkit/issues/32, read 2026-11-20.
        """
        self.is_end_told |= is_end
        if turnaround == self.turnaround:
            return None if is_end or self._has_heard else spec.REPEAT_S
        is_there = len(self.bars) > spec.PROBE_BARS or min(self.bars, default=math.inf) <= (self._wish.from_s or 0)
        return spec.MERGED_S if is_there else math.inf

    @property
    def is_missed(self) -> bool:
        """Whether the venue has less than is wished for; a range in which nothing was traded lacks nothing."""
        return not self.is_whole and (self._wish.from_s is None or self.is_end_told)

    def more(self, *, is_end: bool) -> int:
        """Return how many older bars to ask for: none if what is wished for is there, or if there is no more.

        There is no more if the venue says so, and if a page brought nothing new.
        """
        lacking = max(self._wish.count - len(self.bars), 0) if self._since_s is None else 0
        reach_s = min(self.bars, default=math.inf)
        self.is_whole = not lacking and (self._since_s is None or reach_s <= self._since_s)
        if self.is_whole or is_end or len(self.bars) == self._known:
            return 0
        self._known = len(self.bars)
        self._has_heard = False
        return max(lacking, spec.PAGE_BARS)


class VenueTime:
    """How far the venue's time is behind ours: its bars end by its own, be ours wrong or what it sends recorded."""

    def __init__(self) -> None:
        self.behind_s = 0.0

    def hear(self, t_ms: Any, received_ns: int) -> None:
        """Take the time of a packet, if it says that."""
        if isinstance(t_ms, int | float) and t_ms > 0:
            self.behind_s = received_ns / _S - t_ms / 1000


class CloseClock:
    """When the newest bar of a chart ends, as the venue plans it, and when its last change is due here."""

    def __init__(self, interval: str, time: VenueTime) -> None:
        self.delay_s = 0.0
        self._time = time
        self._is_told = False
        self._push_s = 0.0
        self._length_s = seconds_of(interval)
        self._closes_s: float | None = None
        self._planned_s: float | None = None

    def set_pace(self, mode: Any, info: Mapping[str, Any]) -> None:
        """Take what ``series_completed`` says: how far bars are behind the market, and how often they are pushed."""
        delayed = _DELAYED.fullmatch(str(mode))
        push_s = info.get("rt_update_period")
        self.delay_s = float(delayed[1]) if delayed else 0.0
        self._push_s = float(push_s) if isinstance(push_s, int | float) else 0.0

    def set_close(self, last: LastBar | None, points: Sequence[Point]) -> None:
        """Take the planned end of the newest bar; where it is not said, that follows from its length."""
        if last is not None and last.bar_close_time is not None:
            self._is_told = True
            self._closes_s = last.bar_close_time
        elif points:
            closes_s = max(point.time_s for point in points) + self._length_s
            self._closes_s = closes_s if self._closes_s is None else max(closes_s, self._closes_s)

    def is_forming(self, received_ns: int, *, is_live: bool) -> bool:
        """Tell whether the newest bar still changes; followed live it does until its end is known to be over."""
        return self._left_s(received_ns) > 0 or (is_live and not self._is_told)

    def _left_s(self, received_ns: int) -> float:
        """Return how long it is until the bar ends; one of a delayed feed ends later here."""
        return 0.0 if self._closes_s is None else self._closes_s + self.delay_s + self._time.behind_s - received_ns / _S

    def plan_s(self, received_ns: int, *, is_planned: bool) -> float | None:
        """Return in how many seconds to close the bar; None if that is planned, or not known."""
        if self._closes_s is None or (is_planned and self._closes_s == self._planned_s):
            return None
        self._planned_s = self._closes_s
        return max(self._left_s(received_ns), 0.0) + self._push_s + spec.CLOSE_GRACE_S


def bars_of(
    points: Sequence[Point],
    topic: Topic,
    interval: str,
    *,
    received_ns: int,
    is_closed: bool,
    is_old: bool | None = None,
) -> list[Bar]:
    """Return bars as events; closed ones are old unless something else is said."""
    old = is_closed if is_old is None else is_old
    return [
        bar_of(point, topic, interval, received_ns=received_ns, is_closed=is_closed, is_old=old) for point in points
    ]


def bar_of(point: Point, topic: Topic, interval: str, *, received_ns: int, is_closed: bool, is_old: bool) -> Bar:
    """Return a bar as an event; ``is_old`` for one that was asked for and not pushed."""
    v = point.values
    volume = v.volume
    bar = Bar(
        spec.NAME,
        topic.symbol,
        None,
        received_ns,
        interval,
        point.time_s * _S,
        v.open,
        v.high,
        v.low,
        v.close,
        volume if isinstance(volume, float) and volume < spec.NO_VALUE else None,
        None,
        None,
        is_closed,
        "backfill" if is_old else "stream",
    )
    tie(bar, "_topic", topic)
    tie(bar, "_message", point.message)
    return bar


def asked_for(bars: Sequence[Bar], wish: Wish) -> Sequence[Bar]:
    """Return the bars of history that were wished for: those of the range, or the newest so many."""
    if wish.from_s is None or wish.until_s is None:
        return bars[-wish.count :]
    return [bar for bar in bars if wish.from_s * _S <= bar.open_time_ns < wish.until_s * _S]


def study_event(point: Point, topic: Topic, *, wish: Wish, plots: Sequence[str], received_ns: int) -> StudyPoint:
    """Return the values of a study at one bar, by the names of its plots."""
    values = {(plots[at] if at < len(plots) else f"plot_{at}"): _figure(value) for at, value in enumerate(point.values)}
    event = StudyPoint(
        spec.NAME, topic.symbol, None, received_ns, wish.study, wish.interval, point.time_s * _S, values
    )  # fmt: skip
    tie(event, "_topic", topic)
    tie(event, "_message", point.message)
    return event


def _figure(value: float | str | None) -> float | None:
    return value if isinstance(value, float) and value < spec.NO_VALUE else None


def is_news(point: Point, known: dict[int, Point]) -> bool:
    """Tell whether a bar or value is new or has changed, and remember it; what is older than those known is not."""
    before = known.get(point.time_s)
    if before is None and known and point.time_s < min(known):
        return False
    if before is not None and before.values == point.values:
        return False
    known[point.time_s] = point
    while len(known) > KEPT:
        del known[min(known)]
    return True


class StudyCall(Struct, frozen=True):
    """What ``create_study`` is told: the type and the inputs; and the names of the plots, where they are known."""

    type: str
    inputs: Mapping[str, Any]
    plots: Sequence[str] = ()


def is_pine(study: str) -> bool:
    """Whether a study is a Pine script, whose metadata has to be fetched."""
    return ";" in study


def built_in_call(wish: Wish) -> StudyCall:
    """Return the call for a built-in study; without a pack number it gets one that the venue knows."""
    name, _, pack_name = wish.study.partition("@")
    pack_name = pack_name or "tv-basicstudies"
    numbered = pack_name if pack_name.rstrip("!")[-1:].isdigit() else f"{pack_name}-{spec.STUDY_PACK}"
    return StudyCall(f"{name}@{numbered}", wish.inputs)


def pine_request(study: str) -> Request:
    """Return the request for a script's metadata; ``study`` is its id, with ``@`` and a version if not the last one.

    Source: https://github.com/Mathieu2301/TradingView-API, src/miscRequests.js, read 2026-11-20.
    """
    script, _, version = study.partition("@")
    escaped = quote(re.sub("[ %]", "%25", script), safe="%")
    return Request(endpoint="pine", path=f"/pine-facade/translate/{escaped}/{quote(version or 'last')}", bucket="pages")


def script_of(response: Response, study: str) -> tuple[Mapping[str, Any], Any]:
    """Return a script's metadata and its template.

    Raises:
        RequestError: The venue has no such script.
        ProtocolError: The answer cannot be read.
    """
    try:
        answer = _decode_translation(response.body) if response.is_success else Translation(reason=response.status)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise protocol_error(exc, response.body) from exc
    info = answer.result.get("metaInfo")
    if not answer.success or not info or not isinstance(info, Mapping):
        raise RequestError(f"TradingView has no study {study!r}: {clean(str(answer.reason))}", venue=spec.NAME)
    return info, answer.result.get("ilTemplate")


def pine_call(response: Response, wish: Wish) -> StudyCall:
    """Return the call for a Pine script from its metadata; inputs are named by id or by name.

    Raises:
        RequestError: The venue has no such script, or it has no input of a name.
    """
    info, template = script_of(response, wish.study)
    is_strategy = (info.get("extra") or {}).get("kind") == "strategy" or info.get("isTVScriptStrategy") is True
    inputs = _pine_inputs(info, template)
    for name, value in wish.inputs.items():
        inputs[_input_id(info, name)]["v"] = value
    kind = "StrategyScript" if is_strategy else "Script"
    return StudyCall(f"{kind}@tv-scripting-101!", inputs, _plot_names(info))


def _pine_inputs(info: Mapping[str, Any], template: Any) -> dict[str, Any]:
    listed = info.get("inputs") or []
    text = template or next((each.get("defval") for each in listed if each.get("id") == "text"), "")
    pine = info.get("pine") or {}
    inputs: dict[str, Any] = {
        "text": text,
        "pineId": info.get("scriptIdPart", ""),
        "pineVersion": str(pine.get("version", "last")),
    }
    for each in listed:
        name = str(each.get("id"))
        if name.startswith("in_"):
            inputs[name] = {"v": each.get("defval"), "f": bool(each.get("isFake", True)), "t": each.get("type")}
    return inputs


def _input_id(info: Mapping[str, Any], name: str) -> str:
    for each in info.get("inputs") or []:
        known = str(each.get("id"))
        if known.startswith("in_") and name.casefold() in {known, str(each.get("name", "")).casefold()}:
            return known
    settable = [each for each in info.get("inputs") or [] if str(each.get("id")).startswith("in_")]
    names = ", ".join(str(each.get("name") or each.get("id")) for each in settable)
    raise RequestError(f"the study has no input {name!r}; it has: {clean(names)}", venue=spec.NAME)


def _plot_names(info: Mapping[str, Any]) -> list[str]:
    """Return a name for each plot: its title where it has one of its own, else its id."""
    styles = info.get("styles") or {}
    names: list[str] = []
    for at, plot in enumerate(info.get("plots") or []):
        plot_id = str(plot.get("id", f"plot_{at}"))
        title = str((styles.get(plot_id) or {}).get("title") or plot_id)
        names.append(plot_id if title in names else title)
    return names
