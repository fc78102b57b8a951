import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from brokerwire.testing.bench import feed
from brokerwire.testing.feed_server import (
    BLOCK_MESSAGES,
    LAST_ID,
    STOCK,
    SYMBOL,
    aggregate,
    chart_bar,
    chart_quote,
    chunk,
    combined,
    quote_line,
    trade_message,
    websocket_frame,
)


def test_a_message_is_a_trade_as_binance_writes_it() -> None:
    message = combined(trade_message(7))
    found = json.loads(message)
    assert found["stream"] == "btcusdt@trade"
    assert (found["data"]["e"], found["data"]["s"]) == ("trade", SYMBOL)
    assert 165 <= len(message) <= 185
    assert trade_message(8) != trade_message(7)


def test_an_aggregate_has_its_own_name_and_ids() -> None:
    found = json.loads(combined(aggregate(trade_message(7))))
    assert found["stream"] == "btcusdt@aggTrade"
    assert (found["data"]["e"], found["data"]["a"], found["data"]["f"]) == ("aggTrade", 1_009_200_007, 9_200_000)


def test_a_line_is_a_change_of_a_quote_as_tradestation_writes_it() -> None:
    line = quote_line(7)
    assert line.endswith(b"\n")
    assert 165 <= len(line) <= 185
    assert json.loads(line)["Symbol"] == STOCK


def test_frames_and_chunks_say_their_length() -> None:
    assert websocket_frame(b"abc") == b"\x81\x03abc"
    assert websocket_frame(b"x" * 126)[:4] == b"\x81\x7e\x00\x7e"
    assert chunk(b"x" * 20) == b"14\r\n" + b"x" * 20 + b"\r\n"


@pytest.fixture
def port() -> Any:
    with feed(BLOCK_MESSAGES) as found:
        yield found


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(8)) as found:
        yield found


@pytest.mark.process
async def test_it_answers_requests_and_pushes_all_messages(port: int, session: aiohttp.ClientSession) -> None:
    async with session.get(f"http://127.0.0.1:{port}/api/v3/exchangeInfo") as answer:
        assert (await answer.json())["symbols"][0]["symbol"] == SYMBOL
    async with session.post(f"http://127.0.0.1:{port}/oauth/token", data={"grant_type": "refresh_token"}) as answer:
        assert (await answer.json())["token_type"] == "Bearer"
    async with session.get(f"http://127.0.0.1:{port}/api/v3/ping") as answer:
        assert await answer.json() == {}
    socket = await session.ws_connect(f"ws://127.0.0.1:{port}/stream", compress=0)
    await socket.send_str('{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":5}')
    assert (await socket.receive()).data == '{"result":null,"id":5}'
    messages = [(await socket.receive()).data for _ in range(BLOCK_MESSAGES)]
    ids = [json.loads(message)["data"]["t"] for message in messages]
    assert ids == list(range(LAST_ID + 1 - BLOCK_MESSAGES, LAST_ID + 1))
    await socket.close()


@pytest.mark.process
async def test_a_path_that_names_its_stream_needs_no_subscription(port: int, session: aiohttp.ClientSession) -> None:
    socket = await session.ws_connect(f"ws://127.0.0.1:{port}/stream?streams=btcusdt@aggTrade", compress=0)
    assert json.loads((await socket.receive()).data)["data"]["e"] == "aggTrade"
    await socket.close()


@pytest.mark.process
async def test_messages_on_a_raw_path_have_no_envelope(port: int, session: aiohttp.ClientSession) -> None:
    socket = await session.ws_connect(f"ws://127.0.0.1:{port}/ws/btcusdt@trade", compress=0)
    assert json.loads((await socket.receive()).data)["e"] == "trade"
    await socket.close()


@pytest.mark.process
async def test_as_many_quotes_come_as_were_asked_for(port: int, session: aiohttp.ClientSession) -> None:
    async with session.get(f"http://127.0.0.1:{port}/_feed/{3 * BLOCK_MESSAGES}"):
        pass
    async with session.get(f"http://127.0.0.1:{port}/v3/marketdata/stream/quotes/{STOCK}") as answer:
        lines = [json.loads(await answer.content.readline()) for _ in range(3 * BLOCK_MESSAGES)]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await answer.content.readline()
    assert lines[-1] == json.loads(quote_line(BLOCK_MESSAGES))


def test_packets_are_changes_as_tradingview_writes_them() -> None:
    for one, other, method in ((chart_quote(7), chart_quote(8), "qsd"), (chart_bar(7), chart_bar(8), "du")):
        assert 150 <= len(one) <= 220
        _, length, payload = one.decode().split("~m~", 2)
        assert int(length) == len(payload)
        assert json.loads(payload)["m"] == method
        assert one != other
