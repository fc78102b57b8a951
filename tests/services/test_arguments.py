from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokerwire.errors import ConfigurationError
from brokerwire.services.arguments import (
    check_choice,
    check_count,
    check_limit,
    check_order,
    delivery_options,
    listed,
    normalise_interval,
    normalise_symbols,
    split_delivery,
    variant_of,
)


@pytest.mark.parametrize(
    ("given_symbols", "expected"),
    [
        ("AAPL", ["AAPL"]),
        (" AAPL ", ["AAPL"]),
        (["B", "A", "B"], ["B", "A"]),
        (("A",), ["A"]),
        ({"A": 1}, ["A"]),
        ((symbol for symbol in "AB"), ["A", "B"]),
    ],
)
def test_symbols_become_a_list_in_order_without_repetitions(given_symbols: Any, expected: list[str]) -> None:
    assert normalise_symbols(given_symbols) == expected


@pytest.mark.parametrize("wrong", ["", "  ", [], ["A", ""], [None], ["A", 5], b"A", None, 5])
def test_what_is_no_symbol_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError):
        normalise_symbols(wrong)


def test_accounts_may_be_one_several_or_all() -> None:
    assert listed(None) is None
    assert listed("A") == ["A"]
    assert listed(("A", "B")) == ["A", "B"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1m", "1m"),
        ("5", "5m"),
        (5, "5m"),
        ("60", "1h"),
        ("60m", "1h"),
        ("240", "4h"),
        ("1440", "1d"),
        ("90", "90m"),
        ("1H", "1h"),
        ("1D", "1d"),
        ("D", "1d"),
        ("1W", "1w"),
        ("1M", "1M"),
        ("M", "1M"),
        ("1s", "1s"),
        (" 15m ", "15m"),
        ("05", "5m"),
        ("3M", "3M"),
        ("12M", "12M"),
        ("3m", "3m"),
        ("5S", "5s"),
    ],
)
def test_intervals_have_one_spelling(text: Any, expected: str) -> None:
    assert normalise_interval(text) == expected


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "5", True])
def test_a_count_is_a_whole_number(wrong: Any) -> None:
    assert check_count("depth", 5) == 5
    assert check_count("bars_back", 0, 0) == 0
    assert check_limit(None) is None
    with pytest.raises(ConfigurationError, match="limit must be a whole number from 1, not"):
        check_limit(wrong)


@pytest.mark.parametrize("wrong", ["", "0", "0m", "-5", "1.5m", "m", "h", "1x", "1 m", "٣m", "²", None, "tick", 1.5])
def test_what_is_no_interval_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="is not an interval"):
        normalise_interval(wrong)


@given(st.text(max_size=8))
def test_any_text_is_an_interval_or_refused(text: str) -> None:
    try:
        interval = normalise_interval(text)
    except ConfigurationError:
        return
    assert normalise_interval(interval) == interval


def test_choices_name_what_there_is() -> None:
    assert check_choice("side", "buy", ("buy", "sell")) == "buy"
    with pytest.raises(ConfigurationError, match="side must be one of buy, sell, not 'hold'"):
        check_choice("side", "hold", ("buy", "sell"))
    check_order("sell_short", "trailing_stop")
    with pytest.raises(ConfigurationError, match="side must be"):
        check_order("BUY", "market")
    with pytest.raises(ConfigurationError, match="type must be"):
        check_order("buy", "iceberg")


@pytest.mark.parametrize(
    ("channel", "policy"),
    [
        ("quote", "coalesce"),
        ("balance", "coalesce"),
        ("trade", "drop_oldest"),
        ("bar", "drop_oldest"),
        ("order", "fail"),
    ],
)
def test_each_channel_has_its_overflow_policy(channel: str, policy: str) -> None:
    assert delivery_options(channel, {}, callback_timeout_s=None).overflow == policy


def test_delivery_options_are_taken_over() -> None:
    options = delivery_options(
        "quote", {"raw": True, "max_pending": 5, "overflow": "drop_newest"}, callback_timeout_s=3.0
    )
    assert (options.raw, options.max_pending, options.overflow, options.callback_timeout_s) == (
        True,
        5,
        "drop_newest",
        3.0,
    )


@pytest.mark.parametrize(
    ("channel", "delivery", "message"),
    [
        ("quote", {"max_pendin": 5}, "unknown option 'max_pendin'; there are: error_callback"),
        ("quote", {"max_pending": 0}, "max_pending"),
        ("quote", {"max_pending": 2.5}, "max_pending"),
        ("quote", {"overflow": "explode"}, "overflow must be one of coalesce"),
        ("order", {"overflow": "drop_oldest"}, "overflow must be one of fail, block"),
        ("order", {"overflow": "coalesce"}, "overflow must be one of fail, block"),
    ],
)
def test_wrong_delivery_options_are_refused(channel: str, delivery: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        delivery_options(channel, delivery, callback_timeout_s=None)


def test_delivery_options_are_parted_from_the_venues_own() -> None:
    assert split_delivery({"raw": True, "expiration": "x"}) == ({"raw": True}, {"expiration": "x"})


def test_a_variant_is_sorted_and_leaves_out_what_is_not_given() -> None:
    assert variant_of({"b": True, "a": 5, "c": None}) == "a=5&b=true"
    assert variant_of({}) == ""
