from decimal import Decimal

from brokerwire.simulator.accounts import Account
from brokerwire.simulator.market import Market
from brokerwire.simulator.matching import Slice
from brokerwire.simulator.settlement import Settlement
from brokerwire.simulator.trading import OrderTicket, SimLeg, SimOrder, TicketLeg


def make_order(symbol: str, account: str, quantity: int, limit: int | None = None) -> SimOrder:
    leg = TicketLeg(symbol=symbol, side="buy", quantity=Decimal(quantity))
    return SimOrder(
        order_id=1,
        ticket=OrderTicket(account_id=account, legs=(leg,)),
        legs=[SimLeg(symbol=symbol, side="buy", effect=None, quantity=Decimal(quantity))],
        type="limit",
        limit_price=None if limit is None else Decimal(limit),
        stop_price=None,
        created_ns=0,
        updated_ns=0,
    )


def test_fee_per_order_is_charged_with_the_first_fill_only(market: Market) -> None:
    account = Account(account_id="A", kind="margin", fee_per_order=Decimal(1))
    settlement, order = Settlement(market, {"A": account}), make_order("AAPL", "A", 10)
    first, opened = settlement.execute(order, order.legs[0], Slice(Decimal(4), Decimal(100)), liquidity="taker")
    second, changed = settlement.execute(order, order.legs[0], Slice(Decimal(6), Decimal(110)), liquidity="maker")
    assert (first.fee, second.fee) == (1, 0)
    assert second.fill_id == first.fill_id + 1
    assert order.legs[0].average_price == 106
    assert opened[0].position is changed[0].position


def test_position_ids_are_used_once_per_position(market: Market) -> None:
    account = Account(account_id="A", kind="margin")
    settlement = Settlement(market, {"A": account})
    given = settlement.give_position(account, "KO", quantity=Decimal(1), average_price=Decimal(1), opened_ns=0)
    order = make_order("AAPL", "A", 2)
    for _ in range(2):
        settlement.execute(order, order.legs[0], Slice(Decimal(1), Decimal(100)), liquidity="taker")
    assert account.positions["AAPL"].position_id == given.position_id + 1


def test_spot_funds_are_locked_and_given_back(market: Market) -> None:
    account = Account(account_id="A", kind="spot")
    account.balance("USDT").free = Decimal(100)
    settlement, order = Settlement(market, {"A": account}), make_order("BTCUSDT", "A", 2, limit=30)
    settlement.lock(order)
    assert (account.balance("USDT").free, account.balance("USDT").locked) == (40, 60)
    settlement.unlock(order)
    assert account.balance("USDT").locked == 0
