import pytest


def newest_of(packets):
    return max(point["v"][0] for p in packets if p.get("m") == "timescale_update" for point in p["p"][1]["sds_1"]["s"])


async def test_points_of_a_page_may_change_places(new_venue):
    async with new_venue(settings={"page_order": "mixed"}) as venue, venue.dial() as dial:
        packets = await dial.chart(bars=5)
        page = next(packet["p"][1]["sds_1"]["s"] for packet in packets if packet.get("m") == "timescale_update")
        assert [point["i"] for point in page] == [1, 0, 3, 2, 4]


@pytest.mark.parametrize("notes", ["index_diff", "index_update"])
async def test_a_client_may_be_told_that_indexes_moved(new_venue, notes):
    async with new_venue(settings={"shift_notes": notes}) as venue, venue.dial() as dial:
        await dial.chart(bars=5)
        await dial.send("request_more_data", "cs_a", "sds_1", 7)
        packets = await dial.until("series_completed")
        if notes == "index_diff":
            page = next(packet["p"] for packet in packets if packet.get("m") == "timescale_update")
            assert page[2]["index_diff"] == [[0, 7]]
        else:
            moved = next(packet["p"] for packet in packets if packet.get("m") == "index_update")
            assert moved == ["cs_a", {"sds_1": {"index_diff": [[0, 7]]}}]


async def test_a_bar_may_change_once_more_after_the_next_one_opened(new_venue):
    async with new_venue(settings={"final_bars": "late"}) as venue, venue.dial() as dial:
        newest = newest_of(await dial.chart(bars=3))
        await dial.until("timescale_update")
        final = await dial.next()
        assert (final["m"], final["p"][1]["sds_1"]["s"][0]["v"][0]) == ("du", newest)


async def test_a_look_back_period_is_a_window_of_indexes(venue):
    async with venue.dial() as dial:
        packets = await dial.chart(resolution="60", bars=100, frame="1D")
        frames = [packet["p"] for packet in packets if packet.get("m") == "series_timeframe"]
        assert [frame[5:] for frame in frames] == [["1D", False], ["1D", True]]
        assert frames[1][3:5] == [76, 99]


async def test_a_stranger_is_told_of_slower_updates(venue):
    async with venue.dial(token="") as dial:
        packets = await dial.chart("SP:SPX", bars=5)
        assert packets[-1]["p"][2:] == ["delayed_streaming_900", "s1", {"rt_update_period": 5}]
