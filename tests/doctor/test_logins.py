import pytest
from tests.doctor.examined import examined, figure


def test_a_refused_token_is_renewed_once() -> None:
    verdict = examined("F13", "tradestation")
    assert figure(verdict, "forced token refreshes") == 1
    assert "AuthenticationError" in verdict.text


def test_a_refused_handshake_is_tried_twice_at_most() -> None:
    assert figure(examined("F13", "binance"), "attempts") <= 2
    assert figure(examined("F13", "tradingview"), "forced token refreshes") == 1


@pytest.mark.parametrize("venue", ["tradestation", "binance", "tradingview"])
def test_what_expires_is_replaced_unnoticed(venue: str) -> None:
    verdict = examined("F15", venue)
    assert figure(verdict, "gaps") == 0
