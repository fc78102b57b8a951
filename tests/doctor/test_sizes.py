from pathlib import Path

import pytest
from tests.doctor.examined import examined, figure

from brokerwire.doctor.bombs import MIB
from brokerwire.doctor.sizes import LIMITS


@pytest.mark.parametrize("venue", ["tradestation", "binance", "tradingview"])
def test_endless_messages_are_cut_off(venue: str) -> None:
    verdict = examined("F24", venue)
    limit = LIMITS[venue] / MIB
    assert 8 <= figure(verdict, "let in of one") <= limit + 32
    assert figure(verdict, "streams that did not come back whole") == 0
    assert not Path("/proc/self/status").is_file() or figure(verdict, "memory rose by") <= limit + 16
