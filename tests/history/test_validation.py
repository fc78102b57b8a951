import math
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.history.bars import MONDAY, bar_at, session, weekdays

from brokerwire.errors import ConfigurationError
from brokerwire.events import Bar
from brokerwire.history import Report, validate
from brokerwire.history import validation as module

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def found(report: Report) -> dict[str, int]:
    return {kind: count for kind, count in report.counts.items() if count}


def minutes(*numbers: int) -> list[Bar]:
    return [bar_at(MONDAY + number * MINUTE) for number in numbers]


def test_bars_without_a_fault_are_clean() -> None:
    report = validate(minutes(0, 1, 2, 3))
    assert report.is_clean
    assert (report.symbol, report.interval, report.bars, report.missing, report.findings) == ("AAPL", "1m", 4, 0, ())
    assert str(report) == "AAPL 1m: 4 bars, 2026-01-05T00:00:00Z to 2026-01-05T00:03:00Z\nnothing is wrong"


def test_no_bars_are_clean() -> None:
    report = validate([], interval="1h")
    assert report.is_clean
    assert (report.bars, report.first_ns, str(report)) == (0, None, "no bars")


def test_a_gap_says_where_it_is_and_how_many_bars_it_is() -> None:
    report = validate(minutes(0, 1, 5, 6, 8))
    assert (found(report), report.missing, report.is_clean) == ({"gap": 2}, 4, False)
    assert [finding.missing for finding in report.findings] == [3, 1]
    assert str(report).splitlines()[1:] == [
        "gaps: 2, 4 bars missing",
        "  2026-01-05T00:01:00Z  3 bars missing before 2026-01-05T00:05:00Z",
        "  2026-01-05T00:06:00Z  1 bar missing before 2026-01-05T00:08:00Z",
    ]


def test_nights_and_weekends_are_session_breaks() -> None:
    report = validate(bar for day in weekdays(10) for bar in session(day))
    assert (found(report), report.missing, report.is_clean) == ({"session_break": 9}, 0, True)
    assert str(report).splitlines()[1:] == ["session breaks: 9"]


def test_one_weekend_is_a_break_where_nights_are() -> None:
    assert found(validate(bar for day in weekdays(6) for bar in session(day))) == {"session_break": 5}


def test_a_weekend_with_another_hour_is_a_break() -> None:
    shifted = [bar for day in weekdays(5, MONDAY + 7 * DAY) for bar in session(day, opens=timedelta(hours=13.5))]
    report = validate([*(bar for day in weekdays(5) for bar in session(day)), *shifted])
    assert found(report) == {"session_break": 9}


def test_a_missing_day_is_a_gap() -> None:
    days = [day for day in weekdays(10) if day != MONDAY + 2 * DAY]
    report = validate(bar for day in days for bar in session(day))
    assert found(report) == {"gap": 1, "session_break": 7}


def test_a_hole_in_a_session_is_a_gap() -> None:
    bars = [bar for day in weekdays(5) for bar in session(day)]
    del bars[500:510]
    report = validate(bars)
    assert (found(report)["gap"], report.missing) == (1, 10)


def test_a_market_that_never_closes_has_no_breaks() -> None:
    bars = minutes(*range(3 * 1440))
    del bars[2000:2005]
    assert found(validate(bars)) == {"gap": 1}


def test_weekends_of_daily_bars_are_breaks_where_no_weekend_is_traded() -> None:
    stock = [bar_at(day, "1d") for day in weekdays(10)]
    assert found(validate(stock)) == {"session_break": 1}
    crypto = [bar_at(MONDAY + number * DAY, "1d") for number in range(20) if number not in {5, 6}]
    assert found(validate(crypto)) == {"gap": 1}


def test_duplicates_and_disorder_are_told_apart() -> None:
    report = validate(minutes(0, 1, 1, 3, 2))
    assert found(report) == {"gap": 1, "duplicate": 1, "order": 1}


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"high": 1.2}, "prices"),
        ({"low": 1.2}, "prices"),
        ({"close": math.nan}, "prices"),
        ({"high": math.inf}, "prices"),
        ({"volume": -1.0}, "volume"),
        ({"volume": math.nan}, "volume"),
        ({"is_closed": False}, "forming"),
    ],
)
def test_bars_that_cannot_be_are_found(change: dict[str, Any], kind: str) -> None:
    assert found(validate([msgspec.structs.replace(bar_at(MONDAY), **change)])) == {kind: 1}


def test_a_bar_without_a_volume_is_fine() -> None:
    assert validate([msgspec.structs.replace(bar_at(MONDAY), volume=None)]).is_clean


def test_many_findings_are_counted_and_the_first_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_FINDINGS", 10)
    report = validate(minutes(*range(0, 100, 2)))
    assert (report.counts["gap"], len(report.findings)) == (49, 10)
    assert str(report).splitlines()[-1] == "  and 44 more"


@pytest.mark.parametrize("other", [bar_at(MONDAY, symbol="MSFT"), bar_at(MONDAY, "5m")])
def test_several_symbols_or_intervals_are_refused(other: Bar) -> None:
    with pytest.raises(ConfigurationError, match="one at a time"):
        validate([bar_at(MONDAY), other])


def test_a_bar_by_itself_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="give a list of events, not a Bar by itself"):
        validate(bar_at(MONDAY))  # type: ignore[arg-type]  # the mistake in question
