"""Tickers over REST: one object for a symbol, a list for several, all where the venue allows that."""

import pytest

from brokerwire.simulator.fronts.binance import ticker_requests
from brokerwire.simulator.fronts.binance.arguments import Arguments
from brokerwire.simulator.fronts.binance.figures import MILLISECOND
from brokerwire.simulator.fronts.binance.refusals import Refusal


def args(**values):
    return Arguments(values)


async def test_day_of_one_symbol_has_the_documented_keys(desk):
    ticker = await ticker_requests.day(desk, args(symbol="BTCUSDT"), MILLISECOND)
    assert list(ticker)[:4] == ["symbol", "priceChange", "priceChangePercent", "weightedAvgPrice"]
    assert ticker["closeTime"] - ticker["openTime"] == 86_400_000
    assert ticker["lastId"] - ticker["firstId"] + 1 == ticker["count"]
    mini = await ticker_requests.day(desk, args(symbol="BTCUSDT", type="MINI"), MILLISECOND)
    assert "priceChange" not in mini


async def test_several_symbols_come_as_a_list_and_none_means_all(desk):
    some = await ticker_requests.price(desk, args(symbols='["BTCUSDT","ETHUSDT"]'), MILLISECOND)
    assert [row["symbol"] for row in some] == ["BTCUSDT", "ETHUSDT"]
    every = await ticker_requests.book(desk, args(), MILLISECOND)
    assert len(every) == len(desk.listing.symbols)


async def test_rolling_window_begins_on_a_whole_minute(desk):
    ticker = await ticker_requests.rolling(desk, args(symbol="BTCUSDT", windowSize="2h"), MILLISECOND)
    assert ticker["openTime"] % 60_000 == 0
    assert 7_200_000 <= ticker["closeTime"] - ticker["openTime"] < 7_260_000
    mini = await ticker_requests.rolling(desk, args(symbol="BTCUSDT", type="MINI"), MILLISECOND)
    assert mini["closeTime"] - mini["openTime"] >= 86_400_000


async def test_trading_day_begins_at_midnight_of_the_zone(desk):
    full = await ticker_requests.trading_day(desk, args(symbol="BTCUSDT", timeZone="8"), MILLISECOND)
    assert full["openTime"] // 1000 % 86_400 == 16 * 3600
    assert full["closeTime"] - full["openTime"] == 86_399_999
    mini = await ticker_requests.trading_day(desk, args(symbol="BTCUSDT", type="MINI"), MILLISECOND)
    assert mini["openTime"] % 86_400_000 == 0


@pytest.mark.parametrize(
    ("request_name", "values", "code"),
    [
        ("rolling", {"symbol": "BTCUSDT", "windowSize": "90m"}, -1130),
        ("rolling", {}, -1102),
        ("trading_day", {"symbol": "BTCUSDT", "timeZone": "x"}, -1130),
        ("day", {"symbol": "BTCUSDT", "type": "MAXI"}, -1139),
        ("day", {"symbol": "BTCUSDT", "symbols": '["ETHUSDT"]'}, -1128),
        ("price", {"symbol": "NOPE"}, -1121),
    ],
)
async def test_what_does_not_fit_is_refused(desk, request_name, values, code):
    with pytest.raises(Refusal) as caught:
        await getattr(ticker_requests, request_name)(desk, args(**values), MILLISECOND)
    assert caught.value.code == code


async def test_too_many_symbols_are_refused_for_windows(desk):
    names = '["' + '","'.join(desk.listing.symbols[:101]) + '"]'
    with pytest.raises(Refusal, match="-1101"):
        await ticker_requests.rolling(desk, args(symbols=names), MILLISECOND)


def test_weights_follow_the_number_of_symbols():
    many = '["' + '","'.join(f"S{n}" for n in range(30)) + '"]'
    assert [
        ticker_requests.day_weight(args(**v)) for v in ({"symbol": "A"}, {"symbols": '["A"]'}, {"symbols": many}, {})
    ] == [
        2,
        2,
        40,
        80,
    ]
    assert [ticker_requests.window_weight(args(**v)) for v in ({"symbol": "A"}, {"symbols": many})] == [4, 120]
    assert [ticker_requests.light_weight(args(**v)) for v in ({"symbol": "A"}, {})] == [2, 4]
