from brokerwire.simulator.fronts.tradingview.quote_fields import slow_fields, steady_fields, update_mode_of
from brokerwire.simulator.fronts.tradingview.symbols import SymbolTable
from brokerwire.simulator.instruments import Universe

TABLE = SymbolTable(Universe())


def test_steady_fields_say_what_a_symbol_is():
    fields = steady_fields(TABLE.find("NASDAQ:AAPL"), calendar="real", update_mode="streaming")
    assert (fields["short_name"], fields["pro_name"], fields["exchange"]) == ("AAPL", "NASDAQ:AAPL", "NASDAQ")
    assert (fields["type"], fields["timezone"], fields["currency_code"]) == ("stock", "America/New_York", "USD")
    assert fields["update_mode"] == "streaming"


def test_indices_are_late_without_a_plan():
    index, stock = TABLE.find("SP:SPX"), TABLE.find("NASDAQ:AAPL")
    assert update_mode_of(index, "") == "delayed_streaming_900"
    assert update_mode_of(index, "pro") == update_mode_of(stock, "") == "streaming"


def test_a_company_has_figures_that_do_not_change():
    apple = TABLE.find("NASDAQ:AAPL")
    figures = slow_fields(apple, price=256.0, year=2026)
    assert figures == slow_fields(apple, price=256.0, year=2026)
    assert figures["price_target_low"] < figures["price_target_average"] < figures["price_target_high"]
    assert [row["FiscalPeriod"] for row in figures["earnings_fy_h"]] == ["2022", "2023", "2024", "2025", "2026"]
    assert [row["IsReported"] for row in figures["revenues_fq_h"]] == [True] * 7 + [False]


def test_nothing_else_has_any():
    assert slow_fields(TABLE.find("BINANCE:BTCUSDT"), price=1.0, year=2026) == {}
