import asyncio
from itertools import pairwise

import pytest


def bars_of(packets, series="sds_1"):
    """Every point of a series, newest word last."""
    found = {}
    for packet in packets:
        if packet.get("m") in ("timescale_update", "du"):
            for point in packet["p"][1].get(series, {}).get("s", []):
                found[point["v"][0]] = point["v"]
    return [found[time] for time in sorted(found)]


def methods(packets):
    return [packet.get("m") for packet in packets]


async def test_a_series_is_loaded_resolved_shown_and_completed(venue):
    async with venue.dial() as dial:
        packets = await dial.chart(bars=50)
    assert {"series_loading", "symbol_resolved", "timescale_update", "series_completed"} <= set(methods(packets))
    assert len(bars_of(packets)) == 50
    completed = packets[-1]
    assert completed["p"] == ["cs_a", "sds_1", "streaming", "s1", {"rt_update_period": 0}]
    page = next(packet for packet in packets if packet.get("m") == "timescale_update")
    body, changes = page["p"][1]["sds_1"], page["p"][2]
    assert (body["t"], body["ns"]) == ("s1", {"d": "", "indexes": []})
    assert [point["i"] for point in body["s"]] == list(range(50))
    assert changes["changes"] == [point["v"][0] for point in body["s"]]
    assert body["lbs"]["bar_close_time"] == body["s"][-1]["v"][0] + 60
    assert all({"t", "t_ms"} <= packet.keys() for packet in (page, completed))


async def test_live_trades_change_the_bar_and_open_new_ones(venue):
    async with venue.dial() as dial:
        packets = await dial.chart(bars=3)
        newest = bars_of(packets)[-1][0]
        live = await dial.until("timescale_update")
        assert set(methods(live)) <= {"du", "timescale_update"}
        assert len(live) > 5
        opened = live[-1]["p"]
        assert opened[1]["sds_1"]["s"][0]["v"][0] == newest + 60
        assert opened[1]["sds_1"]["s"][0]["i"] == 3
        assert (opened[2]["index"], opened[2]["changes"]) == (3, [newest + 60])
        assert all(packet["p"][1]["sds_1"]["s"][0]["v"][0] == newest for packet in live[:-1])
        assert all("t" not in packet for packet in live[:-1])


async def test_a_bar_may_open_in_an_update_instead(new_venue):
    async with new_venue(settings={"new_bars": "du"}) as venue, venue.dial() as dial:
        newest = bars_of(await dial.chart(bars=3))[-1][0]
        opened = await dial.one("du", lambda p: p[1]["sds_1"]["s"][0]["v"][0] == newest + 60)
        assert opened[1]["sds_1"]["s"][0]["i"] == 3


async def test_older_pages_come_until_the_plans_limit_and_shift_the_indexes(new_venue):
    async with new_venue(settings={"plan": "pro"}) as venue, venue.dial() as dial:
        packets = await dial.chart(bars=4_000)
        for _ in range(3):
            await dial.send("request_more_data", "cs_a", "sds_1", 4_000)
            packets += await dial.until("series_completed")
        bars = bars_of(packets)
        assert packets[-1]["p"][4] == {"rt_update_period": 0, "data_completed": "limit"}
        assert 10_000 <= len(bars) <= 10_002
        assert {later[0] - earlier[0] for earlier, later in pairwise(bars)} == {60}
        pages = [packet for packet in packets if packet.get("m") == "timescale_update" and packet["p"][2]["index"] == 0]
        assert [len(page["p"][1]["sds_1"]["s"]) for page in pages] == [4_000, 4_000, 2_000]


async def test_the_end_is_not_told_by_older_servers(new_venue):
    async with new_venue(settings={"page_notes": "silent"}) as venue, venue.dial() as dial:
        packets = await dial.chart(resolution="1M", bars=5_000)
        assert packets[-1]["p"][4] == {"rt_update_period": 0}


async def test_days_come_whole_without_a_plan_and_say_that_they_end(venue):
    async with venue.dial(token="") as dial:
        packets = await dial.chart("NASDAQ:AAPL", "1D", bars=100_000)
    assert len(bars_of(packets)) == 12_001
    assert packets[-1]["p"][4] == {"rt_update_period": 5, "data_completed": "end"}


