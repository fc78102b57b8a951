"""Charts whose venue is late, repeats itself, or answers in another order: every bar comes, and as it ended."""

from typing import Any

import msgspec
import pytest
from tests.venues.tradingview.conftest import TIME_NS, Driver, bars_packet, completed, packet

from brokerwire.errors import InvalidSymbolError
from brokerwire.events import Bar, StudyPoint, Topic
from brokerwire.venue import Failed, GapFound, Refused, Remark
from brokerwire.venues.tradingview import spec
from brokerwire.venues.tradingview.wire import pack

BAR = Topic("bar", "NYSE:KO", "5m;2")
HISTORY = Topic("history", "NYSE:KO", "5m;limit=4;#1")
NOW_S = TIME_NS // 10**9
CS = "cs_000000000001"


def bar_at(number: int, close: float = 70.0) -> list[float]:
    """Return the row of a bar of five minutes; number 1 opens now."""
    return [NOW_S - 300 + 300.0 * number, 70.0, 71.0, 69.0, close, 100.0]


def test_the_range_of_a_symbol_that_is_not_known_is_not_asked_for() -> None:
    topic = Topic("history", "NYSE:KO", f"5m;from_s={NOW_S - 900};until_s={NOW_S + 300};#1")
    driver = Driver(topic)
    driver.identify()
    driver.receive(packet("symbol_error", CS, "sds_sym_1", "invalid symbol"))
    assert isinstance(driver.heard(Refused)[0].error, InvalidSymbolError)
    assert driver.pass_time(60) == []
    assert driver.called("modify_series") == []


def test_a_range_is_asked_for_in_time_if_the_venue_says_nothing() -> None:
    driver = Driver(Topic("history", "NYSE:KO", f"5m;from_s={NOW_S - 900};until_s={NOW_S + 300};#1"))
    driver.identify()
    driver.pass_time(spec.SIGN_S)
    assert len(driver.called("modify_series")) == 1
    assert driver.heard(Failed) == []
    driver.pass_time(spec.ANSWER_S)
    assert driver.heard(Failed)


def test_the_completion_of_a_range_may_be_marked_as_that_of_its_first_page() -> None:
    driver = Driver(Topic("history", "NYSE:KO", f"5m;from_s={NOW_S - 900};until_s={NOW_S + 300};#1"))
    driver.identify()
    driver.receive(packet("symbol_resolved", CS, "sds_sym_1", {}))
    page = bars_packet(CS, [bar_at(at) for at in range(-4, 4)])
    assert driver.receive(page, completed(CS, "s1")) == []
    assert len(driver.pass_time(spec.MERGED_S)) == 4
    assert driver.heard(GapFound) == []


@pytest.mark.parametrize("times", [1, 3])
def test_a_completion_that_is_repeated_ends_nothing(times: int) -> None:
    driver = Driver(HISTORY)
    driver.identify()
    driver.receive(bars_packet(CS, [bar_at(1), bar_at(2)]), *[completed(CS)] * (1 + times))
    assert len(driver.called("request_more_data")) == 1
    bars = driver.receive(bars_packet(CS, [bar_at(-1), bar_at(0)]), completed(CS))
    assert len(bars) == 4
    assert driver.heard(GapFound) == []


def test_a_completion_that_nothing_follows_is_an_empty_page() -> None:
    driver = Driver(HISTORY)
    driver.identify()
    driver.receive(bars_packet(CS, [bar_at(1), bar_at(2)]), completed(CS), completed(CS))
    assert len(driver.pass_time(spec.REPEAT_S)) == 2
    assert not driver.heard(GapFound)[0].filled


