from decimal import Decimal
from typing import Any

import pytest

from brokerwire.simulator.matching import (
    combination_price,
    conditions_hold,
    rest_against,
    stop_is_hit,
    trail,
    units_of,
    walk_book,
)
from brokerwire.simulator.ticks import BookLevel, SimBook, SimQuote
from brokerwire.simulator.trading import OrderTicket, PriceCondition, SimLeg, SimOrder, TicketLeg

D = Decimal


def order(side: Any = "buy", quantity: int = 100, **fields: Any) -> SimOrder:
    ticket_fields = {k: fields.pop(k) for k in ("trail_amount", "trail_percent") if k in fields}
    leg = TicketLeg(symbol="X", side=side, quantity=D(quantity))
    return SimOrder(
        order_id=1,
        ticket=OrderTicket(account_id="A", legs=(leg,), **ticket_fields),
        legs=[SimLeg(symbol="X", side=side, effect=None, quantity=D(quantity))],
        type=fields.pop("type", "market"),
        limit_price=fields.pop("limit_price", None),
        stop_price=fields.pop("stop_price", None),
        created_ns=0,
        updated_ns=0,
    )


def quote(symbol: str = "X", bid: int = 99, ask: int = 101, size: int = 30) -> SimQuote:
    return SimQuote(symbol=symbol, time_ns=0, bid=D(bid), bid_size=D(size), ask=D(ask), ask_size=D(size), sequence=0)


BOOK = SimBook(
    symbol="X",
    time_ns=0,
    sequence=1,
    bids=[BookLevel(price=D(99 - i), size=D(30), order_count=1) for i in range(10)],
    asks=[BookLevel(price=D(101 + i), size=D(30), order_count=1) for i in range(10)],
)


def test_market_order_walks_the_book_and_fills_wholly() -> None:
    taken = walk_book(order(quantity=1000), BOOK)
    assert [s.quantity for s in taken] == [30, 30, 30, 30, 30, 850]
    assert taken[-1].price == 106


def test_limit_order_stops_at_its_limit() -> None:
    assert [s.price for s in walk_book(order(type="limit", limit_price=D(102)), BOOK)] == [101, 102]
    assert [s.price for s in walk_book(order("sell", type="limit", limit_price=D(99)), BOOK)] == [99]
    assert walk_book(order(type="limit", limit_price=D(100)), BOOK) == []


def test_resting_order_gets_its_price_and_the_size_shown() -> None:
    buy, sell = order(type="limit", limit_price=D(101)), order("sell", type="limit", limit_price=D(99))
    assert rest_against(buy, quote()) == walk_book(buy, BOOK)[0]
    assert rest_against(sell, quote()) is not None
    assert rest_against(order(type="limit", limit_price=D(100)), quote()) is None
    assert rest_against(order(), quote()) is None


@pytest.mark.parametrize(
    ("side", "last", "hit"), [("buy", 99, False), ("buy", 100, True), ("sell", 101, False), ("sell", 100, True)]
)
def test_stop_is_hit_from_its_side(side: str, last: int, *, hit: bool) -> None:
    assert stop_is_hit(order(side, type="stop", stop_price=D(100)), D(last)) is hit


def test_order_without_a_stop_is_never_hit() -> None:
    assert not stop_is_hit(order(), D(1))


def test_trailing_stop_follows_and_never_goes_back() -> None:
    sell = order("sell", type="stop", trail_amount=D(5))
    stops = []
    for last in (100, 110, 104, 111):
        trail(sell, D(last), D("0.01"))
        stops.append(sell.stop_price)
    assert stops == [95, 105, 105, 106]


def test_trailing_buy_stop_in_percent_follows_down() -> None:
    buy = order(type="stop", trail_percent=D(10))
    for last in (100, 90, 95):
        trail(buy, D(last), D(1))
    assert buy.stop_price == 99


def test_conditions_join_from_left_to_right() -> None:
    low = PriceCondition(symbol="X", relation="lt", price=D(10))
    high = PriceCondition(symbol="X", relation="gte", price=D(100), joins_with_or=True)
    both = PriceCondition(symbol="X", relation="lte", price=D(200))
    assert conditions_hold((low, high, both), {"X": D(150)})
    assert not conditions_hold((low, high), {"X": D(50)})
    assert conditions_hold((PriceCondition(symbol="X", relation="gt", price=D(1)),), {"X": D(2)})


def test_combination_price_nets_the_legs_per_unit() -> None:
    combination = order()
    combination.legs = [
        SimLeg(symbol="A", side="buy", effect="open", quantity=D(2)),
        SimLeg(symbol="B", side="sell", effect="open", quantity=D(4)),
    ]
    assert units_of(combination) == 2
    quotes = {"A": quote("A", 9, 10), "B": quote("B", 3, 4)}
    assert combination_price(combination, quotes) == 10 - 2 * 3