@pytest.mark.parametrize(("host", "bars"), [("stream", 6_600), ("prodata", 20_000)])
async def test_the_data_host_gives_less_than_the_plan(venue, host, bars):
    async with venue.dial(host=host) as dial:
        packets = await dial.chart(bars=30_000)
    assert bars <= len(bars_of(packets)) <= bars + 1
    assert len(dial.texts[-1]) > (1_500_000 if bars == 20_000 else 500_000)


async def test_a_range_is_answered_under_its_own_turnaround(venue):
    async with venue.dial() as dial:
        newest = int(bars_of(await dial.chart(resolution="60", bars=10))[-1][0])
        start, end = newest - 100 * 3600, newest - 80 * 3600
        frame = f"r,{start}:{end}"
        await dial.send("modify_series", "cs_a", "sds_1", "s2", "sym_1", "60", frame)
        packets = await dial.until("series_completed", lambda p: p[3] == "s2")
        bars = [bar for bar in bars_of(packets) if start <= bar[0] <= end]
        assert len(bars) == 21
        frames = [packet["p"] for packet in packets if packet.get("m") == "series_timeframe"]
        assert [each[5:] for each in frames] == [[frame, False], [frame, True]]
        assert frames[1][4] - frames[1][3] == 20


async def test_a_range_beyond_the_plan_brings_no_bars_and_no_error(venue):
    async with venue.dial() as dial:
        await dial.chart(bars=5)
        await dial.send("modify_series", "cs_a", "sds_1", "s2", "sym_1", "1", "r,1700000000:1700086400")
        packets = await dial.until("series_completed", lambda p: p[3] == "s2")
        assert not any(packet.get("m") == "timescale_update" for packet in packets if "s2" in str(packet["p"]))
        assert packets[-1]["p"][4]["data_completed"] == "limit"


async def test_creating_and_modifying_at_once_completes_twice_or_once(new_venue):
    for completions, expected in (("each", ["s1", "s2"]), ("merged", ["s2"])):
        async with new_venue(settings={"completions": completions}) as venue, venue.dial() as dial:
            await dial.send("chart_create_session", "cs_a", "")
            await dial.send("resolve_symbol", "cs_a", "sym_1", "NASDAQ:AAPL")
            await dial.send("create_series", "cs_a", "sds_1", "s1", "sym_1", "1", 5_000, "")
            await dial.send("modify_series", "cs_a", "sds_1", "s2", "sym_1", "1", "")
            packets = await dial.until("series_completed", lambda p: p[3] == "s2")
            assert [packet["p"][3] for packet in packets if packet.get("m") == "series_completed"] == expected


async def test_another_resolution_begins_the_series_anew(venue):
    async with venue.dial() as dial:
        await dial.chart(bars=5)
        await dial.send("modify_series", "cs_a", "sds_1", "s2", "sym_1", "60", 5, "")
        page = (await dial.until("series_completed", lambda p: p[3] == "s2"))[-2]
        assert [point["i"] for point in page["p"][1]["sds_1"]["s"]] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("bars", [("",), ("", ""), (3,)])
@pytest.mark.parametrize(("symbol", "resolution"), [("sym_1", "15"), ("sym_2", "60")])
async def test_a_changed_series_shows_as_many_bars_as_before_and_goes_on(venue, symbol, resolution, bars):
    async with venue.dial() as dial:
        await dial.chart(resolution="60", bars=3)
        await dial.send("resolve_symbol", "cs_a", "sym_2", "BINANCE:ETHUSDT")
        await dial.send("modify_series", "cs_a", "sds_1", "s2", symbol, resolution, *bars)
        packets = await dial.until("series_completed", lambda p: p[3] == "s2")
        page = next(each for each in packets if each.get("m") == "timescale_update" and "s2" in str(each["p"]))
        assert [point["i"] for point in page["p"][1]["sds_1"]["s"]] == [0, 1, 2]
        assert (await dial.one("du"))[1]["sds_1"]["t"] == "s2"


