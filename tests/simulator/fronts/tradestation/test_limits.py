from typing import Any

from brokerwire.clock import Clock
from brokerwire.simulator.fronts.tradestation.limits import Limits
from brokerwire.simulator.fronts.tradestation.settings import FrontSettings


class SteppingClock:
    """A clock the test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s

    def time_ns(self) -> int:
        return int(self.now_s * 1e9)

    async def sleep(self, delay_s: float) -> None:
        self.now_s += delay_s


def limits(clock: Clock, **settings: Any) -> Limits:
    return Limits(clock=clock, settings=FrontSettings(**settings))


def test_rolling_quota_comes_back_little_by_little() -> None:
    clock = SteppingClock()
    found = limits(clock)
    readings = [found.take("key", "streaming-marketdepth") for _ in range(31)]
    assert [r.is_granted for r in readings if r] == [True] * 30 + [False]
    last = readings[-1]
    assert last is not None
    assert (last.remaining, last.reset_s) == (0, 60)
    clock.now_s += 2
    again = found.take("key", "streaming-marketdepth")
    assert again is not None
    assert again.is_granted


def test_fixed_window_comes_back_all_at_once() -> None:
    clock = SteppingClock()
    found = limits(clock, limit_window="fixed")
    for _ in range(30):
        found.take("key", "streaming-marketdepth")
    clock.now_s += 59
    refused = found.take("key", "streaming-marketdepth")
    assert refused is not None
    assert (refused.is_granted, refused.reset_s) == (False, 1)
    clock.now_s += 1
    granted = found.take("key", "streaming-marketdepth")
    assert granted is not None
    assert granted.remaining == 29


def test_keys_and_resources_do_not_share() -> None:
    found = limits(SteppingClock(), limit_scale=0.001)
    assert [r.is_granted for r in (found.take(k, "balances") for k in ("a", "a", "b")) if r] == [True, False, True]
    assert found.take("a", "positions").is_granted  # type: ignore[union-attr]  # there is a quota
    assert found.take("a", "order-execution") is None


def test_slots_are_taken_given_back_and_may_stay_stale() -> None:
    clock = SteppingClock()
    found = limits(clock, concurrency={"streaming-orders": 1})
    release = found.open_stream("key", "streaming-orders")
    assert release is not None
    assert found.open_stream("key", "streaming-orders") is None
    assert found.stream_headers("key", "streaming-orders")["X-Concurrency-Remaining"] == "0"
    release(90.0)
    assert found.open_stream("key", "streaming-orders") is None
    clock.now_s += 90
    assert found.open_stream("key", "streaming-orders") is not None
    assert found.stream_headers("key", "quote-change-stream") == {}


def test_pretended_exhaustion_of_an_unlisted_resource_has_numbers_too() -> None:
    reading = limits(SteppingClock()).exhausted("order-execution", 3.2)
    assert reading.headers()["X-RateLimit-Reset"] == "4"


async def test_quota_is_enforced_with_headers(start: Any) -> None:
    wire = await start(limit_scale=0.004)
    url = f"{wire.rest}/v3/marketdata/quotes/AAPL"
    seen = []
    for _ in range(3):
        async with wire.session.get(url, headers=wire.headers) as answer:
            seen.append((answer.status, answer.headers["X-RateLimit-Remaining"], answer.headers["X-RateLimit-Limit"]))
    assert seen == [(200, "1", "2"), (200, "0", "2"), (429, "0", "2")]
    assert wire.simulator.journal.count("violation", what="quota") == 1


async def test_stream_over_the_cap_is_refused(start: Any) -> None:
    wire = await start(concurrency={"streaming-positions": 1})
    path = "/v3/brokerage/stream/accounts/SIM2510014M/positions"
    async with wire.stream(path) as lines:
        assert lines.headers["X-Concurrency-Limit"] == "1"
        async with wire.stream(path) as refused:
            assert refused.status == 429
            assert await refused.frame() == {"Error": "TooManyRequests", "Message": "Stream quota exceeded"}
    await wire.simulator.journal.wait_for("stream_close")
    async with wire.stream(path) as lines:
        assert lines.status == 200


async def test_stale_slot_stays_taken(start: Any) -> None:
    wire = await start(concurrency={"streaming-positions": 1})
    wire.simulator.faults.set("stale_slot:60")
    path = "/v3/brokerage/stream/accounts/SIM2510014M/positions"
    async with wire.stream(path) as lines:
        await lines.frame()
    await wire.simulator.journal.wait_for("stream_close")
    async with wire.stream(path) as lines:
        assert lines.status == 429
