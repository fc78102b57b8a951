"""A recorded Binance session taken apart: frames by stream, books by symbol, answers by path."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from brokerwire.simulator.fronts.binance.framing import combined
from brokerwire.simulator.recorded import RecordedFrame, Recording
from brokerwire.simulator.replay import RecordedAnswers

DEPTH_PATH = "/api/v3/depth"
EXCHANGE_INFO_PATH = "/api/v3/exchangeInfo"

_STREAM_BY_EVENT = {
    "trade": "trade",
    "aggTrade": "aggTrade",
    "24hrTicker": "ticker",
    "24hrMiniTicker": "miniTicker",
    "1hTicker": "ticker_1h",
    "4hTicker": "ticker_4h",
    "1dTicker": "ticker_1d",
    "avgPrice": "avgPrice",
}


class _Wrapped(msgspec.Struct):
    stream: str
    data: msgspec.Raw


class _Interval(msgspec.Struct):
    i: str = ""


class _Peek(msgspec.Struct):
    e: str = ""
    s: str = ""
    u: int = 0
    k: _Interval | None = None
    U: int = 0
    b: Any = None
    a: Any = None


class Delta(msgspec.Struct, frozen=True):
    """What one recorded depth event changes, and its place among all frames."""

    position: int
    last_id: int
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]


class PlayableFrame(msgspec.Struct, frozen=True):
    """One recorded event: ``wrapped`` is the combined shape, ``bare`` the event itself, both byte for byte."""

    time_ns: int
    stream: str
    wrapped: bytes
    bare: bytes


class RecordedSession(msgspec.Struct, frozen=True):
    """Everything of a recording that the front plays back."""

    frames: tuple[PlayableFrame, ...]
    deltas: Mapping[str, tuple[Delta, ...]]
    answers: RecordedAnswers
    symbols: frozenset[str]

    def snapshot(self, symbol: str, played: int) -> bytes | None:
        """Return the recorded depth snapshot advanced by every delta among the first ``played`` frames that is newer.

        Prices and sizes keep the text they were recorded with. None when no snapshot of the symbol was recorded.
        """
        at_ns = self.frames[played - 1].time_ns if played else None
        answer = self.answers.find(DEPTH_PATH, symbol, at_ns=at_ns)
        if answer is None:
            return None
        due = (delta for delta in self.deltas.get(symbol, ()) if delta.position < played)
        return advance(answer.payload, due)

    def exchange_info(self, wanted: frozenset[str] | None) -> bytes | None:
        """Return the recorded exchange information, cut down to the wanted symbols; None when none was recorded."""
        for symbol in (next(iter(wanted)) if wanted and len(wanted) == 1 else None, None):
            answer = self.answers.find(EXCHANGE_INFO_PATH, symbol)
            if answer is not None:
                return answer.payload if wanted is None or symbol is not None else _only(answer.payload, wanted)
        return None


class _Book(msgspec.Struct):
    last_id: int = msgspec.field(name="lastUpdateId")
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]


def advance(snapshot: bytes, deltas: Iterable[Delta]) -> bytes:
    """Apply the deltas that are newer than a snapshot; without any, the snapshot's own bytes come back."""
    book = msgspec.json.decode(snapshot, type=_Book)
    newer = [delta for delta in deltas if delta.last_id > book.last_id]
    if not newer:
        return snapshot
    bids = {Decimal(price): (price, size) for price, size in book.bids}
    asks = {Decimal(price): (price, size) for price, size in book.asks}
    for delta in newer:
        if delta.last_id > book.last_id:
            _apply(bids, delta.bids)
            _apply(asks, delta.asks)
            book.last_id = delta.last_id
    book.bids = [bids[price] for price in sorted(bids, reverse=True)]
    book.asks = [asks[price] for price in sorted(asks)]
    return msgspec.json.encode(book)


def _apply(side: dict[Decimal, tuple[str, str]], levels: list[tuple[str, str]]) -> None:
    for price, size in levels:
        if Decimal(size):
            side[Decimal(price)] = (price, size)
        else:
            side.pop(Decimal(price), None)