async def test_a_changed_series_takes_a_count_over_from_the_last_change(venue):
    async with venue.dial() as dial:
        await dial.chart(bars=3, frame="1D")
        for turnaround, resolution, bars in (("s2", "60", 7), ("s3", "1", "")):
            await dial.send("modify_series", "cs_a", "sds_1", turnaround, "sym_1", resolution, bars)
        packets = await dial.until("series_completed", lambda p: p[3] == "s3")
        page = [each for each in packets if each.get("m") == "timescale_update"][-1]
        assert len(page["p"][1]["sds_1"]["s"]) == 7


async def test_an_anchored_series_keeps_its_anchor(venue):
    async with venue.dial() as dial:
        newest = int(bars_of(await dial.chart(resolution="60", bars=1))[-1][0])
        anchor = newest - 50 * 3600
        await dial.send("modify_series", "cs_a", "sds_1", "s2", "sym_1", "60", ["bar_count", anchor, 4])
        await dial.send("modify_series", "cs_a", "sds_1", "s3", "sym_1", "15", "")
        packets = await dial.until("series_completed", lambda p: p[3] == "s3")
        page = [each for each in packets if each.get("m") == "timescale_update"][-1]
        assert [point["v"][0] for point in page["p"][1]["sds_1"]["s"]] == [anchor - 900 * n for n in (3, 2, 1, 0)][:4]


async def test_nothing_new_is_sent_when_nothing_changes(venue):
    async with venue.dial() as dial:
        await dial.chart(resolution="1D", bars=3)
        await dial.send("modify_series", "cs_a", "sds_1", "s2", "sym_1", "1D", "")
        packets = await dial.until("series_completed", lambda p: p[3] == "s2")
        assert not any(each.get("m") == "timescale_update" for each in packets)


async def test_a_series_that_failed_can_be_changed_to_one_that_there_is(venue):
    async with venue.dial() as dial:
        await dial.send("chart_create_session", "cs_a", "")
        await dial.send("resolve_symbol", "cs_a", "sym_1", "NYSE:NOSUCH")
        await dial.send("create_series", "cs_a", "sds_1", "s1", "sym_1", "60", 5)
        await dial.one("series_error")
        await dial.send("resolve_symbol", "cs_a", "sym_2", "BINANCE:BTCUSDT")
        await dial.send("modify_series", "cs_a", "sds_1", "s2", "sym_2", "60", "")
        assert len(bars_of(await dial.until("series_completed"))) == 5


async def test_a_symbol_that_nobody_knows_fails_its_series_too(venue):
    async with venue.dial() as dial:
        await dial.send("chart_create_session", "cs_a", "")
        await dial.send("resolve_symbol", "cs_a", "sym_1", "NYSE:NOSUCH")
        await dial.send("create_series", "cs_a", "sds_1", "s1", "sym_1", "1", 5, "")
        await dial.send("create_study", "cs_a", "st1", "st1", "sds_1", "Volume@tv-basicstudies-246", {})
        packets = await dial.until("study_error")
        found = {packet["m"]: packet["p"] for packet in packets if "m" in packet}
        assert found["symbol_error"] == ["cs_a", "sym_1", "invalid symbol"]
        assert found["series_error"][:4] == ["cs_a", "sds_1", "s1", "resolve error"]
        await dial.send("remove_series", "cs_a", "sds_1")
        await dial.send("resolve_symbol", "cs_a", "sym_2", "NYSE:F")
        await dial.send("create_series", "cs_a", "sds_1", "s1", "sym_2", "1", 5, "")
        assert len(bars_of(await dial.until("series_completed"))) == 5


@pytest.mark.parametrize(
    ("token", "symbol", "resolution", "reason"),
    [
        ("", "NASDAQ:AAPL", "20", "custom_resolution"),
        ("", "NASDAQ:AAPL", "1S", "seconds_not_entitled"),
        (None, "NASDAQ:AAPL", "100R", "unsupported resolution: NASDAQ:AAPL, 100R"),
        (
            None,
            '={"symbol":{"symbol":"NASDAQ:AAPL"},"type":"BarSetRenko@tv-prostudies-40!"}',
            "1",
            "study_not_auth:BarSetRenko@tv-prostudies-40",
        ),
    ],
)
async def test_what_a_plan_does_not_show_is_a_series_error(venue, token, symbol, resolution, reason):
    async with venue.dial(token=token) as dial:
        await dial.send("chart_create_session", "cs_a", "")
        await dial.send("resolve_symbol", "cs_a", "sym_1", symbol)
        await dial.send("create_series", "cs_a", "sds_1", "s1", "sym_1", resolution, 5, "")
        assert (await dial.one("series_error"))[3] == reason


