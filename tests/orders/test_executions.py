from decimal import Decimal

import pytest
from msgspec import structs
from tests.orders.events import update

from brokerwire.events import OrderLeg
from brokerwire.orders.executions import Accounted, Executions, _plain


def test_an_execution_is_what_moves_the_average() -> None:
    executions = Executions()
    assert executions.grow(update(filled=0)) == []
    (first,) = executions.grow(update(filled=30, average="161.24"))
    (second,) = executions.grow(update("1", "filled", 50, average="161.244", at=9))
    assert (first.fill_id, first.quantity, first.price) == ("1:A:30", 30, Decimal("161.24"))
    assert (second.fill_id, second.quantity, second.price, second.side) == ("1:A:50", 20, Decimal("161.25"), "buy")
    assert (second.account, second.order_id, second.received_ns) == ("acct", "1", 9)
    assert executions.grow(update("1", "filled", 50, average="161.244")) == []


def test_executions_add_up_to_the_order() -> None:
    executions = Executions()
    steps = [update(filled=10, average="3"), update(filled=25, average="3.12"), update(filled=50, average="3.27")]
    fills = [fill for step in steps for fill in executions.grow(step)]
    assert sum(fill.quantity for fill in fills) == 50
    assert sum(fill.quantity * fill.price for fill in fills) == Decimal("163.5")


def test_every_leg_of_a_spread_has_executions_of_its_own() -> None:
    legs = [OrderLeg(symbol=name, filled_quantity=Decimal(1), average_price=Decimal(2)) for name in "AB"]
    spread = structs.replace(update(), legs=tuple(legs))
    assert [fill.fill_id for fill in Executions().grow(spread)] == ["1:A:1", "1:B:1"]


def unpriced(filled: int) -> object:
    order = update(filled=filled)
    leg = structs.replace(order.legs[0], average_price=None)
    return structs.replace(order, average_price=None, legs=(leg,))


def test_an_execution_without_a_price_waits_for_one_and_none_is_told_twice() -> None:
    executions = Executions()
    assert executions.grow(unpriced(4)) == []  # type: ignore[arg-type]  # an update
    assert len(executions.grow(update(filled=4))) == 1
    assert executions.grow(unpriced(6)) == []  # type: ignore[arg-type]  # an update
    (fill,) = executions.grow(update(filled=6))
    assert fill.quantity == 2


def test_what_was_adopted_is_not_told() -> None:
    executions = Executions()
    executions.adopt(update(filled=4, average="2"))
    (fill,) = executions.grow(update(filled=6, average="3"))
    assert (fill.quantity, fill.price) == (2, 5)
    executions.adopt(unpriced(4))  # type: ignore[arg-type]  # an update
    assert executions.grow(update(filled=4, average="2")) == []
    executions.adopt(unpriced(4))  # type: ignore[arg-type]  # an update
    (fill,) = executions.grow(update(filled=6, average="3"))
    assert (fill.quantity, fill.price) == (2, 3)


def test_a_trade_that_was_taken_back_may_be_made_again() -> None:
    executions = Executions()
    executions.grow(update(filled=6))
    assert executions.grow(update(filled=2)) == []
    (fill,) = executions.grow(update(filled=5))
    assert fill.quantity == 3


def test_what_is_accounted_for_can_be_kept() -> None:
    executions = Executions()
    executions.grow(update(filled=4, average="2"))
    kept = executions.of("1")
    assert kept == [Accounted("1", "A", Decimal(4), Decimal(8))]
    (fill,) = Executions(kept).grow(update(filled=6, average="3"))
    assert (fill.quantity, fill.price) == (2, 5)
    executions.forget("1")
    assert executions.of("1") == []


@pytest.mark.parametrize(("value", "text"), [("70.10", "70.1"), ("100", "100"), ("0.12345678901", "0.123456789")])
def test_prices_have_no_trailing_zeros_and_ten_places(value: str, text: str) -> None:
    assert f"{_plain(Decimal(value))}" == text
