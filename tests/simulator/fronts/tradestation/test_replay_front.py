import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import aiohttp
import pytest
from tests.simulator.fronts.tradestation.conftest import Wire

from brokerwire.simulator import Simulator
from brokerwire.testing.virtual_time import VirtualClock

HOST = "https://api.example"
QUOTES = "/v3/marketdata/stream/quotes/"
ORDERS = "/v3/brokerage/stream/accounts/1/orders"
TICKS = "/v2/stream/tickbars/AAPL/1/10"
LINES = [
    b'{"Symbol":"AAPL", "Bid":"1.10"}',
    b'{"Symbol":"MSFT","Bid":"2.10"}',
    b'{"Heartbeat":1,"Timestamp":"x"}',
    b'{"Symbol":"AAPL","Bid":"1.20"}',
]


def write_session(folder: Path) -> None:
    text = [f"{HOST}{path} -> {at}: {body}" for path, at, body in ANSWERS]
    (folder / "V.http.0").write_text("\n".join(text) + "\n")
    lines = b"\n".join(b"%d: %s" % (10 + number, line) for number, line in enumerate(LINES))
    (folder / "V.ws.0").write_bytes(f"wss://api.example{QUOTES}AAPL,MSFT <-> 10\n".encode() + lines + b"\n")
    (folder / "V.ws.1").write_bytes(f"wss://api.example{ORDERS} <-> 10\n".encode())
    (folder / "V.ws.2").write_bytes(f"wss://api.example{TICKS} <-> 10\n".encode())


ANSWERS = [
    ("/v3/marketdata/quotes/AAPL", 1, '{"Quotes": [1]}'),
    ("/v3/marketdata/quotes/AAPL", 12.5, '{"Quotes": [2]}'),
]


@pytest.fixture
async def replay(tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    write_session(tmp_path)
    async with AsyncExitStack() as stack:

        async def run(speed: float | Literal["max"] = "max") -> Wire:
            settings = {"replay_delay_s": 0.2}
            simulator = Simulator("tradestation", clock=VirtualClock(), replay=tmp_path, speed=speed, settings=settings)
            await stack.enter_async_context(simulator)
            session = await stack.enter_async_context(aiohttp.ClientSession())
            wire = Wire(simulator, session)
            await wire.sign_in()
            return wire

        yield run


@asynccontextmanager
async def streaming(wire: Wire, *paths: str) -> AsyncIterator[list[Any]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(wire.stream(path)) for path in paths]


@pytest.mark.parametrize("speed", [1.0, "max"])
async def test_stream_of_the_same_address_is_played_byte_for_byte(replay: Any, speed: Any) -> None:
    wire = await replay(speed)
    async with streaming(wire, f"{QUOTES}AAPL,MSFT") as (lines,):
        assert [await lines.line() for _ in LINES] == [line + b"\n" for line in LINES]


async def test_stream_of_fewer_symbols_is_given_their_quotes(replay: Any) -> None:
    wire = await replay()
    async with streaming(wire, f"{QUOTES}aapl", f"{QUOTES}MSFT,OTHER") as (apple, microsoft):
        assert [json.loads(await apple.line())["Bid"] for _ in range(2)] == ["1.10", "1.20"]
        assert json.loads(await microsoft.line())["Bid"] == "2.10"


async def test_stream_that_was_quiet_can_be_opened_and_another_one_is_404(replay: Any) -> None:
    wire = await replay()
    async with streaming(wire, ORDERS, f"{QUOTES}OTHER", f"{ORDERS}/1") as (orders, quotes, order):
        assert (orders.status, quotes.status, order.status) == (200, 404, 404)
        assert "Heartbeat" in await orders.frame()


async def test_answers_are_as_new_as_what_was_played(replay: Any) -> None:
    wire = await replay()
    assert await wire.get("/v3/marketdata/quotes/AAPL") == {"Quotes": [1]}
    async with streaming(wire, f"{QUOTES}AAPL,MSFT") as (lines,):
        await lines.until(lambda frame: frame.get("Bid") == "1.20")
    assert await wire.get("/v3/marketdata/quotes/AAPL") == {"Quotes": [2]}
    status, body = await wire.call("GET", "/v3/marketdata/quotes/MSFT")
    assert (status, body["Error"]) == (404, "NotFound")


async def test_who_has_not_signed_in_is_refused_and_orders_are_not_taken(replay: Any) -> None:
    wire = await replay()
    assert (await wire.call("POST", "/v3/orderexecution/orders", {}))[0] == 405
    wire.headers = {}
    assert (await wire.call("GET", "/v3/marketdata/quotes/AAPL"))[0] == 401


async def test_tick_bars_and_accounts_have_media_types_of_their_own(replay: Any) -> None:
    wire = await replay()
    async with streaming(wire, f"{QUOTES}AAPL", ORDERS, TICKS) as (quotes, orders, ticks):
        assert ticks.headers["Content-Type"].startswith("application/vnd.tradestation.streams+json")
        assert "streams.v2" in quotes.headers["Content-Type"]
        assert "streams.v3" in orders.headers["Content-Type"]
