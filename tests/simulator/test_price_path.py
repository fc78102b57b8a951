from itertools import pairwise

import pytest

from brokerwire.simulator.price_path import DAY_NS, HOUR_NS, Drift, PathShape, PricePath, mix, path_key, unit

DAY = 20_500


@pytest.fixture
def path() -> PricePath:
    def level(day: int) -> int:
        return 26_000 + mix(9, day) % 500

    return PricePath(key=path_key(1, "AAPL"), level=level, shape=PathShape(lots=60, volatility=0.012))


def test_hours_add_up_to_their_day(path: PricePath) -> None:
    day, hours = path.day(DAY), path.hours(DAY)
    assert sum(h.volume for h in hours) == day.volume
    assert sum(h.buy_volume for h in hours) == day.buy_volume
    assert sum(h.trade_count for h in hours) == day.trade_count
    assert (max(h.high for h in hours), min(h.low for h in hours)) == (day.high, day.low)
    assert (hours[0].open, hours[-1].close) == (day.open, day.close)


def test_minutes_add_up_to_their_hour(path: PricePath) -> None:
    hour, minutes = path.hours(DAY)[7], path.minutes(DAY * 24 + 7)
    assert sum(m.volume * (m.open + m.close) for m in minutes) == hour.volume * (hour.open + hour.close)
    assert sum(m.buy_count for m in minutes) == hour.buy_count
    assert (max(m.high for m in minutes), min(m.low for m in minutes)) == (hour.high, hour.low)


def test_trades_add_up_to_their_minute(path: PricePath) -> None:
    minute, trades = path.minutes(DAY * 24)[31], path.trades(DAY * 1440 + 31)
    assert sum(t.size for t in trades) == minute.volume
    assert sum(t.size for t in trades if t.is_buy) == minute.buy_volume
    assert 2 * sum(t.size * t.price for t in trades) == minute.volume * (minute.open + minute.close)
    assert (max(t.price for t in trades), min(t.price for t in trades)) == (minute.high, minute.low)
    assert (trades[0].price, trades[-1].price) == (minute.open, minute.close)


def test_trade_ids_are_consecutive_across_days(path: PricePath) -> None:
    last, first = path.trades(DAY * 1440 - 1)[-1], path.trades(DAY * 1440)[0]
    assert first.trade_id == last.trade_id + 1
    assert path.day(DAY).first_trade == first.trade_id


def test_times_rise_and_leave_no_second_without_a_trade(path: PricePath) -> None:
    times = [t.time_ns for t in path.trades(DAY * 1440 + 5)]
    assert times == sorted(times)
    assert max(b - a for a, b in pairwise(times)) < 1_000_000_000


def test_trade_is_found_by_its_id(path: PricePath) -> None:
    wanted = path.trades(DAY * 1440 + 777)[3]
    minute = path.find_trade(wanted.trade_id)
    assert wanted in path.trades(minute)


def test_two_paths_with_one_key_agree_and_with_another_differ(path: PricePath) -> None:
    twin = PricePath(key=path_key(1, "AAPL"), level=path._level, shape=path._shape)
    other = PricePath(key=path_key(2, "AAPL"), level=path._level, shape=path._shape)
    assert twin.trades(DAY * 1440) == path.trades(DAY * 1440)
    assert other.trades(DAY * 1440) != path.trades(DAY * 1440)


def test_old_results_are_forgotten_and_drawn_again_alike(path: PricePath) -> None:
    before = path.trades(DAY * 1440)
    for minute in range(200):
        path.trades(DAY * 1440 + 1 + minute)
    assert path.trades(DAY * 1440) == before


def test_drift_moves_little_from_day_to_day() -> None:
    drift = Drift(path_key(3, "MSFT"))
    assert all(abs(drift.at(day + 1) - drift.at(day)) < 0.05 for day in range(DAY, DAY + 400))


def test_unit_stays_below_one() -> None:
    assert all(0 <= unit(5, n) < 1 for n in range(1000))
    assert DAY_NS == 24 * HOUR_NS
