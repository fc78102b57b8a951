"""TradingView's packets: their framing by length, and their shapes, only the fields that are used."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType
from msgspec.structs import astuple

from brokerwire.events import Topic
from brokerwire.typedefs import Finite
from brokerwire.venue import Signal
from brokerwire.venues.tradingview import spec

_BYTES_HEAD = re.compile(rb"~m~([0-9]{1,9})~m~")
_HEAD = re.compile(r"~m~([0-9]{1,9})~m~")
_BEAT = re.compile(r"~h~[0-9]+")
_NEXT = re.compile(r"~m~[0-9]{1,9}~m~[{~]")

_Value = Annotated[float, Meta(ge=-1.7e308, lt=spec.NO_VALUE)]
Number = Finite | None | UnsetType


class Packet(Struct):
    """Any packet with a method; ``p`` are its arguments, the first of which is mostly the session's id.

    ``t_ms`` is the venue's time, where it says that.
    """

    m: str = ""
    p: list[Any] = []
    t_ms: Any = None


class QuoteBody(Struct):
    """What changed of one quote; ``n`` is the symbol as it was asked for."""

    n: str
    s: str = "ok"
    v: Raw = Raw(b"{}")
    errmsg: str | None = None


class QuoteArguments(Struct, array_like=True):
    """The arguments of ``qsd``."""

    session: str
    quote: QuoteBody


class QuotePacket(Struct):
    """``qsd``: what changed of one quote."""

    p: QuoteArguments


class QuoteValues(Struct, gc=False):
    """The figures of a quote; what is absent has not changed, null and 1e+100 are no value.

    After its time they stand in the order of our own quotes.
    """

    lp_time: Number = UNSET
    bid: Number = UNSET
    bid_size: Number = UNSET
    ask: Number = UNSET
    ask_size: Number = UNSET
    lp: Number = UNSET
    last_size: Number = UNSET  # the venue has none
    volume: Number = UNSET
    open_price: Number = UNSET
    high_price: Number = UNSET
    low_price: Number = UNSET
    prev_close_price: Number = UNSET
    ch: Number = UNSET
    chp: Number = UNSET


Figures: TypeAlias = tuple[float | None, ...]
"""The figures of a quote as the changes so far have made it, in the order of ``QuoteValues``."""

NO_FIGURES: Figures = (None,) * len(QuoteValues.__struct_fields__)

_decode_values = msgspec.json.Decoder(QuoteValues).decode
read_fields = msgspec.json.Decoder(dict[str, Raw]).decode


class ChangeReader:
    """Reads what has changed of quotes, and learns the shapes it comes in: of a known one only what it has is read."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Callable[[bytes], Struct], Callable[[Figures], Figures]] | None] = {}

    def merge(self, figures: Figures, text: bytes, shape: bytes) -> Figures:
        """Return the figures after the change ``text``, whose ``shape`` is what ``shape_of`` says.

        Raises:
            msgspec.MsgspecError: It is no object, or a figure is something else.
        """
        known = self._known.get(shape)
        if known is not None:
            decode, pick = known
            try:
                return pick(figures + astuple(decode(text)))
            except msgspec.MsgspecError:
                return _merge_any(figures, text)
        merged = _merge_any(figures, text)
        if shape not in self._known and len(self._known) < spec.MOST_SHAPES:
            self._known[shape] = _quick_way(text)
        return merged


def _merge_any(figures: Figures, text: bytes) -> Figures:
    changes = astuple(_decode_values(text))
    return tuple(
        before if now is UNSET else None if now is None or now >= spec.NO_VALUE else now
        for before, now in zip(figures, changes, strict=True)
    )


def _quick_way(text: bytes) -> tuple[Callable[[bytes], Struct], Callable[[Figures], Figures]] | None:
    """Return how to read what is shaped as ``text`` if its figures are numbers, and to pick from the old and the new.

    Fields are read quickest in the order they come in.
    """
    places = {name: place for place, name in enumerate(QuoteValues.__struct_fields__)}
    fields = read_fields(text)
    names = [name for name in fields if name in places]
    if not names or any(bytes(fields[name]) == b"null" for name in names):
        return None
    change = msgspec.defstruct("Change", [(name, _Value) for name in names], gc=False)
    news = {places[name]: len(places) + at for at, name in enumerate(names)}
    return msgspec.json.Decoder(change).decode, itemgetter(*(news.get(place, place) for place in places.values()))


