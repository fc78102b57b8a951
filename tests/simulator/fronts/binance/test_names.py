"""Stream names are taken apart; what is none is refused, what is retired stays silent."""

import pytest

from brokerwire.simulator.fronts.binance.names import parse_name


@pytest.mark.parametrize(
    ("text", "kind", "option", "levels", "period_ms"),
    [
        ("btcusdt@trade", "trade", "", 0, 1000),
        ("btcusdt@aggTrade", "aggTrade", "", 0, 1000),
        ("btcusdt@bookTicker", "bookTicker", "", 0, 1000),
        ("btcusdt@kline_1m", "kline", "1m", 0, 1000),
        ("btcusdt@kline_1M", "kline", "1M", 0, 1000),
        ("btcusdt@depth", "depth", "", 0, 1000),
        ("btcusdt@depth@100ms", "depth", "", 0, 100),
        ("btcusdt@depth@1000ms", "depth", "", 0, 1000),
        ("btcusdt@depth5", "partial", "", 5, 1000),
        ("btcusdt@depth20@100ms", "partial", "", 20, 100),
        ("btcusdt@ticker", "ticker", "", 0, 1000),
        ("btcusdt@miniTicker", "miniTicker", "", 0, 1000),
        ("btcusdt@ticker_4h", "window", "4h", 0, 1000),
        ("btcusdt@avgPrice", "avgPrice", "", 0, 1000),
        ("btcusdt@referencePrice", "referencePrice", "", 0, 1000),
        ("!miniTicker@arr", "allMiniTicker", "", 0, 1000),
        ("!miniTicker@arr@3000ms", "allMiniTicker", "", 0, 3000),
        ("!ticker_1h@arr", "allWindow", "1h", 0, 1000),
    ],
)
def test_name_tells_kind_and_options(text, kind, option, levels, period_ms):
    name = parse_name(text)
    assert name is not None
    assert (name.kind, name.option, name.levels, name.period_ms) == (kind, option, levels, period_ms)


def test_zone_suffix_moves_kline_bars_by_eight_hours():
    name = parse_name("btcusdt@kline_1d@+08:00")
    assert name is not None
    assert (name.option, name.offset_ns) == ("1d", 8 * 3600 * 10**9)


@pytest.mark.parametrize("text", ["!ticker@arr", "!bookTicker", "btcusdt@blockTrade", "a" * 64])
def test_retired_streams_and_listen_keys_are_taken_and_silent(text):
    name = parse_name(text)
    assert name is not None
    assert name.kind == "silent"


@pytest.mark.parametrize(
    "text", ["", "btcusdt", "@trade", "btcusdt@depth@100mss", "btcusdt@kline_7m", "btcusdt@depth7", "btcusdt@ticker_2h"]
)
def test_what_is_no_stream_is_none(text):
    assert parse_name(text) is None
