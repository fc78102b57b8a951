import pytest

from brokerwire.simulator.fronts.tradingview import indicators as ta
from brokerwire.simulator.fronts.tradingview.history import Bar
from brokerwire.simulator.fronts.tradingview.study_catalog import (
    STUDIES,
    built_in,
    by_pine_id,
    source_names,
    source_of,
)
from brokerwire.simulator.fronts.tradingview.study_run import compute, read_wish

BARS = [
    Bar(
        time_s=60 * number,
        close_s=60 * number + 60,
        open=100.0 + number,
        high=103.0 + number + number % 3,
        low=98.0 + number - number % 2,
        close=101.0 + number + (number * 7) % 5,
        volume=10.0 + number,
        last_trade=number,
    )
    for number in range(120)
]
CLOSES = [bar.close for bar in BARS]


def values(name, **inputs):
    return list(zip(*compute(read_wish(f"{name}@tv-basicstudies-246", inputs), BARS), strict=True))


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.names[0])
def test_every_study_gives_a_value_for_every_plot_in_the_end(study):
    rows = compute(read_wish(f"{study.names[0]}@tv-basicstudies-246", {}), BARS)
    assert len(rows) == len(BARS)
    assert all(len(row) == len(study.plots) for row in rows)
    one_of_two = study.pine_id == "STD;Supertrend"
    assert list(rows[-1]).count(None) == one_of_two


@pytest.mark.parametrize("name", ["RSI@tv-basicstudies", "RSI@tv-basicstudies-1", "RSI@tv-basicstudies-246!"])
def test_the_number_of_the_pack_does_not_matter(name):
    assert built_in(name).pine_id == "STD;RSI"


@pytest.mark.parametrize("name", ["RSI", "NoSuch@tv-basicstudies-1", "Script@tv-scripting-101!", ""])
def test_other_types_are_no_built_in_studies(name):
    assert built_in(name) is None


def test_scripts_are_known_by_their_ids():
    assert by_pine_id("STD;MACD").names == ("MACD",)
    assert by_pine_id("PUB;abc") is None
    assert len({study.pine_id for study in STUDIES}) == len({study.template for study in STUDIES}) == len(STUDIES)


def test_the_strength_of_strength_is_between_0_and_100():
    k, d = values("StochasticRSI")
    assert all(0 <= value <= 100 for value in (*k[-20:], *d[-20:]))


def test_volume_and_its_mean_are_told():
    volume, mean = values("Volume", length=20, col_prev_close="false")
    assert volume[-1] == 129.0
    assert mean[-1] == pytest.approx(119.5)


def test_bands_lie_around_the_mean():
    basis, upper, lower = values("BB", length=20, mult=2.0)
    assert basis[-1] == pytest.approx(sum(CLOSES[-20:]) / 20)
    assert upper[-1] - basis[-1] == pytest.approx(basis[-1] - lower[-1])
    assert upper[-1] - basis[-1] == pytest.approx(2 * ta.deviation(CLOSES, 20)[-1], abs=1e-6)


def test_convergence_is_the_difference_of_two_means():
    histogram, line, signal = values("MACD")
    assert line[-1] == pytest.approx(ta.ema(CLOSES, 12)[-1] - ta.ema(CLOSES, 26)[-1], abs=1e-6)
    assert histogram[-1] == pytest.approx(line[-1] - signal[-1], abs=1e-6)


def test_means_follow_their_source():
    assert values("MASimple", length=5)[0][-1] == pytest.approx(sum(CLOSES[-5:]) / 5)
    assert values("MASimple", length=1, source="hl2")[0][-1] == (BARS[-1].high + BARS[-1].low) / 2


def test_the_stochastic_and_williams_say_where_the_close_lies():
    k, _ = values("Stochastic", length=14, smoothK=1)
    assert values("WilliamR", length=14)[0][-1] == pytest.approx(k[-1] - 100)


def test_balance_volume_adds_on_the_way_up_and_takes_on_the_way_down():
    balance = values("OBV")[0]
    step = BARS[-1].volume * (1 if CLOSES[-1] > CLOSES[-2] else -1)
    assert balance[-1] - balance[-2] == step


def test_sources_are_prices_of_a_bar():
    assert source_of(BARS[:1], "hlc3") == [(BARS[0].high + BARS[0].low + BARS[0].close) / 3]
    assert source_of(BARS, "moon") is None
    assert {"open", "close", "ohlc4"} <= set(source_names())
