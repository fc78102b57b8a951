"""Accounts of the synthetic exchange: cash, positions, spot balances, and what fills do to them."""

import copy
from datetime import date
from decimal import Decimal
from typing import Literal, TypeAlias

import msgspec

from brokerwire.simulator.instruments import Instrument
from brokerwire.simulator.sessions import trading_day
from brokerwire.simulator.trading import SimFill

AccountKind: TypeAlias = Literal["margin", "cash", "futures", "spot"]
_ZERO = Decimal(0)


class SpotBalance(msgspec.Struct):
    """One asset of a spot account; ``locked`` is reserved by open orders."""

    free: Decimal = _ZERO
    locked: Decimal = _ZERO

    @property
    def total(self) -> Decimal:
        return self.free + self.locked


class SimPosition(msgspec.Struct, kw_only=True):
    """A holding; ``quantity`` is negative when short, ``average_price`` is per unit."""

    position_id: int
    symbol: str
    quantity: Decimal
    average_price: Decimal
    opened_ns: int
    point_value: Decimal = Decimal(1)

    def value_at(self, price: Decimal) -> Decimal:
        """Return the signed market value in account currency."""
        return self.quantity * price * self.point_value

    def profit_at(self, price: Decimal) -> Decimal:
        """Return what closing at ``price`` would earn, in account currency."""
        return (price - self.average_price) * self.quantity * self.point_value


class AccountChange(msgspec.Struct, frozen=True):
    """A position or balance changed: ``symbol`` names the instrument or, on spot accounts, the asset.

    ``closed_id`` is the id of a position that has just gone.
    """

    account_id: str
    symbol: str
    position: SimPosition | None
    closed_id: int | None = None


class Opening(msgspec.Struct, frozen=True):
    """What an account held when a trading day began."""

    cash: Decimal
    positions: tuple[SimPosition, ...]
    day: date


class Account(msgspec.Struct, kw_only=True):
    """One account; ``fee_per_order`` and ``fee_per_contract`` are money, ``fee_rate`` is a share of the value."""

    account_id: str
    kind: AccountKind
    currency: str = "USD"
    cash: Decimal = _ZERO
    realized: Decimal = _ZERO
    fees: Decimal = _ZERO
    positions: dict[str, SimPosition] = msgspec.field(default_factory=dict)
    balances: dict[str, SpotBalance] = msgspec.field(default_factory=dict)
    fee_per_order: Decimal = _ZERO
    fee_per_contract: Decimal = _ZERO
    fee_rate: Decimal = _ZERO
    first_state: Opening | None = None
    """What was held before the first fill of the last day that had one."""

    def balance(self, asset: str) -> SpotBalance:
        """Return the balance of an asset, empty if there was none."""
        return self.balances.setdefault(asset, SpotBalance())

    def apply(self, fill: SimFill, instrument: Instrument, *, next_position_id: int) -> list[AccountChange]:
        """Book a fill and return what changed."""
        if self.kind == "spot":
            return self._apply_spot(fill, instrument)
        self.first_state = self.opening(fill.time_ns)
        self.fees += fill.fee
        self.cash -= fill.fee
        signed = fill.quantity if fill.side in ("buy", "buy_to_cover") else -fill.quantity
        if self.kind != "futures":
            self.cash -= signed * fill.price * instrument.point_value
        return self._apply_position(fill, instrument, signed=signed, next_position_id=next_position_id)

    def opening(self, now_ns: int) -> Opening:
        """Return what was held when the trading day of ``now_ns`` began; fills of that day do not change it."""
        day = trading_day(now_ns)
        if self.first_state is not None and self.first_state.day == day:
            return self.first_state
        return Opening(self.cash, tuple(copy.copy(each) for each in self.positions.values()), day)

    def _apply_position(
        self, fill: SimFill, instrument: Instrument, *, signed: Decimal, next_position_id: int
    ) -> list[AccountChange]:
        held = self.positions.get(fill.symbol)
        if held is None:
            held = self.positions[fill.symbol] = SimPosition(
                position_id=next_position_id,
                symbol=fill.symbol,
                quantity=signed,
                average_price=fill.price,
                opened_ns=fill.time_ns,
                point_value=instrument.point_value,
            )
            return [AccountChange(self.account_id, fill.symbol, held)]
        before = held.quantity
        if before * signed > 0:
            held.average_price = (held.average_price * before + fill.price * signed) / (before + signed)
        else:
            self._realize(held, fill, signed)
        held.quantity = before + signed
        if held.quantity == 0:
            del self.positions[fill.symbol]
            return [AccountChange(self.account_id, fill.symbol, None, held.position_id)]
        return [AccountChange(self.account_id, fill.symbol, held)]

    def _realize(self, held: SimPosition, fill: SimFill, signed: Decimal) -> None:
        closed = min(abs(signed), abs(held.quantity)).copy_sign(held.quantity)
        profit = (fill.price - held.average_price) * closed * held.point_value
        self.realized += profit
        if self.kind == "futures":
            self.cash += profit
        if abs(signed) > abs(held.quantity):
            held.average_price = fill.price

    def _apply_spot(self, fill: SimFill, instrument: Instrument) -> list[AccountChange]:
        base, quote = self.balance(instrument.base), self.balance(instrument.quote)
        value = fill.quantity * fill.price
        if fill.side == "buy":
            base.free += fill.quantity
            quote.free -= value
        else:
            base.free -= fill.quantity
            quote.free += value
        self.balance(fill.fee_currency).free -= fill.fee
        assets = dict.fromkeys((instrument.base, instrument.quote, fill.fee_currency))
        return [AccountChange(self.account_id, asset, None) for asset in assets]

    def fee_of(self, instrument: Instrument, *, quantity: Decimal, price: Decimal, side: str) -> tuple[Decimal, str]:
        """Return fee and currency of a fill; on spot accounts the fee is taken from what is received."""
        if self.kind == "spot":
            if side == "buy":
                return quantity * self.fee_rate, instrument.base
            return quantity * price * self.fee_rate, instrument.quote
        return quantity * self.fee_per_contract + quantity * price * self.fee_rate, self.currency


def is_buying(side: str) -> bool:
    """Say whether a side adds to the position."""
    return side in ("buy", "buy_to_cover")
