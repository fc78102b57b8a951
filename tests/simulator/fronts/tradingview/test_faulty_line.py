import asyncio
from itertools import pairwise

import aiohttp
import pytest

from brokerwire.simulator.fronts.tradingview.framing import walk


async def quotes(dial, *symbols):
    await dial.send("quote_create_session", "qs_a")
    await dial.send("quote_add_symbols", "qs_a", *symbols)
    await dial.send("quote_fast_symbols", "qs_a", *symbols)
    await dial.until("quote_completed", lambda p: p[1] == symbols[-1])


def names(packets):
    return {packet["p"][1]["n"] for packet in packets if packet.get("m") == "qsd"}


async def next_packets(dial, count):
    return [await dial.next() for _ in range(count)]


async def test_mute_stops_data_and_leaves_heartbeats(venue):
    async with venue.dial() as dial:
        await quotes(dial, "NASDAQ:AAPL")
        venue.simulator.faults.set("mute")
        await asyncio.sleep(1)
        before = len(dial.texts)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(dial.end(), 40)
        assert len(dial.beats) >= 3
        assert all("~h~" in text for text in dial.texts[before + 10 :])
        venue.simulator.faults.clear()
        await dial.one("qsd")


async def test_one_topic_can_be_mute(venue):
    async with venue.dial() as dial:
        await quotes(dial, "NASDAQ:AAPL", "NYSE:F")
        venue.simulator.faults.set("mute", stream="quote/NYSE:F")
        await next_packets(dial, 20)
        assert names(await next_packets(dial, 30)) == {"NASDAQ:AAPL"}


async def test_a_mute_connection_can_be_healed_by_a_new_one(venue):
    async with venue.dial() as first:
        await quotes(first, "NASDAQ:AAPL")
        venue.simulator.faults.set("mute", heals="reconnect")
        async with venue.dial() as second:
            await quotes(second, "NASDAQ:AAPL")
            await second.one("qsd")


async def test_half_open_says_nothing_any_more(venue):
    async with venue.dial() as dial:
        await quotes(dial, "NASDAQ:AAPL")
        venue.simulator.faults.set("half_open")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(dial.end(), 60)
        assert dial.beats == []


@pytest.mark.parametrize(("code", "seen"), [(1000, 1000), (1001, 1001), (1005, 1005), (1006, 1006), (4000, 4000)])
async def test_connections_end_with_any_code(venue, code, seen):
    async with venue.dial() as dial:
        await quotes(dial, "NASDAQ:AAPL")
        venue.simulator.faults.set(f"close:{code}")
        await dial.end()
        assert dial.socket.close_code in (seen, None if seen != 1005 else 1000)


async def test_history_can_be_cut_in_the_middle_of_its_message(venue):
    venue.simulator.faults.set("reset_mid_frame", channel="bars/", times=1)
    async with venue.dial() as dial:
        await dial.send("chart_create_session", "cs_a", "")
        await dial.send("resolve_symbol", "cs_a", "sym_1", "NYSE:F")
        await dial.send("create_series", "cs_a", "sds_1", "s1", "sym_1", "1", 5_000, "")
        with pytest.raises((aiohttp.ClientError, ConnectionResetError, AssertionError)):
            await dial.one("timescale_update")
    async with venue.dial() as dial:
        await dial.chart("NYSE:F", bars=5_000)


async def test_history_can_be_cut_between_its_pages(venue):
    venue.simulator.faults.set("close:1001", channel="bars/", after=1, times=1)
    async with venue.dial() as dial:
        await dial.chart("NYSE:F", bars=100)
        await dial.send("request_more_data", "cs_a", "sds_1", 100)
        packets = await dial.end()
        assert "series_completed" not in {packet.get("m") for packet in packets}


async def test_the_server_goes_away_after_a_while(venue):
    async with venue.dial() as dial:
        await quotes(dial, "NASDAQ:AAPL")
        venue.simulator.faults.set("goaway:3")
        await dial.end()
        assert dial.socket.close_code == 1001


