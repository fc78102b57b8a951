"""One connection: pings, pongs, limits, lifetime, and its ends."""

import asyncio
import re

import aiohttp
import pytest

TEXT, CLOSE, PING = aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.PING


async def read_close(socket):
    while True:
        message = await socket.receive(timeout=10)
        if message.type in (CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
            return message


async def test_server_pings_with_thirteen_digits_and_a_matching_pong_keeps_the_line(new_venue):
    settings = {"ping_interval_s": 0.05, "pong_timeout_s": 0.2, "inbound_per_second": 0}
    async with new_venue(settings=settings) as venue, venue.connect("/ws", autoping=False) as socket:
        for _ in range(8):
            message = await socket.receive(timeout=10)
            assert message.type is PING
            assert re.fullmatch(rb"\d{13}", bytes(message.data))
            await socket.pong(message.data)


@pytest.mark.parametrize("payload", [b"", b"0000000000000"])
async def test_empty_or_wrong_pongs_do_not_count(new_venue, payload):
    settings = {"ping_interval_s": 0.05, "pong_timeout_s": 0.15, "inbound_per_second": 0}
    async with new_venue(settings=settings) as venue, venue.connect("/ws", autoping=False) as socket:
        message = await socket.receive(timeout=10)
        while message.type is PING:
            await socket.pong(payload)
            message = await socket.receive(timeout=10)
        assert (message.type, message.data) == (CLOSE, 1008)
        assert venue.simulator.journal.count("violation", reason="pong_timeout") == 1


async def test_sixth_message_within_a_second_closes_with_1008(venue):
    async with venue.connect("/ws") as socket:
        for number in range(6):
            await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
        message = await read_close(socket)
        assert (message.data, message.extra) == (1008, "Too many requests")
        assert venue.simulator.journal.count("violation", reason="too_many_messages") == 1


async def test_pings_and_pongs_count_as_messages(venue):
    async with venue.connect("/ws") as socket:
        for _ in range(3):
            await socket.ping()
            await socket.pong(b"")
        assert (await read_close(socket)).data == 1008


async def test_client_ping_is_answered_with_its_payload(venue):
    async with venue.connect("/ws", autoping=False) as socket:
        await socket.ping(b"hello")
        message = await socket.receive(timeout=10)
        assert (message.type, bytes(message.data)) == (aiohttp.WSMsgType.PONG, b"hello")


async def test_frame_over_4096_bytes_is_dropped_without_a_word(venue):
    async with venue.connect("/ws") as socket:
        await socket.send_str('{"method":"LIST_SUBSCRIPTIONS","id":1,"x":"' + "x" * 4096 + '"}')
        await socket.send_str('{"method":"LIST_SUBSCRIPTIONS","id":2}')
        assert (await socket.receive(timeout=10)).data == '{"result":[],"id":2}'
        assert venue.simulator.journal.count("violation", reason="frame_too_large") == 1


async def test_large_frames_pass_when_the_limit_is_switched_off(new_venue):
    async with new_venue(settings={"max_frame_bytes": 0}) as venue, venue.connect("/ws") as socket:
        await socket.send_str('{"method":"LIST_SUBSCRIPTIONS","id":1,"x":"' + "x" * 4096 + '"}')
        assert (await socket.receive(timeout=10)).data == '{"result":[],"id":1}'


async def test_lifetime_ends_with_1001(new_venue):
    async with new_venue(settings={"lifetime_s": 0.05}) as venue, venue.connect("/ws") as socket:
        assert (await read_close(socket)).data == 1001


async def test_close_by_the_client_is_answered_with_its_code(venue):
    async with venue.connect("/ws/btcusdt@trade") as socket:
        await socket.close(code=1000)
        assert socket.close_code == 1000
    await venue.simulator.journal.wait_for("stream_close")


async def test_client_that_does_not_read_is_cut_off(new_venue):
    async with new_venue(settings={"max_outbox_bytes": 1000}) as venue, venue.connect("/ws") as socket:
        await socket.send_json({"method": "SUBSCRIBE", "params": ["!miniTicker@arr"], "id": 1})
        await venue.simulator.journal.wait_for("violation", reason="slow_consumer")


async def test_dropped_connections_end_without_a_close_frame(venue):
    async with venue.connect("/ws/btcusdt@trade") as socket:
        await socket.receive(timeout=10)
        venue.simulator.connections.drop()
        await read_close(socket)
        assert socket.close_code == 1006
    await asyncio.wait_for(venue.simulator.journal.wait_for("stream_close"), 10)
