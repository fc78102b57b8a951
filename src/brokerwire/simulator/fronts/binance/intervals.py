"""Kline intervals: their names, and where their bars begin and end, also in another time zone."""

import re
from datetime import UTC, datetime

import msgspec

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS
_MONDAY_NS = 4 * DAY_NS
"""The epoch was a Thursday; weeks begin on Monday, four days later."""

_ZONE = re.compile(r"([+-]?)(\d{1,2})(?::(\d{2}))?")


class Interval(msgspec.Struct, frozen=True):
    """One kline interval; ``length_ns`` is 0 for the calendar month."""

    name: str
    length_ns: int
    origin_ns: int = 0

    def open_ns(self, time_ns: int, offset_ns: int = 0) -> int:
        """Return where the bar holding ``time_ns`` begins, in a zone ``offset_ns`` east of UTC."""
        local_ns = time_ns + offset_ns
        if self.length_ns:
            return local_ns - (local_ns - self.origin_ns) % self.length_ns - offset_ns
        return _month_start(local_ns) - offset_ns

    def end_ns(self, open_ns: int, offset_ns: int = 0) -> int:
        """Return where the bar that begins at ``open_ns`` ends, which is where the next one begins."""
        if self.length_ns:
            return open_ns + self.length_ns
        return _month_start(open_ns + offset_ns + 32 * DAY_NS) - offset_ns

    def steps_back(self, open_ns: int, count: int, offset_ns: int = 0) -> int:
        """Return where the bar ``count`` bars before the one at ``open_ns`` begins."""
        if self.length_ns:
            return open_ns - count * self.length_ns
        for _ in range(count):
            open_ns = self.open_ns(open_ns - 1, offset_ns)
        return open_ns


def _month_start(local_ns: int) -> int:
    moment = datetime.fromtimestamp(local_ns // SECOND_NS, UTC)
    return int(datetime(moment.year, moment.month, 1, tzinfo=UTC).timestamp()) * SECOND_NS


_MINUTES = {"1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30}
_HOURS = {"1h": 1, "2h": 2, "4h": 4, "6h": 6, "8h": 8, "12h": 12}

INTERVALS: dict[str, Interval] = {
    "1s": Interval("1s", SECOND_NS),
    **{name: Interval(name, count * MINUTE_NS) for name, count in _MINUTES.items()},
    **{name: Interval(name, count * HOUR_NS) for name, count in _HOURS.items()},
    "1d": Interval("1d", DAY_NS),
    "3d": Interval("3d", 3 * DAY_NS),
    "1w": Interval("1w", 7 * DAY_NS, _MONDAY_NS),
    "1M": Interval("1M", 0),
}


def parse_zone(text: str) -> int | None:
    """Read a time zone such as ``8``, ``-1:00`` or ``+05:45``; nanoseconds east of UTC, None if it is no zone.

    The range is -12:00 to +14:00.

    Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/market-data-endpoints, read 2026-11-20.
    """
    match = _ZONE.fullmatch(text.strip())
    if match is None or int(match[3] or 0) >= 60:
        return None
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    offset = -minutes if match[1] == "-" else minutes
    return offset * MINUTE_NS if -12 * 60 <= offset <= 14 * 60 else None
