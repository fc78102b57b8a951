import pytest

from brokerwire.errors import ConfigurationError
from brokerwire.venue import Venue
from brokerwire.venues import load_venue, venue_names


def test_every_folder_is_a_venue() -> None:
    assert venue_names() == sorted(venue_names())
    assert {"binance", "tradestation"} <= set(venue_names())
    for name in venue_names():
        assert isinstance(load_venue(name), Venue)


def test_upper_and_lower_case_are_one() -> None:
    assert load_venue("Binance") is load_venue("binance")


@pytest.mark.parametrize("name", ["nowhere", "", "..", "binance.spec", "os"])
def test_an_unknown_venue_names_the_known_ones(name: str) -> None:
    with pytest.raises(ConfigurationError, match="there are: binance"):
        load_venue(name)
