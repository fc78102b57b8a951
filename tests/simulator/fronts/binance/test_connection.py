"""One connection: pings, pongs, limits, lifetime, and its ends."""

import asyncio
import re

import aiohttp
import pytest
from aiohttp import web

from brokerwire.simulator.fronts.binance.connection import Connection, transport_of
from brokerwire.simulator.fronts.binance.limits import Settings
from brokerwire.testing.virtual_time import VirtualClock

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


async def test_words_of_a_client_that_was_told_to_go_are_not_heard(new_venue):
    async with (
        new_venue(settings={"lifetime_s": 0.2}) as venue,
        venue.connect("/ws", autoclose=False, autoping=False) as socket,
    ):
        assert (await read_close(socket)).data == 1001
        await socket.ping(b"still there?")
        await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        assert (await read_close(socket)).type is not TEXT
        assert venue.simulator.journal.count("control") == 0


async def test_frame_that_is_no_frame_ends_the_connection(venue):
    port = int(venue.ws.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert b"101" in await reader.readline()
    writer.write(b"\xf1\x80\x00\x00\x00\x00")
    await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await asyncio.wait_for(venue.simulator.journal.wait_for("stream_close"), 10)


async def test_what_was_put_has_left_when_it_is_drained():
    async def serve(request: web.Request) -> web.StreamResponse:
        connection = Connection(
            request, clock=VirtualClock(), settings=Settings(), on_text=lambda text: None, report=reports.append
        )

        async def talk() -> None:
            await connection.drained()
            for number in range(1000):
                connection.put_text(b"%d" % number)
            await connection.drained()
            connection.put_text(b"drained")

        def begin() -> None:
            talks.append(asyncio.create_task(talk()))

        return await connection.run(begin)

    talks, reports = [], []
    app = web.Application()
    app.router.add_get("/", serve)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    async with aiohttp.ClientSession() as session, session.ws_connect(address) as socket:
        got = [await socket.receive_str(timeout=10) for _ in range(1001)]
    assert got == [*map(str, range(1000)), "drained"]
    assert reports == []
    await asyncio.gather(*talks)
    await runner.cleanup()


async def test_client_that_has_gone_has_no_transport():
    gone = asyncio.Event()

    async def serve(request: web.Request) -> web.Response:
        try:
            await asyncio.Event().wait()
        finally:
            with pytest.raises(ConnectionResetError):
                transport_of(request)
            gone.set()
        return web.Response()

    app = web.Application()
    app.router.add_get("/", serve)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    _, writer = await asyncio.open_connection("127.0.0.1", runner.addresses[0][1])
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.sleep(0.1)
    writer.transport.abort()
    await asyncio.wait_for(gone.wait(), 5)
    await runner.cleanup()
