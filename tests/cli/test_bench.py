import os
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _same_cores() -> Iterator[None]:
    """The benchmark keeps its process to one core; the tests after it may use them all."""
    before = os.sched_getaffinity(0)
    yield
    os.sched_setaffinity(0, before)


@pytest.mark.process
def test_it_prints_throughput_and_ratios(cli: Any) -> None:
    shown = cli("bench", "--messages", "2000", "--rounds", "1")
    assert shown.code == 0
    assert "bare receive loop" in shown.out
    assert "1.00" in shown.out


def test_wrong_counts_are_wrong_usage(cli: Any) -> None:
    assert cli("bench", "--rounds", "0").code == 2
    assert cli("bench", "--messages", "1").code == 2
