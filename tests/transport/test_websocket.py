import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web

from brokerwire.clock import SystemClock
from brokerwire.config import Network, Timeouts
from brokerwire.errors import ConfigurationError, ConnectionLostError, ProtocolError, VenueUnavailableError
from brokerwire.transport.frame_gate import READ_BYTES
from brokerwire.transport.frame_transport import ConnectionEnd
from brokerwire.transport.http import HttpClient
from brokerwire.transport.websocket import HandshakeRefused, WebSocketTransport, open_websocket

Talk = Callable[[web.WebSocketResponse], Awaitable[None]]


class Sockets:
    """A WebSocket server whose side of the talk a test writes, and a client for it."""

    def __init__(self, aiohttp_server: Any) -> None:
        self._serve = aiohttp_server
        self.requests: list[web.Request] = []
        self.received: list[aiohttp.WSMessage] = []
        self.http = HttpClient(
            network=Network(), timeouts=Timeouts(), clock=SystemClock(), user_agent="brokerwire/test"
        )
        self.url = ""
        self.finished = asyncio.Event()

    async def start(self, talk: Talk, **options: Any) -> None:
        async def answer(request: web.Request) -> web.WebSocketResponse:
            self.requests.append(request)
            socket = web.WebSocketResponse(**options)
            await socket.prepare(request)
            try:
                await talk(socket)
            finally:
                self.finished.set()
            return socket

        await self.serve(answer)

    async def serve(self, answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
        app = web.Application()
        app.router.add_get("/ws", answer)
        server = await self._serve(app)
        self.url = str(server.make_url("/ws")).replace("http", "ws", 1)

    async def listen(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            self.received.append(message)

    async def open(self, *, ping_s: float | None = None, headers: Any = None) -> WebSocketTransport:
        return await open_websocket(
            self.http, self.url, headers=headers or {}, ping_s=ping_s, max_message_bytes=10_000, close_s=0.2
        )


@pytest.fixture
async def sockets(aiohttp_server: Any) -> AsyncIterator[Sockets]:
    found = Sockets(aiohttp_server)
    yield found
    await found.http.close()


async def read(transport: WebSocketTransport) -> tuple[list[bytes], ConnectionEnd]:
    frames: list[bytes] = []
    end = await asyncio.wait_for(transport.pump(frames.extend), 5)
    await transport.close()
    return frames, end


async def test_text_and_binary_messages_are_frames_in_bytes(sockets: Sockets) -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.send_str('{"a":"ä"}')
        await socket.send_bytes(b"\x00\x01")
        await socket.close(code=1000, message=b"bye")

    await sockets.start(talk)
    frames, end = await read(await sockets.open())
    assert frames == ['{"a":"ä"}'.encode(), b"\x00\x01"]
    assert (end.close_code, end.reason, end.error) == (1000, "bye", None)


@pytest.mark.parametrize("code", [1001, 1008, 1012, 1013, 4001])
async def test_a_close_code_is_handed_on(sockets: Sockets, code: int) -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.close(code=code, message=b"why\x1b[31m\n")

    await sockets.start(talk)
    _, end = await read(await sockets.open())
    assert end.close_code == code
    assert end.reason == "why\\x1b[31m\\x0a"


async def test_frames_leave_as_text_and_headers_go_along(sockets: Sockets) -> None:
    await sockets.start(sockets.listen)
    transport = await sockets.open(headers={"Authorization": "Bearer x"})
    await transport.send(b'{"id":1}')
    await transport.close()
    await asyncio.wait_for(sockets.finished.wait(), 5)
    assert [(message.type, message.data) for message in sockets.received] == [(aiohttp.WSMsgType.TEXT, '{"id":1}')]
    assert sockets.requests[0].headers["Authorization"] == "Bearer x"
    assert "Sec-WebSocket-Extensions" not in sockets.requests[0].headers


async def test_a_cut_wire_ends_with_an_error_or_an_abnormal_code(sockets: Sockets) -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.send_str("1")
        transport = sockets.requests[0].transport
        assert transport is not None
        transport.abort()

    await sockets.start(talk)
    _, end = await read(await sockets.open())
    assert end.error is not None or end.close_code in {None, 1006}
    if end.error is not None:
        assert isinstance(end.error, ConnectionLostError)


async def test_sending_on_a_closed_wire_is_a_lost_connection(sockets: Sockets) -> None:
    await sockets.start(sockets.listen)
    transport = await sockets.open()
    await transport.close()
    await transport.close()
    with pytest.raises(ConnectionLostError):
        await transport.send(b"{}")


async def test_an_oversize_message_closes_with_1009_and_is_not_delivered(sockets: Sockets) -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.send_str("x" * 9_999)
        await socket.receive()
        await socket.send_str("x" * 10_001)
        await socket.receive()

    await sockets.start(talk)
    transport = await sockets.open()
    frames: list[bytes] = []
    sending: list[asyncio.Task[None]] = []

    def take(batch: Sequence[bytes]) -> None:
        frames.extend(batch)
        sending.append(asyncio.create_task(transport.send(b"next")))

    end = await asyncio.wait_for(transport.pump(take), 5)
    await asyncio.gather(*sending, transport.close())
    assert [len(frame) for frame in frames] == [9_999]
    assert end.close_code == 1009


async def test_a_compressed_message_from_an_unasked_server_is_refused(sockets: Sockets) -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.send_str("x" * 5_000_000)
        await socket.receive()

    await sockets.start(talk, compress=True)
    frames, end = await read(await sockets.open())
    assert frames == []
    assert end.close_code == 1009


async def test_a_server_that_answers_no_ping_is_noticed(sockets: Sockets) -> None:
    release = asyncio.Event()

    async def talk(_socket: web.WebSocketResponse) -> None:
        await release.wait()

    await sockets.start(talk, autoping=False)
    transport = await sockets.open(ping_s=0.05)
    _, end = await read(transport)
    assert isinstance(end.error, ConnectionLostError) or end.close_code == 1006
    release.set()


async def test_a_server_that_ignores_the_close_is_left_in_time(sockets: Sockets) -> None:
    release = asyncio.Event()

    async def talk(_socket: web.WebSocketResponse) -> None:
        await release.wait()

    await sockets.start(talk)
    transport = await sockets.open()
    async with asyncio.timeout(2):
        await transport.close()
    release.set()


async def test_a_shut_gate_holds_the_reading_back(sockets: Sockets) -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.send_str("0")
        await more.wait()
        for number in (1, 2):
            await socket.send_str(str(number))
        await socket.receive()

    more = asyncio.Event()
    await sockets.start(talk)
    transport = await sockets.open()
    frames: list[bytes] = []
    first = asyncio.Event()

    def take(batch: Sequence[bytes]) -> None:
        frames.extend(batch)
        if len(frames) == 1:
            transport.reading.shut()
        if len(frames) in {1, 3}:
            first.set()

    reader = asyncio.create_task(transport.pump(take))
    await asyncio.wait_for(first.wait(), 5)
    first.clear()
    more.set()
    for _ in range(20):
        await asyncio.sleep(0)
    assert frames == [b"0"]
    transport.reading.open()
    await asyncio.wait_for(first.wait(), 5)
    await transport.close()
    await asyncio.wait_for(reader, 5)
    assert frames == [b"0", b"1", b"2"]


@pytest.mark.parametrize("status", [200, 401, 403, 404, 429, 500, 503])
async def test_a_refused_handshake_comes_with_its_status_and_headers(sockets: Sockets, status: int) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Retry-After": "9"}, text="no")

    await sockets.serve(answer)
    with pytest.raises(HandshakeRefused, match=f"status {status}") as refused:
        await sockets.open()
    assert refused.value.response.status == status
    assert refused.value.response.headers["retry-after"] == "9"


async def test_a_handshake_with_a_wrong_key_is_not_a_refusal(sockets: Sockets) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: bm9uc2Vuc2U=\r\n\r\n"
        )
        await asyncio.sleep(0)
        request.transport.close()
        return web.Response()

    await sockets.serve(answer)
    with pytest.raises(VenueUnavailableError):
        await sockets.open()


async def test_a_redirected_handshake_is_refused_and_the_token_goes_nowhere(sockets: Sockets) -> None:
    reached: list[web.Request] = []

    async def elsewhere(request: web.Request) -> web.Response:
        reached.append(request)
        return web.Response()

    await sockets.serve(elsewhere)
    target = sockets.url.replace("ws", "http", 1)

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": target})

    await sockets.serve(answer)
    with pytest.raises(ConfigurationError, match="redirect"):
        await sockets.open(headers={"Authorization": "Bearer canary"})
    assert reached == []


async def test_nobody_at_the_address_is_unavailable_and_no_secret_shows() -> None:
    http = HttpClient(network=Network(), timeouts=Timeouts(), clock=SystemClock(), user_agent="x")
    with pytest.raises(VenueUnavailableError, match=r"127\.0\.0\.1:1 could not be reached") as caught:
        await open_websocket(
            http,
            "ws://127.0.0.1:1/ws?access_token=canary-4711",
            headers={"Authorization": "Bearer canary-4711"},
            ping_s=None,
            max_message_bytes=1000,
            close_s=1,
        )
    assert "canary" not in "".join(traceback.format_exception(caught.value))
    await http.close()


async def test_a_message_that_is_no_text_ends_the_stream(sockets: Sockets) -> None:
    async def talk(_socket: web.WebSocketResponse) -> None:
        transport = sockets.requests[0].transport
        assert transport is not None
        transport.write(b"\x83\x00")  # opcode 3 does not exist
        await asyncio.sleep(0)

    await sockets.start(talk)
    _, end = await read(await sockets.open())
    assert end.close_code in {1002, 1006} or isinstance(end.error, ConnectionLostError | ProtocolError)


async def test_what_one_read_brings_comes_at_once_around_aiohttps_own_queue(sockets: Sockets) -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.receive()
        transport = cast(web.Request, sockets.requests[-1]).transport
        assert transport is not None
        transport.write(b"".join(b"\x81\x01%d" % number for number in range(9)) + b"\x81\x7e\x00\x80" + b"x" * 128)
        await socket.receive()

    await sockets.start(talk)
    transport = await sockets.open()
    batches: list[Sequence[bytes]] = []
    whole = asyncio.Event()

    def take(batch: Sequence[bytes]) -> None:
        batches.append(batch)
        if sum(map(len, batches)) == 10:
            whole.set()

    reader = asyncio.create_task(transport.pump(take))
    await asyncio.sleep(0)
    await transport.send(b"begin")
    await asyncio.wait_for(whole.wait(), 5)
    await transport.close()
    await asyncio.wait_for(reader, 5)
    assert [frame for batch in batches for frame in batch] == [b"%d" % number for number in range(9)] + [b"x" * 128]
    assert len(batches) < 10  # were each received by itself, the gate would not be where aiohttp feeds its reader


async def test_a_busy_socket_is_read_a_little_at_a_time(sockets: Sockets) -> None:
    """So that frames are delivered while they are still near the processor; asyncio would read eight times as much."""

    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.receive()
        transport = cast(web.Request, sockets.requests[-1]).transport
        assert transport is not None
        transport.write((b"\x81\x7e\x03\xe8" + b"x" * 1000) * 1000)
        await socket.receive()

    await sockets.start(talk)
    transport = await sockets.open()
    sizes: list[int] = []
    whole = asyncio.Event()

    def take(batch: Sequence[bytes]) -> None:
        sizes.append(sum(map(len, batch)))
        if sum(sizes) == 1_000_000:
            whole.set()

    reader = asyncio.create_task(transport.pump(take))
    await asyncio.sleep(0)
    await transport.send(b"begin")
    await asyncio.wait_for(whole.wait(), 5)
    await transport.close()
    await asyncio.wait_for(reader, 5)
    assert max(sizes) <= READ_BYTES + 1000
