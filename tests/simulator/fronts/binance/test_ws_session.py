"""Flags in requests and URLs."""

import pytest

from brokerwire.simulator.fronts.binance.ws_session import read_flag


@pytest.mark.parametrize(
    ("value", "default", "expected"),
    [(True, False, True), (False, True, False), ("false", True, False), ("TRUE", False, True), (None, True, True)],
)
def test_flag_is_json_or_text_and_else_the_default(value, default, expected):
    assert read_flag(value, default) is expected