class BarValues(Struct, array_like=True, gc=False):
    """A bar: its start in seconds of UTC, its prices, and its volume where the instrument has one."""

    time: _Value
    open: _Value
    high: _Value
    low: _Value
    close: _Value
    volume: Finite | str | None = None


class BarPoint(Struct, gc=False):
    """A bar and where it stands on the time scale of the chart, which shifts."""

    v: BarValues


class StudyRow(Struct):
    """The values of a study at one bar: its start, then one for each plot."""

    v: list[Finite | str | None]


class LastBar(Struct, gc=False):
    """When the newest bar is planned to close, in seconds of UTC."""

    bar_close_time: Finite | None = None


class DataPart(Struct):
    """What changed of one series (``s``) or study (``st``)."""

    s: list[Raw] = []
    st: list[Raw] = []
    lbs: LastBar | None = None


class DataArguments(Struct, array_like=True):
    """The arguments of ``du`` and ``timescale_update``, objects by their ids."""

    session: str
    objects: dict[str, DataPart]


class DataPacket(Struct):
    """``du`` or ``timescale_update``; ``t_ms`` is the venue's time, where it says that."""

    p: DataArguments
    t_ms: Any = None


_decode_data = msgspec.json.Decoder(DataPacket).decode
_decode_bar = msgspec.json.Decoder(BarPoint).decode
_decode_row = msgspec.json.Decoder(StudyRow).decode


def data_of(payload: bytes) -> DataPacket:
    """Read ``du`` or ``timescale_update``."""
    return _decode_data(payload)


class Point(Struct, frozen=True, gc=False):
    """One bar, or the values of a study at it, as it came; ``time_s`` is its start."""

    time_s: int
    values: Any
    message: bytes


def bar_points(rows: Sequence[Raw]) -> list[Point]:
    """Read the bars of a series; a row without a time or a price is left out."""
    points = []
    for row in rows:
        message = bytes(row)
        try:
            values = _decode_bar(message).v
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
        points.append(Point(round(values.time), values, message))
    return points


def study_points(rows: Sequence[Raw]) -> list[Point]:
    """Read the values of a study; a row without a start is left out."""
    points = []
    for row in rows:
        message = bytes(row)
        try:
            time_s, *values = _decode_row(message).v or [None]
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
        if isinstance(time_s, float):
            points.append(Point(round(time_s), values, message))
    return points


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

    def first_page(self, *, is_live: bool) -> int:
        """Return how many bars to create the series with, one more where the newest is still forming."""
        if self.from_s is not None:
            return spec.PROBE_BARS
        if self.study:
            return max(self.count + spec.WARM_UP_BARS, spec.FIRST_BARS)
        return max(self.count + is_live, spec.PROBE_BARS)


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


class Claims(Struct):
    """What a token says about itself; it is not verified."""

    exp: Finite | None = None
    iat: Finite | None = None
    plan: str | None = None

    @property
    def life_s(self) -> float | None:
        """How long it is good for from its beginning, in seconds."""
        return None if self.exp is None or self.iat is None else self.exp - self.iat

    def left_s(self, now_s: float) -> float | None:
        """Return how long it is still good for; None where it does not say, or where ``now_s`` cannot be right.

        A token that was given out just now is neither over nor good for longer than its whole life.
        """
        if self.exp is None:
            return None
        left_s, life_s = self.exp - now_s, self.life_s
        return left_s if life_s is None or 0 < left_s <= life_s else None


class SignIn(Struct):
    """The answer to a sign-in."""

    error: str | None = ""
    user: Mapping[str, Any] = {}
    code: str | None = None


class Found(Struct):
    """A page of the symbol search."""

    symbols: list[Mapping[str, Any]] = []
    symbols_remaining: int = 0


class Translation(Struct):
    """The answer of the pine facade: a script's metadata, with its template as ``ilTemplate``."""

    success: bool = False
    reason: Any = None
    result: Mapping[str, Any] = {}


class Suggested(Struct):
    """A page of public scripts."""

    results: list[Mapping[str, Any]] = []


