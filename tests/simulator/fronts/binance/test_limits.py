"""Weights reset on the clock's boundaries; ignoring a 429 leads to a ban."""

import pytest

from brokerwire.simulator.fronts.binance.limits import (
    RequestLimits,
    Settings,
    SlidingLimit,
    WindowCounter,
    read_settings,
)
from brokerwire.simulator.fronts.binance.refusals import Refusal

MINUTE = 60_000_000_000
NOW = 1000 * MINUTE + 45_000_000_000


def test_window_counts_until_the_boundary():
    counter = WindowCounter(MINUTE)
    assert [counter.add(2, NOW), counter.add(3, NOW + 1)] == [2, 5]
    assert counter.count(NOW + 15_000_000_000) == 0
    assert counter.ends_ns(NOW) == 1001 * MINUTE


def test_weight_is_told_in_headers_and_usage():
    limits = RequestLimits(Settings())
    limits.spend(20, NOW)
    assert limits.headers(NOW) == {"x-mbx-used-weight": "20", "x-mbx-used-weight-1m": "20"}
    assert limits.usage(NOW)[0]["count"] == 20
    limits.give_back(5, NOW)
    assert limits.headers(NOW)["x-mbx-used-weight-1m"] == "15"


def test_too_much_weight_is_429_with_the_seconds_to_the_boundary():
    limits = RequestLimits(Settings(weight_per_minute=10))
    limits.spend(10, NOW)
    with pytest.raises(Refusal) as caught:
        limits.spend(1, NOW)
    assert (caught.value.status, caught.value.code, caught.value.headers) == (429, -1003, {"Retry-After": "15"})
    assert caught.value.retry_at_ms == 1001 * 60_000
    limits.spend(1, 1001 * MINUTE)


def test_too_many_raw_requests_are_429():
    limits = RequestLimits(Settings(raw_per_5_minutes=1))
    limits.spend(1, NOW)
    with pytest.raises(Refusal, match="-1003"):
        limits.spend(1, NOW)


def test_ignored_429_becomes_418_for_the_ban():
    limits = RequestLimits(Settings(weight_per_minute=1, ignored_before_ban=2, ban_s=120))
    limits.spend(1, NOW)
    statuses = []
    for _ in range(4):
        with pytest.raises(Refusal) as caught:
            limits.spend(1, NOW)
        statuses.append(caught.value.status)
    assert statuses == [429, 429, 418, 418]
    assert caught.value.headers["Retry-After"] == "120"
    with pytest.raises(Refusal, match="banned until"):
        limits.spend(1, 1001 * MINUTE)


def test_orders_have_counters_and_limits_of_their_own():
    limits = RequestLimits(Settings(orders_per_10_seconds=1))
    limits.count_order(NOW)
    assert limits.order_headers(NOW) == {"x-mbx-order-count-10s": "1", "x-mbx-order-count-1d": "1"}
    assert [rule["count"] for rule in limits.order_usage(NOW)] == [1, 1, 0]
    with pytest.raises(Refusal) as caught:
        limits.count_order(NOW)
    assert (caught.value.code, caught.value.status, caught.value.headers) == (-1015, 429, {})
    daily = RequestLimits(Settings(orders_per_day=1, orders_per_10_seconds=0))
    daily.count_order(NOW)
    with pytest.raises(Refusal, match="1 DAY"):
        daily.count_order(NOW)


def test_rules_are_those_of_the_venue():
    rules = {
        (r["rateLimitType"], r["interval"], r["intervalNum"]): r["limit"] for r in RequestLimits(Settings()).rules()
    }
    assert rules["REQUEST_WEIGHT", "MINUTE", 1] == 6000
    assert rules["RAW_REQUESTS", "MINUTE", 5] == 300_000


def test_sliding_limit_forgets_what_is_a_window_ago():
    limit = SlidingLimit(2, 1.0)
    assert [limit.allows(at) for at in (0.0, 0.1, 0.2, 1.15, 1.3)] == [True, True, False, True, True]
    assert all(SlidingLimit(0, 1.0).allows(0.0) for _ in range(99))


def test_settings_that_are_unknown_or_mistyped_are_named():
    assert read_settings({"ping_interval_s": 1.5}).ping_interval_s == 1.5
    with pytest.raises(ValueError, match="known are"):
        read_settings({"colour": 1})
