"""Where the bars of an instrument begin and end: sessions of the synthetic calendar, cut into bars."""

from collections.abc import Iterator
from datetime import date

from brokerwire.simulator.fronts.tradingview.resolution import Resolution
from brokerwire.simulator.instruments import Instrument
from brokerwire.simulator.price_path import DAY_NS
from brokerwire.simulator.sessions import Calendar, new_york_ns

_EPOCH = date(1970, 1, 1).toordinal()
_SATURDAY = 5

Window = tuple[int, int]


def date_of(day: int) -> date:
    """Return the date of a day counted from 1970-01-01."""
    return date.fromordinal(day + _EPOCH)


class Sessions:
    """The trading days of one instrument, counted from 1970-01-01; with the open calendar each is a UTC day."""

    def __init__(self, instrument: Instrument, calendar: Calendar) -> None:
        self._kind = "always" if calendar == "open" or instrument.kind == "crypto" else instrument.kind
        self._known: dict[int, Window | None] = {}

    def of(self, day: int) -> Window | None:
        """Return open and close of a day, or None when nothing trades on it."""
        if self._kind == "always":
            return day * DAY_NS, (day + 1) * DAY_NS
        if day not in self._known:
            if len(self._known) > 20_000:
                self._known.clear()
            self._known[day] = self._real(day)
        return self._known[day]

    def _real(self, day: int) -> Window | None:
        today = date_of(day)
        if today.weekday() >= _SATURDAY:
            return None
        if self._kind in ("future", "forex"):
            return new_york_ns(date_of(day - 1), 18 if self._kind == "future" else 17), new_york_ns(today, 17)
        return new_york_ns(today, 9, 30), new_york_ns(today, 16)

    def day_at(self, at_ns: int) -> int:
        """Return the trading day that has begun last at a time."""
        day = at_ns // DAY_NS + 1
        while True:
            session = self.of(day)
            if session is not None and session[0] <= at_ns:
                return day
            day -= 1


class Grid:
    """The bars of one instrument at one resolution, as windows of open and close in UTC nanoseconds."""

    def __init__(self, sessions: Sessions, resolution: Resolution) -> None:
        self._sessions = sessions
        self._resolution = resolution

    def window_at(self, at_ns: int) -> Window:
        """Return the bar that holds a time, or the last one before it when the market is closed."""
        return next(self.back(at_ns))

    def back(self, at_ns: int) -> Iterator[Window]:
        """Yield the bar that holds a time and all before it, newest first; it never ends."""
        if self._resolution.is_intraday:
            return self._intraday_back(at_ns)
        return self._periods_back(at_ns)

    def forward(self, at_ns: int) -> Iterator[Window]:
        """Yield the bars that begin at a time or after it, oldest first; it never ends."""
        if self._resolution.is_intraday:
            return self._intraday_forward(at_ns)
        return self._periods_forward(at_ns)

    def _intraday_back(self, at_ns: int) -> Iterator[Window]:
        length = self._resolution.length_ns
        day = self._sessions.day_at(at_ns)
        while True:
            session = self._sessions.of(day)
            if session is not None:
                low, high = session
                last = (min(at_ns, high - 1) - low) // length
                for number in range(last, -1, -1):
                    yield low + number * length, min(low + (number + 1) * length, high)
            day -= 1

    def _intraday_forward(self, at_ns: int) -> Iterator[Window]:
        length = self._resolution.length_ns
        day = self._sessions.day_at(at_ns)
        while True:
            session = self._sessions.of(day)
            if session is not None:
                low, high = session
                first = max(0, -(-(at_ns - low) // length))
                for opens in range(low + first * length, high, length):
                    yield opens, min(opens + length, high)
            day += 1

    def _periods_back(self, at_ns: int) -> Iterator[Window]:
        period = self._period_of(self._sessions.day_at(at_ns))
        while True:
            window = self._window_of(period)
            if window is not None:
                yield window
            period -= 1

    def _periods_forward(self, at_ns: int) -> Iterator[Window]:
        period = self._period_of(self._sessions.day_at(at_ns))
        while True:
            window = self._window_of(period)
            if window is not None and window[0] >= at_ns:
                yield window
            period += 1

    def _period_of(self, day: int) -> int:
        count = self._resolution.count
        if self._resolution.unit == "month":
            today = date_of(day)
            return (today.year * 12 + today.month - 1) // count
        if self._resolution.unit == "week":
            return (day + 3) // 7 // count
        return day // count

    def _window_of(self, period: int) -> Window | None:
        first, end = self._days_of(period)
        opened = [session for day in range(first, end) if (session := self._sessions.of(day)) is not None]
        return (opened[0][0], opened[-1][1]) if opened else None

    def _days_of(self, period: int) -> tuple[int, int]:
        count = self._resolution.count
        if self._resolution.unit == "month":
            return _first_day(period * count), _first_day((period + 1) * count)
        if self._resolution.unit == "week":
            return period * count * 7 - 3, (period + 1) * count * 7 - 3
        return period * count, (period + 1) * count


def _first_day(month: int) -> int:
    return date(month // 12, month % 12 + 1, 1).toordinal() - _EPOCH
