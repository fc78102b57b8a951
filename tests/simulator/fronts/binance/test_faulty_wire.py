"""Every fault of the streams, seen from the client's side."""

import asyncio
import itertools

import aiohttp
import msgspec
import pytest

CLOSING = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
DEPTH = "/stream?streams=btcusdt@depth@100ms"
TRADES = "/stream?streams=btcusdt@trade/ethusdt@trade"


async def depths(socket, read, count):
    return [(d["U"], d["u"]) for d in [(await read(socket))["data"] for _ in range(count)]]


def is_contiguous(ids):
    return all(after[0] == before[1] + 1 for before, after in itertools.pairwise(ids))


async def falls_silent(socket):
    """Read what is under way; tell whether then nothing comes any more, not even an end."""
    for _ in range(1000):
        try:
            message = await socket.receive(timeout=1.2)
        except TimeoutError:
            return True
        if message.type in CLOSING:
            return False
    return False


async def until_closed(socket):
    while True:
        message = await socket.receive(timeout=10)
        if message.type in CLOSING:
            return message


async def test_gap_leaves_out_one_range_of_ids(venue, read):
    venue.simulator.faults.set("gap", after=2)
    async with venue.connect(DEPTH) as socket:
        ids = await depths(socket, read, 5)
    assert is_contiguous(ids[:2])
    assert ids[2][0] > ids[1][1] + 1
    assert is_contiguous(ids[2:])


async def test_duplicate_sends_a_frame_twice(venue, read):
    venue.simulator.faults.set("duplicate", times=1)
    async with venue.connect(DEPTH) as socket:
        ids = await depths(socket, read, 3)
    assert ids[0] == ids[1]
    assert is_contiguous(ids[1:])


async def test_reorder_exchanges_neighbours_and_loses_none(venue, read):
    venue.simulator.faults.set("reorder", times=1)
    async with venue.connect(DEPTH) as socket:
        ids = await depths(socket, read, 3)
    assert ids[0] > ids[1]
    assert is_contiguous(sorted(ids))


async def test_held_frame_is_sent_after_the_fault_was_cleared(venue, read):
    venue.simulator.faults.set("reorder")
    async with venue.connect(DEPTH) as socket:
        await venue.simulator.journal.wait_for("subscribe")
        ids = await depths(socket, read, 2)
        venue.simulator.faults.clear()
        ids += await depths(socket, read, 3)
    assert sorted(ids) == sorted(set(ids))


async def test_mute_stops_the_data_and_not_the_replies(venue, read):
    venue.simulator.faults.set("mute")
    async with venue.connect(TRADES) as socket:
        await socket.ping()
        await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        assert (await read(socket))["id"] == 1
        with pytest.raises(TimeoutError):
            await socket.receive(timeout=1.2)
        venue.simulator.faults.clear("mute")
        assert "stream" in await read(socket)


@pytest.mark.parametrize("option", [{"channel": "btcusdt@"}, {"stream": "btcusdt@trade"}])
async def test_one_channel_mute_leaves_the_others_alone(venue, read, option):
    venue.simulator.faults.set("mute", **option)
    async with venue.connect(TRADES) as socket:
        assert {(await read(socket))["stream"] for _ in range(5)} == {"ethusdt@trade"}


async def test_muted_stream_is_heard_when_it_is_subscribed_again(venue, read, read_until):
    async with venue.connect("/stream?streams=btcusdt@trade") as socket:
        await read(socket)
        venue.simulator.faults.set("mute", heals="resubscribe")
        for method in ("UNSUBSCRIBE", "SUBSCRIBE"):
            await socket.send_json({"method": method, "params": ["btcusdt@trade"], "id": 1})
        assert (await read_until(socket, lambda m: "stream" in m))["stream"] == "btcusdt@trade"


async def test_mute_may_heal_with_a_new_connection(venue, read):
    async with venue.connect("/stream?streams=btcusdt@trade") as old:
        await read(old)
        venue.simulator.faults.set("mute", heals="reconnect")
        async with venue.connect("/stream?streams=btcusdt@trade") as new:
            await read(new)
        assert await falls_silent(old)