def test_a_study_begins_after_an_empty_page_and_is_waited_for() -> None:
    driver = Driver(Topic("study_history", "NYSE:KO", "5m;RSI@tv-basicstudies;limit=3"))
    driver.identify()
    driver.receive(bars_packet(CS, [bar_at(1), bar_at(2)]), completed(CS), completed(CS))
    driver.pass_time(spec.REPEAT_S)
    assert len(driver.called("create_study")) == 1
    driver.pass_time(spec.ANSWER_S)
    assert len(driver.called("create_study")) == 1
    assert driver.heard(Failed)


@pytest.mark.parametrize("bad", [["x", 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, None, 1.0, 1.0], [1.0, 1e100, 1.0, 1.0, 1.0]])
def test_a_row_that_cannot_be_read_costs_itself_alone_and_is_told(bad: list[Any]) -> None:
    driver = Driver(HISTORY)
    driver.identify()
    page = bars_packet(CS, [*(bar_at(at) for at in range(4)), bad])
    bars = driver.receive(page, completed(CS))
    assert len(bars) == 4
    (gap,) = driver.heard(GapFound)
    assert (gap.filled, gap.reason) == (False, "rows cannot be read")
    assert "rows of history of NYSE:KO that cannot be read were passed over: 1" in driver.heard(Remark)[0].text


def test_bars_of_a_delayed_feed_close_when_their_last_change_is_due() -> None:
    driver = Driver(BAR)
    driver.identify()
    page = bars_packet(CS, [bar_at(-3), bar_at(-2)], closes=NOW_S - 600)
    *_, first = driver.receive(page, completed(CS, mode="delayed_streaming_900"))
    assert not first.is_closed
    assert "900 s behind the market" in driver.heard(Remark)[0].text
    (changed,) = driver.receive(bars_packet(CS, [bar_at(-2, 70.5)], method="du", closes=NOW_S - 600))
    assert (changed.close, changed.is_closed) == (70.5, False)
    assert driver.pass_time(299 + spec.CLOSE_GRACE_S) == []
    (closed,) = driver.pass_time(2)
    assert (closed.close, closed.is_closed) == (70.5, True)


def test_a_bar_is_closed_by_the_clock_no_sooner_than_its_last_push_is_due() -> None:
    driver = Driver(BAR)
    driver.identify()
    driver.receive(bars_packet(CS, [bar_at(0), bar_at(1)], closes=NOW_S + 300), completed(CS, rt_update_period=5))
    assert driver.pass_time(300 + spec.CLOSE_GRACE_S + 4) == []
    (late,) = driver.receive(bars_packet(CS, [bar_at(1, 71.0)], method="du", closes=NOW_S + 300))
    assert (late.close, late.is_closed) == (71.0, False)
    (closed,) = driver.pass_time(spec.CLOSE_GRACE_S + 5)
    assert (closed.close, closed.is_closed) == (71.0, True)


