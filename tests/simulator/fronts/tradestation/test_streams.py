import asyncio
import json
import time
from typing import Any

import aiohttp
import pytest

QUOTES = "/v3/marketdata/stream/quotes/AAPL"
ORDERS = "/v3/brokerage/stream/accounts/SIM2510014M/orders"
TICKS = "/v2/stream/tickbars/AAPL/1/1"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (QUOTES, "application/vnd.tradestation.streams.v2+json"),
        (ORDERS, "application/vnd.tradestation.streams.v3+json"),
        (TICKS, "application/vnd.tradestation.streams+json"),
    ],
)
async def test_stream_is_chunked_and_names_its_media_type(wire: Any, path: str, kind: str) -> None:
    async with wire.stream(path) as lines:
        assert (lines.status, lines.headers["Content-Type"]) == (200, kind)
        assert lines.headers["Transfer-Encoding"] == "chunked"
        assert "Content-Length" not in lines.headers
        assert (await lines.line()).endswith(b"}\n")


async def test_idle_stream_beats_and_counts(wire: Any) -> None:
    async with wire.stream(ORDERS) as lines:
        frames = await lines.until(lambda f: f.get("Heartbeat") == 2)
    assert [f["Heartbeat"] for f in frames if "Heartbeat" in f] == [1, 2]
    assert frames[-1]["Timestamp"].endswith("Z")


async def test_busy_stream_does_not_beat(start: Any) -> None:
    wire = await start(heartbeat_s=2)
    async with wire.stream(QUOTES) as lines:
        frames = [await lines.frame() for _ in range(8)]
    assert not any("Heartbeat" in frame for frame in frames)


async def test_mute_stops_data_but_not_heartbeats_and_ends_when_cleared(wire: Any) -> None:
    async with wire.stream(QUOTES) as lines:
        await lines.frame()
        wire.simulator.faults.set("mute")
        await lines.until(lambda f: f.get("Heartbeat") == 2)
        wire.simulator.faults.clear("mute")
        await lines.until(lambda f: "Symbol" in f)


async def test_mute_of_one_connection_lasts_for_its_life_only(wire: Any) -> None:
    wire.simulator.faults.set("mute", after=1, times=1)
    async with wire.stream(QUOTES) as muted, wire.stream(QUOTES) as healthy:
        await muted.frame()
        await healthy.until(lambda f: "Last" in f)
        assert "Heartbeat" in await muted.frame()
        await healthy.until(lambda f: "Bid" in f)
        assert "Heartbeat" in await muted.frame()


