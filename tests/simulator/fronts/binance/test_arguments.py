"""Arguments are read with the venue's refusal for each kind of mistake."""

from decimal import Decimal

import pytest

from brokerwire.simulator.fronts.binance.arguments import Arguments, as_texts
from brokerwire.simulator.fronts.binance.refusals import Refusal, invalid_data


def refused(read, *, code):
    with pytest.raises(Refusal) as caught:
        read()
    assert caught.value.code == code
    return caught.value


def test_missing_empty_and_malformed_arguments_have_codes_of_their_own():
    refused(lambda: Arguments({}).text("symbol"), code=-1102)
    refused(lambda: Arguments({"symbol": ""}).text("symbol"), code=-1105)
    refused(lambda: Arguments({"symbol": "btcusdt"}).symbol(), code=-1100)
    refused(lambda: Arguments({"symbol": "BTC/USDT"}).symbol(), code=-1100)
    refused(lambda: Arguments({"limit": "-5"}).limit(10, 100), code=-1100)
    refused(lambda: Arguments({"limit": "0"}).limit(10, 100), code=-1130)
    refused(lambda: Arguments({"price": "1e5"}).decimal("price"), code=-1100)
    refused(lambda: Arguments({"flag": "maybe"}).flag("flag", "true"), code=-1100)


def test_name_sent_twice_is_refused():
    assert "Duplicate" in refused(lambda: Arguments.from_pairs([("a", "1"), ("a", "2")]), code=-1101).msg
    assert Arguments.from_pairs([("a", "1"), ("b", "2")]).names == ["a", "b"]


def test_more_names_than_the_request_has_or_unknown_ones_are_refused():
    refused(lambda: Arguments({"a": "1", "b": "2"}).check_names({"a"}), code=-1101)
    message = refused(lambda: Arguments({"c": "1"}).check_names({"a", "b"}), code=-1104).msg
    assert "read '0' parameter(s) but was sent '1'" in message
    Arguments({"a": "1"}).check_names({"a", "b"})


def test_limit_above_the_maximum_means_the_maximum():
    assert [Arguments(v).limit(10, 100) for v in ({}, {"limit": "7"}, {"limit": "700"})] == [10, 7, 100]


def test_times_are_taken_in_milliseconds_and_in_microseconds():
    assert Arguments({"t": "1767225600125"}).time_ns("t") == 1_767_225_600_125_000_000
    assert Arguments({"t": "1767225600125001"}).time_ns("t") == 1_767_225_600_125_001_000
    assert Arguments({}).time_ns("t") is None


def test_symbols_are_a_json_list_without_repetition():
    assert Arguments({"symbols": '["AB","CD"]'}).symbols() == ["AB", "CD"]
    refused(lambda: Arguments({"symbols": "AB"}).symbols(), code=-1100)
    refused(lambda: Arguments({"symbols": ""}).symbols(), code=-1105)
    assert Arguments({"permissions": "SPOT"}).texts("permissions") == ["SPOT"]
    assert Arguments({}).symbols() is None
    refused(lambda: Arguments({"symbols": '["AB","AB"]'}).symbols(), code=-1151)
    refused(lambda: Arguments({"symbols": "[1]"}).symbols(), code=-1100)


def test_optional_values_come_back_as_none():
    empty = Arguments({})
    assert (empty.optional_symbol(), empty.optional_decimal("x"), empty.optional_integer("x")) == (None, None, None)
    assert Arguments({"x": "1.50"}).optional_decimal("x") == Decimal("1.50")
    assert Arguments({"symbol": "AB"}).optional_symbol() == "AB"
    assert not empty.has("x")


def test_choice_is_one_of_the_choices_and_the_first_by_default():
    assert Arguments({}).choice("type", ("FULL", "MINI"), invalid_data("type")) == "FULL"
    assert Arguments({"type": "MINI"}).choice("type", ("FULL", "MINI"), invalid_data("type")) == "MINI"
    refused(lambda: Arguments({"type": "BIG"}).choice("type", ("FULL",), invalid_data("type")), code=-1130)


def test_json_params_become_texts():
    params = {"limit": 5, "symbols": ["A", "B"], "flag": True, "text": "x", "none": None}
    assert as_texts(params) == {"limit": "5", "symbols": '["A","B"]', "flag": "true", "text": "x", "none": ""}
    assert Arguments.from_json(params).symbols() == ["A", "B"]
