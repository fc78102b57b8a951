import asyncio

import msgspec
import pytest


@pytest.mark.parametrize(("script", "status"), [("refuse:502", 502), ("maintenance", 503), ("rate_limit:9", 429)])
async def test_faults_refuse_requests(venue, script, status):
    venue.simulator.faults.set(script)
    assert (await venue.get("/symbols/NASDAQ-AAPL"))[0] == status


async def test_answers_can_be_late_or_damaged(venue):
    loop = asyncio.get_running_loop()
    venue.simulator.faults.set("late_ack:4")
    started = loop.time()
    await venue.get("/pine-facade/list?filter=standard")
    assert loop.time() - started >= 4
    venue.simulator.faults.clear()
    venue.simulator.faults.set("bad_json")
    with pytest.raises(msgspec.DecodeError):
        await venue.get("/pine-facade/list?filter=standard")


async def test_requests_are_written_down(venue):
    await venue.get("/symbols/NASDAQ-AAPL")
    assert venue.simulator.journal.count("request", path="/symbols/NASDAQ-AAPL", method="GET") == 1
