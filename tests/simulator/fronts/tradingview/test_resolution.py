import pytest

from brokerwire.simulator.fronts.tradingview.resolution import parse_resolution, refusal


@pytest.mark.parametrize(
    ("text", "unit", "count"),
    [
        ("1", "minute", 1),
        ("240", "minute", 240),
        ("2H", "minute", 120),
        ("30S", "second", 30),
        ("D", "day", 1),
        ("1D", "day", 1),
        ("3W", "week", 3),
        ("M", "month", 1),
        ("12M", "month", 12),
        ("100T", "tick", 100),
        ("10R", "range", 10),
    ],
)
def test_bar_lengths_are_read_as_the_venue_writes_them(text, unit, count):
    parsed = parse_resolution(text)
    assert (parsed.unit, parsed.count, parsed.text) == (unit, count, text)


@pytest.mark.parametrize("text", ["", "XX", "7Q", "15m", "1h", "1d", "S", "H", "0", "-5", "1441", "99M", None, 5, "1 "])
def test_anything_else_is_no_bar_length(text):
    assert parse_resolution(text) is None


@pytest.mark.parametrize(
    ("text", "plan", "reason"),
    [
        ("5", "", ""),
        ("20", "", "custom_resolution"),
        ("20", "pro", ""),
        ("1S", "", "seconds_not_entitled"),
        ("1S", "pro", "seconds_not_entitled"),
        ("1S", "pro_premium", ""),
        ("4D", "", "custom_resolution"),
        ("100R", "ultimate", "unsupported resolution: NYSE:F, 100R"),
    ],
)
def test_a_plan_says_which_lengths_it_shows(text, plan, reason):
    assert refusal(parse_resolution(text), plan=plan, full_name="NYSE:F") == reason
