"""Numbers and times as Binance writes them: decimals in text with eight places, times in milli- or microseconds."""

from decimal import Decimal

import msgspec

ZERO = "0.00000000"


def decimal8(value: float | Decimal) -> str:
    """Write a price or a size with eight decimal places."""
    return f"{value:.8f}"


def percent(value: float | Decimal) -> str:
    """Write a change in per cent with three decimal places."""
    return f"{value:.3f}"


def level(price: float | Decimal, size: float | Decimal) -> tuple[str, str]:
    """Write one level of a book; size zero means that the level is gone."""
    return f"{price:.8f}", f"{size:.8f}"


class TimeUnit(msgspec.Struct, frozen=True):
    """The unit of every time on one connection or in one answer."""

    name: str
    nanoseconds: int

    def of(self, time_ns: int) -> int:
        """Convert a moment in nanoseconds."""
        return time_ns // self.nanoseconds

    def last_before(self, end_ns: int) -> int:
        """Return the last instant of a bar that ends before ``end_ns``."""
        return end_ns // self.nanoseconds - 1


MILLISECOND = TimeUnit("MILLISECOND", 1_000_000)
MICROSECOND = TimeUnit("MICROSECOND", 1_000)


def time_unit(name: str | None) -> TimeUnit | None:
    """Find a unit by the name in a URL or header; None for a name that is no unit."""
    match name:
        case None | "" | "MILLISECOND" | "millisecond":
            return MILLISECOND
        case "MICROSECOND" | "microsecond":
            return MICROSECOND
        case _:
            return None
