from decimal import Decimal

from brokerwire.simulator.trading import OrderRefused, OrderTicket, TicketLeg


def test_ticket_speaks_for_its_first_leg() -> None:
    leg = TicketLeg(symbol="AAPL", side="buy", quantity=Decimal(3))
    ticket = OrderTicket(account_id="A", legs=(leg,), trail_percent=Decimal(1))
    assert (ticket.symbol, ticket.side, ticket.quantity) == ("AAPL", "buy", 3)
    assert ticket.is_trailing


def test_refusal_carries_its_code() -> None:
    assert OrderRefused("funds", "too little").code == "funds"
