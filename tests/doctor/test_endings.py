import pytest
from tests.doctor.examined import examined, figure


@pytest.mark.parametrize("venue", ["tradestation", "binance", "tradingview"])
@pytest.mark.parametrize("seed", [7, 8])
def test_clients_close_in_time_whatever_they_are_at(venue: str, seed: int) -> None:
    assert figure(examined("F36", venue, seed=seed), "longest close") <= 5
