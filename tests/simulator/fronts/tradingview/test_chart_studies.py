import pytest

RSI = "RSI@tv-basicstudies-246"
SMA = "MASimple@tv-basicstudies"


async def study(dial, study_id="st1", study_type=RSI, parent="sds_1", **inputs):
    """Create a study and return its points."""
    await dial.send("create_study", "cs_a", study_id, "st1", parent, study_type, inputs)
    packets = await dial.until("study_completed", lambda p: p[1] == study_id)
    body = next(p["p"][1][study_id] for p in packets if p.get("m") == "du" and "node" in p["p"][1].get(study_id, {}))
    return body["st"]


async def test_a_study_has_a_point_for_every_bar(venue):
    async with venue.dial() as dial:
        await dial.chart(bars=50)
        await dial.send("create_study", "cs_a", "st1", "st1", "sds_1", RSI, {"length": 14})
        packets = await dial.until("study_completed")
        assert [packet["p"][2] for packet in packets if packet["m"].startswith("study_")] == ["s1_st1", "s1_st1"]
        body = next(
            packet["p"][1]["st1"]
            for packet in packets
            if packet["m"] == "du" and "node" in packet["p"][1].get("st1", {})
        )
        assert (body["t"], body["ns"]) == ("s1_st1", {"d": "", "indexes": []})
        assert len(body["st"]) == 50
        assert body["st"][13]["v"][1] is None
        assert 0 < body["st"][14]["v"][1] < 100


async def test_values_follow_the_bar_in_progress(venue):
    async with venue.dial() as dial:
        await dial.chart(bars=50)
        await study(dial, study_type=SMA, length=1)
        for _ in range(30):
            objects = (await dial.next())["p"][1]
            assert objects["st1"]["st"][-1]["v"] == [
                objects["sds_1"]["s"][-1]["v"][0],
                objects["sds_1"]["s"][-1]["v"][4],
            ]
            assert objects["st1"]["ns"] == {"d": "", "indexes": "nochange"}
        opened = await dial.one("timescale_update")
        assert len(opened[1]["st1"]["st"]) == 2


async def test_a_study_can_be_made_from_another(venue):
    async with venue.dial() as dial:
        await dial.chart(bars=50)
        plain = await study(dial, length=5)
        smooth = await study(dial, "st2", SMA, "st1", length=2)
        expected = (plain[-1]["v"][1] + plain[-2]["v"][1]) / 2
        assert smooth[-1]["v"][1] == pytest.approx(expected, abs=1e-3)
        other = await study(dial, "st3", SMA, source="st1$0", length=2)
        assert other[-1]["v"][1] == pytest.approx(expected, abs=1e-3)
        await dial.send("remove_study", "cs_a", "st1")
        live = await dial.until("timescale_update")
        assert set(live[-1]["p"][1]) == {"sds_1", "st3"}
        assert live[-1]["p"][1]["st3"]["st"] == []


async def test_other_inputs_are_told_under_another_tag(venue):
    async with venue.dial() as dial:
        await dial.chart(bars=50)
        await study(dial, study_type=SMA, length=5)
        await dial.send("modify_study", "cs_a", "st1", "st2", {"length": 1})
        packets = await dial.until("study_completed")
        assert packets[-1]["p"][2] == "s1_st2"
        await dial.send("modify_study", "cs_a", "st1", "st3", {"length": -1})
        assert (await dial.one("study_error"))[3]["ctx"]["value"] == -1


async def test_an_older_page_is_computed_too(venue):
    async with venue.dial() as dial:
        await dial.chart(bars=50)
        await study(dial, study_type=SMA, length=5)
        await dial.send("request_more_data", "cs_a", "sds_1", 50)
        packets = await dial.until("study_completed")
        whole = [p["p"][1]["st1"]["st"] for p in packets if p["m"] == "du" and "node" in p["p"][1].get("st1", {})]
        assert len(whole[0]) == 100


@pytest.mark.parametrize(
    ("study_type", "inputs", "reason"),
    [
        ("Nothing@tv-basicstudies-1", {}, "unknown study Nothing@tv-basicstudies-1"),
        (SMA, {"source": "st9$0"}, "invalid source st9$0"),
        (SMA, {"source": "moon"}, "invalid source moon"),
    ],
)
async def test_what_cannot_be_made_is_a_study_error_and_the_chart_goes_on(venue, study_type, inputs, reason):
    async with venue.dial() as dial:
        await dial.chart(bars=5)
        await dial.send("create_study", "cs_a", "st1", "st1", "sds_1", study_type, inputs)
        assert (await dial.one("study_error"))[1:4] == ["st1", "s1_st1", reason]
        await dial.one("du")


async def test_a_script_runs_with_the_inputs_of_its_metadata(venue):
    _, told = await venue.get("/pine-facade/translate/STD%3BEMA/last")
    meta = told["result"]["metaInfo"]
    inputs = {
        "text": told["result"]["ilTemplate"],
        "pineId": meta["scriptIdPart"],
        "pineVersion": meta["pine"]["version"],
    }
    inputs |= {each["id"]: {"v": each["defval"], "f": True, "t": each["type"]} for each in meta["inputs"][3:]}
    async with venue.dial() as dial:
        await dial.chart(bars=50)
        points = await study(dial, "st9", "Script@tv-scripting-101!", **inputs)
        assert points[7]["v"][1] is None
        assert len(points[8]["v"]) == 1 + len(meta["plots"])


@pytest.mark.parametrize(("token", "path"), [("", "from=chart&type=chart"), (None, "from=chart")])
async def test_scripts_need_an_account_and_a_chart_socket(venue, token, path):
    async with venue.dial(token=token, path=f"/socket.io/websocket?{path}") as dial:
        await dial.chart(bars=5)
        script = {"text": "x", "pineId": "STD;EMA", "pineVersion": "37.0"}
        await dial.send("create_study", "cs_a", "st1", "st1", "sds_1", "Script@tv-scripting-101!", script)
        assert (await dial.one("study_error"))[3] == "Study not allowed in this connection"
        await study(dial, "st2")


async def test_a_plan_allows_so_many_studies(venue):
    async with venue.dial(token="") as dial:
        await dial.chart(bars=5)
        for number in range(3):
            await dial.send("create_study", "cs_a", f"st{number}", "st1", "sds_1", SMA, {})
        error = await dial.one("study_error")
        assert error[1] == "st2"
        assert error[3].startswith("The maximum number of studies per chart has been reached")


async def test_the_studies_of_a_removed_series_are_gone(venue):
    async with venue.dial() as dial:
        await dial.chart(bars=5)
        await study(dial)
        await dial.send("remove_series", "cs_a", "sds_1")
        await dial.send("create_series", "cs_a", "sds_1", "s1", "sym_1", "1", 5, "")
        await dial.until("series_completed")
        await study(dial)
        assert set((await dial.one("timescale_update"))[1]) == {"sds_1", "st1"}


@pytest.mark.parametrize(("setting", "value"), [("null", None), ("NaN", "NaN"), ("1e100", 1e100)])
async def test_no_value_is_written_in_one_of_three_ways(new_venue, setting, value):
    async with new_venue(settings={"no_value": setting}) as venue, venue.dial() as dial:
        await dial.chart(bars=20)
        assert (await study(dial, length=14))[0]["v"][1] == value
