"""What the synthetic market hands out: quotes, trades, bars, books and book changes."""

from decimal import Decimal
from typing import Literal, TypeAlias

import msgspec

Aggressor: TypeAlias = Literal["buy", "sell"]


class SimQuote(msgspec.Struct, frozen=True, gc=False):
    """Best bid and ask with the sizes shown there, as of book change ``sequence``."""

    symbol: str
    time_ns: int
    bid: Decimal
    bid_size: Decimal
    ask: Decimal
    ask_size: Decimal
    sequence: int


class SimTrade(msgspec.Struct, frozen=True, gc=False):
    """One trade; ids are consecutive per symbol and rise with time. ``side`` is the aggressor's."""

    symbol: str
    trade_id: int
    time_ns: int
    price: Decimal
    size: Decimal
    side: Aggressor


class SimBar(msgspec.Struct, frozen=True, gc=False):
    """The trades of ``[open_ns, close_ns)`` up to now, summed up.

    ``buy_volume``, ``buy_quote_volume`` and ``buy_count`` count trades with the buyer as aggressor; those are the
    up-ticks, the others the down-ticks.
    """

    symbol: str
    open_ns: int
    close_ns: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal
    trade_count: int
    buy_count: int
    buy_volume: Decimal
    buy_quote_volume: Decimal
    first_trade_id: int
    last_trade_id: int
    is_closed: bool

    @property
    def up_ticks(self) -> int:
        return self.buy_count

    @property
    def down_ticks(self) -> int:
        return self.trade_count - self.buy_count


class Extremes(msgspec.Struct, frozen=True):
    """The highest and lowest price of some days, and when the days began on which they were reached."""

    high: Decimal
    high_ns: int
    low: Decimal
    low_ns: int


class BookLevel(msgspec.Struct, frozen=True, gc=False):
    """One price of a book with the whole size and the number of orders there."""

    price: Decimal
    size: Decimal
    order_count: int


class SimBook(msgspec.Struct, frozen=True):
    """A whole book: bids from high to low, asks from low to high, as of change ``sequence``."""

    symbol: str
    time_ns: int
    sequence: int
    bids: list[BookLevel]
    asks: list[BookLevel]


class SimBookChange(msgspec.Struct, frozen=True):
    """Levels that changed in updates ``first_sequence`` to ``last_sequence``; size 0 removes the level."""

    symbol: str
    time_ns: int
    first_sequence: int
    last_sequence: int
    bids: list[tuple[Decimal, Decimal]]
    asks: list[tuple[Decimal, Decimal]]


Tick: TypeAlias = SimQuote | SimTrade | SimBookChange
