import pytest
from tests.doctor.examined import examined, figure

VENUES = ["tradestation", "binance", "tradingview"]


@pytest.mark.parametrize("venue", VENUES)
def test_a_raising_callback_is_paused_and_resumed(venue: str) -> None:
    assert figure(examined("F30", venue), "exceptions handed over") == 100


@pytest.mark.parametrize("venue", VENUES)
def test_a_hanging_callback_is_named_and_alone(venue: str) -> None:
    assert figure(examined("F31", venue), "warnings that name it") == 1


@pytest.mark.parametrize("venue", VENUES)
def test_slow_callbacks_keep_their_bound(venue: str) -> None:
    assert figure(examined("F32", venue), "most pending") <= 20


@pytest.mark.parametrize("venue", VENUES[:2])
def test_a_blocked_loop_is_not_taken_for_silence(venue: str) -> None:
    assert figure(examined("F33", venue), "taken for silence") == 0
