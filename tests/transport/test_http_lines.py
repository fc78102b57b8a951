import asyncio
import gzip
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from brokerwire.clock import SystemClock
from brokerwire.config import Network, Timeouts
from brokerwire.errors import ConnectionLostError, ProtocolError, UnsupportedError, VenueUnavailableError
from brokerwire.transport import http as http_module
from brokerwire.transport.http import HttpClient
from brokerwire.transport.http_lines import HttpLinesTransport, LineSplitter, open_http_lines
from brokerwire.transport.websocket import HandshakeRefused

Handler = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


def lines_of(splitter: LineSplitter, chunks: list[bytes]) -> list[bytes]:
    found = [line for chunk in chunks for line in splitter.feed(chunk)]
    rest = splitter.finish()
    return [*found, rest] if rest else found


LINES = st.lists(st.text(alphabet='{}:,"\tab \0', max_size=40), max_size=12)


@given(lines=LINES, cuts=st.lists(st.integers(min_value=0, max_value=500), max_size=30), crlf=st.booleans())
def test_lines_come_out_whole_wherever_the_chunks_are_cut(lines: list[str], cuts: list[int], crlf: bool) -> None:
    end = b"\r\n" if crlf else b"\n"
    whole = [f"x{line}x".encode() for line in lines]
    stream = b"".join(line + end for line in whole)
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    chunks = [stream[start:stop] for start, stop in itertools.pairwise(edges)]
    assert lines_of(LineSplitter(1000), chunks) == whole


def test_blank_lines_and_line_ends_are_left_out() -> None:
    assert lines_of(LineSplitter(100), [b"\r\n\n  \n{}\r\n", b"", b"\n"]) == [b"{}"]


def test_a_stream_of_single_bytes_is_put_together() -> None:
    stream = b'{"a":1}\n{"b":2}\n'
    assert lines_of(LineSplitter(100), [bytes([byte]) for byte in stream]) == [b'{"a":1}', b'{"b":2}']


@pytest.mark.parametrize(
    "chunks",
    [
        [b"x" * 101],
        [b"x" * 60, b"x" * 60],
        [b"x" * 101 + b"\n"],
        [b"x" * 60, b"x" * 60 + b"\n"],
        [b"ok\n" + b"x" * 101],
        [b"ok\n", b"x" * 101 + b"\nok\n"],
    ],
)
def test_a_line_over_the_limit_is_a_protocol_error(chunks: list[bytes]) -> None:
    with pytest.raises(ProtocolError, match="100 bytes"):
        lines_of(LineSplitter(100), chunks)


def test_a_line_of_exactly_the_limit_passes() -> None:
    assert lines_of(LineSplitter(100), [b"x" * 100 + b"\n"]) == [b"x" * 100]


class Lines:
    """A server of one path whose answers a handler writes, and a client for it."""

    def __init__(self, aiohttp_server: Any) -> None:
        self._serve = aiohttp_server
        self.requests: list[web.Request] = []
        self.http = HttpClient(
            network=Network(), timeouts=Timeouts(), clock=SystemClock(), user_agent="brokerwire/test"
        )
        self.url = ""

    async def start(self, handler: Handler, status: int = 200, headers: dict[str, str] | None = None) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            self.requests.append(request)
            response = web.StreamResponse(status=status, headers=headers or {})
            response.enable_chunked_encoding()
            await response.prepare(request)
            await handler(request, response)
            return response

        app = web.Application()
        app.router.add_get("/lines", answer)
        server = await self._serve(app)
        self.url = str(server.make_url("/lines"))

    async def open(self, *, max_message_bytes: int = 1000, headers: Any = None) -> HttpLinesTransport:
        return await open_http_lines(
            self.http, self.url, headers=headers or {}, max_message_bytes=max_message_bytes, connect_s=5
        )


@pytest.fixture
async def lines(aiohttp_server: Any) -> AsyncIterator[Lines]:
    found = Lines(aiohttp_server)
    yield found
    await found.http.close()


async def test_every_line_is_a_frame_and_the_end_is_told(lines: Lines) -> None:
    async def handler(_request: web.Request, response: web.StreamResponse) -> None:
        for part in (b'{"a"', b":1}\r\n{", b'"b":2}\n{"c":3}'):
            await response.write(part)

    await lines.start(handler)
    transport = await lines.open(headers={"Authorization": "Bearer x"})
    frames: list[bytes] = []
    end = await asyncio.wait_for(transport.pump(frames.extend), 5)
    await transport.close()
    assert frames == [b'{"a":1}', b'{"b":2}', b'{"c":3}']
    assert (end.error, end.close_code, end.reason) == (None, None, "the server ended the stream")
    sent = lines.requests[0].headers
    assert sent["Authorization"] == "Bearer x"
    assert sent["Accept-Encoding"] == "identity"
    assert sent["User-Agent"] == "brokerwire/test"


async def test_a_cut_off_last_line_is_left_out(lines: Lines) -> None:
    async def handler(_request: web.Request, response: web.StreamResponse) -> None:
        await response.write(b'{"a":1}\n{"b":')

    await lines.start(handler)
    transport = await lines.open()
    frames: list[bytes] = []
    await asyncio.wait_for(transport.pump(frames.extend), 5)
    await transport.close()
    assert frames == [b'{"a":1}']


