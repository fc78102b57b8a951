import pytest
from tests.doctor.examined import examined, figure

VENUES = ["tradestation", "binance", "tradingview"]


@pytest.mark.parametrize("venue", VENUES)
def test_a_dead_network_is_noticed_and_survived(venue: str) -> None:
    verdict = examined("F04", venue)
    assert 5 < figure(verdict, "noticed after") <= 25


@pytest.mark.parametrize(("venue", "reconnects"), [("tradestation", 1), ("binance", 0), ("tradingview", 0)])
def test_a_mute_connection_is_healed_and_the_verdict_says_how(venue: str, reconnects: int) -> None:
    verdict = examined("F05", venue)
    assert figure(verdict, "reconnects") == reconnects
    assert ("a new connection" in verdict.text) == bool(reconnects)


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("seed", [7, 8, 9])
def test_a_server_that_drops_everybody_is_redialled_ever_more_seldom(venue: str, seed: int) -> None:
    verdict = examined("F09", venue, seed=seed)
    assert figure(verdict, "redials of one") <= 20
