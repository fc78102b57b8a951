"""A simulated Binance on loopback, and a client that speaks to it in plain HTTP and WebSocket."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from brokerwire.simulator import Simulator
from brokerwire.simulator.fronts.binance.desk import Desk
from brokerwire.simulator.fronts.binance.limits import RequestLimits, Settings
from brokerwire.simulator.fronts.binance.listing import Listing
from brokerwire.simulator.market import Market
from brokerwire.testing.virtual_time import VirtualClock

TIMEOUT_S = 10

RECORDED_INFO = (
    '{"timezone":"UTC","symbols":[{"symbol":"AAABBB","baseAsset":"AAA"},{"symbol":"CCCBBB", "baseAsset":"CCC"},'
    '{"symbol":"DDDBBB","baseAsset":"DDD"}]}'
)
RECORDED_BOOK = (
    '{"lastUpdateId":102,"bids":[["1.10000000","5.00"],["1.00000000","7.00"]],"asks":[["1.20000000","4.00"]]}'
)
RECORDED_FRAMES = (
    '{"stream":"aaabbb@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"AAABBB","U":101,"u":102,"b":[],"a":[]}}',
    '{"stream":"aaabbb@bookTicker","data":{"u":103,"s":"AAABBB","b":"1.10000000",  "B":"6.00","a":"1.2","A":"4"}}',
    '{"stream":"aaabbb@depth@100ms","data":{"e":"depthUpdate","E":2,"s":"AAABBB","U":103,"u":104,'
    '"b":[["1.10000000","6.00"],["1.00000000","0.00"]],"a":[["1.15000000","1.00"]]}}',
    '{"stream":"aaabbb@depth@100ms","data":{"e":"depthUpdate","E":3,"s":"AAABBB","U":105,"u":105,'
    '"b":[["0.90000000","2.00"]],"a":[["1.15000000","0.00"]]}}',
)


class Venue:
    """A running simulator with a client session."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.session = session
        self.rest = simulator.endpoints["rest"]
        self.ws = simulator.endpoints["stream"]

    async def get(self, path: str, *, headers: dict[str, str] | None = None, **query: str) -> tuple[int, Any]:
        """Return status and parsed body."""
        async with self.session.get(f"{self.rest}/api/v3/{path}", params=query, headers=headers) as response:
            return response.status, msgspec.json.decode(await response.read())

    async def signed(self, verb: str, path: str, **query: str) -> tuple[int, Any]:
        """Send a signed request with the simulator's own credentials."""
        keys = self.simulator.credentials
        query.setdefault("timestamp", str(self.simulator.exchange.now_ns() // 1_000_000))
        text = "&".join(f"{name}={value}" for name, value in query.items())
        signature = hmac.new(keys["api_secret"].encode(), text.encode(), hashlib.sha256).hexdigest()
        url = f"{self.rest}/api/v3/{path}?{text}&signature={signature}"
        async with self.session.request(verb, url, headers={"X-MBX-APIKEY": keys["api_key"]}) as response:
            return response.status, msgspec.json.decode(await response.read())

    @asynccontextmanager
    async def connect(self, path: str, **options: Any) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Open a WebSocket."""
        async with self.session.ws_connect(self.ws + path, **options) as socket:
            yield socket


async def receive(socket: aiohttp.ClientWebSocketResponse) -> Any:
    """Return the next message, parsed."""
    message = await socket.receive(timeout=TIMEOUT_S)
    assert message.type is aiohttp.WSMsgType.TEXT, message
    return msgspec.json.decode(message.data)


async def receive_until(socket: aiohttp.ClientWebSocketResponse, wanted: Callable[[Any], bool]) -> Any:
    """Return the first message that is wanted."""
    while True:
        message = await receive(socket)
        if wanted(message):
            return message


@asynccontextmanager
async def open_venue(**options: Any) -> AsyncIterator[Venue]:
    """Start a simulator and a client session."""
    simulator = Simulator("binance", seed=5, clock=VirtualClock(), **options)
    async with simulator, aiohttp.ClientSession() as session:
        yield Venue(simulator, session)


@pytest.fixture
async def venue() -> AsyncIterator[Venue]:
    async with open_venue(settings={"rate": 4}) as opened:
        yield opened


@pytest.fixture
def new_venue() -> Callable[..., Any]:
    """Open a venue with options of the test's own."""
    return open_venue


@pytest.fixture
def read() -> Callable[..., Any]:
    return receive


@pytest.fixture
def read_until() -> Callable[..., Any]:
    return receive_until


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    market = Market(seed=5, clock=VirtualClock())
    yield Desk(market, Listing(market.universe), RequestLimits(Settings()), Settings())
    await market.close()


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A small recording of our own invention: one book with three deltas, a ticker, a symbol list."""
    (tmp_path / "BINANCE.0").write_text(
        f"https://h.example/api/v3/exchangeInfo -> 90.0: {RECORDED_INFO}\nconfiguration: {{}}\n"
    )
    (tmp_path / "BINANCE.http.0.0").write_text(
        f"https://h.example/api/v3/depth?symbol=AAABBB&limit=1000 -> 100.15: {RECORDED_BOOK}\n"
        'https://h.example/api/v3/trades?symbol=CCCBBB -> 100.2: [{"id": 1}]\n'
    )
    times = (100.0, 100.1, 100.2, 100.3)
    lines = "".join(f"{at}: {frame}\n" for at, frame in zip(times, RECORDED_FRAMES, strict=True))
    (tmp_path / "BINANCE.ws.1.0").write_text(
        "wss://h.example:9443/stream?streams=aaabbb@depth@100ms/aaabbb@bookTicker <-> 99.9\n"
        f'wss://h.example:9443/stream <- 99.95: {{"id":1}}\n{lines}100.4: {{"result":null,"id":1}}\n'
    )
    return tmp_path


@pytest.fixture
def frames() -> tuple[str, ...]:
    return RECORDED_FRAMES


@pytest.fixture
def book() -> str:
    return RECORDED_BOOK
