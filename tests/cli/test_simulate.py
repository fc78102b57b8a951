import asyncio
import json
import signal
import socket
from typing import Any

import pytest

from brokerwire import Client
from brokerwire.cli.simulate import _parse_speed


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
