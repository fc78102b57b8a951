import pytest

from brokerwire.simulator.fronts.tradingview.history import Bar
from brokerwire.simulator.fronts.tradingview.study_catalog import PINE_TYPE, by_pine_id
from brokerwire.simulator.fronts.tradingview.study_run import StudyRefused, changed, compute, newest, read_wish

BARS = [
    Bar(
        time_s=n * 60,
        close_s=n * 60 + 60,
        open=n,
        high=n + 2,
        low=n - 1,
        close=n + (n * 13) % 7,
        volume=1.0,
        last_trade=n,
    )
    for n in range(1500)
]
RSI = "RSI@tv-basicstudies-246"


def test_built_in_inputs_have_names_and_may_be_text():
    wish = read_wish("Volume@tv-basicstudies-246", {"length": "20", "col_prev_close": "false"})
    assert wish.inputs == {"length": 20, "col_prev_close": False}


def test_script_inputs_have_numbers_and_say_their_types():
    script = by_pine_id("STD;EMA")
    given = {"text": script.template, "pineId": "STD;EMA", "in_0": {"v": 21, "f": True, "t": "integer"}}
    wish = read_wish(PINE_TYPE, given)
    assert wish.inputs == {"length": 21, "source": "close"}
    assert wish.is_pine


@pytest.mark.parametrize(
    ("study_type", "given", "reason"),
    [
        ("NoSuch@tv-basicstudies-1", {}, "unknown study NoSuch@tv-basicstudies-1"),
        (PINE_TYPE, {"pineId": "PUB;x", "text": "x"}, "unknown study PUB;x"),
        (PINE_TYPE, {"pineId": "STD;EMA"}, "Script is empty"),
        (RSI, {"length": "long"}, "invalid value of input length"),
    ],
)
def test_what_cannot_be_made_is_refused_in_words(study_type, given, reason):
    with pytest.raises(StudyRefused) as caught:
        read_wish(study_type, given)
    assert caught.value.reason == reason


def test_a_length_that_is_not_positive_fails_like_a_script_does():
    with pytest.raises(StudyRefused) as caught:
        read_wish(RSI, {"length": 0})
    assert caught.value.reason["ctx"]["code"] == "RE10042"
    assert caught.value.reason["ctx"]["value"] == 0
    assert caught.value.detail == "undefined"


def test_changing_one_input_leaves_the_others():
    wish = changed(read_wish(RSI, {"length": 5, "source": "open"}), {"length": 9})
    assert (wish.inputs["length"], wish.inputs["source"]) == (9, "open")


def test_an_unknown_source_is_refused():
    with pytest.raises(StudyRefused, match="invalid source moon"):
        compute(read_wish(RSI, {"source": "moon"}), BARS)


@pytest.mark.parametrize("name", ["RSI", "MACD", "MAExp", "ATR", "BB", "Volume", "Stochastic", "CCI"])
def test_the_newest_values_are_those_of_the_whole(name):
    wish = read_wish(f"{name}@tv-basicstudies-246", {})
    assert newest(wish, BARS, 2) == [pytest.approx(row, abs=1e-6) for row in compute(wish, BARS)[-2:]]


def test_a_study_can_be_made_from_any_column():
    wish = read_wish("MASimple@tv-basicstudies", {"length": 2})
    assert compute(wish, BARS[:3], [1.0, 2.0, 4.0]) == [[None], [1.5], [3.0]]