async def test_paid_figures_are_denied_to_strangers(venue):
    async with venue.dial(token="") as dial:
        await dial.send("chart_create_session", "cs_a", "")
        await dial.send("resolve_symbol", "cs_a", "sym_1", "ECONOMICS:USM2")
        assert (await dial.one("symbol_error"))[2:] == ["permission denied", "group", "economics_paid"]


@pytest.mark.parametrize(
    ("calls", "reason"),
    [
        ([("create_series", "sds_2", "s1", "sym_1", "7Q", 100, "")], "invalid parameters"),
        ([("create_series", "sds_2", "s1", "sym_9", "5", 100, "")], "invalid parameters"),
        ([("create_series", "sds_2", "s1", "sym_1", "5", -1, "")], "invalid parameters"),
        ([("create_series", "sds_1", "s1", "sym_1", "5", 100, "")], "duplicate id"),
        ([("resolve_symbol", "sym_1", "NYSE:F")], "duplicate id"),
        ([("modify_series", "sds_9", "s2", "sym_1", "5", "")], "invalid parameters"),
        ([("remove_series", "sds_9")], "invalid parameters"),
        ([("request_more_data", "sds_9", 5)], "invalid parameters"),
        ([("request_more_data", "sds_1", 0)], "invalid parameters"),
        ([("request_more_tickmarks", "sds_9", 5)], "invalid parameters"),
        ([("request_more_tickmarks", "sds_1", 10**9)], "invalid parameters"),
        ([("get_first_bar_time", "sym_9", "1D")], "invalid parameters"),
        ([("switch_timezone", "Nowhere/Nowhere")], "invalid timezone"),
        ([("switch_timezone", 5)], "invalid timezone"),
        ([("create_study", "st1", "st1", "sds_9", "RSI@tv-basicstudies", {})], "invalid parameters"),
        ([("create_study", "st1", "st1", "sds_1", "RSI@tv-basicstudies", "x")], "invalid parameters"),
        ([("modify_study", "st9", "st2", {})], "invalid parameters"),
        ([("create_series", ["x"], "s1", "sym_1", "5", 100, "")], "invalid parameters"),
    ],
)
async def test_misuse_is_a_critical_error_and_the_session_is_dead(venue, calls, reason):
    async with venue.dial() as dial:
        await dial.chart(bars=5)
        for method, *args in calls:
            await dial.send(method, "cs_a", *args)
        session, said, detail = await dial.one("critical_error")
        assert (session, said) == ("cs_a", reason)
        assert detail.startswith(f"method: {calls[0][0]}. args: ")
        await dial.send("request_more_data", "cs_a", "sds_1", 5)
        await dial.send("quote_create_session", "qs_a")
        await dial.send("quote_add_symbols", "qs_a", "NASDAQ:AAPL")
        assert all(p.get("p", [""])[0] != "cs_a" for p in await dial.until("quote_completed"))


async def test_the_arguments_are_printed_without_session_and_quotes(venue):
    async with venue.dial() as dial:
        await dial.chart(bars=5)
        await dial.send("create_series", "cs_a", "sds_4", "s1", "sym_1", "7Q", 100, "")
        detail = (await dial.one("critical_error"))[2]
        assert detail == 'method: create_series. args: "[sds_4, s1, sym_1, 7Q, 100, ]"'


