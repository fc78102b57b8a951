"""A server whose first answer on each stream grows without end, plainly or when it is inflated."""

import asyncio
import base64
import gzip
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from types import MappingProxyType

import msgspec
from aiohttp import web
from msgspec import Struct

MIB = 2**20
BOMB_BYTES = 64 * MIB
GOOD_FRAMES = 3
_PIECE = b"9" * 65_536
_ZEROS = bytes(MIB)
_HOST = "127.0.0.1"
_HEARTBEAT = b'{"Heartbeat":1,"Timestamp":"2026-11-20T12:00:00Z"}\n'


def _one_frame(size: int) -> Iterator[bytes]:
    """One WebSocket frame that says it is longer than any machine's memory."""
    yield b"\x81\x7f" + (2**62).to_bytes(8, "big")
    yield from (_PIECE for _ in range(size // len(_PIECE)))


def _fragments(size: int) -> Iterator[bytes]:
    """One WebSocket message in fragments that never end."""
    head = b"\x7e" + (60_000).to_bytes(2, "big")
    yield b"\x01" + head + _PIECE[:60_000]
    yield from (b"\x00" + head + _PIECE[:60_000] for _ in range(size // 60_000))


def _deflated(size: int) -> Iterator[bytes]:
    """One small compressed WebSocket frame that inflates a thousandfold."""
    body = b"".join(_squeezed(size, wbits=-15))
    yield b"\xc1\x7f" + len(body).to_bytes(8, "big") + body


def _line(size: int) -> Iterator[bytes]:
    """One line that never ends."""
    yield b'{"Symbol":"AAPL","Bid":"'
    yield from (_PIECE for _ in range(size // len(_PIECE)))


def _gzipped(size: int) -> Iterator[bytes]:
    """A small compressed line that inflates a thousandfold."""
    return _squeezed(size, wbits=31)


def _squeezed(size: int, *, wbits: int) -> Iterator[bytes]:
    """Zeros, compressed in blocks that do not refer to each other: one is made, and repeated."""
    squeeze = zlib.compressobj(9, wbits=wbits)
    yield squeeze.compress(_ZEROS) + squeeze.flush(zlib.Z_FULL_FLUSH)
    block = squeeze.compress(_ZEROS) + squeeze.flush(zlib.Z_FULL_FLUSH)
    yield from (block for _ in range(size // MIB - 1))


class Bomb(Struct, frozen=True):
    """What a server sends: pieces of about so many bytes in all, when they are inflated, and their content encoding."""

    pieces: Callable[[int], Iterator[bytes]]
    encoding: str = ""


BOMBS: Mapping[str, Mapping[str, Bomb]] = MappingProxyType(
    {
        "binance": {"frame": Bomb(_one_frame), "fragments": Bomb(_fragments), "deflate": Bomb(_deflated)},
        "tradestation": {"line": Bomb(_line), "gzip": Bomb(_gzipped, "gzip")},
        "tradingview": {"frame": Bomb(_one_frame), "fragments": Bomb(_fragments), "deflate": Bomb(_deflated)},
    }
)
"""By venue and name."""


_SCHEMES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "binance": {"rest": "http", "stream": "ws"},
        "tradestation": {"rest": "http", "auth": "http"},
        "tradingview": {"site": "http", "stream": "ws"},
    }
)
"""The base addresses of each venue."""


class BombServer:
    """Serves good quotes to whoever subscribes, and a bomb of ``size`` bytes behind them to the first one.

    Attributes:
        venue: Whose wire it is.
        endpoints: Its base addresses, once it is started.
        dials: How many streams were opened.
        sent_bytes: How much of the bomb the client let in.
        close_codes: What the clients closed their WebSockets with.
    """

    def __init__(self, venue: str, bomb: Bomb, *, size: int = BOMB_BYTES) -> None:
        self.venue = venue
        self.endpoints: Mapping[str, str] = MappingProxyType({})
        self.dials = 0
        self.sent_bytes = 0
        self.close_codes: list[int | None] = []
        self._bomb = bomb
        self._size = size
        self._encoding = {"Content-Encoding": bomb.encoding} if bomb.encoding else {}
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Serve on a free port of this machine."""
        app = web.Application()
        app.router.add_post("/oauth/token", self._token)
        app.router.add_get("/api/v3/exchangeInfo", self._exchange_info)
        app.router.add_get("/stream", self._websocket)
        app.router.add_get("/", self._page)
        app.router.add_get("/socket.io/websocket", self._chart_socket)
        app.router.add_get("/{path:v3/.*stream/.*}", self._lines)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, _HOST, 0).start()
        port = self._runner.addresses[0][1]
        self.endpoints = {key: f"{scheme}://{_HOST}:{port}" for key, scheme in _SCHEMES[self.venue].items()}

    async def close(self) -> None:
        """Stop serving; safe to call twice."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _token(self, _request: web.Request) -> web.Response:
        return web.json_response({"access_token": "access-of-the-bomb-server", "expires_in": 86_400})

    async def _exchange_info(self, request: web.Request) -> web.Response:
        names = msgspec.json.decode(request.query.get("symbols", "[]"))
        return web.json_response({"symbols": [{"symbol": name} for name in names]})

    # WebSockets

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        self.dials += 1
        is_first = self.dials == 1
        socket = web.WebSocketResponse(max_msg_size=0, timeout=1.0)
        await socket.prepare(request)
        wish = msgspec.json.decode((await socket.receive()).data)
        await socket.send_str(msgspec.json.encode({"result": None, "id": wish["id"]}).decode())
        await self._serve(request, socket, _trade_quote, is_first=is_first)
        return socket

    async def _page(self, _request: web.Request) -> web.Response:
        claims = base64.urlsafe_b64encode(b'{"exp":4102444800,"plan":""}').decode().rstrip("=")
        return web.Response(text=f'<script>var user = {{"auth_token":"eyJhbGciOiJSUzUxMiJ9.{claims}.c2ln"}}</script>')

    async def _chart_socket(self, request: web.Request) -> web.WebSocketResponse:
        self.dials += 1
        is_first = self.dials == 1
        socket = web.WebSocketResponse(max_msg_size=0, timeout=1.0)
        await socket.prepare(request)
        while "quote_add_symbols" not in str((await socket.receive()).data):
            continue
        await self._serve(request, socket, _chart_quote, is_first=is_first)
        return socket

    async def _serve(
        self, request: web.Request, socket: web.WebSocketResponse, quote: Callable[[int], bytes], *, is_first: bool
    ) -> None:
        """Send everything until the client ends it."""
        sending = asyncio.create_task(self._send_all(request, socket, quote, is_first=is_first), name="doctor bomb")
        try:
            async for _ in socket:
                pass
        finally:
            self.close_codes.append(socket.close_code)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _send_all(
        self, request: web.Request, socket: web.WebSocketResponse, quote: Callable[[int], bytes], *, is_first: bool
    ) -> None:
        async for frame in _good(quote):
            await socket.send_str(frame.decode())
        transport = request.transport
        if is_first and transport is not None:
            await self._detonate(transport, request.protocol._drain_helper)

    async def _detonate(self, transport: asyncio.Transport, drained: Callable[[], Awaitable[None]]) -> None:
        for piece in self._bomb.pieces(self._size):
            if transport.is_closing():  # a write to a broken socket is dropped and never has to be drained
                return
            transport.write(piece)
            self.sent_bytes += len(piece)
            await drained()

    # Lines

    async def _lines(self, request: web.Request) -> web.StreamResponse:
        self.dials += 1
        is_first = self.dials == 1
        answer = web.StreamResponse(headers=self._encoding if is_first else {})
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        squeeze = gzip.compress if is_first and self._encoding else bytes
        async for frame in _good(_line_quote):
            await answer.write(squeeze(frame + b"\n"))
        for piece in self._bomb.pieces(self._size) if is_first else ():
            await answer.write(piece)
            self.sent_bytes += len(piece)
        while True:
            await asyncio.sleep(5)
            await answer.write(squeeze(_HEARTBEAT))


async def _good(quote: Callable[[int], bytes]) -> AsyncIterator[bytes]:
    for number in range(1, 1 + GOOD_FRAMES):
        await asyncio.sleep(0.05)
        yield quote(number)


def _trade_quote(number: int) -> bytes:
    data = {"u": number, "s": "BTCUSDT", "b": f"{number}.50", "B": "1.5", "a": f"{number}.75", "A": "2.5"}
    return msgspec.json.encode({"stream": "btcusdt@bookTicker", "data": data})


def _chart_quote(number: int) -> bytes:
    """Return one quote with the end of its first values behind it."""
    session, symbol = "qs_000000000001", "BINANCE:BTCUSDT"
    values = {"bid": number + 0.5, "ask": number + 0.75, "bid_size": 1.5, "ask_size": 2.5}
    quote = {"m": "qsd", "p": [session, {"n": symbol, "s": "ok", "v": values}]}
    payloads = [msgspec.json.encode(each) for each in (quote, {"m": "quote_completed", "p": [session, symbol]})]
    return b"".join(b"~m~%d~m~%s" % (len(payload), payload) for payload in payloads)


def _line_quote(number: int) -> bytes:
    data = {"Symbol": "AAPL", "Bid": f"{number}.50", "Ask": f"{number}.75", "BidSize": "100", "AskSize": "200"}
    return msgspec.json.encode({**data, "TradeTime": "2026-11-20T12:00:00Z"})
