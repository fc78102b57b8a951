from decimal import Decimal

import pytest

from brokerwire.simulator.order_register import OrderRegister
from brokerwire.simulator.trading import OrderRefused, OrderTicket, PriceCondition, TicketLeg


@pytest.fixture
def register() -> OrderRegister:
    return OrderRegister(first_id=100, now_ns=lambda: 7)


def ticket(symbol: str = "AAPL", client_order_id: str | None = None, *, on: str | None = None) -> OrderTicket:
    rules = (PriceCondition(symbol=on, relation="gt", price=Decimal(1)),) if on else ()
    leg = TicketLeg(symbol=symbol, side="buy", quantity=Decimal(1))
    return OrderTicket(account_id="A", legs=(leg,), client_order_id=client_order_id, conditions=rules)


def test_ids_rise_and_are_used_once(register: OrderRegister) -> None:
    first, second = register.admit(ticket()), register.admit(ticket())
    assert (first.order_id, second.order_id, register.take_id()) == (100, 101, 102)
    assert first.created_ns == 7


def test_orders_are_found_by_either_id(register: OrderRegister) -> None:
    order = register.admit(ticket(client_order_id="mine"))
    assert register.find(order.order_id) is register.find_by_client_id("A", "mine") is order
    assert register.find_by_client_id("B", "mine") is None
    assert register.find_by_client_id("A", None) is None
    with pytest.raises(OrderRefused):
        register.find(5)


def test_ended_orders_leave_the_open_ones_only(register: OrderRegister) -> None:
    order, other = register.admit(ticket()), register.admit(ticket())
    order.status = "filled"
    assert register.open_orders() == [other]
    assert register.open_orders("B") == []
    assert order.order_id in register.orders


def test_orders_on_a_symbol_include_those_whose_conditions_name_it(register: OrderRegister) -> None:
    leg, condition, _ = register.admit(ticket()), register.admit(ticket("F", on="AAPL")), register.admit(ticket("GE"))
    assert register.open_on("AAPL") == [leg, condition]


def test_tied_orders_know_each_other(register: OrderRegister) -> None:
    orders = [register.admit(ticket()) for _ in range(3)]
    register.tie(orders, "oco")
    assert orders[0].sibling_ids == [101, 102]
    assert len({order.group_id for order in orders}) == 1


def test_past_orders_are_kept_as_they_are(register: OrderRegister) -> None:
    past = OrderRegister(first_id=1, now_ns=lambda: 0).admit(ticket())
    register.record_past([past])
    assert register.find(1) is past
    assert register.open_orders() == []
