"""One replay session: a cursor in the past that charts follow, moved by steps or by itself."""

import asyncio
from collections.abc import Callable
from itertools import islice, takewhile
from typing import Any, Literal, Protocol, TypeAlias

from brokerwire.simulator.fronts.tradingview.grid import Grid, Sessions
from brokerwire.simulator.fronts.tradingview.resolution import SECOND_NS, Resolution, parse_resolution
from brokerwire.simulator.fronts.tradingview.symbols import Listed, SymbolTable, parse_spec
from brokerwire.simulator.market import Market
from brokerwire.simulator.price_path import DAY_NS

Move: TypeAlias = Literal["step", "reset"]

_MS_S = 0.001
_LEAST_DELAY_S = 0.05


class ReplaySink(Protocol):
    """Where the session's packets go."""

    def send_answer(self, topic: str, method: str, params: list[Any]) -> None: ...


class ReplaySession:
    """Time for the charts that are bound to it. It stands at the present until it is reset."""

    def __init__(self, session_id: str, sink: ReplaySink, *, market: Market, symbols: SymbolTable) -> None:
        self.session_id = session_id
        self._sink = sink
        self._market = market
        self._symbols = symbols
        self._cursor_ns: int | None = None
        self._listed: Listed | None = None
        self._resolution: Resolution | None = None
        self._listeners: list[Callable[[Move], None]] = []
        self._timer: asyncio.TimerHandle | None = None

    def last_ns(self) -> int:
        """Return the last moment that charts of this session show: what begins at the cursor is still to come."""
        return self._market.now_ns() if self._cursor_ns is None else self._cursor_ns - 1

    def follow(self, listener: Callable[[Move], None]) -> Callable[[], None]:
        """Call ``listener`` whenever the cursor moves on or is reset; returns the function that stops it."""
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    def greet(self) -> None:
        """Tell the instance that serves the session."""
        self._send("replay_instance_id", f"inst_{self.session_id[-4:]}")

    def _send(self, method: str, *params: Any) -> None:
        self._sink.send_answer("", method, [self.session_id, *params])

    def add_series(self, request_id: str, text: Any, resolution: Any) -> None:
        """Choose whose bars the steps are."""
        spec, parsed = parse_spec(text), parse_resolution(resolution)
        listed = None if spec is None else self._symbols.find(spec.symbol)
        if listed is None or parsed is None:
            self._send("replay_error", request_id, "invalid symbol" if listed is None else "invalid resolution")
            return
        self._listed, self._resolution = listed, parsed
        self._send("replay_ok", request_id)

    def remove_series(self, request_id: str) -> None:
        """Let go of the series whose bars the steps are."""
        self._listed = None
        self._send("replay_ok", request_id)

    def set_resolution(self, request_id: str, resolution: Any) -> None:
        """Choose how long a step is."""
        parsed = parse_resolution(resolution)
        if parsed is None:
            self._send("replay_error", request_id, "invalid resolution")
            return
        self._resolution = parsed
        self._send("replay_ok", request_id)

    def reset(self, time_s: float) -> None:
        """Set the cursor to a time in UTC seconds."""
        self._cursor_ns = max(0, min(int(time_s) * SECOND_NS, self._market.now_ns()))
        self._send("replay_point", self._cursor_ns // SECOND_NS)
        self._tell("reset")

    def _tell(self, move: Move) -> None:
        for listener in list(self._listeners):
            listener(move)

    def step(self, request_id: str, count: int) -> None:
        """Move on by some bars."""
        if self._listed is None or self._cursor_ns is None:
            self._send("replay_error", request_id, "no series")
            return
        self._send("replay_ok", request_id)
        self._move(count)

    def _move(self, count: int) -> bool:
        """Move on by some bars, or to the present; False at the present."""
        if self._listed is None or self._resolution is None or self._cursor_ns is None:
            return False
        grid = Grid(Sessions(self._listed.instrument, self._market.calendar), self._resolution)
        now_ns = self._market.now_ns()
        coming = takewhile(lambda window: window[0] <= now_ns, grid.forward(self._cursor_ns))
        target_ns = max((window[1] for window in islice(coming, max(0, count))), default=self._cursor_ns)
        self._cursor_ns = min(target_ns, now_ns)
        self._tell("step")
        if target_ns < now_ns:
            return True
        self._send("replay_data_end")
        return False

    def start(self, request_id: str, delay_ms: float) -> None:
        """Step by itself every so many milliseconds."""
        self._send("replay_ok", request_id)
        self._arm(max(_LEAST_DELAY_S, delay_ms * _MS_S))

    def _arm(self, delay_s: float) -> None:
        self._disarm()
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._on_timer, delay_s)

    def _on_timer(self, delay_s: float) -> None:
        if self._move(1):
            self._arm(delay_s)

    def stop(self, request_id: str) -> None:
        """Step no more by itself."""
        self._disarm()
        self._send("replay_ok", request_id)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def tell_depth(self, days: int) -> None:
        """Tell from when on there is something to replay, in UTC seconds."""
        self._send("replay_depth", (self._market.now_ns() // DAY_NS - days) * DAY_NS // SECOND_NS)

    def close(self) -> None:
        """Move no more."""
        self._disarm()
        self._listeners.clear()
