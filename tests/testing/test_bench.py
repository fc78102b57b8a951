import os

import pytest

from brokerwire.testing.bench import RUNS, measure, runs


@pytest.mark.process
def test_every_run_is_measured_next_to_the_bare_loop() -> None:
    rounds: list[None] = []
    cores = os.sched_getaffinity(0)
    results = measure(2000, 1, on_round=lambda: rounds.append(None))
    assert [result.name for result in results] == list(runs())
    assert list(runs())[: len(RUNS)] == list(RUNS)
    assert results[0].ratio == 1.0
    assert os.sched_getaffinity(0) == cores
    assert all(result.messages_per_s > 0 for result in results)
    assert len(rounds) == len(runs())