class _Symbol(msgspec.Struct):
    symbol: str


class _ExchangeInfo(msgspec.Struct):
    symbols: list[msgspec.Raw] = []


def _only(payload: bytes, wanted: frozenset[str]) -> bytes:
    information = msgspec.json.decode(payload, type=dict[str, msgspec.Raw])
    symbols = msgspec.json.decode(payload, type=_ExchangeInfo).symbols
    kept = [raw for raw in symbols if msgspec.json.decode(raw, type=_Symbol).symbol in wanted]
    return msgspec.json.encode({**information, "symbols": kept})


def take_apart(recording: Recording) -> RecordedSession:
    """Route every recorded frame to its stream; replies to control messages and what is no JSON are left out."""
    frames: list[PlayableFrame] = []
    deltas: dict[str, list[Delta]] = {}
    seen: set[str] = set()
    for frame in recording.frames:
        playable = _playable(frame)
        if playable is None:
            continue
        peek = _peek(playable.bare)
        seen.add(peek.s or playable.stream.partition("@")[0].upper())
        if peek.e == "depthUpdate":
            deltas.setdefault(peek.s, []).append(Delta(len(frames), peek.u, peek.b or [], peek.a or []))
        frames.append(playable)
    answers = RecordedAnswers(recording.answers)
    symbols = _listed(answers) or frozenset(seen - {""}) | answers.symbols
    return RecordedSession(tuple(frames), {name: tuple(found) for name, found in deltas.items()}, answers, symbols)


def _listed(answers: RecordedAnswers) -> frozenset[str]:
    answer = answers.find(EXCHANGE_INFO_PATH)
    if answer is None:
        return frozenset()
    symbols = msgspec.json.decode(answer.payload, type=_ExchangeInfo).symbols
    return frozenset(msgspec.json.decode(raw, type=_Symbol).symbol for raw in symbols)


def _peek(payload: bytes) -> _Peek:
    try:
        return msgspec.json.decode(payload, type=_Peek)
    except msgspec.ValidationError:
        return _Peek()


def _playable(frame: RecordedFrame) -> PlayableFrame | None:
    try:
        wrapped = msgspec.json.decode(frame.payload, type=_Wrapped)
    except msgspec.ValidationError:
        return _playable_bare(frame)
    except msgspec.DecodeError:
        return None
    return PlayableFrame(frame.time_ns, wrapped.stream, frame.payload, bytes(wrapped.data))


def _playable_bare(frame: RecordedFrame) -> PlayableFrame | None:
    stream = _infer_stream(frame)
    if stream is None:
        return None
    return PlayableFrame(frame.time_ns, stream, combined(stream, frame.payload), frame.payload)


def _infer_stream(frame: RecordedFrame) -> str | None:
    """Name the stream of a bare event: the connection's only one, else the one that fits its symbol and type."""
    peek = _peek(frame.payload)
    streams = streams_of_url(frame.url)
    if not peek.s and not peek.u and len(streams) != 1:
        return None
    if len(streams) == 1:
        return streams[0]
    symbol, kind = peek.s.lower(), _kind_of(peek)
    candidates = [name for name in streams if name.startswith(f"{symbol}@{kind}")]
    return candidates[0] if candidates else f"{symbol}@{kind}"


def _kind_of(peek: _Peek) -> str:
    if peek.e == "depthUpdate":
        return "depth"
    if peek.k is not None:
        return f"kline_{peek.k.i}"
    return _STREAM_BY_EVENT.get(peek.e, "bookTicker")


def streams_of_url(url: str) -> list[str]:
    """Return the streams that a connection's URL subscribes to: ``/ws/a/b`` or ``/stream?streams=a/b``."""
    parts = urlsplit(url)
    if parts.path.startswith("/ws/"):
        return [name for name in unquote(parts.path[len("/ws/") :]).split("/") if name]
    names = parse_qs(parts.query).get("streams", [""])[0]
    return [name for name in names.split("/") if name]