def test_the_end_of_a_bar_may_come_behind_the_next_one_in_a_packet_and_is_not_told_twice() -> None:
    driver = Driver(BAR)
    driver.identify()
    driver.receive(bars_packet(CS, [bar_at(0), bar_at(1)], closes=NOW_S + 300), completed(CS))
    events = driver.receive(bars_packet(CS, [bar_at(2), bar_at(1, 71.0)], method="du", closes=NOW_S + 600))
    assert [(event.close, event.is_closed) for event in events[:2]] == [(71.0, False), (71.0, True)]
    assert driver.receive(bars_packet(CS, [bar_at(1, 71.5)], method="du", closes=NOW_S + 600)) == []
    assert "was changed after it closed" in driver.heard(Remark)[0].text
    closed = driver.pass_time(600 + spec.CLOSE_GRACE_S)
    assert [event.open_time_ns // 10**9 for event in closed] == [int(bar_at(2)[0])]


@pytest.mark.parametrize("behind_s", [-3600, 3600, 86_400 * 300])
def test_bars_end_by_the_time_of_the_venue_however_far_ours_is_from_it(behind_s: int) -> None:
    driver = Driver(BAR)
    driver.identify()
    here_ns = TIME_NS + behind_s * 10**9
    end = {"m": "series_completed", "p": [CS, "sds_1", "streaming", "s1", {}], "t_ms": NOW_S * 1000}
    page = bars_packet(CS, [bar_at(0), bar_at(1)], closes=NOW_S + 300)
    *_, forming = driver.receive(page, pack(msgspec.json.encode(end)), received_ns=here_ns)
    assert not forming.is_closed
    change = bars_packet(CS, [bar_at(1, 70.5)], method="du", closes=NOW_S + 300)
    (changed,) = driver.receive(change, received_ns=here_ns)
    assert not changed.is_closed
    assert driver.pass_time(299 + spec.CLOSE_GRACE_S) == []
    (closed,) = driver.pass_time(2)
    assert (closed.close, closed.is_closed) == (70.5, True)


def test_a_change_may_say_the_time_of_the_venue_too() -> None:
    driver = Driver(BAR)
    driver.identify()
    driver.receive(bars_packet(CS, [bar_at(-1), bar_at(0)], closes=NOW_S), completed(CS))
    later_ns = TIME_NS + 3600 * 10**9
    part = {"s": [{"i": 1, "v": bar_at(1)}], "lbs": {"bar_close_time": NOW_S + 300}}
    change = {"m": "timescale_update", "p": [CS, {"sds_1": part}], "t_ms": NOW_S * 1000}
    *_, opened = driver.receive(pack(msgspec.json.encode(change)), received_ns=later_ns)
    assert not opened.is_closed
    assert driver.pass_time(299 + spec.CLOSE_GRACE_S) == []
    assert len(driver.pass_time(2)) == 1


@pytest.mark.parametrize(("number", "is_closed"), [(0, True), (1, False)])
def test_the_newest_bar_of_history_ends_by_its_length_where_the_venue_does_not_say_it(
    number: int, is_closed: bool
) -> None:
    driver = Driver(HISTORY)
    driver.identify()
    rows = [bar_at(at) for at in range(number - 3, number + 1)]
    *_, newest = driver.receive(bars_packet(CS, rows), completed(CS))
    assert isinstance(newest, Bar)
    assert newest.is_closed == is_closed


def test_the_newest_bar_is_forming_where_the_venue_does_not_say_when_it_ends() -> None:
    driver = Driver(BAR)
    driver.identify()
    *_, newest = driver.receive(bars_packet(CS, [bar_at(-9), bar_at(-8)]), completed(CS))
    assert not newest.is_closed
    (closed,) = driver.pass_time(spec.CLOSE_GRACE_S + 1)
    assert closed.is_closed


def test_a_value_that_cannot_be_read_costs_itself_alone() -> None:
    driver = Driver(Topic("study_history", "NYSE:KO", "5m;RSI@tv-basicstudies;limit=3"))
    driver.identify()
    driver.receive(bars_packet(CS, [bar_at(1), bar_at(2)]), completed(CS, data_completed="end"))
    rows = [{"i": at, "v": [bar_at(at)[0], 50.0 + at]} for at in range(3)] + [{"i": 3, "v": "none"}]
    points = driver.receive(packet("du", CS, {"st1": {"st": rows}}), packet("study_completed", CS, "st1", "st1"))
    assert [point.values["plot_0"] for point in points if isinstance(point, StudyPoint)] == [50.0, 51.0, 52.0]
    assert driver.heard(Remark)


def test_a_chart_that_the_venue_clears_is_filled_anew() -> None:
    driver = Driver(HISTORY)
    driver.identify()
    driver.receive(bars_packet(CS, [bar_at(1), bar_at(2)]), packet("clear_data", CS, "sds_1"))
    bars = driver.receive(bars_packet(CS, [bar_at(at) for at in range(4)]), completed(CS))
    assert [bar.open_time_ns // 10**9 for bar in bars if isinstance(bar, Bar)] == [
        int(bar_at(at)[0]) for at in range(4)
    ]
