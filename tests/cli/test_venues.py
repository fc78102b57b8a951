import json
import sys
from io import StringIO
from typing import Any

import pytest

from brokerwire.cli.venues import show


def test_venues_are_listed_with_what_they_offer(cli: Any) -> None:
    shown = cli("venues", "--json")
    assert shown.code == 0
    found = {row["venue"]: row for row in map(json.loads, shown.lines)}
    assert {"binance", "tradestation"} <= found.keys()
    assert found["tradestation"]["capabilities"]["quotes"] == "stream"
    assert found["binance"]["intervals"][:3] == ["1s", "1m", "3m"]
    assert found["binance"]["intervals"][-2:] == ["1w", "1M"]


def test_venues_are_a_table_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdout", terminal)
    show()
    assert "tradestation" in terminal.getvalue()
    assert "{" not in terminal.getvalue()
