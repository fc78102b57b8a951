from datetime import date

import pytest

from brokerwire.simulator.instruments import Instrument, Universe
from brokerwire.simulator.sessions import is_open, last_open_ns, new_york_date, new_york_ns, open_windows, trading_day

FRIDAY, SATURDAY, SUNDAY = date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22)


def instrument(symbol: str) -> Instrument:
    found = Universe(FRIDAY).find(symbol)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("symbol", "day", "hour", "expected"),
    [
        ("AAPL", FRIDAY, 10, True),
        ("AAPL", FRIDAY, 9, False),
        ("AAPL", FRIDAY, 16, False),
        ("AAPL", SATURDAY, 12, False),
        ("ESZ26", FRIDAY, 16, True),
        ("ESZ26", FRIDAY, 17, False),
        ("ESZ26", SUNDAY, 17, False),
        ("ESZ26", SUNDAY, 18, True),
        ("EURUSD", SUNDAY, 17, True),
        ("BTCUSDT", SATURDAY, 3, True),
    ],
)
def test_real_hours(symbol: str, day: date, hour: int, *, expected: bool) -> None:
    assert is_open(instrument(symbol), "real", new_york_ns(day, hour)) is expected


def test_open_calendar_never_closes() -> None:
    at_ns = new_york_ns(SATURDAY, 3)
    assert is_open(instrument("AAPL"), "open", at_ns)
    assert last_open_ns(instrument("AAPL"), "open", at_ns) == at_ns


def test_closed_market_shows_the_end_of_its_last_session() -> None:
    assert last_open_ns(instrument("AAPL"), "real", new_york_ns(SUNDAY, 12)) == new_york_ns(FRIDAY, 16) - 1


def test_windows_cover_exactly_the_session() -> None:
    windows = open_windows(instrument("AAPL"), "real", start_ns=new_york_ns(FRIDAY, 0), end_ns=new_york_ns(SUNDAY, 0))
    assert list(windows) == [(new_york_ns(FRIDAY, 9, 30), new_york_ns(FRIDAY, 16))]


def test_trading_day_begins_at_the_close_before() -> None:
    assert trading_day(new_york_ns(FRIDAY, 15, 59)) == FRIDAY
    assert trading_day(new_york_ns(FRIDAY, 16)) == SATURDAY
    assert new_york_date(new_york_ns(FRIDAY, 23)) == FRIDAY
