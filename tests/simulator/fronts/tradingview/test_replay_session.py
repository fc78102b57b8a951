import asyncio

import pytest

SPEC = '={"replay":"rs_a","symbol":{"adjustment":"splits","symbol":"NYSE:KO"}}'
START_S = 1_767_225_600


async def begin(dial, resolution="1D", bars=50):
    """A replay from a day on, and a chart that is bound to it."""
    await dial.send("replay_create_session", "rs_a")
    await dial.send("replay_add_series", "rs_a", "rq_add", "NYSE:KO", resolution)
    await dial.send("replay_reset", "rs_a", "rq_reset", START_S)
    return await dial.chart(SPEC, resolution, bars)


def opens(packets):
    return [
        point["v"][0]
        for packet in packets
        if packet.get("m") in ("timescale_update", "du")
        for point in packet["p"][1]["sds_1"]["s"]
    ]


async def test_a_chart_ends_at_the_cursor(venue):
    async with venue.dial() as dial:
        packets = await begin(dial)
        found = {packet["m"]: packet["p"] for packet in packets if "m" in packet}
        assert found["replay_instance_id"][0] == "rs_a"
        assert found["replay_ok"] == ["rs_a", "rq_add"]
        assert found["replay_point"] == ["rs_a", START_S]
        assert found["series_completed"][2] == "replay"
        assert (len(opens(packets)), opens(packets)[-1]) == (50, START_S - 86_400)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(dial.one("du"), 5)


async def test_steps_bring_whole_bars(venue):
    async with venue.dial() as dial:
        await begin(dial)
        await dial.send("replay_step", "rs_a", "rq_step", 3)
        assert await dial.one("replay_ok") == ["rs_a", "rq_step"]
        packets = [await dial.next() for _ in range(3)]
        assert opens(packets) == [START_S, START_S + 86_400, START_S + 2 * 86_400]
        assert packets[0]["m"] == "timescale_update"


async def test_it_steps_by_itself_until_it_is_stopped(venue):
    async with venue.dial() as dial:
        await begin(dial)
        await dial.send("replay_start", "rs_a", "rq_start", 200)
        await dial.until("replay_ok")
        assert len(opens([await dial.next() for _ in range(5)])) == 5
        await dial.send("replay_stop", "rs_a", "rq_stop")
        await dial.until("replay_ok")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(dial.next(), 5)


async def test_the_present_is_the_end(venue):
    async with venue.dial() as dial:
        await begin(dial)
        await dial.send("replay_step", "rs_a", "rq_step", 10**9)
        assert await dial.one("replay_data_end") == ["rs_a"]


async def test_moving_the_cursor_back_shows_what_the_plan_does_not(new_venue):
    async with new_venue(settings={"plan": ""}) as venue, venue.dial(token="") as dial:
        packets = await begin(dial, "60", 5_000)
        first = opens(packets)[0]
        assert packets[-1]["p"][4]["data_completed"] == "limit"
        await dial.send("replay_reset", "rs_a", "rq_reset", first)
        older = opens(await dial.until("series_completed"))
        assert (len(older), older[-1]) == (5_000, first - 3600)


async def test_what_cannot_be_replayed_is_a_replay_error(venue):
    async with venue.dial() as dial:
        await dial.send("replay_create_session", "rs_a")
        for symbol, resolution, reason in (
            ("NYSE:NOSUCH", "1D", "invalid symbol"),
            ("NYSE:KO", "7Q", "invalid resolution"),
        ):
            await dial.send("replay_add_series", "rs_a", "rq", symbol, resolution)
            assert await dial.one("replay_error") == ["rs_a", "rq", reason]
        await dial.send("replay_step", "rs_a", "rq", 1)
        assert await dial.one("replay_error") == ["rs_a", "rq", "no series"]
        await dial.send("replay_set_resolution", "rs_a", "rq", "7Q")
        assert (await dial.one("replay_error"))[2] == "invalid resolution"
        await dial.send("replay_reset", "rs_a", "rq", "soon")
        assert (await dial.one("critical_error"))[1] == "invalid parameters"


async def test_the_rest_of_its_calls_are_answered(venue):
    async with venue.dial() as dial:
        await begin(dial)
        await dial.send("replay_set_resolution", "rs_a", "rq_res", "1W")
        assert await dial.one("replay_ok") == ["rs_a", "rq_res"]
        await dial.send("replay_get_depth", "rs_a")
        assert (await dial.one("replay_depth"))[1] < START_S
        await dial.send("replay_remove_series", "rs_a", "rq_gone", "NYSE:KO", "1D")
        assert await dial.one("replay_ok") == ["rs_a", "rq_gone"]
        await dial.send("replay_delete_session", "rs_a")
        await dial.send("replay_step", "rs_a", "rq", 1)
        assert (await dial.end())[-1]["m"] == "protocol_error"


async def test_a_chart_of_an_unknown_replay_has_no_symbol(venue):
    async with venue.dial() as dial:
        await dial.send("chart_create_session", "cs_a", "")
        await dial.send("resolve_symbol", "cs_a", "sym_1", SPEC)
        assert (await dial.one("symbol_error"))[2] == "invalid symbol"
