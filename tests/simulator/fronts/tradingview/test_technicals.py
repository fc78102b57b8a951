import pytest

from brokerwire.simulator.fronts.tradingview.history import Bar
from brokerwire.simulator.fronts.tradingview.technicals import bars_needed, figure, is_figure

ALL = [
    "open",
    "high",
    "low",
    "close",
    "volume",
    "change",
    "RSI",
    "RSI7",
    "Stoch.K",
    "Stoch.D",
    "CCI20",
    "W.R",
    "AO",
    "Mom",
    "MACD.macd",
    "MACD.signal",
    "HullMA9",
    "VWMA",
    "BB.upper",
    "BB.lower",
    "ATR",
    "Rec.WR",
    "Rec.HullMA9",
    "Rec.VWMA",
    "Recommend.MA",
    "Recommend.Other",
    "Recommend.All",
    "EMA20",
    "SMA200",
]


def bars_of(closes, volume=1.0):
    return [
        Bar(
            time_s=number * 60,
            close_s=number * 60 + 60,
            open=close,
            high=close + 1,
            low=close - 1,
            close=close,
            volume=volume,
            last_trade=number,
        )
        for number, close in enumerate(closes)
    ]


RISING = bars_of([100.0 + number for number in range(250)])
FALLING = bars_of([400.0 - number for number in range(250)])


@pytest.mark.parametrize("name", ALL)
def test_every_figure_is_there_with_enough_bars_and_none_without(name):
    assert is_figure(name)
    assert is_figure(f"{name}[1]")
    assert figure(name, RISING) is not None
    assert figure(name, []) is None
    figure(name, RISING[:1])


def test_figures_have_the_values_of_their_definitions():
    assert figure("SMA10", RISING) == 344.5
    assert figure("SMA10[1]", RISING) == 343.5
    assert figure("Mom", RISING) == 10
    assert figure("RSI", RISING) == 100
    assert figure("change", RISING) == pytest.approx(100 / 348)
    assert figure("W.R", RISING) == pytest.approx(-100 / 15)
    assert figure("BB.upper", RISING) + figure("BB.lower", RISING) == pytest.approx(2 * figure("SMA20", RISING))
    assert figure("ATR", RISING) == 2
    assert figure("change_abs[2]", RISING[-bars_needed("change_abs[2]") :]) == 1
    assert figure("Stoch.K", bars_of([5.0] * 40)) == 50
    assert figure("VWMA", bars_of([5.0], volume=None)) is None


def test_averages_recommend_to_follow_the_trend():
    assert figure("Recommend.MA", RISING) > 0.9
    assert figure("Recommend.MA", FALLING) < -0.9
    assert (figure("Rec.VWMA", RISING), figure("Rec.VWMA", FALLING)) == (1, -1)


def test_oscillators_recommend_to_buy_what_was_sold_too_far_and_rises_again():
    turned = bars_of([400.0 - number for number in range(40)] + [362.0])
    assert (figure("Rec.WR", turned), figure("Rec.WR", turned[:-1])) == (1, 0)


@pytest.mark.parametrize("name", ["Pivot.M.Classic.S1", "name", "EMA", "Recommend"])
def test_other_columns_are_no_figures(name):
    assert not is_figure(name)
    assert figure(name, RISING) is None
