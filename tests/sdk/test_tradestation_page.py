from collections.abc import Callable
from typing import Any


def test_every_old_line_of_the_page_runs_with_that_package(run_sdk: Callable[..., Any]) -> None:
    seen = run_sdk("tradestation_page", venue="tradestation")
    assert seen.errors() == {}
    assert seen.violations() == []
    assert seen["end"]["lines"] > 20
