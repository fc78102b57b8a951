"""Bars made by hand."""

from datetime import UTC, datetime, timedelta

from brokerwire.events import Bar
from brokerwire.history.download import ns_of

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


def bar_at(time: datetime, interval: str = "1m", *, symbol: str = "AAPL", is_closed: bool = True) -> Bar:
    return Bar("test", symbol, None, 1, interval, ns_of(time), 1.0, 2.0, 0.5, 1.5, 10.0, is_closed=is_closed)


def session(day: datetime, *, minutes: int = 390, opens: timedelta = timedelta(hours=14, minutes=30)) -> list[Bar]:
    """A session of minute bars."""
    return [bar_at(day + opens + timedelta(minutes=minute)) for minute in range(minutes)]


def weekdays(count: int, first: datetime = MONDAY) -> list[datetime]:
    days = [first + timedelta(days=day) for day in range(2 * count + 2)]
    return [day for day in days if day.weekday() < 5][:count]
