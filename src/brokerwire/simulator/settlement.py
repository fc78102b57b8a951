"""What an execution does: the fill, its fee, the account's books, and the reservation of funds for open orders."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from brokerwire.simulator.accounts import Account, AccountChange, SimPosition, is_buying
from brokerwire.simulator.market import Market
from brokerwire.simulator.matching import Slice
from brokerwire.simulator.trading import SimFill, SimLeg, SimOrder


class Settlement:
    """Books executions into accounts; fill and position ids rise and are never reused."""

    def __init__(self, market: Market, accounts: Mapping[str, Account]) -> None:
        self._market = market
        self._accounts = accounts
        self._next_fill_id = 1
        self._next_position_id = 71_000_001

    def give_position(
        self, account: Account, symbol: str, *, quantity: Decimal, average_price: Decimal, opened_ns: int
    ) -> SimPosition:
        """Put a position into an account without a trade."""
        position = SimPosition(
            position_id=self._take_position_id(),
            symbol=symbol,
            quantity=quantity,
            average_price=average_price,
            opened_ns=opened_ns,
            point_value=self._market.instrument(symbol).point_value,
        )
        account.positions[symbol] = position
        return position

    def _take_position_id(self) -> int:
        self._next_position_id += 1
        return self._next_position_id - 1

    def execute(
        self, order: SimOrder, leg: SimLeg, piece: Slice, *, liquidity: Literal["maker", "taker"]
    ) -> tuple[SimFill, list[AccountChange]]:
        """Fill a leg with ``piece`` and return the fill and what changed in the account."""
        fill = self._fill(order, leg, piece, liquidity)
        self.unlock(order)
        filled = leg.filled + piece.quantity
        leg.average_price = (leg.average_price * leg.filled + piece.price * piece.quantity) / filled
        leg.filled = filled
        order.fee += fill.fee
        order.fills.append(fill)
        account, instrument = self._accounts[order.account_id], self._market.instrument(leg.symbol)
        is_new = leg.symbol not in account.positions
        changes = account.apply(fill, instrument, next_position_id=self._next_position_id)
        if is_new and leg.symbol in account.positions:
            self._take_position_id()
        self.lock(order)
        return fill, changes

    def _fill(self, order: SimOrder, leg: SimLeg, piece: Slice, liquidity: Literal["maker", "taker"]) -> SimFill:
        account, instrument = self._accounts[order.account_id], self._market.instrument(leg.symbol)
        fee, currency = account.fee_of(instrument, quantity=piece.quantity, price=piece.price, side=leg.side)
        fill_id = self._next_fill_id
        self._next_fill_id += 1
        return SimFill(
            fill_id=fill_id,
            order_id=order.order_id,
            account_id=order.account_id,
            symbol=leg.symbol,
            side=leg.side,
            quantity=piece.quantity,
            price=piece.price,
            fee=fee if order.fills else fee + account.fee_per_order,
            fee_currency=currency,
            liquidity=liquidity,
            time_ns=self._market.now_ns(),
        )

    def lock(self, order: SimOrder) -> None:
        """Reserve what an open spot order may still need."""
        self._move(order, 1)

    def unlock(self, order: SimOrder) -> None:
        """Give back what was reserved for an open spot order."""
        self._move(order, -1)

    def _move(self, order: SimOrder, sign: int) -> None:
        account = self._accounts[order.account_id]
        if account.kind != "spot" or order.status == "held":
            return
        instrument = self._market.instrument(order.symbol)
        if is_buying(order.side):
            price = order.limit_price or order.stop_price or Decimal(0)
            asset, amount = instrument.quote, order.remaining * price
        else:
            asset, amount = instrument.base, order.remaining
        balance = account.balance(asset)
        balance.free -= sign * amount
        balance.locked += sign * amount