def pack(payload: bytes) -> bytes:
    """Return a payload with its length in front; what we send is ASCII, so that characters are bytes."""
    return b"~m~%d~m~%s" % (len(payload), payload)


def call(method: str, *arguments: Any) -> bytes:
    """Return the packet of a method call, compact and in ASCII."""
    text = msgspec.json.encode({"m": method, "p": arguments}).decode()
    if not text.isascii():
        text = "".join(char if char.isascii() else _escaped(char) for char in text)
    return pack(text.encode())


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be")
    return "".join(f"\\u{int.from_bytes(units[at : at + 2]):04x}" for at in range(0, len(units), 2))


class Post:
    """What a connection has to say: packets to the venue, signals to the shell."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.signals: list[Signal] = []

    def call(self, method: str, *arguments: Any) -> None:
        """Call a method of the venue."""
        self.packets.append(call(method, *arguments))

    def emit(self, signal: Signal) -> None:
        """Tell the shell something."""
        self.signals.append(signal)


@lru_cache(maxsize=1024)
def _head_for(size: int) -> bytes:
    """Return the head of the only packet in a frame of ``size`` bytes; no frame begins with it where there is none."""
    lengths = (size - digits - 6 for digits in range(1, 10))
    heads = (b"~m~%d~m~" % length for length in lengths if length >= 0)
    return next((head for head in heads if len(head) + int(head[3:-3]) == size), b"~none~")


def only_payload(frame: bytes) -> bytes | None:
    """Return the payload of a frame that is one packet, as most are; None for another one."""
    head = _head_for(len(frame))
    return frame[len(head) :] if frame.startswith(head) else None


def unpack(frame: bytes) -> list[bytes]:
    """Return the payloads of a frame, walked by their lengths.

    Raises:
        ValueError: The frame is not packets from end to end; ``args[1]`` are the payloads that could be read.
        UnicodeDecodeError: It is no text.
    """
    only = only_payload(frame)
    return _walk(frame) if only is None else [only]


def _walk(frame: bytes) -> list[bytes]:
    at, size = 0, len(frame)
    if not frame.isascii():
        return _unpack_text(frame.decode("utf-8"))
    payloads: list[bytes] = []
    while at < size:
        head = _BYTES_HEAD.match(frame, at)
        if head is None:
            return _unpack_text(frame.decode())
        start = head.end()
        at = start + int(head[1])
        payloads.append(frame[start:at])
    return payloads if at == size else _unpack_text(frame.decode())


def readable(frame: bytes) -> tuple[list[bytes], Exception | None]:
    """Return the payloads of a frame of several packets that can be read, and what is wrong with the rest."""
    try:
        return _walk(frame), None
    except (ValueError, UnicodeDecodeError) as exc:
        return exc.args[1] if len(exc.args) == 2 else [], exc


def _unpack_text(text: str) -> list[bytes]:
    """Walk by characters; where that does not meet the next packet, by UTF-16 units, by bytes, else from the next head.

    Raises:
        ValueError: Something in between was no packet.
    """
    payloads: list[bytes] = []
    at, faults = 0, 0
    while at < len(text):
        head = _HEAD.match(text, at)
        end = None if head is None else _end_of(text, head.end(), int(head[1]))
        if head is None or end is None:
            faults += 1
            found = _NEXT.search(text, at + 1)
            at = len(text) if found is None else found.start()
            continue
        payloads.append(text[head.end() : end].encode("utf-8", "surrogatepass"))
        at = end
    if faults:
        raise ValueError(f"what should be packets is not, in {faults} places", payloads)
    return payloads


def _end_of(text: str, start: int, length: int) -> int | None:
    candidates = [start + length]
    for encoding, width in (("utf-16-le", 2), ("utf-8", 1)):
        piece = text[start : start + length].encode(encoding)[: length * width]
        if len(piece) == length * width:
            candidates.append(start + len(piece.decode(encoding, "ignore")))
    for end in candidates:
        if end == len(text) or (end < len(text) and _HEAD.match(text, end)):
            return end
    rest = text[start : start + length]  # what follows is spoiled, but this may be whole
    is_whole = len(rest) == length and (_BEAT.fullmatch(rest) or (rest[:1] == "{" and rest[-1:] == "}"))
    return start + length if is_whole else None
