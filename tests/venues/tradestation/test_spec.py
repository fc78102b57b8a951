import pytest

from brokerwire.config import check_endpoint
from brokerwire.errors import ConfigurationError, InvalidSymbolError
from brokerwire.venues import load_venue, venue_names
from brokerwire.venues.tradestation import VENUE, spec


def test_the_venue_is_found_by_name():
    assert "tradestation" in venue_names()
    assert load_venue("TradeStation") is VENUE


def test_every_endpoint_is_an_address_without_a_path():
    for environment in ("live", "paper"):
        addresses = VENUE.endpoints.of(environment)
        assert set(addresses) == {"rest", "auth"}
        assert all(check_endpoint(key, address) == address for key, address in addresses.items())
    assert VENUE.endpoints.of("paper")["rest"] == "https://sim-api.tradestation.com"
    assert VENUE.endpoints.of("offline") == {}


def test_every_operation_is_a_capability_and_streams_are_named_as_services_name_them():
    assert set(VENUE.operations) < set(VENUE.capabilities)
    assert VENUE.capabilities["quotes"] == "stream"
    assert VENUE.capabilities["balance_changes"] == "derived"
    assert VENUE.capabilities["place_order"] == "request"
    assert "get_trades" not in VENUE.capabilities


def test_every_kind_has_a_path_and_no_stream_ends_with_its_token():
    kinds = [*spec.KINDS.values(), spec.ORDERS_BY_ID]
    assert {kind.name for kind in kinds} == set(spec.STREAM_PATHS)
    assert all(kind.is_fixed for kind in kinds)


def test_caps_and_opening_budgets_are_the_documented_ones():
    assert {kind.name: kind.max_streams for kind in spec.KINDS.values() if kind.max_streams} == {
        "depth": 10,
        "option_chain": 10,
        "option_quote": 10,
        "orders": 40,
        "positions": 40,
    }
    assert spec.BUDGETS["quote_stream"].amount == 500
    assert spec.BUDGETS["depth_stream"].window_s == 60


def test_credentials_are_the_customary_variables_and_the_secret_is_optional():
    assert VENUE.credentials["refresh_token"] == "TRADESTATION_REFRESH_TOKEN"
    assert VENUE.required == {"client_id", "refresh_token"}


def test_the_end_of_a_stream_is_a_lost_connection():
    assert VENUE.close_error(1000, "").action == "retry"


@pytest.mark.parametrize(
    ("given", "canonical"),
    [("msft", "MSFT"), (" $spx.x ", "$SPX.X"), ("msft  240119c400", "MSFT 240119C400"), ("@es", "@ES")],
)
def test_symbols_are_upper_case_with_single_spaces(given, canonical):
    assert spec.canonical_symbol(given) == canonical


@pytest.mark.parametrize("given", ["", "  ", "A,B", "A\x00B"])
def test_what_cannot_be_a_symbol_is_refused(given):
    with pytest.raises(InvalidSymbolError):
        spec.canonical_symbol(given)


def test_ids_lose_the_dashes_of_statements_and_nothing_else_passes():
    assert spec.canonical_id(" 1-2345-6789 ") == "123456789"
    with pytest.raises(ConfigurationError):
        spec.canonical_id("12/34")


@pytest.mark.parametrize(
    ("symbol", "asset"),
    [("MSFT", "stock"), ("BRK.B", "stock"), ("ESZ25", "future"), ("MSFT 240119C400", "option"), ("$SPX.X", "stock")],
)
def test_the_form_of_a_symbol_tells_its_kind(symbol, asset):
    assert spec.asset_class(symbol) == asset


def test_legs_are_written_and_read_back():
    assert spec.parse_legs("ko 261218c70 + ko 261218c72.5*-1") == [("KO 261218C70", 1), ("KO 261218C72.5", -1)]
    assert spec.format_legs(spec.parse_legs("A*1+B*-2")) == "A+B*-2"


@pytest.mark.parametrize("legs", ["A*0", "A*x", "*1", "A++B", "A,B"])
def test_malformed_legs_are_refused(legs):
    with pytest.raises(InvalidSymbolError):
        spec.parse_legs(legs)


def test_option_parameters_have_one_order_and_the_spelling_of_the_venue():
    variant = spec.option_variant(
        "option_type=Call&enable_greeks=True&expiration=2026-12-18", spec.OPTION_CHAIN_PARAMETERS
    )
    assert variant == "expiration=12-18-2026&enable_greeks=true&option_type=Call"
    with pytest.raises(ConfigurationError, match="strike_range"):
        spec.option_variant("colour=red", spec.OPTION_CHAIN_PARAMETERS)


def test_paths_escape_what_would_change_their_meaning():
    assert spec.escape(["$SPX.X", "@ES", "KO 261218C70", "A/B?C#D%E"]) == "$SPX.X,@ES,KO%20261218C70,A%2FB%3FC%23D%25E"


NS = 10**9
DAY = 86_400 * NS


@pytest.mark.parametrize(
    ("end_s", "interval", "open_s"),
    [
        (1795188600, "1m", 1795188540),
        (1795188600, "2h", 1795181400),
        (1795208400, "1d", 1795132800),  # 2026-11-20T21:00Z → 2026-11-20
        (1795132800, "1d", 1795046400),  # midnight ends the day before
        (1795208400, "1w", 1794787200),  # Friday → Monday 2026-11-16
        (1795208400, "1M", 1793491200),  # → 2026-11-01
        (-62135596800, "1M", -62135596800),  # the venue's zero time has no month before it
    ],
)
def test_bars_open_an_interval_before_they_end(end_s, interval, open_s):
    assert spec.open_time_ns(end_s * NS, interval) == open_s * NS


def test_long_client_order_ids_become_short_ones_always_the_same():
    assert spec.order_confirm_id("a" * 22) == "a" * 22
    short = spec.order_confirm_id("a" * 23)
    assert len(short) == 22
    assert short == spec.order_confirm_id("a" * 23) != spec.order_confirm_id("b" * 23)


def test_words_that_the_venue_lacks_are_refused_with_those_it_has():
    assert spec.word(spec.ORDER_TYPES, "LIMIT", "type") == "Limit"
    with pytest.raises(ConfigurationError, match="trailing_stop"):
        spec.word(spec.ORDER_TYPES, "iceberg", "type")


@pytest.mark.parametrize(
    ("side", "asset", "action"),
    [
        ("sell_short", "stock", "SELLSHORT"),
        ("sell_short", "future", "SELL"),
        ("sell_short", "option", "SELLTOOPEN"),
        ("BuyToClose", "stock", "BUYTOCLOSE"),
    ],
)
def test_sides_depend_on_the_kind_of_instrument(side, asset, action):
    assert spec.trade_action(side, asset) == action


def test_chunks_hold_at_most_their_size():
    assert spec.chunks(list("abc"), 2) == [["a", "b"], ["c"]]
