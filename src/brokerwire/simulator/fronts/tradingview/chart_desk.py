"""What a chart session works with: the market, the names, the settings, and the client behind it."""

from typing import Any, Protocol

import msgspec

from brokerwire.simulator.fronts.tradingview.replay_session import ReplaySession
from brokerwire.simulator.fronts.tradingview.settings import Settings
from brokerwire.simulator.fronts.tradingview.symbols import SymbolTable
from brokerwire.simulator.fronts.tradingview.tape import Tapes
from brokerwire.simulator.market import Market

NODE = "sim1-charts-1-runner-1@sim1-compute-1"


class ChartSink(Protocol):
    """Where the session's packets go, and what is known of the client."""

    @property
    def plan(self) -> str: ...

    @property
    def bar_limit(self) -> int: ...

    @property
    def may_run_scripts(self) -> bool: ...

    def replay(self, session_id: str) -> ReplaySession | None: ...

    def send_data(self, topic: str, method: str, params: list[Any]) -> None: ...

    def note_failure(self, text: str) -> None: ...

    def send_answer(self, topic: str, method: str, params: list[Any]) -> None: ...


class ChartParts(msgspec.Struct, frozen=True):
    """What every chart session works with."""

    market: Market
    symbols: SymbolTable
    tapes: Tapes
    settings: Settings


class CriticalError(Exception):
    """The client broke the protocol: the session is dead."""