async def test_a_reset_in_the_middle_of_a_line_is_a_lost_connection(lines: Lines) -> None:
    async def handler(request: web.Request, response: web.StreamResponse) -> None:
        await response.write(b'{"a":1}\n{"b":')
        assert request.transport is not None
        request.transport.abort()

    await lines.start(handler)
    transport = await lines.open()
    frames: list[bytes] = []
    end = await asyncio.wait_for(transport.pump(frames.extend), 5)
    await transport.close()
    assert frames in ([], [b'{"a":1}'])
    assert isinstance(end.error, ConnectionLostError)
    assert end.error.action == "retry"


async def test_an_oversize_line_ends_the_stream_and_nothing_of_it_is_delivered(lines: Lines) -> None:
    async def handler(_request: web.Request, response: web.StreamResponse) -> None:
        await response.write(b'{"a":1}\n')
        for _ in range(100):
            await response.write(b"x" * 100)

    await lines.start(handler)
    transport = await lines.open(max_message_bytes=1000)
    frames: list[bytes] = []
    end = await asyncio.wait_for(transport.pump(frames.extend), 5)
    await transport.close()
    assert isinstance(end.error, ProtocolError)
    assert set(frames) <= {b'{"a":1}'}


async def test_a_compressed_stream_is_limited_by_its_real_size(aiohttp_server: Any) -> None:
    async def bomb(_request: web.Request) -> web.Response:
        body = gzip.compress(b"x" * 20_000_000)
        return web.Response(body=body, headers={"Content-Encoding": "gzip"})

    app = web.Application()
    app.router.add_get("/lines", bomb)
    lines = Lines(aiohttp_server)
    lines.url = str((await aiohttp_server(app)).make_url("/lines"))
    transport = await lines.open(max_message_bytes=1000)
    end = await asyncio.wait_for(transport.pump(lambda _: None), 5)
    assert isinstance(end.error, ProtocolError)
    await transport.close()
    await lines.http.close()


@pytest.mark.parametrize("status", [204, 301, 401, 403, 404, 429, 503])
async def test_a_refusal_comes_with_its_status_headers_and_body(lines: Lines, status: int) -> None:
    async def handler(_request: web.Request, response: web.StreamResponse) -> None:
        if status != 204:
            await response.write(b'{"Error":"no"}')

    await lines.start(handler, status=status, headers={"X-RateLimit-Reset": "7", "Location": "/elsewhere"})
    with pytest.raises(HandshakeRefused, match=str(status)) as refused:
        await lines.open()
    response = refused.value.response
    assert response.status == status
    assert response.headers["x-ratelimit-reset"] == "7"
    assert response.body == (b"" if status == 204 else b'{"Error":"no"}')
    assert len(lines.requests) == 1


async def test_a_refusal_without_end_is_given_up(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_module, "MAX_BODY_BYTES", 100_000)

    async def handler(_request: web.Request, response: web.StreamResponse) -> None:
        while True:
            await response.write(b"x" * 65_536)

    await lines.start(handler, status=500)
    with pytest.raises(ProtocolError, match="larger than"):
        await asyncio.wait_for(lines.open(), 5)


async def test_nobody_at_the_address_is_said_without_the_query() -> None:
    http = HttpClient(network=Network(), timeouts=Timeouts(), clock=SystemClock(), user_agent="x")
    with pytest.raises(VenueUnavailableError, match=r"127\.0\.0\.1:1 could not be reached") as caught:
        await open_http_lines(http, "http://127.0.0.1:1/x?token=canary", headers={}, max_message_bytes=100, connect_s=5)
    assert "canary" not in str(caught.value)
    await http.close()


async def test_a_shut_gate_holds_the_reading_back(lines: Lines) -> None:
    async def handler(_request: web.Request, response: web.StreamResponse) -> None:
        await response.write(b"1\n")
        await more.wait()
        await response.write(b"2\n3\n")

    more = asyncio.Event()
    await lines.start(handler)
    transport = await lines.open()
    frames: list[bytes] = []
    first = asyncio.Event()

    def take(batch: Sequence[bytes]) -> None:
        frames.extend(batch)
        if len(frames) == 1:
            transport.reading.shut()
            first.set()

    reader = asyncio.create_task(transport.pump(take))
    await asyncio.wait_for(first.wait(), 5)
    more.set()
    for _ in range(20):
        await asyncio.sleep(0)
    assert frames == [b"1"]
    transport.reading.open()
    await asyncio.wait_for(reader, 5)
    assert frames == [b"1", b"2", b"3"]
    await transport.close()


async def test_the_wire_has_one_direction_and_closes_twice(lines: Lines) -> None:
    async def handler(_request: web.Request, response: web.StreamResponse) -> None:
        await response.write(b"{}\n")
        await asyncio.Event().wait()

    await lines.start(handler)
    transport = await lines.open()
    with pytest.raises(UnsupportedError):
        await transport.send(b"{}")
    reader = asyncio.create_task(transport.pump(lambda _: None))
    await asyncio.sleep(0)
    await transport.close()
    await transport.close()
    end = await asyncio.wait_for(reader, 5)
    assert end.error is None or isinstance(end.error, ConnectionLostError)
    assert isinstance(lines.http.session, aiohttp.ClientSession)
