import asyncio

import aiohttp
import pytest

from brokerwire.doctor.bombs import BOMB_BYTES, BOMBS, GOOD_FRAMES, BombServer


@pytest.mark.parametrize(("venue", "bomb"), [(venue, bomb) for venue in BOMBS for bomb in BOMBS[venue]])
def test_a_compressed_bomb_is_small_and_the_others_are_not(venue: str, bomb: str) -> None:
    size = sum(map(len, BOMBS[venue][bomb].pieces(BOMB_BYTES)))
    assert size < BOMB_BYTES / 500 if bomb in {"deflate", "gzip"} else size > BOMB_BYTES * 0.99


async def test_good_lines_come_before_the_bomb_and_alone_the_second_time() -> None:
    server = BombServer("tradestation", BOMBS["tradestation"]["line"])
    await server.start()
    url = f"{server.endpoints['rest']}/v3/marketdata/stream/quotes/AAPL"
    try:
        async with asyncio.timeout(20), aiohttp.ClientSession(read_bufsize=2**20) as session:
            for _ in range(2):
                async with session.get(url) as answer:
                    lines = [await answer.content.readline() for _ in range(GOOD_FRAMES)]
                    assert b'"Bid":"3.50"' in lines[-1]
        assert server.dials == 2
        assert server.sent_bytes < BOMB_BYTES
    finally:
        await server.close()
        await server.close()
