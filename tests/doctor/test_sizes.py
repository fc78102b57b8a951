from pathlib import Path

import pytest
from tests.doctor.examined import examined, figure


@pytest.mark.parametrize("venue", ["tradestation", "binance"])
def test_endless_messages_are_cut_off(venue: str) -> None:
    verdict = examined("F24", venue)
    assert 8 <= figure(verdict, "let in of one") <= 40
    assert figure(verdict, "streams that did not come back whole") == 0
    assert not Path("/proc/self/status").is_file() or figure(verdict, "memory rose by") <= 24
