"""A server that speaks just enough of a venue to send it frames that no sane venue would."""

import asyncio
import base64
from collections.abc import Sequence

import msgspec
from aiohttp import WSMsgType, web
from tests.faults import frames
from tests.faults.venues import VENUES

QUOTE_IS_COMPLETE = frames.wrap(
    "tradingview",
    msgspec.json.encode({"m": "quote_completed", "p": [frames.TRADINGVIEW_QUOTES, frames.SYMBOLS["tradingview"]]}),
)
HEARTBEAT = b'{"Heartbeat":1,"Timestamp":"2026-11-20T12:00:00Z"}'


def web_token() -> str:
    """Return a token of the free plan that is good for years, as a page of TradingView holds one."""
    claims = msgspec.json.encode({"exp": 4_102_444_800, "plan": "", "word": "canary-access-token-4711"})
    return f"eyJhbGciOiJSUzUxMiJ9.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.c2ln"


class ScriptedVenue:
    """Sends its frames, in order and once, to each connection; then it only lives on."""

    def __init__(self, venue: str, frames: Sequence[bytes], *, pause_s: float) -> None:
        self.venue = venue
        self.frames = frames
        self.pause_s = pause_s
        self.dials = 0
        self.endpoints: dict[str, str] = {}
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/oauth/token", self._token)
        app.router.add_get("/api/v3/exchangeInfo", self._exchange_info)
        app.router.add_get("/stream", self._websocket)
        app.router.add_get("/", self._page)
        app.router.add_get("/socket.io/websocket", self._chart_socket)
        app.router.add_get("/{path:v[23]/.*stream/.*}", self._lines)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.endpoints = {key: f"{scheme}://{host}:{port}" for key, scheme in VENUES[self.venue].schemes.items()}

    async def close(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _token(self, _: web.Request) -> web.Response:
        return web.json_response({"access_token": "canary-access-token-4711", "expires_in": 86_400})

    async def _exchange_info(self, request: web.Request) -> web.Response:
        names = msgspec.json.decode(request.query.get("symbols", "[]"))
        return web.json_response({"symbols": [{"symbol": name} for name in names]})

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        self.dials += 1
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        wish = msgspec.json.decode((await socket.receive()).data)
        await socket.send_str(msgspec.json.encode({"result": None, "id": wish["id"]}).decode())
        sending = asyncio.create_task(self._send_all(socket), name="scripted frames")
        try:
            async for _ in socket:
                pass
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        return socket

    async def _send_all(self, socket: web.WebSocketResponse) -> None:
        for frame in self.frames:
            await asyncio.sleep(self.pause_s)
            await socket.send_frame(frame, WSMsgType.TEXT)
            if self.venue == "tradingview":  # whatever has come of the quote so far is all that there is
                await socket.send_frame(QUOTE_IS_COMPLETE, WSMsgType.TEXT)
        number = 0
        while self.venue == "tradingview":
            await asyncio.sleep(5)
            number += 1
            await socket.send_bytes(frames.wrap(self.venue, b"~h~%d" % number))

    async def _page(self, _: web.Request) -> web.Response:
        return web.Response(text=f'<script>var user = {{"auth_token":"{web_token()}"}}</script>')

    async def _chart_socket(self, request: web.Request) -> web.StreamResponse:
        self.dials += 1
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        await socket.send_bytes(frames.wrap(self.venue, b'{"session_id":"scripted","protocol":"json"}'))
        sending: asyncio.Task[None] | None = None
        try:
            async for message in socket:
                if sending is None and "quote_add_symbols" in message.data:
                    sending = asyncio.create_task(self._send_all(socket), name="scripted frames")
        finally:
            if sending is not None:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
        return socket

    async def _lines(self, request: web.Request) -> web.StreamResponse:
        self.dials += 1
        answer = web.StreamResponse()
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        for frame in self.frames:
            await asyncio.sleep(self.pause_s)
            await answer.write(frame + b"\n")
        while True:
            await asyncio.sleep(5)
            await answer.write(HEARTBEAT + b"\n")
