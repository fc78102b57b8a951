import pytest

from brokerwire.simulator.conditions import KNOWN_WEATHER, Condition, parse_condition


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("black_hole", Condition(name="black_hole")),
        ("latency:0.05", Condition(name="latency", amount=0.05)),
        ("latency:50ms,jitter=20ms", Condition(name="latency", amount=0.05, jitter_s=0.02)),
        ("slow_close: 2m", Condition(name="slow_close", amount=120.0)),
        ("bandwidth:10kB , direction=up", Condition(name="bandwidth", amount=10_000.0, direction="up")),
        ("slicer:16,delay=5ms", Condition(name="slicer", amount=16.0, delay_s=0.005)),
        ("limit_data:64KiB", Condition(name="limit_data", amount=65_536.0)),
        ("reset:0,times=3,reach=open", Condition(name="reset", amount=0.0, times=3, reach="open")),
        ("half_open,probability=.25", Condition(name="half_open", probability=0.25)),
    ],
)
def test_a_condition_is_read_from_its_text(text: str, condition: Condition) -> None:
    assert parse_condition(text) == condition


def test_options_may_be_given_beside_the_text() -> None:
    expected = Condition(name="slicer", amount=1.0, delay_s=1.0, direction="down")
    assert parse_condition("slicer:1", delay_s=1.0, direction="down") == expected


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("hail", "unknown weather"),
        ("", "unknown weather"),
        ("latency:soon", "not a number of seconds"),
        ("latency:10kB", "not a number of seconds"),
        ("latency:-1", "not a number of seconds"),
        ("latency:", "not a number of seconds"),
        ("latency:nan", "not a number of seconds"),
        ("bandwidth", "how many bytes"),
        ("bandwidth:0", "1 or more"),
        ("bandwidth:10ms", "not a number of bytes"),
        ("slicer:0", "1 or more"),
        ("black_hole:3", "takes no amount"),
        ("half_open:", "takes no amount"),
        ("reset,probability=2", "between 0 and 1"),
        ("reset,probability=nan", "between 0 and 1"),
        ("reset,probability=often", "probability is a number"),
        ("reset,times=0", "1 or more"),
        ("reset,times=1.5", "times is a number"),
        ("reset,direction=left", "direction"),
        ("reset,reach=far", "reach"),
        ("reset,colour=grey", "no option"),
        ("reset,probability", "no option"),
        ("reset,", "no option"),
        ("reset,times=1,times=2", "twice"),
        ("reset,jitter=1s", "only latency has jitter"),
        ("latency:1s,delay=1s", "only slicer has delay"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(text: str, part: str) -> None:
    with pytest.raises(ValueError, match=part) as refused:
        parse_condition(text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("options", [{"name": "x"}, {"amount": 3}, {"epoch": 3}, {"colour": "grey"}, {"times": "x"}])
def test_options_that_do_not_exist_or_fit_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="weather 'reset'"):
        parse_condition("reset", **options)


def test_every_kind_can_be_read_with_each_option_in_common() -> None:
    for name in KNOWN_WEATHER:
        amount = ":1" if name == "bandwidth" else ""
        found = parse_condition(f"{name}{amount},probability=0.5,direction=down,times=2,reach=open")
        assert (found.probability, found.direction, found.times, found.reach) == (0.5, "down", 2, "open")
