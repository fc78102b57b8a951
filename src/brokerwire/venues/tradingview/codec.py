"""Between TradingView's wire and our events: symbols, intervals, quotes, bars, studies, errors; no I/O."""

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
    BarPoint,
    ChangeReader,
    DataArguments,
    DataPacket,
    Packet,
    Post,
    QuoteBody,
    QuotePacket,
    StudyRow,
    Translation,
    read_fields,
)

decode_packet = msgspec.json.Decoder(Packet).decode
decode_quote = msgspec.json.Decoder(QuotePacket).decode
_decode_data = msgspec.json.Decoder(DataPacket).decode
_decode_bar = msgspec.json.Decoder(BarPoint).decode
_decode_row = msgspec.json.Decoder(StudyRow).decode
_decode_translation = msgspec.json.Decoder(Translation).decode

_S = 1_000_000_000
KEPT = 10
"""Bars and values that a live chart remembers, to tell what is news."""
_SYMBOL = re.compile(r"[A-Z0-9_]+:[A-Z0-9_.!&/*+\-:'()]+")
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


class Wish(Struct, frozen=True, kw_only=True):
    """What a topic asks of a chart: bars of an interval, so many or since a time, perhaps with a study on them.

    Times are in seconds of UTC; ``until_s`` is exclusive.
    """

    interval: str
    count: int = 0
    from_s: int | None = None
    until_s: int | None = None
    study: str = ""
    inputs: Mapping[str, Any] = {}


def wish_of(topic: Topic) -> Wish:
    """Return what a topic of bars, of a study, or of their history asks for."""
    text = topic.variant.partition(";#")[0]
    if topic.channel in {"study", "study_history"}:
        interval, _, rest = text.partition(";")
        study, _, parameters = rest.rpartition(";")
        pairs = dict(pair.split("=", 1) for pair in parameters.split("&") if "=" in pair)
        count = int(pairs.pop("limit", 0)) if topic.channel == "study_history" else 1
        return Wish(interval=interval, count=count, study=study, inputs=_typed(pairs))
    interval, *rest_parts = text.split(";")
    if topic.channel == "bar":
        return Wish(interval=interval, count=int(rest_parts[0]) if rest_parts else 0)
    pairs = dict(part.split("=", 1) for part in rest_parts)
    from_s, until_s = (int(pairs[name]) if name in pairs else None for name in ("from_s", "until_s"))
    return Wish(interval=interval, count=int(pairs.get("limit", 0)), from_s=from_s, until_s=until_s)


def _typed(pairs: Mapping[str, str]) -> dict[str, Any]:
    """Return inputs as numbers and truth values where they look like them."""
    found: dict[str, Any] = {}
    for name, text in pairs.items():
        try:
            found[name] = msgspec.json.decode(text)
        except msgspec.DecodeError:
            found[name] = text
    return found


def symbol_spec(symbol: str, settings: Mapping[str, Any]) -> str:
    """Return a symbol with its adjustment, session and currency, keys in the order of the alphabet."""
    facts: dict[str, Any] = {"adjustment": settings.get("adjustment", "splits")}
    if settings.get("currency"):
        facts["currency-id"] = settings["currency"]
    facts |= {"session": settings.get("session", "regular"), "symbol": symbol}
    return "=" + msgspec.json.encode(facts).decode()


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


def data_of(payload: bytes) -> DataArguments:
    """Read ``du`` or ``timescale_update``."""
    return _decode_data(payload).p


class Point(Struct, frozen=True, gc=False):
    """One bar, or the values of a study at it, as it came; ``time_s`` is its start."""

    time_s: int
    values: Any
    message: bytes


def bar_points(rows: Sequence[Raw]) -> list[Point]:
    """Read the bars of a series."""
    points = []
    for row in rows:
        message = bytes(row)
        values = _decode_bar(message).v
        points.append(Point(round(values.time), values, message))
    return points


def study_points(rows: Sequence[Raw]) -> list[Point]:
    """Read the values of a study; a row without a start is left out."""
    points = []
    for row in rows:
        message = bytes(row)
        time_s, *values = _decode_row(message).v or [None]
        if isinstance(time_s, float):
            points.append(Point(round(time_s), values, message))
    return points


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
        None if volume is None or volume > spec.NO_VALUE else volume,
        None,
        None,
        is_closed,
        "backfill" if is_old else "stream",
    )
    tie(bar, "_topic", topic)
    tie(bar, "_message", point.message)
    return bar


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
    names = ", ".join(str(each.get("name")) for each in info.get("inputs") or [] if each.get("name"))
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
