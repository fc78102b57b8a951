from decimal import Decimal
from typing import Any

import pytest

from brokerwire.simulator.exchange import Exchange
from brokerwire.simulator.fronts.tradestation.answers import ApiError
from brokerwire.simulator.fronts.tradestation.order_requests import OrderBody, TicketMaker, decimal, read_body
from brokerwire.simulator.market import Market


@pytest.fixture
def maker(market: Market) -> TicketMaker:
    return TicketMaker(Exchange(market))


def body(**fields: Any) -> OrderBody:
    import json

    data = {
        "AccountID": "A",
        "Symbol": "msft",
        "Quantity": "10",
        "OrderType": "StopLimit",
        "TradeAction": "SellShort",
        "LimitPrice": "99.5",
        "StopPrice": 100,
        "TimeInForce": {"Duration": "gcp"},
    }
    return read_body(json.dumps(data | fields).encode(), OrderBody)


def test_request_in_any_case_becomes_a_ticket(maker: TicketMaker) -> None:
    ticket = maker.ticket(body())
    assert (ticket.symbol, ticket.side, ticket.type) == ("MSFT", "sell_short", "stop_limit")
    assert (ticket.limit_price, ticket.stop_price) == (Decimal("99.5"), 100)
    assert (ticket.time_in_force, ticket.extra["duration"]) == ("gtc", "GCP")


def test_minutes_end_after_minutes(maker: TicketMaker) -> None:
    ticket = maker.ticket(body(TimeInForce={"Duration": "3"}))
    assert ticket.expire_ns == maker._exchange.now_ns() + 180 * 10**9


def test_good_till_date_lasts_through_its_day(maker: TicketMaker) -> None:
    ticket = maker.ticket(body(TimeInForce={"Duration": "GTD", "Expiration": "2026-12-18T00:00:00Z"}))
    assert ticket.extra["good_till"] == "2026-12-18T00:00:00Z"
    assert ticket.expire_ns == 1_797_656_400 * 10**9


def test_advanced_options_show_as_codes(maker: TicketMaker) -> None:
    rule = {"RuleType": "Price", "Symbol": "AMD", "Predicate": "Gte", "TriggerKey": "STTN", "Price": "100.01"}
    ticket = maker.ticket(
        body(
            AdvancedOptions={
                "AddLiquidity": True,
                "AllOrNone": True,
                "BookOnly": True,
                "NonDisplay": True,
                "DiscretionaryPrice": "99",
                "PegValue": "MID",
                "ShowOnlyQuantity": "5",
                "MarketActivationRules": [rule, {**rule, "LogicOperator": "Or", "Predicate": "Lt"}],
                "TimeActivationRules": [{"TimeUtc": "0001-01-01T23:59:59Z"}],
            }
        )
    )
    assert ticket.extra["option_codes"] == [
        "AON;", "BKO;", "PSO;", "NON;", "DSCPR=99;", "PEGVAL=MID;", "SHWQTY=5;", "CND=AMD>=100.01(STTN);",
        "CND=AMD<100.01(STTN);", "TIM=23:59:59;",
    ]  # fmt: skip
    assert ticket.post_only
    assert ticket.all_or_none
    assert [c.joins_with_or for c in ticket.conditions] == [False, True]
    assert ticket.not_before_ns is not None


def test_numbers_come_as_text_or_numbers() -> None:
    assert decimal("1,000.50", "x") == Decimal("1000.5")
    assert decimal(3, "x") == 3
    assert decimal("", "x") is None
    with pytest.raises(ApiError):
        decimal("Infinity", "x")


def test_garbage_is_refused() -> None:
    with pytest.raises(ApiError, match="Invalid request"):
        read_body(b"{", OrderBody)
