import pytest

from brokerwire.simulator.fronts.tradingview.symbol_info import price_scale, resolved_info, trading_hours
from brokerwire.simulator.fronts.tradingview.symbols import SymbolTable
from brokerwire.simulator.instruments import Universe


@pytest.fixture(scope="module")
def table():
    return SymbolTable(Universe())


@pytest.mark.parametrize(
    ("name", "minmov", "pricescale"),
    [("NASDAQ:AAPL", 1, 100), ("CME_MINI:ES1!", 25, 100), ("FX:EURUSD", 1, 100_000), ("CBOT:YM1!", 1, 1)],
)
def test_a_tick_is_minmov_by_pricescale(table, name, minmov, pricescale):
    listed = table.find(name)
    scale = price_scale(listed)
    assert (scale["minmov"], scale["pricescale"]) == (minmov, pricescale)
    assert scale["minmov"] / scale["pricescale"] == float(listed.instrument.tick)


def test_hours_are_those_of_the_calendar(table):
    stock, coin = table.find("NASDAQ:AAPL"), table.find("BINANCE:BTCUSDT")
    assert trading_hours(stock, "open") == trading_hours(coin, "real") == ("24x7", "Etc/UTC")
    assert trading_hours(stock, "real") == ("0930-1600", "America/New_York")


def test_a_stock_has_two_sessions_and_says_which_was_asked_for(table):
    info = resolved_info(table.find("NASDAQ:AAPL"), calendar="real", session_id="extended", currency="")
    assert [each["id"] for each in info["subsessions"]] == ["regular", "extended"]
    assert [each["session"] for each in info["subsessions"]] == ["0930-1600", "0400-2000"]
    assert (info["subsession_id"], info["has_adjustment"], info["visible_plots_set"]) == ("extended", True, "ohlcv")
    assert (info["name"], info["full_name"], info["pro_name"]) == ("AAPL", "NASDAQ:AAPL", "NASDAQ:AAPL")


def test_a_coin_has_one_session_and_a_base_currency(table):
    info = resolved_info(table.find("BINANCE:BTCUSDT"), calendar="open", session_id="extended", currency="EUR")
    assert (info["subsession_id"], info["base_currency"], info["has_adjustment"]) == ("regular", "BTC", False)
    assert (info["currency_code"], info["original_currency_code"]) == ("EUR", "USDT")


def test_an_index_has_no_volume_and_cannot_be_traded(table):
    info = resolved_info(table.find("SP:SPX"), calendar="open", session_id="regular", currency="")
    assert (info["visible_plots_set"], info["is_tradable"]) == ("ohlc", False)


def test_a_continuous_future_can_be_adjusted_backwards(table):
    info = resolved_info(table.find("CME_MINI:ES1!"), calendar="real", session_id="regular", currency="")
    assert (info["has_backadjustment"], info["pointvalue"], info["typespecs"]) == (
        True,
        50.0,
        ["continuous", "synthetic"],
    )
