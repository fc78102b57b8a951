"""The accounts that a simulator starts with: what they hold, and a few weeks of past orders."""

import random
from decimal import Decimal

from brokerwire.simulator.accounts import Account
from brokerwire.simulator.exchange import Exchange
from brokerwire.simulator.price_path import DAY_NS, HOUR_NS
from brokerwire.simulator.trading import OrderStatus, OrderTicket, OrderType, Side, SimLeg, SimOrder, TicketLeg

MARGIN_ACCOUNT = "SIM2510014M"
FUTURES_ACCOUNT = "SIM2510014F"

_PAST_ORDERS = 36
_PAST_SYMBOLS = ("KO", "IBM", "XOM", "PFE", "GE")


def seed_accounts(exchange: Exchange) -> None:
    """Open a margin account with shares and a futures account with one contract."""
    market = exchange.market
    exchange.add_account(
        Account(account_id=MARGIN_ACCOUNT, kind="margin", cash=Decimal(100_000), fee_per_order=Decimal(1))
    )
    exchange.add_account(
        Account(account_id=FUTURES_ACCOUNT, kind="futures", cash=Decimal(50_000), fee_per_contract=Decimal("1.5"))
    )
    then_ns = market.now_ns() - 12 * DAY_NS
    future = market.universe.contracts("MES")[0].symbol
    for account_id, symbol, quantity in (
        (MARGIN_ACCOUNT, "KO", 200),
        (MARGIN_ACCOUNT, "IBM", 25),
        (FUTURES_ACCOUNT, future, 1),
    ):
        price = _price_on(exchange, symbol, then_ns)
        exchange.give_position(account_id, symbol, quantity=Decimal(quantity), average_price=price, opened_ns=then_ns)
    exchange.record_past(_past_orders(exchange))


def _price_on(exchange: Exchange, symbol: str, at_ns: int) -> Decimal:
    """Return the price at the beginning of a day, which costs less to know than that of a moment."""
    return exchange.market.day_open(symbol, at_ns // DAY_NS)


def _past_orders(exchange: Exchange) -> list[SimOrder]:
    rng = random.Random(exchange.market.seed)
    now_ns = exchange.now_ns()
    return [
        _past_order(exchange, rng, order_id=900_000_000 + number, opened_ns=now_ns - (60 - number) * 36 * HOUR_NS)
        for number in range(_PAST_ORDERS)
    ]


def _past_order(exchange: Exchange, rng: random.Random, *, order_id: int, opened_ns: int) -> SimOrder:
    symbol = rng.choice(_PAST_SYMBOLS)
    side: Side = "buy" if order_id % 2 else "sell"
    quantity = Decimal(10 * rng.randint(1, 12))
    price = _price_on(exchange, symbol, opened_ns)
    status: OrderStatus = rng.choice(("filled", "filled", "filled", "cancelled", "expired"))
    order_type: OrderType = "market" if status == "filled" and rng.random() < 0.5 else "limit"
    filled = quantity if status == "filled" else Decimal(0)
    closed_ns = opened_ns + rng.randint(1, 4 * 3600) * 1_000_000_000
    return SimOrder(
        order_id=order_id,
        ticket=OrderTicket(
            account_id=MARGIN_ACCOUNT,
            legs=(TicketLeg(symbol=symbol, side=side, quantity=quantity),),
            type=order_type,
            limit_price=price if order_type == "limit" else None,
            extra={"duration": "DAY", "route": "Intelligent"},
        ),
        legs=[
            SimLeg(
                symbol=symbol,
                side=side,
                effect=None,
                quantity=quantity,
                filled=filled,
                average_price=price if filled else Decimal(0),
            )
        ],
        type=order_type,
        limit_price=price if order_type == "limit" else None,
        stop_price=None,
        created_ns=opened_ns,
        updated_ns=closed_ns,
        status=status,
        closed_ns=closed_ns,
        fee=Decimal(1) if filled else Decimal(0),
        average_price=price if filled else Decimal(0),
    )
