"""Statuses and execution ids of orders in the venue's words."""

from decimal import Decimal

import pytest

from brokerwire.simulator.fronts.binance.figures import MILLISECOND
from brokerwire.simulator.fronts.binance.order_objects import execution_report, queried, result, status_of
from brokerwire.simulator.trading import OrderTicket, SimLeg, SimOrder, TicketLeg

EXTRA = {
    "clientOrderId": "mine",
    "type": "STOP_LOSS_LIMIT",
    "timeInForce": "GTC",
    "stopPrice": Decimal(5),
    "icebergQty": Decimal(0),
    "quoteOrderQty": Decimal(0),
    "selfTradePreventionMode": "NONE",
    "trailingDelta": 10,
}


def make(status="working", time_in_force="gtc"):
    leg = {"symbol": "BTCUSDT", "side": "buy", "quantity": Decimal(1)}
    ticket = OrderTicket(account_id="x", legs=(TicketLeg(**leg),), time_in_force=time_in_force, extra=dict(EXTRA))
    return SimOrder(
        order_id=7,
        ticket=ticket,
        legs=[SimLeg(**leg, effect=None)],
        type="stop_limit",
        limit_price=Decimal(6),
        stop_price=Decimal(5),
        created_ns=1_000_000,
        updated_ns=2_000_000,
        status=status,
    )


@pytest.mark.parametrize(
    ("status", "time_in_force", "word"),
    [
        ("working", "gtc", "NEW"),
        ("queued", "gtc", "NEW"),
        ("partially_filled", "gtc", "PARTIALLY_FILLED"),
        ("filled", "gtc", "FILLED"),
        ("cancelled", "gtc", "CANCELED"),
        ("cancelled", "ioc", "EXPIRED"),
        ("cancelled", "fok", "EXPIRED"),
        ("rejected", "gtc", "REJECTED"),
        ("expired", "gtc", "EXPIRED"),
    ],
)
def test_status_has_the_venues_word(status, time_in_force, word):
    assert status_of(make(status, time_in_force)) == word


def test_order_that_waits_for_its_trigger_is_not_working():
    order = make()
    assert (queried(order, MILLISECOND)["isWorking"], queried(order, MILLISECOND)["workingTime"]) == (False, -1)
    assert (result(order, MILLISECOND)["stopPrice"], result(order, MILLISECOND)["trailingDelta"]) == ("5.00000000", 10)


def test_execution_ids_differ_for_every_execution_of_an_order():
    order = make("cancelled")
    kinds = ("NEW", "TRADE", "CANCELED", "EXPIRED", "REJECTED")
    reports = [
        execution_report(order, kind=kind, fill=None, event_ns=1, cancel_id=None, unit=MILLISECOND) for kind in kinds
    ]
    assert len({report["I"] for report in reports}) == len(kinds)
    assert reports[3]["eR"] == "UNFILLED_IOC_QUANTITY_EXPIRED"


def test_strategy_is_in_reports_under_letters_of_its_own():
    order = make()
    order.ticket.extra.update(strategyId=5, strategyType=1_000_000)
    report = execution_report(order, kind="NEW", fill=None, event_ns=1, cancel_id=None, unit=MILLISECOND)
    assert (report["j"], report["J"]) == (5, 1_000_000)


def test_cancellation_names_its_own_and_the_original_client_id():
    report = execution_report(
        make("cancelled"), kind="CANCELED", fill=None, event_ns=1, cancel_id="theirs", unit=MILLISECOND
    )
    assert (report["c"], report["C"], report["x"], report["X"]) == ("theirs", "mine", "CANCELED", "CANCELED")
