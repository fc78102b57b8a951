import asyncio
import json
import signal
import socket
from typing import Any

import aiohttp
import pytest

from brokerwire import Client, StateChange
from brokerwire.cli.simulate import _parse_speed
from brokerwire.simulator.conditions import KNOWN_WEATHER


@pytest.mark.parametrize(
    "arguments", [("--speed", "0"), ("--speed", "fast"), ("--calendar", "lunar"), ("--port", "-1")]
)
def test_wrong_options_are_wrong_usage(cli: Any, arguments: tuple[str, ...]) -> None:
    shown = cli("simulate", *arguments)
    assert shown.code == 2
    assert shown.out == ""


def test_a_port_in_use_is_one_line_and_exit_code_1(cli: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])
        shown = cli("simulate", "--venue", "binance", "--port", port)
    assert (shown.code, shown.out) == (1, "")
    assert shown.err.splitlines() == [shown.err.rstrip()]
    assert f"127.0.0.1:{port}" in shown.err


def test_help_names_every_kind_of_weather(cli: Any) -> None:
    shown = cli("simulate", "--help")
    assert shown.code == 0
    assert [name for name in KNOWN_WEATHER if name not in shown.out] == []


@pytest.mark.parametrize("weather", ["hail", "latency:soon", "bandwidth", "reset,probability=2", "reset,colour=grey"])
def test_bad_weather_is_one_line_and_exit_code_1(cli: Any, weather: str) -> None:
    shown = cli("simulate", "--weather", weather)
    assert (shown.code, shown.out) == (1, "")
    assert shown.err.startswith("error: ")
    assert len(shown.err.splitlines()) == 1


@pytest.mark.process
async def test_a_client_gets_through_the_weather_and_over_its_change(command: Any) -> None:
    simulator = await command(
        "simulate", "--venue", "binance", "--json", "--weather", "latency:20ms,jitter=10ms", "--weather", "slicer:200"
    )
    line = json.loads(await simulator.line())
    control = f"{line['control']}/_control/weather"
    trades: asyncio.Queue[Any] = asyncio.Queue()
    recovering = asyncio.Event()

    def note(status: Any) -> None:
        if isinstance(status, StateChange) and status.new == "recovering":
            recovering.set()

    async with (
        Client("binance", endpoints=line["endpoints"], credentials=line["credentials"]) as client,
        aiohttp.ClientSession() as session,
        asyncio.timeout(50),
    ):
        await client.market_data.stream_trades("BTCUSDT", trades.put, status_callback=note)
        await trades.get()
        async with session.post(control, json={"script": "reset:0,times=1"}) as answer:
            assert answer.status == 200
        await recovering.wait()
        while not trades.empty():
            trades.get_nowait()
        await trades.get()
    simulator.signal(signal.SIGTERM)
    assert (await simulator.end()).code == 143


@pytest.mark.process
async def test_a_black_hole_swallows_bytes_until_it_is_cleared(command: Any) -> None:
    simulator = await command("simulate", "--venue", "tradestation", "--json", "--weather", "black_hole,direction=down")
    line = json.loads(await simulator.line())
    host, port = line["endpoints"]["rest"].removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /v3/marketdata/quotes/AAPL HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    async with aiohttp.ClientSession() as session, asyncio.timeout(25):
        async with session.get(f"{line['control']}/_control/state") as answer:
            assert answer.status == 200
        assert not reader._buffer  # type: ignore[attr-defined]  # nothing has come while others were served
        async with session.delete(f"{line['control']}/_control/weather") as answer:
            assert await answer.json() == {"weather": []}
        assert (await reader.read()).startswith(b"HTTP/1.1 401")
    writer.close()


@pytest.mark.process
async def test_fair_weather_is_a_proxy_at_the_port_that_was_asked_for(command: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
    simulator = await command("simulate", "--venue", "binance", "--json", "--weather", "fair", "--port", str(port))
    line = json.loads(await simulator.line())
    assert next(iter(line["endpoints"].values())).endswith(f":{port}")
    assert line["control"] not in line["endpoints"].values()


@pytest.mark.process
@pytest.mark.parametrize(("venue", "symbol"), [("binance", "BTCUSDT"), ("tradestation", "AAPL")])
async def test_its_first_line_is_all_that_a_client_needs(command: Any, venue: str, symbol: str) -> None:
    simulator = await command("simulate", "--venue", venue, "--seed", "7", "--json")
    line = json.loads(await simulator.line())
    assert line["venue"] == venue
    arrived = asyncio.Event()
    async with Client(line["venue"], endpoints=line["endpoints"], credentials=line["credentials"]) as client:
        await client.market_data.stream_quotes(symbol, lambda _: arrived.set())
        async with asyncio.timeout(20):
            await arrived.wait()
    simulator.signal(signal.SIGTERM)
    ended = await simulator.end()
    assert ended.code == 143
    assert ended.out == ""
    assert ended.err == f"serving {venue} with seed 7\n"


@pytest.mark.process
async def test_an_interrupt_ends_it_with_130_while_a_client_is_connected(command: Any) -> None:
    simulator = await command("simulate", "--venue", "binance", "--fault", "mute")
    line = json.loads(await simulator.line())
    async with Client("binance", endpoints=line["endpoints"], credentials=line["credentials"]) as client:
        await client.market_data.stream_quotes("BTCUSDT", print)
        simulator.signal(signal.SIGINT)
        ended = await simulator.end()
    assert ended.code == 130
    assert "Traceback" not in ended.err
    assert "Ctrl-C ends it" in ended.err


def test_a_speed_is_a_number_or_as_fast_as_can_be() -> None:
    assert (_parse_speed("2.5"), _parse_speed("max")) == (2.5, "max")