async def test_packets_can_come_twice_or_change_places_or_be_left_out(venue):
    async with venue.dial() as dial:
        await quotes(dial, "NASDAQ:AAPL")
        plain = await next_packets(dial, 20)
        assert all(earlier != later for earlier, later in pairwise(plain))
        venue.simulator.faults.set("duplicate")
        await next_packets(dial, 10)
        twice = await next_packets(dial, 20)
        assert sum(earlier == later for earlier, later in pairwise(twice)) >= 9
        venue.simulator.faults.clear()
        venue.simulator.faults.set("reorder", times=1)
        moved = await next_packets(dial, 30)
        times = [packet["p"][1]["v"]["lp_time"] for packet in moved if "lp_time" in packet["p"][1]["v"]]
        assert times
        venue.simulator.faults.set("gap", times=2)
        await next_packets(dial, 5)


async def test_a_damaged_packet_is_framed_well(venue):
    async with venue.dial() as dial:
        await quotes(dial, "NASDAQ:AAPL")
        venue.simulator.faults.set("bad_json", times=1)
        with pytest.raises(ValueError, match=r"JSON|truncated|expected"):
            await next_packets(dial, 20)
        await next_packets(dial, 5)
        assert all(walk(text) for text in dial.texts)


async def test_unknown_messages_are_mixed_in(venue):
    async with venue.dial() as dial:
        await quotes(dial, "NASDAQ:AAPL")
        venue.simulator.faults.set("unknown_message", times=1)
        await dial.one("unheard_of")
        await dial.one("qsd")


async def test_a_huge_message_is_many_packets(venue):
    async with venue.dial() as dial:
        await quotes(dial, "NASDAQ:AAPL")
        venue.simulator.faults.set("huge_frame:2000000", times=1)
        await dial.one("unheard_of")
        assert 1_900_000 < len(dial.texts[-1]) <= 2_000_000


async def test_a_message_can_be_nested_deeply(venue):
    async with venue.dial() as dial:
        await quotes(dial, "NASDAQ:AAPL")
        venue.simulator.faults.set("deep_nesting:5000", times=1)
        with pytest.raises(RecursionError):
            await next_packets(dial, 20)


async def test_answers_can_come_late(venue):
    async with venue.dial() as dial:
        venue.simulator.faults.set("late_ack:5")
        loop = asyncio.get_running_loop()
        started = loop.time()
        await quotes(dial, "NASDAQ:AAPL")
        assert loop.time() - started >= 5


async def test_messages_can_trickle(venue):
    async with venue.dial() as dial:
        await quotes(dial, "NASDAQ:AAPL")
        venue.simulator.faults.set("slow_loris:0.01")
        await asyncio.sleep(2)
        loop = asyncio.get_running_loop()
        started = loop.time()
        await next_packets(dial, 30)
        assert loop.time() - started > 10
        venue.simulator.faults.clear()
        await next_packets(dial, 30)


async def test_heartbeats_can_be_withheld_or_packed_behind_data(venue):
    async with venue.dial() as dial:
        await quotes(dial, "NASDAQ:AAPL")
        venue.simulator.faults.set("no_heartbeat")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(dial.end(), 35)
        assert dial.beats == []
        venue.simulator.faults.clear()
        venue.simulator.faults.set("packed_heartbeat")
        while len(dial.beats) < 2:
            await dial.next()
        assert all('{"m"' in text for text in dial.texts if "~h~" in text)


async def test_the_control_endpoint_drops_connections(venue):
    async with venue.dial() as dial:
        await quotes(dial, "NASDAQ:AAPL")
        assert (await venue.post("/_control/drop"))[1] == {"dropped": 1}
        await dial.end()
        assert dial.socket.close_code == 1006


async def test_a_stream_can_end_with_an_error_of_any_text(venue):
    async with venue.dial() as dial:
        await quotes(dial, "NASDAQ:AAPL")
        venue.simulator.faults.set("stream_error:banned by ip")
        assert (await dial.end())[-1] == {"m": "protocol_error", "p": ["banned by ip"]}


async def test_a_snapshot_can_be_completed_late_or_never(venue):
    async with venue.dial() as dial:
        venue.simulator.faults.set("late_snapshot:7")
        loop = asyncio.get_running_loop()
        started = loop.time()
        await quotes(dial, "NASDAQ:AAPL")
        assert loop.time() - started >= 7
        venue.simulator.faults.clear()
        venue.simulator.faults.set("no_snapshot_end")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(quotes(dial, "NYSE:F"), 20)


async def test_an_answer_can_be_lost(venue):
    async with venue.dial() as dial:
        venue.simulator.faults.set("drop_answer", channel="bars/", times=1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(dial.chart("NYSE:F", bars=5), 20)
        await dial.send("request_more_data", "cs_a", "sds_1", 5)
        await dial.until("series_completed")
