"""Positions: the record, the REST answer with its symbol patterns, and the stream."""

import fnmatch
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias

from brokerwire.simulator.accounts import Account, AccountChange, SimPosition
from brokerwire.simulator.checks import initial_margin
from brokerwire.simulator.exchange import Exchange
from brokerwire.simulator.fronts.tradestation.answers import moment, number, rounded
from brokerwire.simulator.fronts.tradestation.balances import money
from brokerwire.simulator.fronts.tradestation.quotes import day_bounds
from brokerwire.simulator.fronts.tradestation.streams import LineStream
from brokerwire.simulator.ticks import SimQuote, Tick

_ASSET_TYPES = {"stock": "STOCK", "etf": "STOCK", "option": "STOCKOPTION", "future": "FUTURE", "index": "INDEX"}
_REPRICE_NS = 1_000_000_000

Record: TypeAlias = dict[str, Any]


def asset_type(exchange: Exchange, symbol: str) -> str:
    """Return the venue's name for the kind of an instrument."""
    instrument = exchange.market.instrument(symbol)
    if instrument.kind == "option" and instrument.underlying.startswith("$"):
        return "INDEXOPTION"
    return _ASSET_TYPES.get(instrument.kind, "UNKNOWN")


def position_record(exchange: Exchange, account: Account, position: SimPosition) -> dict[str, Any]:
    """Return a position at the market's prices."""
    market = exchange.market
    instrument = market.instrument(position.symbol)
    quote, last = market.quote(position.symbol), market.last_trade(position.symbol).price
    start_ns, _ = day_bounds(market.now_ns())
    mark = position.average_price
    if position.opened_ns < start_ns:
        mark = market.last_trade(position.symbol, start_ns).price
    margin = initial_margin(instrument) * abs(position.quantity) if instrument.kind == "future" else Decimal(0)
    cost = position.value_at(position.average_price)
    profit = position.profit_at(last)
    record: dict[str, Any] = {
        "AccountID": account.account_id,
        "AveragePrice": rounded(position.average_price, 8),
        "AssetType": asset_type(exchange, position.symbol),
        "Last": number(last),
        "Bid": number(quote.bid),
        "Ask": number(quote.ask),
        "ConversionRate": "1",
        "DayTradeRequirement": money(margin),
    }
    if instrument.expiration is not None:
        record["ExpirationDate"] = f"{instrument.expiration:%Y-%m-%d}T00:00:00Z"
    return record | {
        "InitialRequirement": money(margin),
        "MaintenanceMargin": money(margin * Decimal("0.9")),
        "PositionID": str(position.position_id),
        "LongShort": "Long" if position.quantity > 0 else "Short",
        "Quantity": number(position.quantity),
        "Symbol": position.symbol,
        "Timestamp": moment(position.opened_ns),
        "TodaysProfitLoss": money((last - mark) * position.quantity * position.point_value),
        "TotalCost": money(cost),
        "MarketValue": money(position.value_at(last)),
        "MarkToMarketPrice": rounded(mark, 8),
        "UnrealizedProfitLoss": money(profit),
        "UnrealizedProfitLossPercent": rounded(profit / abs(cost) * 100, 3) if cost else "0",
        "UnrealizedProfitLossQty": rounded(profit / abs(position.quantity), 4),
    }


def matches_symbol(symbol: str, patterns: list[str]) -> bool:
    """Say whether a symbol matches one of the patterns, in which ``*`` stands for anything."""
    return not patterns or any(fnmatch.fnmatchcase(symbol.upper(), p.upper()) for p in patterns)


def whole(before: Record, now: Record) -> Record:
    """Return the whole record when anything in it has changed, else nothing."""
    return now if now != before else {}


def changes_only(before: Record, now: Record) -> Record:
    """Return the position's id and the fields that have changed, or nothing."""
    changed = {name: value for name, value in now.items() if before.get(name) != value}
    return {"PositionID": now["PositionID"], **changed} if changed else {}


class PositionFollower:
    """Feeds one position stream: the snapshot, fills, and prices at most once a second per position.

    ``reduce`` makes the frame of a change from the record before and the record now: ``whole`` or ``changes_only``.
    """

    def __init__(
        self,
        exchange: Exchange,
        accounts: list[Account],
        lines: LineStream,
        *,
        reduce: Callable[[Record, Record], Record],
    ) -> None:
        self._exchange = exchange
        self._reduce = reduce
        self._accounts = {account.account_id: account for account in accounts}
        self._lines = lines
        self._sent: dict[int, dict[str, Any]] = {}
        self._priced_ns: dict[str, int] = {}
        self._stops: dict[str, Callable[[], None]] = {}

    def snapshot(self) -> None:
        """Queue every position."""
        for account in self._accounts.values():
            for position in account.positions.values():
                self._send_full(account, position)

    def follow(self) -> None:
        """Queue changes from now on, until the stream ends."""
        self._lines.at_end(self._exchange.listen_accounts(self._on_change))
        self._lines.at_end(self._unwatch_all)
        for account in self._accounts.values():
            for symbol in account.positions:
                self._watch(symbol)

    def _unwatch_all(self) -> None:
        for unwatch in self._stops.values():
            unwatch()

    def _watch(self, symbol: str) -> None:
        if symbol not in self._stops:
            self._stops[symbol] = self._exchange.market.watch(symbol, self._on_tick, with_book=False)

    def _unwatch(self, symbol: str) -> None:
        if (stop := self._stops.pop(symbol, None)) is not None:
            stop()

    def _send_full(self, account: Account, position: SimPosition) -> None:
        record = position_record(self._exchange, account, position)
        self._sent[position.position_id] = record
        self._lines.push(record)

    def _on_change(self, change: AccountChange) -> None:
        account = self._accounts.get(change.account_id)
        if account is None:
            return
        if change.closed_id is not None:
            self._sent.pop(change.closed_id, None)
            self._lines.push({"PositionID": str(change.closed_id), "Deleted": True})
            if not any(change.symbol in other.positions for other in self._accounts.values()):
                self._unwatch(change.symbol)
        elif change.position is not None:  # pragma: no branch - without one it is a balance of a spot account
            self._watch(change.symbol)
            self._send_change(account, change.position)

    def _send_change(self, account: Account, position: SimPosition) -> None:
        before = self._sent.get(position.position_id)
        if before is None:
            self._send_full(account, position)
            return
        record = position_record(self._exchange, account, position)
        self._sent[position.position_id] = record
        if frame := self._reduce(before, record):
            self._lines.push(frame)

    def _on_tick(self, tick: Tick) -> None:
        if not isinstance(tick, SimQuote) or tick.time_ns - self._priced_ns.get(tick.symbol, 0) < _REPRICE_NS:
            return
        self._priced_ns[tick.symbol] = tick.time_ns
        for account in self._accounts.values():
            if (position := account.positions.get(tick.symbol)) is not None:
                self._send_change(account, position)
