"""Framing under bytes that nobody framed: lines and WebSocket frames, cut anywhere; only known errors come out."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress

import pytest
from aiohttp import WebSocketError, WSMsgType
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.corpus import corpus_of, venues

from brokerwire import ProtocolError
from brokerwire.transport.frame_gate import FrameGate
from brokerwire.transport.frame_transport import ReadGate
from brokerwire.transport.http_lines import LineSplitter

LIMIT = 4_096
CUTS = st.lists(st.integers(0, 2_000), max_size=20)


def pieces(stream: bytes, cuts: Sequence[int]) -> Iterator[bytes]:
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    return (stream[start:stop] for start, stop in itertools.pairwise(edges))


def lines_of(stream: bytes, cuts: Sequence[int]) -> tuple[list[bytes], bool]:
    """Return the lines before the first error, and whether there was one."""
    splitter, found = LineSplitter(LIMIT), []
    try:
        for piece in pieces(stream, cuts):
            found += splitter.feed(piece)
        found += filter(None, [splitter.finish()])
    except ProtocolError:
        return found, True
    return found, False


@given(stream=st.binary(max_size=6_000), cuts=CUTS)
def test_any_bytes_are_lines_or_a_protocol_error_wherever_they_are_cut(stream: bytes, cuts: list[int]) -> None:
    whole, is_broken = lines_of(stream, [])
    cut, is_cut_broken = lines_of(stream, cuts)
    assert is_broken == is_cut_broken
    assert cut == whole or is_broken
    assert all(len(line) <= LIMIT and b"\n" not in line for line in cut)


@pytest.mark.parametrize("name", venues())
@given(data=st.data())
def test_frames_of_a_venue_are_the_same_lines_wherever_they_are_cut(name: str, data: st.DataObject) -> None:
    frames = data.draw(st.lists(st.sampled_from(corpus_of(name).frames), max_size=8))
    frames = [frame for frame in frames if len(frame) <= LIMIT and b"\n" not in frame]
    stream = b"".join(frame + b"\n" for frame in frames)
    assert lines_of(stream, data.draw(CUTS)) == (frames, False)


class Flow:
    """What aiohttp's queue asks of its connection."""

    _reading_paused = False

    def pause_reading(self) -> None:
        self._reading_paused = True

    def resume_reading(self) -> None:
        self._reading_paused = False


class Gated:
    """A gate with aiohttp's reader behind it, as a connection has them."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.gate = FrameGate()
        flow: object = Flow()
        self.queue = WebSocketDataQueue(flow, 2**16, loop=None)  # type: ignore[arg-type]  # nobody waits for it
        reader = WebSocketReader(self.queue, LIMIT * 2, compress=True, decode_text=False)
        self.gate.guard(reader)
        take: Callable[[Iterable[bytes]], None] = self.heard.extend
        self.gate.open(take, ReadGate(), most_bytes=LIMIT)

    def feed(self, stream: bytes, cuts: Sequence[int]) -> None:
        for piece in pieces(stream, cuts):
            self.gate.feed_data(piece)

    @property
    def messages(self) -> list[bytes]:
        """What has come out, and what waits in aiohttp's queue behind it."""
        waiting = [message[0] for message in self.queue._buffer]
        data = [bytes(each.data) for each in waiting if each.type in {WSMsgType.TEXT, WSMsgType.BINARY}]
        return [*self.heard, *data]


def test_random_bytes_are_aiohttps_to_refuse_and_nothing_else_is_raised() -> None:
    @given(stream=st.binary(max_size=3_000), cuts=CUTS)
    def feed(stream: bytes, cuts: list[int]) -> None:
        gated = Gated()
        with suppress(WebSocketError):
            gated.feed(stream, cuts)
        refused = gated.queue.exception()
        assert refused is None or isinstance(refused, WebSocketError)
        assert all(len(frame) <= LIMIT for frame in gated.heard)

    feed()


def header(size: int) -> bytes:
    return bytes([0x82, size]) if size < 126 else bytes([0x82, 126]) + size.to_bytes(2, "big")


@given(payloads=st.lists(st.binary(max_size=200), max_size=6), noise=st.binary(max_size=40), cuts=CUTS)
def test_what_stood_before_the_noise_is_heard_wherever_it_is_cut(
    payloads: list[bytes], noise: bytes, cuts: list[int]
) -> None:
    stream = b"".join(header(len(payload)) + payload for payload in payloads)
    gated = Gated()
    with suppress(WebSocketError):
        gated.feed(stream + noise, cuts)
    assert gated.messages[: len(payloads)] == payloads
