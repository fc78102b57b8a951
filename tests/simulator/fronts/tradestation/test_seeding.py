from brokerwire.simulator.accounts import Account
from brokerwire.simulator.exchange import Exchange
from brokerwire.simulator.fronts.tradestation.seeding import FUTURES_ACCOUNT, MARGIN_ACCOUNT, seed_accounts
from brokerwire.simulator.market import Market


def seeded(market: Market) -> dict[str, Account]:
    exchange = Exchange(market)
    seed_accounts(exchange)
    assert len(exchange.orders) == 36
    assert not any(order.is_open for order in exchange.orders.values())
    return exchange.accounts


def test_accounts_begin_with_cash_and_positions(market: Market) -> None:
    accounts = seeded(market)
    assert set(accounts[MARGIN_ACCOUNT].positions) == {"KO", "IBM"}
    assert len(accounts[FUTURES_ACCOUNT].positions) == 1


def test_same_seed_same_accounts(market: Market) -> None:
    assert seeded(market) != {}
    first, second = seeded(market)[MARGIN_ACCOUNT], seeded(market)[MARGIN_ACCOUNT]
    assert first == second
