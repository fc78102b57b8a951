import pytest

from brokerwire.simulator.fronts.tradingview.symbols import SymbolTable, parse_spec
from brokerwire.simulator.instruments import Universe


@pytest.fixture(scope="module")
def table():
    return SymbolTable(Universe())


@pytest.mark.parametrize(
    ("name", "symbol", "kind"),
    [
        ("NASDAQ:AAPL", "AAPL", "stock"),
        ("BATS:AAPL", "AAPL", "stock"),
        ("NASDAQ_DLY:AAPL", "AAPL", "stock"),
        ("NYSE:JNJ", "JNJ", "stock"),
        ("AMEX:SPY", "SPY", "fund"),
        ("LSE:VODL", "VOD", "stock"),
        ("TSE:7203", "TM", "stock"),
        ("SP:SPX", "$SPX.X", "index"),
        ("TVC:DXY", "$DXY.X", "index"),
        ("BINANCE:BTCUSDT", "BTCUSDT", "spot"),
        ("BINANCE:BTCUSDT.P", "BTCUSDT", "swap"),
        ("COINBASE:ETHUSD", "ETHUSD", "spot"),
        ("KRAKEN:XRPEUR", "XRPEUR", "spot"),
        ("BITFINEX:LTCBTC", "LTCBTC", "spot"),
        ("FOREX:EURUSD", "EURUSD", "forex"),
        ("OANDA:GBPJPY", "GBPJPY", "forex"),
        ("FX_IDC:USDCAD", "USDCAD", "forex"),
        ("OANDA:XAUUSD", "XAUUSD", "commodity"),
        ("COMEX:GC1!", "@GC", "futures"),
        ("NYMEX:CL1!", "@CL", "futures"),
        ("COMEX:SI1!", "@SI", "futures"),
        ("NYMEX:NG1!", "@NG", "futures"),
        ("CME_MINI:ES1!", "@ES", "futures"),
        ("CBOT:ZN1!", "@TY", "futures"),
        ("CME:6E1!", "@EC", "futures"),
    ],
)
def test_names_lead_to_what_trades_under_them(table, name, symbol, kind):
    found = table.find(name)
    assert (found.instrument.symbol, found.type, found.full_name) == (symbol, kind, name)


@pytest.mark.parametrize(
    "name",
    [
        "AAPL",
        "",
        ":",
        "NASDAQ:",
        "NASDAQ:NOSUCH",
        "NOSUCH:AAPL",
        "BINANCE:AAPL",
        "NASDAQ:BTCUSDT",
        "FXCM:EURUSD",
        "COMEX:ES1!",
        "CME_MINI:ES9!",
        "CME_MINI:QQ1!",
        "CME_MINI:ESQ2026",
        "OPRA:AAPL",
        "NASDAQ:EURUSD",
    ],
)
def test_other_names_lead_nowhere(table, name):
    assert table.find(name) is None


def test_contracts_and_later_months_are_found(table):
    contracts = Universe().contracts("ES")
    code, year = contracts[0].symbol[2], contracts[0].expiration.year
    assert table.find(f"CME_MINI:ES{code}{year}").instrument.symbol == contracts[0].symbol
    assert table.find("CME_MINI:ES2!").instrument.symbol == contracts[1].symbol


def test_options_are_found_by_their_terms(table):
    universe = Universe()
    day, strike = universe.expirations("AAPL")[1], universe.strikes("AAPL")[10]
    found = table.find(f"OPRA:AAPL{day:%y%m%d}C{strike:.1f}")
    assert (found.instrument.strike, found.instrument.option_type, found.type) == (strike, "call", "option")


def test_every_name_worth_searching_for_is_found_again(table):
    names = [listed.full_name for listed in table.all()]
    assert len(names) == len(set(names)) > 500
    assert {"NASDAQ:AAPL", "AMEX:SPY", "BINANCE:BTCUSDT", "FX_IDC:EURUSD", "CME_MINI:ES1!", "SP:SPX"} <= set(names)


def test_a_spec_is_a_bare_name_or_json():
    assert parse_spec("nasdaq:aapl").symbol == "NASDAQ:AAPL"
    spec = parse_spec('={"adjustment":"dividends","currency-id":"EUR","session":"extended","symbol":"NYSE:KO"}')
    assert (spec.symbol, spec.adjustment, spec.currency, spec.session) == ("NYSE:KO", "dividends", "EUR", "extended")


def test_a_spec_may_be_wrapped_for_another_chart_type_or_a_replay():
    wrapped = '={"inputs":{"boxSize":3},"symbol":{"symbol":"NYSE:KO"},"type":"BarSetRenko@tv-prostudies-40!"}'
    spec = parse_spec(wrapped)
    assert (spec.symbol, spec.chart_type, spec.inputs) == ("NYSE:KO", "BarSetRenko@tv-prostudies-40!", {"boxSize": 3})
    assert parse_spec('={"replay":"rs_a","symbol":{"symbol":"NYSE:KO"}}').replay == "rs_a"


@pytest.mark.parametrize("text", ["", None, 5, "={", "=[]", '={"symbol":5}', '={"symbol":{"symbol":1}}', "={}"])
def test_anything_else_is_no_spec(text):
    assert parse_spec(text) is None


def test_prices_have_as_many_decimals_as_their_tick(table):
    assert table.find("NASDAQ:AAPL").price_digits == 2
    assert table.find("FX:EURUSD").price_digits == 5
    assert table.find("CBOT:YM1!").price_digits == 0
    assert not table.find("SP:SPX").has_volume
