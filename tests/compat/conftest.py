"""The fixtures of what runs on threads of its own, and clients of one simulator of TradingView."""

from pathlib import Path

import pytest
from tests.client.conftest import Venues, no_leftovers, run_script, venues

from brokerwire import SyncClient
from brokerwire.client.loop_thread import LoopThread
from brokerwire.simulator import Simulator

__all__ = ["no_leftovers", "run_script", "venues"]


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing leaves this machine, or writes into the project."""
    monkeypatch.setenv("BROKERWIRE_ENVIRONMENT", "offline")
    monkeypatch.delenv("TRADINGVIEW_COOKIE", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def simulator(venues: Venues) -> tuple[Simulator, LoopThread]:
    """A simulator of TradingView, and the loop that it runs in."""
    return venues.simulator("tradingview")


@pytest.fixture
def client(venues: Venues, simulator: tuple[Simulator, LoopThread]) -> SyncClient:
    """A client of that simulator."""
    return venues.client(simulator[0])
