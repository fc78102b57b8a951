import pytest

from brokerwire.simulator.fronts.tradingview.settings import BARS_OF_PLAN, read_settings


def test_settings_have_the_venues_values_until_told_otherwise():
    settings = read_settings({"heartbeat_s": 2.5})
    assert (settings.heartbeat_s, settings.plan, settings.anonymous_series) == (2.5, "pro_premium", 1)


@pytest.mark.parametrize("values", [{"planet": "earth"}, {"plan": "free lunch"}, {"heartbeat_s": "often"}])
def test_unknown_names_plans_and_types_are_errors_that_name_the_known_ones(values):
    with pytest.raises(ValueError, match=r"tradingview settings: .*known are"):
        read_settings(values)


def test_a_plan_shows_as_many_bars_as_the_venue_says():
    assert dict(BARS_OF_PLAN) == {
        "": 5_000,
        "pro": 10_000,
        "pro_plus": 10_000,
        "pro_premium": 20_000,
        "ultimate": 40_000,
    }
