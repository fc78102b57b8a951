"""Tick bars of the v2 API: the venue's only trade-by-trade feed."""

from collections.abc import Sequence
from typing import Any

import msgspec
from aiohttp import web

from brokerwire.simulator.fronts.tradestation.answers import encode
from brokerwire.simulator.fronts.tradestation.gate import Caller, v2_error
from brokerwire.simulator.fronts.tradestation.quotes import find_instrument
from brokerwire.simulator.fronts.tradestation.streams import TICK_BARS, LineStream, StreamTools
from brokerwire.simulator.market import Market
from brokerwire.simulator.ticks import SimTrade, Tick

NEW = 1 << 0
REAL_TIME = 1 << 1
HISTORICAL = 1 << 2
STANDARD_CLOSE = 1 << 3
END_OF_HISTORY = 1 << 29

_MAX_INTERVAL = 64_999
_MAX_BACK = 10
_PIECE = 2000


class _TickBar(msgspec.Struct):
    """A bar of so many trades, as far as it has come."""

    count: int = 0
    volume: float = 0.0
    last: SimTrade | None = None

    def add(self, trade: SimTrade) -> None:
        self.count += 1
        self.volume += float(trade.size)
        self.last = trade

    def line(self, status: int) -> bytes:
        assert self.last is not None  # noqa: S101 - a line is asked for after a trade only
        volume = int(self.volume) if self.volume.is_integer() else self.volume
        seconds = self.last.time_ns // 1_000_000_000
        record: dict[str, Any] = {
            "Close": float(self.last.price),
            "Status": status,
            "TimeStamp": f"/Date({seconds * 1000})/",
            "TotalVolume": volume,
        }
        return encode(record).replace(b'"/Date(', b'"\\/Date(').replace(b')/"', b')\\/"')


class TickBars:
    """Handler of ``GET /v2/stream/tickbars/{symbol}/{interval}/{barsBack}``.

    Source: https://api.tradestation.com/docs/specification, StreamTickBars, read 2026-11-20.
    """

    def __init__(self, market: Market, tools: StreamTools) -> None:
        self._market = market
        self._tools = tools

    async def stream(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Answer with history bars, then a line for every trade."""
        instrument = find_instrument(self._market, request.match_info["symbol"])
        if instrument is None:
            return v2_error(404, "Symbol not found")
        interval, back = request.match_info["interval"], request.match_info["back"]
        if not (interval.isdigit() and 1 <= int(interval) <= _MAX_INTERVAL):
            return v2_error(400, f"interval must be between 1 and {_MAX_INTERVAL}")
        if not (back.isdigit() and 1 <= int(back) <= _MAX_BACK):
            return v2_error(400, f"barsBack must be between 1 and {_MAX_BACK}")
        live = _LiveTickBars(self._market, instrument.symbol, int(interval))
        return await LineStream(request, caller, spec=TICK_BARS, tools=self._tools).serve(
            lambda lines: live.follow(lines, int(back))
        )


class _LiveTickBars:
    def __init__(self, market: Market, symbol: str, interval: int) -> None:
        self._market = market
        self._symbol = symbol
        self._interval = interval
        self._bar = _TickBar()

    async def follow(self, lines: LineStream, back: int) -> None:
        self._lines = lines
        last = self._market.last_trade(self._symbol)
        first_id = last.trade_id - back * self._interval + 1
        bars: list[_TickBar] = []
        for at in range(first_id, last.trade_id + 1, _PIECE):
            size = min(_PIECE, last.trade_id + 1 - at)
            self._gather(self._market.trades_from(self._symbol, at, size), bars)
            await self._market.pause()
        for number, bar in enumerate(bars, 1):
            end = END_OF_HISTORY if number == len(bars) else 0
            lines.push(bar.line(NEW | HISTORICAL | STANDARD_CLOSE | end))
        self._told_id = last.trade_id
        lines.at_end(self._market.watch(self._symbol, self._on_tick, with_book=False))
        for trade in self._market.trades_from(self._symbol, self._told_id + 1, _PIECE):
            self._on_tick(trade)

    def _gather(self, trades: Sequence[SimTrade], bars: list[_TickBar]) -> None:
        for trade in trades:
            if not bars or bars[-1].count == self._interval:
                bars.append(_TickBar())
            bars[-1].add(trade)

    def _on_tick(self, tick: Tick) -> None:
        if not isinstance(tick, SimTrade) or tick.trade_id <= self._told_id:
            return
        self._told_id = tick.trade_id
        status = REAL_TIME | (NEW if self._bar.count == 0 else 0)
        self._bar.add(tick)
        is_full = self._bar.count == self._interval
        self._lines.push(self._bar.line(status | (STANDARD_CLOSE if is_full else 0)))
        if is_full:
            self._bar = _TickBar()
