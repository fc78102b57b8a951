"""When the markets of the synthetic exchange are open: always, or on the hours of their real counterparts."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, TypeAlias

from brokerwire.simulator.instruments import NEW_YORK, Instrument

Calendar: TypeAlias = Literal["open", "real"]

_SECOND_NS = 1_000_000_000


def new_york_ns(day: date, hour: int, minute: int = 0) -> int:
    """Return UTC nanoseconds of a wall-clock time in New York."""
    return int(datetime.combine(day, time(hour, minute), tzinfo=NEW_YORK).timestamp()) * _SECOND_NS


def new_york_date(at_ns: int) -> date:
    """Return the date in New York at a UTC time in nanoseconds."""
    return datetime.fromtimestamp(at_ns // _SECOND_NS, tz=NEW_YORK).date()


def trading_day(at_ns: int) -> date:
    """Return the trading day that ``at_ns`` belongs to: a day begins at 16:00 New York on the day before."""
    day = new_york_date(at_ns)
    return day + timedelta(days=1) if at_ns >= new_york_ns(day, 16) else day


def utc(at_ns: int) -> datetime:
    """Return the aware UTC datetime of a time in nanoseconds, to the second."""
    return datetime.fromtimestamp(at_ns // _SECOND_NS, tz=UTC)


def open_windows(
    instrument: Instrument, calendar: Calendar, *, start_ns: int, end_ns: int
) -> Iterator[tuple[int, int]]:
    """Yield the parts of ``[start_ns, end_ns)`` in which ``instrument`` trades, in order."""
    if calendar == "open" or instrument.kind == "crypto":
        yield start_ns, end_ns
        return
    day = new_york_date(start_ns) - timedelta(days=1)
    while new_york_ns(day, 0) < end_ns:
        for low, high in _day_windows(instrument, day):
            if max(low, start_ns) < min(high, end_ns):
                yield max(low, start_ns), min(high, end_ns)
        day += timedelta(days=1)


def is_open(instrument: Instrument, calendar: Calendar, at_ns: int) -> bool:
    """Say whether ``instrument`` trades at ``at_ns``."""
    return any(open_windows(instrument, calendar, start_ns=at_ns, end_ns=at_ns + 1))


def last_open_ns(instrument: Instrument, calendar: Calendar, at_ns: int) -> int:
    """Return ``at_ns`` when the market is open then, else the last nanosecond of the session before it."""
    if calendar == "open" or instrument.kind == "crypto":
        return at_ns
    windows = list(open_windows(instrument, calendar, start_ns=at_ns - 6 * 86_400 * _SECOND_NS, end_ns=at_ns + 1))
    return windows[-1][1] - 1 if windows else at_ns


def _day_windows(instrument: Instrument, day: date) -> Iterator[tuple[int, int]]:
    weekday = day.weekday()
    if instrument.kind in ("stock", "etf", "index", "option"):
        if weekday < 5:
            yield new_york_ns(day, 9, 30), new_york_ns(day, 16)
        return
    pause = 18 if instrument.kind == "future" else 17
    if weekday < 5:
        yield new_york_ns(day, 0), new_york_ns(day, 17)
    if weekday in (0, 1, 2, 3, 6):
        yield new_york_ns(day, pause), new_york_ns(day + timedelta(days=1), 0)
