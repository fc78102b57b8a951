from typing import Any

import msgspec
import pytest

from brokerwire.errors import (
    AuthenticationError,
    BrokerwireError,
    ConfigurationError,
    InvalidSymbolError,
    RequestError,
    StreamLimitError,
    UnsupportedError,
)
from brokerwire.events import Topic
from brokerwire.venue import Response
from brokerwire.venues.tradingview import spec
from brokerwire.venues.tradingview.auth import fatal_error, refusal_of
from brokerwire.venues.tradingview.codec import (
    build_topic,
    canonical_symbol,
    pine_call,
    resolution_of,
    seconds_of,
)
from brokerwire.venues.tradingview.wire import Wish, symbol_spec, wish_of

APPLE = Topic("quote", "NASDAQ:AAPL")


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("NASDAQ:AAPL", "NASDAQ:AAPL"),
        ("nasdaq-aapl", "NASDAQ:AAPL"),
        (" binance:btcusdt ", "BINANCE:BTCUSDT"),
        ("NYSE:BRK.B", "NYSE:BRK.B"),
        ("CME_MINI:ES1!", "CME_MINI:ES1!"),
    ],
)
def test_both_spellings_are_one_symbol(given: str, canonical: str) -> None:
    assert canonical_symbol(given) == canonical


@pytest.mark.parametrize("given", ["AAPL", "", ":AAPL", "NASDAQ:", "NASDAQ:A\nB"])
def test_what_cannot_be_a_symbol_is_refused_with_the_way_to_write_one(given: str) -> None:
    with pytest.raises(InvalidSymbolError, match="EXCHANGE:SYMBOL"):
        canonical_symbol(given)


@pytest.mark.parametrize(
    ("interval", "resolution", "seconds"),
    [
        ("30s", "30S", 30),
        ("1m", "1", 60),
        ("1h", "60", 3600),
        ("4h", "240", 14_400),
        ("1d", "1D", 86_400),
        ("1w", "1W", 604_800),
        ("1M", "1M", 2_678_400),
    ],
)
def test_an_interval_has_the_venues_name_and_a_length(interval: str, resolution: str, seconds: int) -> None:
    assert resolution_of(interval) == resolution
    assert seconds_of(interval) == seconds


@pytest.mark.parametrize("interval", ["", "m", "0m", "5x", "\u0663m", "-1m"])
def test_what_is_no_interval_is_refused_with_those_there_are(interval: str) -> None:
    with pytest.raises(ConfigurationError, match="1h"):
        resolution_of(interval)


def test_a_setting_that_is_none_of_the_venues_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="adjustment"):
        build_topic("quote", "NASDAQ:AAPL", "", {"adjustment": "sometimes"})


def test_a_topic_says_what_is_asked_of_a_chart() -> None:
    bars = wish_of(Topic("bar", "NASDAQ:AAPL", "5m;100"))
    assert (bars.interval, bars.count) == ("5m", 100)
    study = wish_of(Topic("study", "NASDAQ:AAPL", "1m;RSI@tv-basicstudies;length=14&source=close"))
    assert (study.study, study.inputs) == ("RSI@tv-basicstudies", {"length": 14, "source": "close"})
    history = wish_of(Topic("bar_history", "NASDAQ:AAPL", "1d;from_s=10;until_s=20;#3"))
    assert (history.from_s, history.until_s, history.count) == (10, 20, 0)


def test_a_symbol_is_asked_for_with_its_adjustment_session_and_currency() -> None:
    plain = symbol_spec("NASDAQ:AAPL", {})
    assert msgspec.json.decode(plain[1:]) == {"adjustment": "splits", "session": "regular", "symbol": "NASDAQ:AAPL"}
    euros = symbol_spec("NASDAQ:AAPL", {"currency": "EUR", "session": "extended", "adjustment": "dividends"})
    assert msgspec.json.decode(euros[1:])["currency-id"] == "EUR"


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("invalid symbol", InvalidSymbolError),
        ("permission_denied", InvalidSymbolError),
        ("custom_resolution", UnsupportedError),
        ("study_not_auth:Script", UnsupportedError),
        ("exceed limit of series", StreamLimitError),
        ("maximum number of studies", StreamLimitError),
        ("unauthorized access", AuthenticationError),
        ("something else", RequestError),
        ({"error": "wrong {name}", "ctx": {"name": "length"}}, RequestError),
    ],
)
def test_a_refusal_is_typed_and_names_the_symbol_and_the_venues_text(reason: Any, kind: type[BrokerwireError]) -> None:
    error = refusal_of(reason, "detail", APPLE)
    assert type(error) is kind
    assert "NASDAQ:AAPL" in str(error)
    assert ("wrong length" if isinstance(reason, dict) else reason) in str(error)


def test_a_refusal_without_a_reason_says_so() -> None:
    assert "no reason given" in str(refusal_of("", "", APPLE))


def test_an_input_that_a_script_does_not_have_is_refused_with_those_that_can_be_set() -> None:
    inputs = [{"id": "text", "name": "ILScript"}, {"id": "in_0", "name": "Length"}, {"id": "in_1"}]
    body = msgspec.json.encode({"success": True, "result": {"metaInfo": {"inputs": inputs}}})
    wish = Wish(interval="1h", study="STD;RSI", inputs={"nosuch": 1})
    with pytest.raises(RequestError, match=r"it has: Length, in_1$"):
        pine_call(Response(200, {}, body), wish)


@pytest.mark.parametrize(
    ("word", "can_renew", "action"),
    [
        ("bad auth token", True, "refresh"),
        ("bad auth token", False, "stop"),
        ("you are banned", True, "stop"),
        ("user connections limit reached", True, "retry"),
        ("anything", True, "retry"),
    ],
)
def test_what_ends_a_connection_says_what_to_do(word: str, can_renew: bool, action: str) -> None:
    error = fatal_error(word, can_renew=can_renew)
    assert (error.action, error.facts["venue"]) == (action, spec.NAME)
