from typing import Any

import pytest

from brokerwire.compat.tv_scraper.arguments import (
    ANONYMOUS_TOKEN,
    candle_count,
    check_timeframe,
    credentials_of,
    export_type_of,
    older_places,
    study_names,
    symbol_name,
)


@pytest.mark.parametrize(
    ("exchange", "symbol"),
    [("BINANCE", "BTCUSDT"), (" binance ", "btcusdt"), ("BINANCE", "BINANCE:BTCUSDT"), ("Binance", "binance:btcusdt")],
)
def test_exchange_and_symbol_are_one_name(exchange: str, symbol: str) -> None:
    assert symbol_name(exchange, symbol) == "BINANCE:BTCUSDT"


@pytest.mark.parametrize(("exchange", "symbol"), [("", "AAPL"), ("NASDAQ", " "), (None, "AAPL"), ("NASDAQ", 7)])
def test_what_is_left_out_is_told(exchange: Any, symbol: Any) -> None:
    with pytest.raises(ValueError, match="cannot be empty"):
        symbol_name(exchange, symbol)


def test_what_cannot_be_a_symbol_is_told() -> None:
    with pytest.raises(ValueError, match=r"Invalid exchange:symbol 'NASDAQ:~': .* write EXCHANGE:SYMBOL"):
        symbol_name("NASDAQ", "~")


@pytest.mark.parametrize("number", [0, -1, 5001, 1.5, "10", True, None])
def test_a_count_outside_of_the_range_is_told(number: Any) -> None:
    with pytest.raises(ValueError, match="from 1 to 5000"):
        candle_count(number)


def test_a_count_may_be_anything_between() -> None:
    assert [candle_count(number) for number in (1, 10, 5000)] == [1, 10, 5000]


def test_scripts_are_named_with_their_version() -> None:
    assert study_names(None) == {}
    assert study_names([("STD;RSI", "37.0"), ("STD;EMA", ""), ("RSI@tv-basicstudies", "1")]) == {
        "STD;RSI": "STD;RSI@37.0",
        "STD;EMA": "STD;EMA",
        "RSI@tv-basicstudies": "RSI@tv-basicstudies",
    }


@pytest.mark.parametrize("indicators", ["STD;RSI", ["STD;RSI"], [("STD;RSI",)], [("", "1")], [(7, "1")]])
def test_indicators_that_are_no_pairs_are_told(indicators: Any) -> None:
    with pytest.raises(ValueError, match="pair"):
        study_names(indicators)


def test_an_export_type_is_one_of_two() -> None:
    assert export_type_of("export", "csv") == "csv"
    with pytest.raises(ValueError, match=r"Invalid export: 'xml'\. Supported types: csv, json"):
        export_type_of("export", "xml")


def test_a_login_is_read_from_the_cookie_and_the_token() -> None:
    assert credentials_of(None, ANONYMOUS_TOKEN) is None
    assert credentials_of("", "") is None
    assert credentials_of(None, "a.b.c") == {"auth_token": "a.b.c"}
    assert credentials_of("x=1; sessionid=s; sessionid_sign=v3:z", ANONYMOUS_TOKEN) == {
        "sessionid": "s",
        "sessionid_sign": "v3:z",
    }


@pytest.mark.parametrize("cookie", ["nonsense", "sessionid_sign=z", "a=b; c=d"])
def test_a_cookie_without_a_login_is_told(cookie: str) -> None:
    with pytest.raises(ValueError, match="no sessionid"):
        credentials_of(cookie, ANONYMOUS_TOKEN)


@pytest.mark.parametrize("timeframe", ["7m", "3m", "1", "60", "1H", "1D", "", None, 1])
def test_a_timeframe_that_tv_scraper_does_not_have_is_told(timeframe: Any) -> None:
    with pytest.raises(ValueError, match=r"timeframe must be one of 1m, 5m, .*1M"):
        check_timeframe(timeframe)


def test_the_second_place_is_an_export_type_or_a_cookie() -> None:
    assert older_places("json", "csv") == ("csv", None)
    assert older_places("csv", None) == ("csv", None)
    assert older_places("csv", "sessionid=s") == ("csv", "sessionid=s")
