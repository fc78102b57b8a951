"""The desk knows the time and where history begins."""

from brokerwire.simulator.fronts.binance.intervals import DAY_NS


async def test_history_reaches_back_four_hundred_days_at_least(desk):
    earliest = desk.earliest_ns()
    assert earliest % DAY_NS == 0
    assert desk.now_ns() - earliest >= 400 * DAY_NS
    assert desk.snapshot_age_ns == 0
