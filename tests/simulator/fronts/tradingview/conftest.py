"""A simulated TradingView on loopback, and a client that speaks packets."""

import re
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
import pytest

from brokerwire.simulator import Simulator
from brokerwire.simulator.market import Market
from brokerwire.testing.virtual_time import VirtualClock

TIMEOUT_S = 60
PATH = "/socket.io/websocket?from=chart&type=chart"
ORIGIN = {"Origin": "https://www.tradingview.com"}
_HEAD = re.compile(r"~m~(\d+)~m~")


def pack(payload: str) -> str:
    return f"~m~{len(payload)}~m~{payload}"


class Dial:
    """One socket: packets out, packets in; heartbeats are echoed unless ``echoes`` is off."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.waiting: deque[str] = deque()
        self.texts: list[str] = []
        self.beats: list[str] = []
        self.echoes = True

    async def send(self, method: str, *params: Any) -> None:
        await self.socket.send_str(pack(msgspec.json.encode({"m": method, "p": list(params)}).decode()))

    async def next(self) -> Any:
        """Return the next packet, parsed; None when the socket has ended."""
        while True:
            while not self.waiting:
                message = await self.socket.receive(timeout=TIMEOUT_S)
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return None
                self._take(message.data)
            payload = self.waiting.popleft()
            if not payload.startswith("~h~"):
                return msgspec.json.decode(payload)
            self.beats.append(payload)
            if self.echoes:
                await self.socket.send_str(pack(payload))

    def _take(self, text: str) -> None:
        self.texts.append(text)
        position = 0
        while position < len(text):
            head = _HEAD.match(text, position)
            assert head is not None, text[position : position + 50]
            position = head.end() + int(head[1])
            self.waiting.append(text[head.end() : position])

    async def until(self, method: str, wanted: Callable[[list[Any]], bool] = lambda _: True) -> list[Any]:
        """Return all packets up to the first of a method that is wanted."""
        found: list[Any] = []
        while True:
            packet = await self.next()
            assert packet is not None, f"ended before {method}: {[each.get('m') for each in found]}"
            found.append(packet)
            if packet.get("m") == method and wanted(packet["p"]):
                return found

    async def one(self, method: str, wanted: Callable[[list[Any]], bool] = lambda _: True) -> list[Any]:
        """Return the parameters of the first packet of a method that is wanted."""
        return (await self.until(method, wanted))[-1]["p"]

    async def end(self) -> list[Any]:
        """Return all packets up to the end of the socket."""
        found: list[Any] = []
        while (packet := await self.next()) is not None:
            found.append(packet)
        return found

    async def chart(
        self, symbol: str = "BINANCE:BTCUSDT", resolution: str = "1", bars: Any = 50, frame: str = ""
    ) -> Any:
        """Create a session with one series and return its packets up to the completion."""
        await self.send("chart_create_session", "cs_a", "")
        await self.send("resolve_symbol", "cs_a", "sym_1", symbol)
        await self.send("create_series", "cs_a", "sds_1", "s1", "sym_1", resolution, bars, frame)
        return await self.until("series_completed")


class Venue:
    """A running simulator with a client session."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.session = session
        self.site = simulator.endpoints["site"]

    @asynccontextmanager
    async def dial(
        self, *, host: str = "prodata", path: str = PATH, token: str | None = None, **options: Any
    ) -> AsyncIterator[Dial]:
        """Open a socket, signed in unless another token is given; an empty one sends none."""
        address = self.simulator.endpoints[host] + path
        options.setdefault("headers", ORIGIN)
        async with self.session.ws_connect(address, max_msg_size=0, **options) as socket:
            dial = Dial(socket)
            chosen = self.simulator.credentials["auth_token"] if token is None else token
            if chosen:
                await dial.send("set_auth_token", chosen)
            yield dial

    async def get(self, path: str, **options: Any) -> tuple[int, Any]:
        """Return status and body, parsed when it is JSON."""
        async with self.session.get(self.site + path, **options) as response:
            body = await response.read()
            is_json = response.content_type == "application/json"
            return response.status, msgspec.json.decode(body) if is_json else body.decode()

    async def post(self, path: str, **options: Any) -> tuple[int, Any]:
        """Return status and parsed body."""
        async with self.session.post(self.site + path, **options) as response:
            body = await response.read()
            is_json = response.content_type == "application/json"
            return response.status, msgspec.json.decode(body) if is_json else body.decode()


@asynccontextmanager
async def open_venue(**options: Any) -> AsyncIterator[Venue]:
    """Start a simulator and a client session."""
    simulator = Simulator("tradingview", seed=5, clock=VirtualClock(), **options)
    async with simulator, aiohttp.ClientSession() as session:
        yield Venue(simulator, session)


@pytest.fixture
async def venue() -> AsyncIterator[Venue]:
    async with open_venue() as opened:
        yield opened


@pytest.fixture
def new_venue() -> Callable[..., Any]:
    """Open a venue with options of the test's own."""
    return open_venue


@pytest.fixture
async def live_market() -> AsyncIterator[Market]:
    market = Market(seed=5, clock=VirtualClock())
    yield market
    await market.close()