@pytest.mark.parametrize(("token", "allowed"), [("", 1), (None, 3)])
async def test_a_session_holds_so_many_series_and_removing_one_makes_room(new_venue, token, allowed):
    async with new_venue(settings={"series_per_session": 3}) as venue, venue.dial(token=token) as dial:
        await dial.send("chart_create_session", "cs_a", "")
        await dial.send("resolve_symbol", "cs_a", "sym_1", "NYSE:F")
        for number in range(allowed):
            await dial.send("create_series", "cs_a", f"sds_{number}", "s1", "sym_1", "5", 10, "")
        await dial.until("series_completed", lambda p: p[1] == f"sds_{allowed - 1}")
        await dial.send("remove_series", "cs_a", "sds_0")
        await dial.send("create_series", "cs_a", "sds_8", "s1", "sym_1", "5", 10, "")
        await dial.until("series_completed", lambda p: p[1] == "sds_8")
        await dial.send("create_series", "cs_a", "sds_9", "s1", "sym_1", "5", 10, "")
        assert (await dial.one("critical_error"))[1] == "exceed limit of series in the session"


async def test_series_share_one_time_scale(venue):
    async with venue.dial() as dial:
        await dial.chart(resolution="60", bars=10)
        await dial.send("create_series", "cs_a", "sds_2", "s1", "sym_1", "240", 10, "")
        packets = await dial.until("series_completed", lambda p: p[1] == "sds_2")
        page = next(p["p"] for p in packets if p.get("m") == "timescale_update" and "sds_2" in p["p"][1])
        indexes = [point["i"] for point in page[1]["sds_2"]["s"]]
        assert indexes == sorted(indexes)
        assert page[2]["index"] == 0


async def test_other_requests_of_a_chart_are_answered(venue):
    async with venue.dial() as dial:
        await dial.chart(bars=5)
        await dial.send("switch_timezone", "cs_a", "Europe/Paris")
        assert len((await dial.one("tickmark_update"))[1]["marks"]) == 5
        await dial.send("request_more_tickmarks", "cs_a", "sds_1", 10)
        assert len((await dial.one("tickmark_update"))[1]["marks"]) == 10
        await dial.send("get_first_bar_time", "cs_a", "sym_1", "1D")
        assert (await dial.one("first_bar_time"))[1] == "sym_1"


async def test_a_removed_series_is_told_no_more(venue):
    async with venue.dial() as dial:
        await dial.chart(bars=5)
        await dial.send("remove_series", "cs_a", "sds_1")
        await dial.send("quote_create_session", "qs_a")
        await dial.send("quote_add_symbols", "qs_a", "NASDAQ:AAPL")
        await dial.until("quote_completed")
        assert set(methods([await dial.next() for _ in range(20)])) == {"qsd"}


async def test_an_anchored_series_waits_until_it_is_paged_to_the_present(venue):
    async with venue.dial() as dial:
        now_s = venue.simulator.exchange.market.now_ns() // 10**9
        packets = await dial.chart(bars=["bar_count", now_s - 3600, 10])
        assert len(bars_of(packets)) == 10
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(dial.one("du"), 5)
        await dial.send("request_more_data", "cs_a", "sds_1", -500)
        await dial.until("series_completed")
        await dial.one("du")


@pytest.mark.parametrize("calendar", ["open", "real"])
@pytest.mark.parametrize(
    ("bars", "frame"),
    [
        (["bar_count", 0, 5], ""),
        (["bar_count", 9_999_999_999, 5], ""),
        (["bar_count", 9_999_999_999, -5], ""),
        (["bar_count", 0, -5], ""),
        (10**9, ""),
        (10, "r,0:9999999999"),
        (10, "r,9999999998:9999999999"),
        (10, "r,5:1"),
        (10, "ALL"),
        (10, "YTD"),
        (0, ""),
    ],
)
async def test_every_wish_is_answered_however_far_it_goes(new_venue, calendar, bars, frame):
    async with new_venue(calendar=calendar, settings={"history_days": 40}) as venue, venue.dial() as dial:
        await dial.chart("NASDAQ:AAPL", "60", bars, frame)
        await dial.send("request_more_data", "cs_a", "sds_1", 10**9)
        await dial.until("series_completed")
        await dial.send("request_more_data", "cs_a", "sds_1", -(10**9))
        await dial.until("series_completed")
        assert venue.simulator.journal.count("failure") == 0
        assert venue.simulator.journal.count("violation") == 0
