"""The symbols of a chart session, and where the bars of each come from."""

from typing import Any

import msgspec

from brokerwire.simulator.fronts.tradingview.chart_desk import ChartParts, ChartSink, CriticalError
from brokerwire.simulator.fronts.tradingview.history import History, shown_currency
from brokerwire.simulator.fronts.tradingview.replay_session import ReplaySession
from brokerwire.simulator.fronts.tradingview.resolution import Resolution
from brokerwire.simulator.fronts.tradingview.symbol_info import currency_of, resolved_info
from brokerwire.simulator.fronts.tradingview.symbols import Listed, SymbolSpec, parse_spec
from brokerwire.simulator.price_path import DAY_NS


class ChartSymbol(msgspec.Struct, frozen=True):
    """A symbol as it was resolved; ``listed`` is None when that failed."""

    spec: SymbolSpec | None
    listed: Listed | None


class ChartSymbols:
    """Symbols by the ids that the client gave them."""

    def __init__(self, session_id: str, sink: ChartSink, parts: ChartParts) -> None:
        self._session_id = session_id
        self._sink = sink
        self._parts = parts
        self._known: dict[str, ChartSymbol] = {}

    def __contains__(self, symbol_id: object) -> bool:
        return symbol_id in self._known

    def __getitem__(self, symbol_id: str) -> ChartSymbol:
        return self._known[symbol_id]

    def get(self, symbol_id: str) -> ChartSymbol | None:
        """Return the symbol with an id, or None."""
        return self._known.get(symbol_id)

    def add(self, symbol_id: str, text: Any) -> None:
        """Find a symbol, or note that there is none.

        Raises:
            CriticalError: The id is taken.
        """
        if symbol_id in self._known:
            raise CriticalError("duplicate id")
        spec = parse_spec(text)
        listed = None if spec is None else self._parts.symbols.find(spec.symbol)
        if spec is not None and spec.replay and self._sink.replay(spec.replay) is None:
            listed = None
        self._known[symbol_id] = ChartSymbol(spec, listed)

    async def tell(self, symbol_id: str) -> None:
        """Tell about a symbol, or why there is none."""
        symbol = self._known[symbol_id]
        if symbol.listed is None or symbol.spec is None:
            params = [self._session_id, symbol_id, *self._why_not(symbol.spec)]
            self._sink.send_answer("", "symbol_error", params)
            return
        shown = shown_currency(self._parts.market, symbol.listed, symbol.spec.currency)
        info = resolved_info(
            symbol.listed,
            calendar=self._parts.market.calendar,
            session_id=symbol.spec.session,
            currency="" if shown == currency_of(symbol.listed) else shown,
        )
        self._sink.send_answer("", "symbol_resolved", [self._session_id, symbol_id, info])

    def _why_not(self, spec: SymbolSpec | None) -> list[str]:
        if spec is not None and spec.symbol.startswith("ECONOMICS:") and not self._sink.plan:
            return ["permission denied", "group", "economics_paid"]
        return ["invalid symbol"]

    def history(self, listed: Listed, spec: SymbolSpec, resolution: Resolution) -> History:
        """Return the past of a symbol, as far as the client may see it."""
        market, replay = self._parts.market, self.replay_of(spec)
        return History(
            market,
            listed,
            spec=spec,
            resolution=resolution,
            limit=self._sink.bar_limit,
            floor_ns=(market.now_ns() // DAY_NS - self._days_of(listed)) * DAY_NS,
            now_ns=None if replay is None else replay.last_ns,
        )

    def replay_of(self, spec: SymbolSpec | None) -> ReplaySession | None:
        """Return the replay that a symbol is bound to, if it is."""
        return self._sink.replay(spec.replay) if spec is not None and spec.replay else None

    def _days_of(self, listed: Listed) -> int:
        settings = self._parts.settings
        return settings.coin_history_days if listed.instrument.kind == "crypto" else settings.history_days
