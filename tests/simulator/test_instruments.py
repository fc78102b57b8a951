from datetime import date
from decimal import Decimal

import pytest

from brokerwire.simulator.instruments import Universe, expiry_ns, strike_step, third_friday

TODAY = date(2026, 11, 20)


@pytest.fixture
def universe() -> Universe:
    return Universe(TODAY)


@pytest.mark.parametrize(
    "symbol",
    ["AAPL", "MSFT", "SPY", "QQQ", "$SPX.X", "BRK.B", "ESZ26", "MESH27", "@ES", "@CL.D", "EURUSD", "BTCUSDT", "BTCUSD"],
)
def test_symbols_of_the_documentation_exist(universe: Universe, symbol: str) -> None:
    found = universe.find(symbol)
    assert found is not None
    assert found.symbol == symbol


@pytest.mark.parametrize(
    "symbol", ["NOPE1", "", "ESA26", "ESZ99", "@NOPE", "AAPL 261121C260", "AAPL 261399C260", "NOPE 261218C1", "aapl"]
)
def test_other_symbols_do_not(universe: Universe, symbol: str) -> None:
    assert universe.find(symbol) is None


def test_option_symbol_tells_its_terms(universe: Universe) -> None:
    option = universe.find("AMD 261120C160")
    assert option is not None
    assert (option.underlying, option.expiration, option.strike) == ("AMD", TODAY, Decimal(160))
    assert (option.option_type, option.point_value) == ("call", Decimal(100))


def test_index_option_uses_the_root_of_its_index(universe: Universe) -> None:
    option = universe.find("SPXW 261218P6650")
    assert option is not None
    assert option.underlying == "$SPX.X"


def test_option_of_a_listed_expiration_and_strike_round_trips(universe: Universe) -> None:
    day, strike = universe.expirations("AAPL")[2], universe.strikes("AAPL")[10]
    built = universe.option("AAPL", expiration=day, option_type="put", strike=strike)
    assert universe.find(built.symbol) == built


def test_continuous_future_shares_the_path_of_its_front_contract(universe: Universe) -> None:
    continuous, front = universe.find("@ES"), universe.contracts("ES")[0]
    assert continuous is not None
    assert continuous.path == front.path
    assert continuous.underlying == front.symbol == "ESZ26"
    assert not continuous.is_tradable


def test_pairs_are_found_by_assets(universe: Universe) -> None:
    pair = universe.pair("ETH", "BTC")
    assert pair is not None
    assert pair.symbol == "ETHBTC"
    assert universe.pair("BTC", "ETH") is None
    assert universe.pair("BTC", "BTC") is None


def test_every_listed_instrument_is_found_under_its_symbol(universe: Universe) -> None:
    for instrument in universe.all():
        assert universe.find(instrument.symbol) == instrument
    assert all(i.kind == "future" for i in universe.all("future"))


def test_unknown_roots_and_underlyings_have_nothing(universe: Universe) -> None:
    assert universe.contracts("NOPE") == []
    assert universe.expirations("NOPE") == []
    assert universe.strikes("NOPE") == []


def test_third_friday_and_expiry() -> None:
    assert third_friday(2026, 11) == TODAY
    assert expiry_ns(TODAY) == 1_795_208_400_000_000_000


@pytest.mark.parametrize(("price", "step"), [(10, "0.5"), (50, "1"), (160, "2.5"), (600, "5"), (6000, "25")])
def test_strikes_lie_wider_apart_at_higher_prices(price: int, step: str) -> None:
    assert strike_step(Decimal(price)) == Decimal(step)


def test_after_the_third_friday_the_month_has_no_monthly_expiration_left() -> None:
    today = date(2026, 11, 24)
    days = Universe(today).expirations("AAPL")
    assert min(days) == date(2026, 11, 27)
    assert third_friday(2026, 12) in days


def test_symbols_that_were_asked_for_are_not_remembered_without_end(universe: Universe) -> None:
    for number in range(50_002):
        assert universe.find(f"N{number}") is None
    assert universe.find("ES") is None
