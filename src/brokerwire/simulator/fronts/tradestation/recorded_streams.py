"""A recorded TradeStation session: which lines belong to which stream, played to whoever has opened it."""

import asyncio
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from brokerwire.clock import Clock
from brokerwire.simulator.fronts.tradestation.streams import LineStream
from brokerwire.simulator.recorded import Recording
from brokerwire.simulator.replay import ReplayClock

_QUOTES = "/v3/marketdata/stream/quotes/"
_NAMING = ("interval", "unit")
"""Parameters that make another stream of one path; the others are ignored."""

_MOST_PENDING = 5000
_DRAIN_S = 0.002


class StreamKey(msgspec.Struct, frozen=True):
    """What tells one stream from another."""

    path: str
    parameters: tuple[str, ...] = ()

    @property
    def symbols(self) -> frozenset[str]:
        """The symbols of a stream of quotes; of other streams none."""
        if not self.path.startswith(_QUOTES):
            return frozenset()
        return frozenset(self.path.removeprefix(_QUOTES).upper().split(","))


def key_of(url: str) -> StreamKey:
    """Return which stream an address, or a path with its query, opens."""
    parts = urlsplit(url)
    given = {name.lower(): value.lower() for name, value in parse_qsl(parts.query)}
    return StreamKey(unquote(parts.path).lower(), tuple(given.get(name, "") for name in _NAMING))


class PlayableLine(msgspec.Struct, frozen=True):
    """One recorded line, byte for byte; ``symbol`` is whose quote it is, if it is one."""

    time_ns: int
    key: StreamKey
    symbol: str
    payload: bytes


class _Peek(msgspec.Struct):
    symbol: str = msgspec.field(name="Symbol", default="")


def playable_lines(recording: Recording) -> list[PlayableLine]:
    """Return the lines of all streams in order of time."""
    keys = {url: key_of(url) for url in {frame.url for frame in recording.frames}}
    lines: list[PlayableLine] = []
    for frame in recording.frames:
        key = keys[frame.url]
        symbol = _symbol_of(frame.payload) if key.symbols else ""
        lines.append(PlayableLine(frame.time_ns, key, symbol, frame.payload))
    return lines


def _symbol_of(payload: bytes) -> str:
    try:
        return msgspec.json.decode(payload, type=_Peek).symbol.upper()
    except msgspec.MsgspecError:
        return ""


class RecordedStreams:
    """Plays the lines of a recording; its clock runs for all streams together.

    A stream is given the lines of its own address. A stream of quotes is also given the quotes of its symbols that
    were recorded on streams of other symbols besides.
    """

    def __init__(self, recording: Recording, *, clock: Clock, speed: float | Literal["max"], delay_s: float) -> None:
        lines = playable_lines(recording)
        self._known = {key_of(each.url) for each in recording.connections} | {line.key for line in lines}
        self._symbols = frozenset[str]().union(*(key.symbols for key in self._known))
        self._lines = lines
        self._open: dict[LineStream, StreamKey] = {}
        self._clock = ReplayClock(
            lines,
            self._publish,
            clock=clock,
            speed=speed,
            is_heard=lambda: bool(self._open),
            drain=self._drain,
            start_delay_s=delay_s,
        )

    @property
    def played_until_ns(self) -> int | None:
        """The recorded time of the newest line that has been played."""
        return self._lines[self._clock.played - 1].time_ns if self._clock.played else None

    def has(self, key: StreamKey) -> bool:
        """Tell whether anything of a stream was recorded."""
        return key in self._known or bool(key.symbols & self._symbols)

    def open(self, key: StreamKey, lines: LineStream) -> None:
        """Play to ``lines`` until it ends; the recording starts after the last stream that is opened in time."""
        self._open[lines] = key
        lines.at_end(lambda: self._forget(lines))
        self._clock.subscription_arrived()

    def _forget(self, lines: LineStream) -> None:
        del self._open[lines]

    def _publish(self, line: PlayableLine) -> None:
        for stream, key in self._open.items():
            if line.key == key or (line.symbol and line.symbol in key.symbols):
                stream.push(line.payload)

    async def _drain(self) -> None:
        while any(stream.pending > _MOST_PENDING for stream in self._open):  # noqa: ASYNC110 - a socket says nothing when it takes more
            await asyncio.sleep(_DRAIN_S)

    async def close(self) -> None:
        """Stop playing."""
        await self._clock.close()
