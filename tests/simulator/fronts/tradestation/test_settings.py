import pytest

from brokerwire.simulator.fronts.tradestation.settings import read_settings


def test_defaults_are_those_of_the_venue() -> None:
    settings = read_settings({})
    assert (settings.token_life_s, settings.heartbeat_s, settings.stream_expiry) == (1200, 5, "ignore")


@pytest.mark.parametrize("given", [{"token_live_s": 5}, {"token_life_s": "soon"}, {"stream_expiry": "maybe"}])
def test_wrong_setting_is_a_value_error(given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="settings"):
        read_settings(given)
