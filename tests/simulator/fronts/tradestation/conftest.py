"""A running TradeStation simulator and a client that speaks plain HTTP to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest

from brokerwire.simulator import Simulator
from brokerwire.testing.virtual_time import VirtualClock

MARGIN, FUTURES = "SIM2510014M", "SIM2510014F"
PATIENCE_S = 15


class Lines:
    """One open stream, read line by line."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.status = answer.status
        self.headers = answer.headers

    async def line(self) -> bytes:
        return await asyncio.wait_for(self.answer.content.readline(), PATIENCE_S)

    async def frame(self) -> dict[str, Any]:
        while True:
            line = (await self.line()).strip()
            if line:
                found: dict[str, Any] = json.loads(line)
                return found

    async def until(self, is_wanted: Callable[[dict[str, Any]], object]) -> list[dict[str, Any]]:
        """Read up to and including the first frame that is wanted."""
        seen: list[dict[str, Any]] = []
        while not seen or not is_wanted(seen[-1]):
            seen.append(await self.frame())
        return seen

    async def statuses(self, last: str, order_id: str) -> list[str]:
        """Read the statuses of one order up to ``last``."""
        frames = await self.until(lambda f: f.get("OrderID") == order_id and f["Status"] == last)
        return [f["Status"] for f in frames if f.get("OrderID") == order_id]


class Wire:
    """A client of a simulator: signs in, asks, streams."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.session = session
        self.rest = simulator.endpoints["rest"]
        self.headers: dict[str, str] = {}

    async def sign_in(self, **fields: str) -> dict[str, Any]:
        form = {"grant_type": "refresh_token", **self.simulator.credentials, **fields}
        async with self.session.post(f"{self.simulator.endpoints['auth']}/oauth/token", data=form) as answer:
            body: dict[str, Any] = await answer.json()
        self.headers = {"Authorization": f"Bearer {body.get('access_token')}"}
        return body

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        async with self.session.request(method, self.rest + path, json=body, headers=self.headers) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str) -> Any:
        status, body = await self.call("GET", path)
        assert status == 200, body
        return body

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncIterator[Lines]:
        async with self.session.get(self.rest + path, headers=self.headers) as answer:
            yield Lines(answer)

    async def place(self, **fields: Any) -> dict[str, Any]:
        """Place an order for 10 AMD, changed by ``fields``, and return its answer."""
        order = {
            "AccountID": MARGIN,
            "Symbol": "AMD",
            "Quantity": "10",
            "OrderType": "Market",
            "TradeAction": "BUY",
            "TimeInForce": {"Duration": "DAY"},
        }
        _, body = await self.call("POST", "/v3/orderexecution/orders", order | fields)
        found: dict[str, Any] = (body.get("Orders") or body.get("Errors"))[0]
        return found


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Any]]:
    """Return a function that starts a simulator with settings and signs in."""
    async with AsyncExitStack() as stack:

        async def run(**settings: Any) -> Wire:
            simulator = Simulator("tradestation", seed=7, clock=VirtualClock(), settings=settings)
            await stack.enter_async_context(simulator)
            session = await stack.enter_async_context(aiohttp.ClientSession())
            wire = Wire(simulator, session)
            await wire.sign_in()
            return wire

        yield run


@pytest.fixture
async def wire(start: Callable[..., Any]) -> Wire:
    started: Wire = await start(heartbeat_s=0.3, rate=3)
    return started
