import asyncio

import aiohttp


async def wait_for_violation(venue, reason):
    await venue.simulator.journal.wait_for("violation", reason=reason, timeout_s=600)


async def test_what_waits_together_comes_in_one_message(venue):
    async with venue.dial() as dial:
        await dial.chart(bars=5)
        assert any(text.count("~m~") > 2 for text in dial.texts)


async def test_packets_may_come_one_to_a_message(new_venue):
    async with new_venue(settings={"packets_per_message": 1}) as venue, venue.dial() as dial:
        await dial.chart(bars=5)
        assert all(text.count("~m~") == 2 for text in dial.texts)


async def test_heartbeats_count_up_in_messages_of_their_own(venue):
    async with venue.dial() as dial:
        await dial.chart("SP:SPX", bars=5)
        while len(dial.beats) < 4:
            await dial.next()
        assert dial.beats == [f"~h~{number}" for number in (1, 2, 3, 4)]
        assert [text for text in dial.texts if "~h~" in text] == [f"~m~4~m~{beat}" for beat in dial.beats]
        echoes = venue.simulator.journal.entries("control", method="heartbeat")
        assert [entry.detail["is_ours"] for entry in echoes] == [True] * len(echoes)


async def test_heartbeats_may_come_behind_data_only(new_venue):
    async with new_venue(settings={"heartbeats": "behind"}) as venue, venue.dial() as dial:
        await dial.chart(bars=5)
        while len(dial.beats) < 4:
            await dial.next()
        beating = [text for text in dial.texts if "~h~" in text]
        assert all(text.startswith("~m~") and '{"m"' in text.partition("~h~")[0] for text in beating)


async def test_who_does_not_echo_is_dropped(new_venue):
    async with new_venue(settings={"heartbeat_s": 1.0, "echo_within_s": 3.0}) as venue, venue.dial() as dial:
        dial.echoes = False
        await dial.end()
        assert dial.socket.close_code in (1005, 1000)
        assert venue.simulator.journal.count("violation", reason="heartbeat_not_echoed") == 1


async def test_an_echo_of_what_was_never_sent_is_told_from_the_others(venue):
    async with venue.dial() as dial:
        await dial.socket.send_str("~m~5~m~~h~99")
        await venue.simulator.journal.wait_for("control", method="heartbeat", is_ours=False)


async def test_a_client_that_reads_nothing_is_cut_off(new_venue):
    async with new_venue(settings={"rate": 50, "max_outbox_bytes": 50_000}) as venue, venue.dial() as dial:
        await dial.send("quote_create_session", "qs_a")
        await dial.send("chart_create_session", "cs_a", "")
        await dial.send("resolve_symbol", "cs_a", "sym_1", "NYSE:F")
        await dial.send("create_series", "cs_a", "sds_1", "s1", "sym_1", "1", 20_000, "")
        await wait_for_violation(venue, "slow_consumer")


async def test_bytes_are_read_as_text(venue):
    async with venue.dial(token="") as dial:
        for call in ('{"m":"quote_create_session","p":["qs_a"]}', '{"m":"quote_add_symbols","p":["qs_a","NYSE:F"]}'):
            await dial.socket.send_bytes(f"~m~{len(call)}~m~{call}".encode())
        assert await dial.one("quote_completed") == ["qs_a", "NYSE:F"]


async def test_closing_the_simulator_ends_every_line(new_venue):
    async with new_venue() as venue, venue.dial() as dial:
        await dial.chart(bars=5)
        reading = asyncio.create_task(dial.end())
        await venue.simulator.close()
        await reading
        assert dial.socket.close_code == 1001


async def test_a_client_may_leave_at_any_time(venue):
    async with venue.dial() as dial:
        await dial.chart(bars=5)
    await venue.simulator.journal.wait_for("stream_close")
    async with venue.session.ws_connect(
        venue.simulator.endpoints["stream"] + "/socket.io/websocket", headers={"Origin": "https://data.tradingview.com"}
    ) as socket:
        assert (await socket.receive()).type is aiohttp.WSMsgType.TEXT
        socket._response.connection.transport.abort()
    await venue.simulator.journal.wait_for("stream_close", count=2)
    await asyncio.sleep(1)
