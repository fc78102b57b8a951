import pytest


async def test_a_child_study_is_a_study(venue):
    async with venue.dial() as dial:
        await dial.chart(bars=20)
        await dial.send("create_child_study", "cs_a", "st1", "st1", "sds_1", "RSI@tv-basicstudies", {})
        await dial.until("study_completed")


@pytest.mark.parametrize(
    ("method", "args", "answer"),
    [
        ("resolve_symbol", ["sym_2", "NYSE:F"], "symbol_resolved"),
        ("create_series", ["sds_2", "s1", "sym_1", "5", 3, ""], "series_completed"),
        ("modify_series", ["sds_1", "s2", "sym_1", "1", ""], "series_completed"),
        ("request_more_data", ["sds_1", 3], "series_completed"),
        ("request_more_tickmarks", ["sds_1", 3], "tickmark_update"),
        ("switch_timezone", ["Etc/UTC"], "tickmark_update"),
        ("get_first_bar_time", ["sym_1", "1D"], "first_bar_time"),
        ("create_study", ["st1", "st1", "sds_1", "Volume@tv-basicstudies-246", {}], "study_completed"),
    ],
)
async def test_every_call_of_a_chart_has_its_answer(venue, method, args, answer):
    async with venue.dial() as dial:
        await dial.chart(bars=5)
        await dial.send(method, "cs_a", *args)
        assert (await dial.one(answer))[0] == "cs_a"


async def test_calls_that_end_something_are_silent(venue):
    async with venue.dial() as dial:
        await dial.chart(bars=5)
        await dial.send("create_study", "cs_a", "st1", "st1", "sds_1", "Volume@tv-basicstudies-246", {})
        await dial.until("study_completed")
        await dial.send("remove_study", "cs_a", "st1")
        await dial.send("remove_study", "cs_a", "st1")
        live = await dial.until("timescale_update")
        assert set(live[-1]["p"][1]) == {"sds_1"}
        await dial.send("remove_series", "cs_a", "sds_1")
