import asyncio
import json

import aiohttp
import pytest

from brokerwire.testing.bench import feed
from brokerwire.testing.feed_server import BLOCK_MESSAGES, SYMBOL, trade_message, websocket_frame


def test_a_message_is_a_trade_as_binance_writes_it() -> None:
    message = trade_message(7)
    found = json.loads(message)
    assert found["stream"] == "btcusdt@trade"
    assert (found["data"]["e"], found["data"]["s"]) == ("trade", SYMBOL)
    assert 165 <= len(message) <= 185
    assert trade_message(8) != message


def test_frames_say_their_length() -> None:
    assert websocket_frame(b"abc") == b"\x81\x03abc"
    assert websocket_frame(b"x" * 126)[:4] == b"\x81\x7e\x00\x7e"


@pytest.mark.process
async def test_it_answers_requests_and_pushes_all_messages() -> None:
    with feed(BLOCK_MESSAGES) as port:
        async with asyncio.timeout(8), aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/api/v3/exchangeInfo") as answer:
                assert (await answer.json())["symbols"][0]["symbol"] == SYMBOL
            socket = await session.ws_connect(f"ws://127.0.0.1:{port}/stream", compress=0)
            await socket.send_str('{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":5}')
            assert (await socket.receive()).data == '{"result":null,"id":5}'
            messages = [(await socket.receive()).data for _ in range(BLOCK_MESSAGES)]
            assert json.loads(messages[-1])["data"]["s"] == SYMBOL
            await socket.close()
