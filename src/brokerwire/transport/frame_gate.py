"""Takes plain data frames off the bytes of a WebSocket before aiohttp's reader does, a whole read at a time."""

import contextlib
import sys
from struct import Struct
from typing import Any, Protocol

import aiohttp

from brokerwire.transport.frame_transport import OnFrames, ReadGate
from brokerwire.typedefs import Frame

READ_BYTES = 65_536
"""So much of a busy socket is read at once: its frames are still near the processor when their events are delivered,
and others get their turn. asyncio would read 256 KiB, a thousand frames and more."""

_PLAIN = frozenset({0x8100, 0x8200})
"""How a frame begins that is a whole text or binary message: final, not compressed (RFC 6455, section 5.2).

In the low byte its length follows, or that two more bytes hold it.
"""

_LONGER = 126
_unpack_head = Struct("!HH").unpack_from
_DATA_OPCODES = frozenset({0, 1, 2})
_MOST_BYTES = 65_535
"""Larger frames are left to aiohttp's reader, which gathers their parts without copying them again and again."""


class Reader(Protocol):
    """What aiohttp's reader is to its connection."""

    def feed_data(self, data: bytes, /) -> tuple[bool, bytes]:
        """Take bytes; tells whether the protocol was broken."""
        ...

    def feed_eof(self) -> None:
        """Take the end."""
        ...


class FrameGate:
    """Stands before aiohttp's reader: hands whole plain data frames on at once, and leaves it everything else.

    Control frames, fragments, compressed, masked and large frames, and whatever comes while nobody takes frames,
    go to aiohttp's reader as they came. As long as one of its messages waits to be received, those behind it go
    the same way, so that the order is kept.
    """

    def __init__(self) -> None:
        self._reader: Reader | None = None
        self._take: OnFrames | None = None
        self._reading = ReadGate()
        self._most_bytes = 0
        self._rest = b""
        self._passing = 0
        self._waiting = 0
        self._is_fragmented = False

    def guard(self, reader: Reader | None) -> None:
        """Leave to ``reader`` what is not handed on; without one it is thrown away."""
        self._reader = reader

    def open(self, on_frames: OnFrames, reading: ReadGate, *, most_bytes: int) -> None:
        """Hand frames of up to ``most_bytes`` to ``on_frames`` from now on, except while ``reading`` is shut."""
        self._take = on_frames
        self._reading = reading
        self._most_bytes = min(most_bytes, _MOST_BYTES)

    def shut(self) -> None:
        """Leave everything to aiohttp's reader."""
        self._take = None

    def received(self) -> None:
        """Hear that a data message was received from aiohttp."""
        self._waiting -= 1

    def feed_eof(self) -> None:
        """Take the end."""
        if self._reader is not None:
            self._reader.feed_eof()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Take bytes; tells, as aiohttp's reader does, whether the protocol was broken."""
        if self._rest:
            data, self._rest = self._rest + data, b""
        position, end = 0, len(data)
        while position < end:
            if not self._passing:
                while (taken := self._take_frames(data, position)) > position:
                    position = taken
                if not self._enter(data, position):
                    self._rest = data[position:]
                    break
            stop = min(position + self._passing, end)
            self._passing -= stop - position
            if self._reader is not None and (outcome := self._reader.feed_data(data[position:stop]))[0]:
                return outcome
            position = stop
        return False, b""

    def _take_frames(self, data: bytes, position: int) -> int:
        """Hand on the plain frames of one kind that begin at ``position``; returns where the next other one begins."""
        if position == len(data) or not self._may_take or data[position] << 8 not in _PLAIN:
            return position
        frames: list[Frame] = []
        plain = data[position] << 8
        longer = plain | _LONGER
        most, end = self._most_bytes, len(data)
        last = end - 4
        while position <= last:
            first, length = _unpack_head(data, position)
            if first == longer:
                start = position + 4
            elif plain <= first < longer:
                start = position + 2
                length = first - plain
            else:
                break
            stop = start + length
            if stop > end or length > most:
                break
            frames.append(data[start:stop])
            position = stop
        if frames and self._take is not None:
            self._take(frames)
        return position

    @property
    def _may_take(self) -> bool:
        is_between_messages = not self._waiting and not self._is_fragmented
        return self._take is not None and is_between_messages and not self._reading.is_shut

    def _enter(self, data: bytes, position: int) -> bool:
        """Begin to pass a frame to aiohttp's reader; tells whether that is so, or more of it must come first."""
        header = data[position : position + 10]
        size = _size_of(header)
        if size is None:
            return False
        opcode, is_final = header[0] & 0x0F, header[0] >= 0x80
        is_plain = header[0] << 8 in _PLAIN
        if is_plain and self._may_take and size <= self._most_bytes and position + size > len(data):
            return False
        is_masked = header[1] >= 0x80  # a server must not: aiohttp's reader has this connection from now on
        self._passing = sys.maxsize if is_masked else size
        if opcode in _DATA_OPCODES:
            self._is_fragmented = not is_final
            self._waiting += is_final
        return True


def _size_of(header: bytes) -> int | None:
    """Return how long the frame that begins so is, None while that cannot be told."""
    if len(header) < 2:
        return None
    length = header[1] & 0x7F
    extra = {126: 2, 127: 8}.get(length, 0)
    if len(header) < 2 + extra:
        return None
    return 2 + extra + (int.from_bytes(header[2 : 2 + extra], "big") if extra else length)


def read_less_at_once(connection: Any) -> None:
    """Have a connection read ``READ_BYTES`` at most, where its loop lets one say so (uvloop and TLS do not)."""
    transport: Any = None if connection is None else connection.transport
    with contextlib.suppress(AttributeError):
        transport.max_size = READ_BYTES


class GatedSocket(aiohttp.ClientWebSocketResponse[bool]):
    """aiohttp's WebSocket with a gate before its reader.

    aiohttp gives its connection whatever stands in ``_parser``, which it lets go of when the socket is closed.
    Should it find its reader another way one day, the gate is never fed and every message is received as usual:
    slower, and right (``tests/transport/test_websocket.py`` would tell).
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self.gate = FrameGate()
        super().__init__(*args, **options)
        read_less_at_once(self._conn)

    @property  # type: ignore[override]  # aiohttp's own type is its reader's
    def _parser(self) -> FrameGate:
        return self.gate

    @_parser.setter
    def _parser(self, reader: Reader | None) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]  # as above
        self.gate.guard(reader)
