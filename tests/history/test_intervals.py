import pytest

from brokerwire.errors import ConfigurationError
from brokerwire.history.intervals import DAY_NS, SECOND_NS, missing_between, step_ns


@pytest.mark.parametrize(
    ("interval", "seconds"), [("1s", 1), ("5", 300), ("1m", 60), ("4h", 14400), ("1D", 86400), ("1w", 604800)]
)
def test_steps(interval: str, seconds: int) -> None:
    assert step_ns(interval) == seconds * SECOND_NS


def test_what_is_no_interval_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not an interval"):
        step_ns("often")


@pytest.mark.parametrize(("seconds", "missing"), [(60, 0), (30, 0), (119, 0), (120, 1), (600, 9), (-60, 0)])
def test_missing_minutes(seconds: int, missing: int) -> None:
    assert missing_between(0, seconds * SECOND_NS, step_ns("1m")) == missing


@pytest.mark.parametrize(("hours", "missing"), [(23, 0), (25, 0), (47, 1), (49, 1), (72, 2)])
def test_days_may_be_an_hour_shorter_or_longer(hours: int, missing: int) -> None:
    assert missing_between(0, hours * 3600 * SECOND_NS, step_ns("1d")) == missing


@pytest.mark.parametrize(("days", "missing"), [(28, 0), (31, 0), (59, 1), (62, 1), (89, 2), (92, 2)])
def test_months_differ(days: int, missing: int) -> None:
    assert missing_between(0, days * DAY_NS, step_ns("1M")) == missing
