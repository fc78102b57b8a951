"""The gate against every way to cut the bytes, with aiohttp's own reader behind it."""

import asyncio
from collections.abc import Iterable
from contextlib import closing
from typing import Any

import pytest
from aiohttp import WSMsgType
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader
from hypothesis import given
from hypothesis import strategies as st

from brokerwire.transport.frame_gate import FrameGate, _size_of
from brokerwire.transport.frame_transport import ReadGate

MOST_BYTES = 70_000


def frame(first: int, payload: bytes, *, mask: bytes = b"") -> bytes:
    """Return one frame as it is on the wire."""
    length = len(payload)
    masked = 0x80 if mask else 0
    if length < 126:
        head = bytes([first, masked | length])
    elif length < 65_536:
        head = bytes([first, masked | 126]) + length.to_bytes(2, "big")
    else:
        head = bytes([first, masked | 127]) + length.to_bytes(8, "big")
    body = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)) if mask else payload
    return head + mask + body


class Behind:
    """aiohttp's queue and reader behind a gate, and a pump that takes what waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.gate = FrameGate()
        self.reading = ReadGate()
        self.heard: list[bytes] = []
        self.taken = 0
        self._protocol: Any = _Flow()
        self._queue = WebSocketDataQueue(self._protocol, 2**16, loop=loop)
        self._reader = WebSocketReader(self._queue, MOST_BYTES * 2, compress=False, decode_text=False)
        self.gate.guard(self._reader)
        self._loop = loop

    def open(self) -> None:
        self.gate.open(self._take, self.reading, most_bytes=MOST_BYTES)

    def _take(self, frames: Iterable[bytes]) -> None:
        before = len(self.heard)
        self.heard.extend(frames)
        self.taken += len(self.heard) - before

    def pump(self) -> None:
        """Receive what waits in aiohttp's queue, as the transport does."""
        while self._queue._buffer:
            message = self._loop.run_until_complete(self._queue.read())
            if message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                self.heard.append(message.data)
                self.gate.received()


class _Flow:
    """What aiohttp's queue asks of its connection."""

    _reading_paused = False

    def pause_reading(self) -> None:
        self._reading_paused = True

    def resume_reading(self) -> None:
        self._reading_paused = False


@pytest.fixture
def loop() -> Any:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


PAYLOADS = st.one_of(
    st.binary(max_size=9), st.integers(120, 130).map(bytes), st.sampled_from([65_535, 65_536, 69_999]).map(bytes)
)
MESSAGES = st.one_of(
    st.tuples(st.sampled_from(["text", "binary"]), PAYLOADS),
    st.tuples(st.just("parts"), st.binary(min_size=3, max_size=9)),
    st.tuples(st.sampled_from(["ping", "pong"]), st.binary(max_size=9)),
)


def on_wire(kind: str, payload: bytes) -> bytes:
    """Return a message as frames; one in parts has a ping between them."""
    if kind == "parts":
        return frame(0x01, payload[:1]) + frame(0x00, payload[1:2]) + frame(0x89, b"") + frame(0x80, payload[2:])
    return frame({"text": 0x81, "binary": 0x82, "ping": 0x89, "pong": 0x8A}[kind], payload)


@given(st.lists(MESSAGES, max_size=12), st.lists(st.integers(1, 5_000), max_size=40), st.data())
def test_every_message_is_heard_once_and_in_order_however_the_bytes_are_cut(
    messages: list[tuple[str, bytes]], cuts: list[int], data: st.DataObject
) -> None:
    with closing(asyncio.new_event_loop()) as loop:
        behind = Behind(loop)
        wire = b"".join(on_wire(kind, payload) for kind, payload in messages)
        sizes = iter(cuts)
        while wire:
            size = next(sizes, len(wire))
            piece, wire = wire[:size], wire[size:]
            if data.draw(st.booleans()):
                behind.open()
            (behind.reading.shut if data.draw(st.booleans()) else behind.reading.open)()
            assert behind.gate.feed_data(piece) == (False, b"")
            if data.draw(st.booleans()):
                behind.pump()
        behind.reading.open()
        behind.pump()
    assert behind.heard == [payload for kind, payload in messages if kind not in {"ping", "pong"}]


def test_plain_frames_do_not_pass_aiohttps_queue(loop: asyncio.AbstractEventLoop) -> None:
    behind = Behind(loop)
    behind.open()
    wire = b"".join(frame(0x81, b"x" * size) for size in (0, 1, 125, 126, 4000)) + frame(0x82, b"yyyy")
    for cut in (wire[:50], wire[50:]):
        behind.gate.feed_data(cut)
    assert [len(heard) for heard in behind.heard] == [0, 1, 125, 126, 4000, 4]
    assert behind.taken == 6


def test_the_queue_is_left_again_once_it_is_empty(loop: asyncio.AbstractEventLoop) -> None:
    behind = Behind(loop)
    behind.open()
    behind.gate.feed_data(frame(0x01, b"a") + frame(0x80, b"b") + frame(0x81, b"behind"))
    assert behind.heard == []
    behind.pump()
    behind.gate.feed_data(frame(0x81, b"free"))
    assert (behind.heard, behind.taken) == ([b"ab", b"behind", b"free"], 1)


@pytest.mark.parametrize(
    "wire",
    [
        frame(0xC1, b"compressed"),
        frame(0x83, b"unknown"),
        frame(0x80, b"continues nothing"),
        frame(0x81, b"x" * (MOST_BYTES * 2 + 1)),
    ],
)
def test_what_breaks_the_protocol_is_aiohttps_to_refuse(loop: asyncio.AbstractEventLoop, wire: bytes) -> None:
    behind = Behind(loop)
    behind.open()
    assert behind.gate.feed_data(frame(0x81, b"before") + wire)[0]
    assert behind.heard == [b"before"]


def test_a_masked_frame_leaves_the_connection_to_aiohttp(loop: asyncio.AbstractEventLoop) -> None:
    behind = Behind(loop)
    behind.open()
    behind.gate.feed_data(frame(0x81, b"masked", mask=b"abcd") + frame(0x81, b"plain"))
    behind.pump()
    assert (behind.heard, behind.taken) == ([b"masked", b"plain"], 0)


def test_after_the_close_bytes_are_thrown_away(loop: asyncio.AbstractEventLoop) -> None:
    behind = Behind(loop)
    behind.gate.guard(None)
    assert behind.gate.feed_data(frame(0x88, b"") + frame(0x81, b"late")) == (False, b"")
    behind.gate.feed_eof()
    assert behind.heard == []


@pytest.mark.parametrize(
    ("header", "size"),
    [(b"", None), (b"\x81", None), (b"\x81\x05", 7), (b"\x81\x7e\x01", None), (b"\x81\x7e\x01\x00", 260)],
)
def test_a_size_is_told_once_its_header_is_whole(header: bytes, size: int | None) -> None:
    assert _size_of(header) == size
