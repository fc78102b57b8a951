"""A recording is played to whoever has subscribed, byte for byte, and its REST answers move with it."""

import asyncio

import msgspec

SOON = {"replay_delay_s": 0.2}
STREAMS = ["aaabbb@depth@100ms", "aaabbb@bookTicker"]


async def next_text(socket):
    message = await socket.receive(timeout=10)
    return message.data


async def test_combined_client_gets_every_frame_as_recorded(new_venue, recorded, frames):
    async with new_venue(replay=recorded, speed=1.0) as venue:
        began = asyncio.get_running_loop().time()
        async with venue.connect("/stream?streams=" + "/".join(STREAMS)) as socket:
            got = [await next_text(socket) for _ in frames]
        elapsed = asyncio.get_running_loop().time() - began
    assert got == list(frames)
    assert elapsed >= 3.25


async def test_raw_client_gets_the_events_and_a_partial_subscriber_only_its_streams(new_venue, recorded, frames):
    async with new_venue(replay=recorded, speed="max", settings=SOON) as venue, venue.connect("/ws") as raw:
        await raw.send_json({"method": "SUBSCRIBE", "params": STREAMS[1:], "id": 1})
        assert await next_text(raw) == '{"result":null,"id":1}'
        event = await next_text(raw)
        assert '"data":' + event + "}" == frames[1][-len(event) - 8 :]


async def test_book_kept_from_the_stream_equals_the_snapshot_at_the_end(new_venue, recorded, book):
    async with new_venue(replay=recorded, speed="max", settings=SOON) as venue:
        assert await venue.get("depth", symbol="AAABBB", limit="5") == (200, msgspec.json.decode(book))
        async with venue.connect("/stream?streams=aaabbb@depth@100ms") as socket:
            ids = [msgspec.json.decode(await next_text(socket))["data"]["u"] for _ in range(3)]
            _, snapshot = await venue.get("depth", symbol="AAABBB")
            assert (ids[-1], snapshot["lastUpdateId"]) == (105, 105)
            await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
            assert await next_text(socket) == '{"result":["aaabbb@depth@100ms"],"id":1}'


async def test_later_subscription_joins_in_and_nothing_is_played_twice(new_venue, recorded):
    async with (
        new_venue(replay=recorded, speed=0.2, settings=SOON) as venue,
        venue.connect("/stream?streams=aaabbb@depth@100ms") as one,
    ):
        await next_text(one)
        async with venue.connect("/stream") as two:
            await two.send_json({"method": "SUBSCRIBE", "params": STREAMS[:1], "id": 7})
            await next_text(two)
            first_joined = msgspec.json.decode(await next_text(two))["data"]["u"]
    assert first_joined > 102


async def test_unsubscribed_stream_is_not_heard_any_more(new_venue, recorded):
    async with (
        new_venue(replay=recorded, speed="max", settings=SOON) as venue,
        venue.connect("/stream?streams=" + "/".join(STREAMS)) as socket,
    ):
        await socket.send_json({"method": "UNSUBSCRIBE", "params": STREAMS[1:], "id": 7})
        await next_text(socket)
        streams = {msgspec.json.decode(await next_text(socket))["stream"] for _ in range(3)}
    assert streams == {"aaabbb@depth@100ms"}


async def test_thousands_of_frames_arrive_in_order_at_full_speed_whoever_reads_slowly(new_venue, tmp_path):
    lines = [
        f'{n}.5: {{"stream":"a@trade","data":{{"e":"trade","s":"A","t":{n},"x":"{"y" * 500}"}}}}' for n in range(5000)
    ]
    (tmp_path / "V.ws.1").write_text("wss://h/stream?streams=a@trade <-> 0.1\n" + "\n".join(lines))
    async with (
        new_venue(replay=tmp_path, speed="max", settings=SOON) as venue,
        venue.connect("/stream?streams=a@trade") as quick,
        venue.connect("/ws/a@trade") as slow,
    ):
        wrapped = [msgspec.json.decode(await next_text(quick))["data"]["t"] for _ in range(2000)]
        bare = [msgspec.json.decode(await next_text(slow))["t"] for _ in range(5000)]
        wrapped += [msgspec.json.decode(await next_text(quick))["data"]["t"] for _ in range(3000)]
    assert wrapped == bare == list(range(5000))
