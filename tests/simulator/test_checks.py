from decimal import Decimal
from typing import Any

import pytest

from brokerwire.simulator.accounts import Account
from brokerwire.simulator.checks import buying_power, check_ticket, equity, initial_margin
from brokerwire.simulator.exchange import Exchange
from brokerwire.simulator.market import Market
from brokerwire.simulator.trading import OrderRefused, OrderTicket, TicketLeg


@pytest.fixture
def exchange(market: Market) -> Exchange:
    exchange = Exchange(market)
    exchange.add_account(Account(account_id="M", kind="margin", cash=Decimal(100_000)))
    exchange.add_account(Account(account_id="C", kind="cash", cash=Decimal(1000)))
    exchange.add_account(Account(account_id="F", kind="futures", cash=Decimal(50_000)))
    exchange.add_account(Account(account_id="S", kind="spot"))
    exchange.give_position("M", "KO", quantity=Decimal(10), average_price=Decimal(60))
    exchange.give_position("M", "GE", quantity=Decimal(-10), average_price=Decimal(300))
    exchange.give_position("F", "MESZ26", quantity=Decimal(1), average_price=Decimal(6500))
    return exchange


def refusal(exchange: Exchange, *, account: str = "M", effect: Any = None, **fields: Any) -> str:
    leg = TicketLeg(
        symbol=fields.pop("symbol", "AAPL"),
        side=fields.pop("side", "buy"),
        quantity=Decimal(fields.pop("quantity", 1)),
        effect=effect,
    )
    ticket = OrderTicket(account_id=account, legs=(leg,), **fields)
    with pytest.raises(OrderRefused) as refused:
        check_ticket(ticket, market=exchange.market, accounts=exchange.accounts)
    return refused.value.code


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"account": "X"}, "unknown_account"),
        ({"symbol": "NOPE"}, "unknown_symbol"),
        ({"symbol": "$SPX.X"}, "not_tradable"),
        ({"symbol": "@ES"}, "not_tradable"),
        ({"symbol": "BTCUSDT"}, "not_tradable"),
        ({"symbol": "ESZ26"}, "wrong_account"),
        ({"account": "F"}, "wrong_account"),
        ({"quantity": 0}, "quantity"),
        ({"quantity": "1.5"}, "lot"),
        ({"type": "limit"}, "price"),
        ({"type": "stop"}, "price"),
        ({"type": "limit", "limit_price": Decimal("100.001")}, "tick"),
        ({"type": "limit", "limit_price": Decimal(-1)}, "tick"),
        ({"type": "limit", "limit_price": Decimal(9999), "post_only": True}, "would_take"),
        ({"side": "sell"}, "not_long"),
        ({"side": "buy_to_cover"}, "not_short"),
        ({"side": "sell_short", "symbol": "KO"}, "is_long"),
        ({"side": "buy", "symbol": "GE"}, "is_short"),
        ({"symbol": "AAPL 261218C260", "side": "sell", "effect": "close"}, "not_long"),
        ({"quantity": 5000}, "funds"),
        ({"account": "C", "quantity": 100}, "funds"),
        ({"account": "F", "symbol": "ESZ26", "quantity": 9}, "funds"),
        ({"account": "S", "symbol": "BTCUSDT"}, "funds"),
        ({"account": "S", "symbol": "BTCUSDT", "side": "sell"}, "funds"),
    ],
)
def test_refusals(exchange: Exchange, fields: dict[str, Any], code: str) -> None:
    assert refusal(exchange, **fields) == code


def test_refusal_tells_the_position_in_the_way(exchange: Exchange) -> None:
    leg = TicketLeg(symbol="KO", side="sell", quantity=Decimal(11))
    with pytest.raises(OrderRefused) as refused:
        check_ticket(OrderTicket(account_id="M", legs=(leg,)), market=exchange.market, accounts=exchange.accounts)
    assert refused.value.quantity == 10


def test_margin_account_can_spend_more_than_its_equity(exchange: Exchange) -> None:
    account = exchange.accounts["M"]
    assert buying_power(account, exchange.market) > equity(account, exchange.market)


def test_futures_account_spends_margin(exchange: Exchange) -> None:
    account, future = exchange.accounts["F"], exchange.market.instrument("MESZ26")
    expected = equity(account, exchange.market) - initial_margin(future)
    assert buying_power(account, exchange.market) == expected
