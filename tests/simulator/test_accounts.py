from decimal import Decimal

import msgspec
import pytest

from brokerwire.simulator.accounts import Account
from brokerwire.simulator.instruments import Universe
from brokerwire.simulator.trading import Side, SimFill


def fill(symbol: str, side: Side, quantity: int | str, price: int, fee: str = "0", currency: str = "USD") -> SimFill:
    return SimFill(
        fill_id=1,
        order_id=1,
        account_id="A",
        symbol=symbol,
        side=side,
        quantity=Decimal(quantity),
        price=Decimal(price),
        fee=Decimal(fee),
        fee_currency=currency,
        liquidity="taker",
        time_ns=5,
    )


def apply(account: Account, *fills: SimFill) -> None:
    universe = Universe()
    for number, each in enumerate(fills, 1):
        instrument = universe.find(each.symbol)
        assert instrument is not None
        account.apply(each, instrument, next_position_id=number)


def test_adding_to_a_position_averages_its_price() -> None:
    account = Account(account_id="A", kind="margin", cash=Decimal(10_000))
    apply(account, fill("AAPL", "buy", 10, 100), fill("AAPL", "buy", 30, 200))
    position = account.positions["AAPL"]
    assert (position.quantity, position.average_price) == (40, 175)
    assert position.profit_at(Decimal(180)) == 200
    assert position.value_at(Decimal(180)) == 7200


def test_closing_part_realizes_profit_and_keeps_the_average() -> None:
    account = Account(account_id="A", kind="margin", cash=Decimal(10_000))
    apply(account, fill("AAPL", "buy", 10, 100), fill("AAPL", "sell", 4, 150, fee="1"))
    assert account.realized == 200
    assert account.cash == 10_000 - 1000 + 600 - 1
    assert account.positions["AAPL"].average_price == 100


def test_turning_a_position_starts_a_new_average() -> None:
    universe = Universe()
    symbol = universe.contracts("ES")[0].symbol
    account = Account(account_id="A", kind="futures", cash=Decimal(10_000))
    apply(account, fill(symbol, "buy", 1, 6000), fill(symbol, "sell", 3, 6010))
    assert account.positions[symbol].quantity == -2
    assert account.positions[symbol].average_price == 6010
    assert account.cash == 10_000 + 10 * 50


def test_short_sale_and_cover_earn_when_the_price_falls() -> None:
    account = Account(account_id="A", kind="margin")
    apply(account, fill("AAPL", "sell_short", 10, 100), fill("AAPL", "buy_to_cover", 10, 90))
    assert account.realized == 100
    assert account.positions == {}


def test_spot_fill_moves_both_assets_and_takes_the_fee_from_what_is_received() -> None:
    account = Account(account_id="A", kind="spot", fee_rate=Decimal("0.001"))
    account.balance("USDT").free = Decimal(1000)
    apply(account, fill("BTCUSDT", "buy", "0.01", 50_000, fee="0.00001", currency="BTC"))
    assert account.balance("BTC").free == Decimal("0.00999")
    apply(account, fill("BTCUSDT", "sell", "0.005", 60_000, fee="0.3", currency="USDT"))
    assert account.balance("USDT").total == Decimal("799.7")


@pytest.mark.parametrize(("side", "expected"), [("buy", ("0.01", "BTC")), ("sell", ("500", "USDT"))])
def test_spot_fee_currency(side: str, expected: tuple[str, str]) -> None:
    instrument = Universe().find("BTCUSDT")
    assert instrument is not None
    account = Account(account_id="A", kind="spot", fee_rate=Decimal("0.001"))
    fee, currency = account.fee_of(instrument, quantity=Decimal(10), price=Decimal(50_000), side=side)
    assert (fee, currency) == (Decimal(expected[0]), expected[1])


def test_the_opening_stands_all_day_and_is_the_last_state_on_the_next() -> None:
    day_ns = 86_400 * 10**9
    account = Account(account_id="A", kind="margin", cash=Decimal(10_000))
    bought = fill("AAPL", "buy", 10, 100)
    apply(account, bought, msgspec.structs.replace(bought, side="sell", quantity=Decimal(3)))
    assert (account.opening(6).cash, account.opening(6).positions) == (10_000, ())
    opening = account.opening(day_ns)
    assert (opening.cash, [each.quantity for each in opening.positions]) == (9_300, [7])
    apply(account, msgspec.structs.replace(bought, time_ns=day_ns))
    assert account.opening(day_ns) == opening
