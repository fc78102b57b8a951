"""A server whose first answer on each stream grows without end, plainly or when it is inflated."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping

import msgspec
from aiohttp import web
from tests.faults import frames
from tests.faults.conftest import repeats

MIB = 2**20
LIMIT_BYTES = 8 * MIB
BOMB_BYTES = repeats(128, 512) * MIB
GOOD_FRAMES = 3
_PIECE = b"9" * 65_536
_ZEROS = bytes(MIB)


def _oversize() -> Iterator[bytes]:
    yield b"\x81\x7f" + (LIMIT_BYTES + 1).to_bytes(8, "big") + b"9"


def _endless() -> Iterator[bytes]:
    yield b"\x81\x7f" + (2**62).to_bytes(8, "big")
    yield from (_PIECE for _ in range(BOMB_BYTES // len(_PIECE)))


def _fragments() -> Iterator[bytes]:
    head = b"\x7e" + (60_000).to_bytes(2, "big")
    yield b"\x01" + head + _PIECE[:60_000]
    yield from (b"\x00" + head + _PIECE[:60_000] for _ in range(LIMIT_BYTES // 60_000))


def _small_fragments() -> Iterator[bytes]:
    yield b"\x01\x019"
    yield from ((b"\x00\x64" + _PIECE[:100]) * 1000 for _ in range(BOMB_BYTES // 100_000))


def _deflate() -> Iterator[bytes]:
    squeeze = zlib.compressobj(9, wbits=-15)
    body = b"".join(squeeze.compress(_ZEROS) for _ in range(BOMB_BYTES // MIB)) + squeeze.flush()
    yield b"\xc1\x7f" + len(body).to_bytes(8, "big") + body


def _line() -> Iterator[bytes]:
    yield b'{"Symbol":"AAPL","Bid":"'
    yield from (_PIECE for _ in range(BOMB_BYTES // len(_PIECE)))


def _gzip() -> Iterator[bytes]:
    squeeze = zlib.compressobj(9, wbits=31)
    for _ in range(BOMB_BYTES // MIB):
        yield squeeze.compress(_ZEROS)
    yield squeeze.flush()


BOMBS: Mapping[str, Callable[[], Iterator[bytes]]] = {
    "oversize": _oversize,
    "endless": _endless,
    "fragments": _fragments,
    "small_fragments": _small_fragments,
    "deflate": _deflate,
    "line": _line,
    "gzip": _gzip,
}


class BombVenue:
    """Serves good quotes; the first stream, and with ``is_for_requests`` each answer, is blown up by a bomb.

    Attributes:
        dials: How many streams were opened.
        sent_bytes: How much of the bomb the client let in.
        close_codes: What the clients closed their WebSockets with.
    """

    def __init__(self, venue: str, bomb: str, *, path: str = "stream") -> None:
        self.venue = venue
        self.dials = 0
        self.sent_bytes = 0
        self.close_codes: list[int | None] = []
        self.endpoints: dict[str, str] = {}
        self._bomb = BOMBS[bomb]
        self._encoding = {"Content-Encoding": "gzip"} if bomb == "gzip" else {}
        self._path = path
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/oauth/token", self._token)
        app.router.add_get("/api/v3/exchangeInfo", self._exchange_info)
        app.router.add_get("/stream", self._websocket)
        app.router.add_get("/{path:v[23]/.*stream/.*}", self._lines)
        app.router.add_get("/{path:.*}", self._blow_up)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        schemes = {"rest": "http", "auth": "http"} if self.venue == "tradestation" else {"rest": "http", "stream": "ws"}
        self.endpoints = {key: f"{scheme}://{host}:{port}" for key, scheme in schemes.items()}

    async def close(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _token(self, request: web.Request) -> web.StreamResponse:
        if self._path == "token":
            return await self._blow_up(request)
        return web.json_response({"access_token": "canary-access-token-4711", "expires_in": 86_400})

    async def _exchange_info(self, request: web.Request) -> web.Response:
        names = msgspec.json.decode(request.query.get("symbols", "[]"))
        return web.json_response({"symbols": [{"symbol": name} for name in names]})

    async def _good(self) -> AsyncIterator[bytes]:
        for number in range(1, 1 + GOOD_FRAMES):
            await asyncio.sleep(0.1)
            yield frames.quote(self.venue, number)

    async def _detonate(self, transport: asyncio.Transport, drained: Callable[[], Awaitable[None]]) -> None:
        for piece in self._bomb():
            if transport.is_closing():  # a write to a broken socket is dropped and never has to be drained
                break
            transport.write(piece)
            self.sent_bytes += len(piece)
            await drained()
        await asyncio.Event().wait()

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        self.dials += 1
        is_first = self.dials == 1
        socket = web.WebSocketResponse(max_msg_size=0, timeout=1.0)
        await socket.prepare(request)
        wish = msgspec.json.decode((await socket.receive()).data)
        await socket.send_str(msgspec.json.encode({"result": None, "id": wish["id"]}).decode())
        sending = asyncio.create_task(self._send_all(request, socket, is_first=is_first), name="bomb")
        try:
            async for _ in socket:
                pass
        finally:
            self.close_codes.append(socket.close_code)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        return socket

    async def _send_all(self, request: web.Request, socket: web.WebSocketResponse, *, is_first: bool) -> None:
        async for frame in self._good():
            await socket.send_str(frame.decode())
        if is_first:
            transport = request.transport
            assert transport is not None
            await self._detonate(transport, request.protocol._drain_helper)

    async def _lines(self, request: web.Request) -> web.StreamResponse:
        self.dials += 1
        is_first = self.dials == 1
        answer = web.StreamResponse(headers=self._encoding if is_first else {})
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        squeeze = gzip.compress if is_first and self._encoding else bytes
        async for frame in self._good():
            await answer.write(squeeze(frame + b"\n"))
        for piece in self._bomb() if is_first else ():
            await answer.write(piece)
            self.sent_bytes += len(piece)
        while True:
            await asyncio.sleep(5)
            await answer.write(squeeze(b'{"Heartbeat":1,"Timestamp":"2026-11-20T12:00:00Z"}\n'))

    async def _blow_up(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "application/json", **self._encoding})
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        for piece in self._bomb():
            await answer.write(piece)
            self.sent_bytes += len(piece)
        return answer
