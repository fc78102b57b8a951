from typing import Any

import pytest


@pytest.mark.process
def test_it_prints_throughput_and_ratios(cli: Any) -> None:
    shown = cli("bench", "--messages", "2000", "--rounds", "1")
    assert shown.code == 0
    assert "bare receive loop" in shown.out
    assert "1.00" in shown.out


def test_wrong_counts_are_wrong_usage(cli: Any) -> None:
    assert cli("bench", "--rounds", "0").code == 2
    assert cli("bench", "--messages", "1").code == 2
