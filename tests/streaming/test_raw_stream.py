import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from tests.proxy import Proxy

from brokerwire import Client, HTTPStream, WebSocketStream
from brokerwire.errors import (
    BrokerwireError,
    ConfigurationError,
    ConnectionLostError,
    StreamLimitError,
    UnsupportedError,
)

pytestmark = pytest.mark.usefixtures("nothing_left")


class Peer:
    """A server with a WebSocket that repeats what it hears, and a line stream that counts."""

    def __init__(self) -> None:
        self.headers: list[str] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.release = asyncio.Event()

    async def echo(self, request: web.Request) -> web.WebSocketResponse:
        self.headers.append(request.headers.get("X-Dial", ""))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        await socket.send_json({"hello": len(self.sockets)})
        async for message in socket:
            await socket.send_str(message.data)
        return socket

    async def lines(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(request.headers.get("X-Dial", ""))
        response = web.StreamResponse()
        await response.prepare(request)
        for number in range(3):
            await response.write(b'{"number":%d}\n' % number)
        await self.release.wait()
        return response

    async def refuse(self, _request: web.Request) -> web.Response:
        return web.Response(status=404)


@pytest.fixture
async def peer(aiohttp_server: Any) -> AsyncIterator[tuple[Peer, str]]:
    found = Peer()
    app = web.Application()
    app.router.add_get("/ws", found.echo)
    app.router.add_get("/lines", found.lines)
    app.router.add_get("/no", found.refuse)
    server = await aiohttp_server(app)
    yield found, str(server.make_url("")).rstrip("/")
    found.release.set()
    for socket in found.sockets:
        await socket.close()


async def heard(queue: "asyncio.Queue[Any]") -> Any:
    async with asyncio.timeout(10):
        return await queue.get()


async def test_a_websocket_hands_parsed_messages_to_its_callback_and_sends(peer: tuple[Peer, str]) -> None:
    _, address = peer
    queue: asyncio.Queue[Any] = asyncio.Queue()
    stream = WebSocketStream(address.replace("http", "ws", 1) + "/ws")
    stream.set_callback(queue.put_nowait)
    assert not stream.is_connected
    assert stream.id is None
    await stream.connect()
    await stream.connect()
    assert stream.is_connected
    assert await heard(queue) == {"hello": 1}
    await stream.send({"a": [1]})
    assert await heard(queue) == {"a": [1]}
    await stream.close()
    await stream.close()
    assert not stream.is_connected
    with pytest.raises(ConnectionLostError):
        await stream.send({})


async def test_messages_before_the_callback_wait_for_it(peer: tuple[Peer, str]) -> None:
    _, address = peer
    queue: asyncio.Queue[Any] = asyncio.Queue()
    async with HTTPStream(f"{address}/lines") as stream:
        await asyncio.sleep(0)

        async def callback(message: Any) -> None:
            await queue.put(message)

        stream.set_callback(callback)
        assert [await heard(queue) for _ in range(3)] == [{"number": number} for number in range(3)]
        with pytest.raises(UnsupportedError):
            await stream.send({})


async def test_a_broken_wire_is_dialled_again_with_fresh_headers(peer: tuple[Peer, str]) -> None:
    found, address = peer
    queue: asyncio.Queue[Any] = asyncio.Queue()
    dials = iter("123456")
    async with WebSocketStream(address.replace("http", "ws", 1) + "/ws", lambda: {"X-Dial": next(dials)}) as stream:
        stream.set_callback(queue.put_nowait)
        assert await heard(queue) == {"hello": 1}
        await found.sockets[0].close()
        assert await heard(queue) == {"hello": 2}
    assert found.headers == ["1", "2"]


async def test_a_wrong_address_is_refused_before_anything_is_dialled() -> None:
    for kind, url in (
        (WebSocketStream, "http://127.0.0.1/x"),
        (HTTPStream, "ws://127.0.0.1/x"),
        (WebSocketStream, "ws://example.com/x"),
        (HTTPStream, "http://example.com/x"),
        (HTTPStream, "ftp://127.0.0.1/x"),
    ):
        with pytest.raises(ConfigurationError):
            kind(url)


async def test_a_refusal_is_raised_by_connect_and_leaves_nothing(peer: tuple[Peer, str]) -> None:
    _, address = peer
    for kind, url in ((HTTPStream, f"{address}/no"), (WebSocketStream, address.replace("http", "ws", 1) + "/no")):
        stream = kind(url)
        with pytest.raises(BrokerwireError) as caught:
            await stream.connect()
        assert caught.value.status == 404
        assert not stream.is_connected


async def test_a_manager_counts_streams_to_any_address(peer: tuple[Peer, str]) -> None:
    _, address = peer
    async with Client("binance", environment="offline", max_concurrent_streams=2) as client:
        manager = client.streams
        lines = await manager.create_stream(f"{address}/lines")
        socket = await manager.create_stream(address.replace("http", "ws", 1) + "/ws", {"X-Dial": "a"})
        assert isinstance(lines, HTTPStream)
        assert isinstance(socket, WebSocketStream)
        assert [stream.id for stream in manager.active_streams] == [lines.id, socket.id] == [1, 2]
        with pytest.raises(StreamLimitError):
            await manager.create_stream(f"{address}/lines")
        assert lines.id is not None
        await manager.close_stream(lines.id)
        assert len(manager) == 1
        await socket.close()
        assert len(manager) == 0
        await lines.close()


async def test_a_stream_that_stands_alone_goes_through_the_proxy_it_is_given(peer: tuple[Peer, str]) -> None:
    _, address = peer
    async with Proxy() as proxy:
        for kind, url in (
            (HTTPStream, f"{address}/lines"),
            (WebSocketStream, f"{address.replace('http', 'ws', 1)}/ws"),
        ):
            queue: asyncio.Queue[Any] = asyncio.Queue()
            async with kind(url, proxy=proxy.url) as stream:
                stream.set_callback(queue.put_nowait)
                assert await heard(queue)
        host = address.removeprefix("http://")
        assert [asked.rpartition("://")[2] for asked in proxy.asked] == [f"{host}/lines", f"{host}/ws"]


async def test_a_clients_streams_go_through_the_proxy_of_the_environment(
    peer: tuple[Peer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, address = peer
    async with Proxy() as proxy, Client("binance", environment="offline") as client:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        await client.market_data.get_quotes("BTCUSDT")
        assert proxy.asked == []  # the simulator of the client itself is not behind it
    async with Proxy() as proxy, Client("binance", environment="live") as client:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        queue: asyncio.Queue[Any] = asyncio.Queue()
        stream = await client.streams.create_stream(f"{address}/lines")
        stream.set_callback(queue.put_nowait)
        assert await heard(queue) == {"number": 0}
        assert len(proxy.asked) == 1


async def test_a_managers_stream_takes_no_network_of_its_own(peer: tuple[Peer, str]) -> None:
    _, address = peer
    async with Client("binance", environment="live") as client:
        with pytest.raises(ConfigurationError, match="give proxy and ca_file to the client"):
            HTTPStream(f"{address}/lines", manager=client.streams, proxy="http://127.0.0.1:1")
