"""How long bars last, and how many fit between two; pure functions."""

from brokerwire.services.arguments import normalise_interval

SECOND_NS = 10**9
DAY_NS = 86_400 * SECOND_NS

_UNIT_NS = {"s": SECOND_NS, "m": 60 * SECOND_NS, "h": 3600 * SECOND_NS, "d": DAY_NS, "w": 7 * DAY_NS}
_MONTH_NS = 2_629_746 * SECOND_NS
"""The twelfth part of a mean year."""


def step_ns(interval: str) -> int:
    """Return the nanoseconds from one bar to the next; of months, on average.

    Raises:
        ConfigurationError: It is no interval.
    """
    text = normalise_interval(interval)
    unit_ns = _MONTH_NS if text[-1] == "M" else _UNIT_NS[text[-1]]
    return int(text[:-1]) * unit_ns


def missing_between(open_ns: int, next_ns: int, step: int) -> int:
    """Return how many bars fit between two that follow one another.

    A day may last an hour more or less, and months differ.
    """
    count = round((next_ns - open_ns) / step) if step >= DAY_NS else (next_ns - open_ns) // step
    return max(0, count - 1)