async def test_half_open_stream_falls_silent_for_good(wire: Any) -> None:
    async with wire.stream(QUOTES) as lines:
        await lines.frame()
        wire.simulator.faults.set("half_open", times=1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(lines.until(lambda _: False), 1.0)


async def test_reset_comes_in_the_middle_of_a_frame(wire: Any) -> None:
    wire.simulator.faults.set("reset_mid_frame", after=3, times=1)
    whole: list[dict[str, Any]] = []  # a reset may discard what was not read yet
    async with wire.stream(QUOTES) as lines:
        with pytest.raises(aiohttp.ClientError):
            await asyncio.wait_for(lines.until(lambda f: whole.append(f)), 10)
    assert len(whole) <= 3
    assert all(f["Symbol"] == "AAPL" for f in whole)


async def test_close_ends_cleanly_and_goes_on_doing_so(wire: Any) -> None:
    wire.simulator.faults.set("close")
    for _ in range(2):
        async with wire.stream(QUOTES) as lines:
            assert await asyncio.wait_for(lines.answer.read(), 5) is not None
    assert wire.simulator.journal.count("stream_open") == 2


async def test_premature_end_lacks_the_last_chunk(wire: Any) -> None:
    async with wire.stream(QUOTES) as lines:
        await lines.frame()
        wire.simulator.faults.set("close", premature=True)
        with pytest.raises(aiohttp.ClientPayloadError):
            await asyncio.wait_for(lines.answer.read(), 5)


@pytest.mark.parametrize(
    ("path", "frame"),
    [
        (QUOTES, b'{"Error":"GoAway","Message":"The server is about to shut down."}'),
        (ORDERS, b'{"StreamStatus":"GoAway"}'),
        (TICKS, b"END"),
    ],
)
async def test_goaway_is_announced_in_the_form_of_the_stream(start: Any, path: str, frame: bytes) -> None:
    wire = await start(goaway_grace_s=0.1)
    async with wire.stream(path) as lines:
        await lines.line()
        wire.simulator.faults.set("goaway")
        rest = await asyncio.wait_for(lines.answer.read(), 5)
        assert frame in rest.split(b"\n")
        async with wire.stream(path) as newer:
            assert frame not in await newer.line()


async def test_duplicate_and_gap_change_what_arrives(wire: Any) -> None:
    wire.simulator.faults.set("duplicate", times=1)
    wire.simulator.faults.set("unknown_message", times=1)
    async with wire.stream(QUOTES) as lines:
        first, second, third = [await lines.line() for _ in range(3)]
        assert b"Mystery" in first
        assert second == third
        wire.simulator.faults.set("gap")
        await lines.until(lambda f: "Heartbeat" in f)


async def test_reorder_swaps_two_frames(wire: Any) -> None:
    path = "/v3/marketdata/stream/barcharts/AAPL?unit=minute&barsback=3"
    async with wire.stream(path) as lines:
        straight = [(await lines.frame())["TimeStamp"] for _ in range(3)]
    wire.simulator.faults.set("reorder", times=1)
    async with wire.stream(path) as lines:
        swapped = [(await lines.frame())["TimeStamp"] for _ in range(3)]
    assert straight == sorted(straight)
    assert swapped != sorted(swapped)


async def test_damaged_frames_are_one_line_each_and_the_stream_goes_on(wire: Any) -> None:
    wire.simulator.faults.set("bad_json", after=1, times=3)
    async with wire.stream(QUOTES) as lines:
        read = [await lines.line() for _ in range(12)]
    good = 0
    for line in read:
        try:
            json.loads(line)
            good += 1
        except ValueError:
            continue
    assert good >= 9


@pytest.mark.parametrize("fault", ["huge_frame:3000000", "deep_nesting"])
async def test_oversized_frames_are_sent_whole(wire: Any, fault: str) -> None:
    wire.simulator.faults.set(fault, times=1)
    async with wire.stream(QUOTES) as lines:
        size = 0
        while size < 190_000:
            size += len(await asyncio.wait_for(lines.answer.content.readany(), 5))


@pytest.mark.parametrize("fault", ["split_chunks", "merge_chunks", "crlf"])
async def test_chunk_boundaries_do_not_matter(start: Any, fault: str) -> None:
    wire = await start()
    wire.simulator.faults.set(fault)
    async with wire.stream(QUOTES) as lines:
        frames = [await lines.frame() for _ in range(10)]
    assert all(f["Symbol"] == "AAPL" for f in frames)


async def test_dropped_streams_are_reset(wire: Any) -> None:
    async with wire.stream(QUOTES) as lines:
        await lines.frame()
        assert wire.simulator.connections.drop("quotes") == 1
        with pytest.raises(aiohttp.ClientError):
            await asyncio.wait_for(lines.answer.read(), 5)


@pytest.mark.parametrize("expiry", ["end", "error"])
async def test_stream_may_end_with_its_token(start: Any, expiry: str) -> None:
    wire = await start(token_life_s=0.4, stream_expiry=expiry)
    async with wire.stream(ORDERS) as lines:
        rest = await asyncio.wait_for(lines.answer.read(), 5)
    assert (b'"Unauthorized"' in rest) == (expiry == "error")


async def test_stream_outlives_its_token_by_default(start: Any) -> None:
    wire = await start(token_life_s=0.2, heartbeat_s=0.3)
    async with wire.stream(ORDERS) as lines:
        await lines.until(lambda f: f.get("Heartbeat") == 2)


async def test_client_that_leaves_frees_the_stream_at_once(wire: Any) -> None:
    async with wire.stream(QUOTES) as lines:
        await lines.frame()
        assert len(wire.simulator.connections) == 1
    await wire.simulator.journal.wait_for("stream_close", timeout_s=2)
    assert len(wire.simulator.connections) == 0


async def test_late_acknowledgement_delays_the_opening(wire: Any) -> None:
    wire.simulator.faults.set("late_ack:0.2", channel="stream", times=1)
    loop = asyncio.get_running_loop()
    before = loop.time()
    async with wire.stream(QUOTES):
        assert loop.time() - before >= 0.2


async def test_error_frame_ends_the_stream(wire: Any) -> None:
    async with wire.stream(QUOTES) as lines:
        await lines.frame()
        wire.simulator.faults.set("stream_error:DualLogon", times=1)
        rest = await asyncio.wait_for(lines.answer.read(), 5)
    assert json.loads(rest.splitlines()[-1]) == {"Error": "DualLogon", "Message": "The stream has failed."}


async def test_every_attempt_at_a_stream_is_a_dial(wire: Any) -> None:
    wire.simulator.faults.set("refuse:503", times=1)
    for _ in range(2):
        async with wire.stream(QUOTES):
            continue
    assert wire.simulator.journal.count("dial", path=QUOTES) == 2


async def test_client_for_whom_too_much_piles_up_is_cut_off(start: Any) -> None:
    began = time.process_time()
    wire = await start(rate=3, max_pending=3)
    async with wire.stream("/v3/marketdata/stream/quotes/AAPL,MSFT,NVDA,AMD,SPY") as lines:
        with pytest.raises(aiohttp.ClientError):
            await lines.until(lambda f: False)
    assert wire.simulator.journal.count("stream_close") == 1
    assert time.process_time() - began < 10  # a stream that spun would be ended by the limit on a test only


async def test_lines_that_come_while_others_are_written_follow_them(start: Any) -> None:
    wire = await start(rate=20)
    wire.simulator.faults.set("split_chunks")
    async with wire.stream("/v3/marketdata/stream/quotes/AAPL,MSFT") as lines:
        frames = [await lines.frame() for _ in range(60)]
    assert {frame["Symbol"] for frame in frames[30:]} == {"AAPL", "MSFT"}
    assert not any("Heartbeat" in frame for frame in frames)