@pytest.mark.parametrize(
    ("script", "code"), [("close:1001", 1001), ("close:1008", 1008), ("close:1006", 1006), ("close", 1000)]
)
async def test_close_ends_the_connection_with_the_code(venue, script, code):
    async with venue.connect("/ws") as socket:
        venue.simulator.faults.set(script, times=1)
        await until_closed(socket)
        assert socket.close_code == code


async def test_reset_cuts_a_frame_in_the_middle(venue):
    venue.simulator.faults.set("reset_mid_frame", times=1)
    async with venue.connect(TRADES) as socket:
        await until_closed(socket)
        assert socket.close_code == 1006
    async with venue.connect(TRADES) as socket:
        assert (await socket.receive(timeout=10)).type is aiohttp.WSMsgType.TEXT


async def test_half_open_connection_stays_and_says_nothing(venue):
    async with venue.connect(TRADES, autoping=False) as socket:
        await venue.simulator.journal.wait_for("subscribe", count=2)
        venue.simulator.faults.set("half_open", times=1)
        await socket.ping(b"anybody")
        assert await falls_silent(socket)
        assert not socket.closed


async def test_bad_json_damages_one_frame(venue):
    venue.simulator.faults.set("bad_json")
    async with venue.connect(TRADES) as socket:
        first, second = [(await socket.receive(timeout=10)).data for _ in range(2)]
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(first)
    assert "stream" in msgspec.json.decode(second)


async def test_huge_frame_has_the_size_asked_for(venue):
    venue.simulator.faults.set("huge_frame:200000")
    async with venue.connect(TRADES) as socket:
        assert len((await socket.receive(timeout=10)).data) == 200_000


async def test_deeply_nested_message_is_sent_once(venue):
    venue.simulator.faults.set("deep_nesting:5000")
    async with venue.connect(TRADES) as socket:
        assert (await socket.receive(timeout=10)).data == "[" * 5000 + "]" * 5000


async def test_unknown_messages_are_mixed_in(venue, read):
    venue.simulator.faults.set("unknown_message", times=1)
    async with venue.connect("/stream?streams=btcusdt@trade") as socket:
        events = [(await read(socket))["data"]["e"] for _ in range(2)]
    assert events == ["unheardOf", "trade"]


async def test_acknowledgement_comes_late(venue, read_until):
    venue.simulator.faults.set("late_ack:0.2")
    loop = asyncio.get_running_loop()
    async with venue.connect("/stream") as socket:
        began = loop.time()
        await socket.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 1})
        await read_until(socket, lambda message: message.get("id") == 1)
    assert loop.time() - began >= 0.19


async def test_goaway_announces_the_shutdown_and_ends(venue):
    async with venue.connect("/stream") as socket:
        venue.simulator.faults.set("goaway:0.05")
        notice = msgspec.json.decode((await socket.receive(timeout=10)).data)
        assert (notice["stream"], notice["data"]["e"]) == ("!serverShutdown", "serverShutdown")
        await until_closed(socket)
        assert socket.close_code == 1001


async def test_slow_loris_trickles_what_is_sent_until_it_is_cleared(venue, read):
    loop = asyncio.get_running_loop()
    venue.simulator.faults.set("slow_loris:0.005", channel="/nowhere")
    async with venue.connect("/ws") as socket:
        venue.simulator.faults.set("slow_loris:0.005")
        began = loop.time()
        await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        assert await read(socket) == {"result": [], "id": 1}
        assert loop.time() - began >= 0.1
        venue.simulator.faults.set("slow_loris:5")
        await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 2})
        await venue.simulator.journal.wait_for("control", count=2)
        venue.simulator.faults.clear()
        assert await read(socket) == {"result": [], "id": 2}
        await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 3})
        assert await read(socket) == {"result": [], "id": 3}


async def test_connection_that_fell_silent_is_cut_at_the_end_of_its_life(new_venue):
    options = {"settings": {"ping_interval_s": 0}, "faults": ["half_open"]}
    async with new_venue(**options) as venue, venue.connect("/ws") as socket:
        assert await falls_silent(socket)
        venue.simulator.faults.set("close:1001")
        await until_closed(socket)
        assert socket.close_code == 1006
