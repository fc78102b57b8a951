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


def test_venues_are_a_table_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdout", terminal)
    show()
    assert "tradestation" in terminal.getvalue()
    assert "{" not in terminal.getvalue()
