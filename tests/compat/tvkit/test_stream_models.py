from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from brokerwire.compat.tvkit import (
    DataNotFoundError,
    ExportConfig,
    IndicatorConfig,
    IndicatorData,
    OHLCData,
    OHLCVData,
    RealtimeStreamer,
    StreamConfig,
    StreamData,
    StreamerResponse,
    TradeData,
)
from brokerwire.compat.tvkit.stream_models import exact
from brokerwire.events import Bar, Quote, StudyPoint

BAR = Bar("tradingview", "BINANCE:BTCUSDT", None, 0, "1m", 1640995200_000_000_000, 47150.0, 47200.5, 47100.0, 47180.1)


def test_a_configuration_may_be_written_in_both_forms() -> None:
    new = StreamConfig(symbols=["BINANCE:BTCUSDT", "NASDAQ:AAPL"], timeframe="1m", num_candles=50)
    assert (new.symbols, new.num_candles, new.credentials) == (["BINANCE:BTCUSDT", "NASDAQ:AAPL"], 50, None)
    old = StreamConfig(websocket_jwt_token="unauthorized_user_token", timeframe="1m", numb_price_candles=10)
    assert (old.symbols, old.numb_price_candles, old.credentials) == ([], 10, None)
    assert StreamConfig(websocket_jwt_token="a.b.c").credentials == {"auth_token": "a.b.c"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"timeframe": "7m"},
        {"num_candles": 0},
        {"numb_price_candles": 1001},
        {"symbols": ["AAPL"]},
        {"symbols": ["A:B:C"]},
        {"symbols": "NASDAQ:AAPL"},
        {"num_candles": "many"},
        {"speed": 9},
    ],
    ids=str,
)
def test_a_wrong_configuration_is_a_value_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        StreamConfig(**wrong)


def test_an_export_is_of_a_type_that_exists() -> None:
    assert ExportConfig(export_result=True, export_type="csv").export_type == "csv"
    with pytest.raises(ValueError, match="ExportConfig: Invalid enum value 'xml'"):
        ExportConfig(export_type="xml")  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize(
    ("config", "study"),
    [
        ({}, ""),
        ({"indicator_id": "RSI@tv-basicstudies", "indicator_version": "1"}, "RSI@tv-basicstudies"),
        ({"indicator_id": "STD;RSI", "indicator_version": "37.0"}, "STD;RSI@37.0"),
        ({"indicator_id": "STD;RSI"}, "STD;RSI"),
    ],
)
def test_a_version_counts_for_scripts_only(config: dict[str, str], study: str) -> None:
    assert IndicatorConfig(**config).study == study


def test_bars_are_numbered_and_exact_where_decimals_are_wanted() -> None:
    assert OHLCData.from_event(BAR, 3).model_dump() == {
        "index": 3,
        "timestamp": 1640995200.0,
        "open": 47150.0,
        "high": 47200.5,
        "low": 47100.0,
        "close": 47180.1,
        "volume": 0,
    }
    row = OHLCVData.from_event(BAR, 3)
    assert (row.close, row.open, row.volume) == (Decimal("47180.1"), Decimal(47150), Decimal(0))
    assert row.datetime == datetime(2022, 1, 1, tzinfo=UTC)


def test_nothing_to_export_is_data_not_found() -> None:
    with pytest.raises(DataNotFoundError, match="no bars"):
        StreamData.from_events([])
    with pytest.raises(DataNotFoundError, match="no RSI"):
        StreamData.from_events([BAR], study="RSI")
    assert len(StreamData.from_events([BAR]).ohlc) == 1


@pytest.mark.parametrize(("number", "text"), [(0.1, "0.1"), (3.0, "3"), (1e-7, "1E-7"), (1e21, "1" + "0" * 21)])
def test_a_number_becomes_the_decimal_that_was_written(number: float, text: str) -> None:
    assert exact(number) == Decimal(text)


def test_a_study_has_its_first_value_the_close_and_all_values() -> None:
    point = StudyPoint("tradingview", "X:Y", None, 0, "RSI", "1m", 60_000_000_000, {"plot_0": 65.5, "plot_1": None})
    told = IndicatorData.from_event(point, 2, close=10.0)
    assert (told.index, told.timestamp, told.smoothing, told.close) == (2, 60.0, 65.5, 10.0)
    assert told.values == {"plot_0": 65.5, "plot_1": None}
    assert told.datetime == datetime(1970, 1, 1, 0, 1, tzinfo=UTC)


def test_a_quote_is_a_trade_once_it_has_a_last_price() -> None:
    assert TradeData.from_event(Quote("tradingview", "X:Y", None, 5, bid=1.0)) is None
    trade = TradeData.from_event(Quote("tradingview", "X:Y", 7_000_000_000, 5, last=1.5, volume=1e100))
    assert trade is not None
    assert (trade.price, trade.volume, trade.timestamp) == (Decimal("1.5"), Decimal(0), 7)
    assert trade.datetime == datetime(1970, 1, 1, 0, 0, 7, tzinfo=UTC)
    untimed = TradeData.from_event(Quote("tradingview", "X:Y", None, 9_000_000_000, last=1.0, volume=2.0))
    assert untimed is not None
    assert (untimed.timestamp, untimed.volume) == (9, Decimal(2))


ROW: dict[str, Any] = {"index": 0, "timestamp": 1, "open": "1.5", "high": 2, "low": 0.5, "close": 1, "volume": 3}


@pytest.mark.parametrize(
    "wrong",
    [{"timestamp": 0}, {"timestamp": 1.5}, {"open": "x"}, {"high": "NaN"}, {"volume": -1}, {"colour": "red"}],
    ids=str,
)
def test_a_row_that_is_none_cannot_be_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        OHLCVData(**{**ROW, **wrong})


def test_a_row_may_have_prices_below_zero_and_is_shown_as_text() -> None:
    row = OHLCVData(**{**ROW, "low": "-37.63"})
    assert row.to_dict() == {
        "index": 0,
        "timestamp": 1,
        "datetime": "1970-01-01T00:00:01+00:00",
        "open": "1.5",
        "high": "2",
        "low": "-37.63",
        "close": "1",
        "volume": "3",
    }


def test_a_trade_is_checked_too() -> None:
    told: dict[str, Any] = {"symbol": "X:Y", "price": "1.5", "volume": 1, "timestamp": "7"}
    assert (TradeData(**told).price, TradeData(**told).timestamp) == (Decimal("1.5"), 7)
    for wrong in ({"side": "both"}, {"timestamp": 0}, {"price": None}):
        with pytest.raises(ValueError, match=r"\S"):
            TradeData(**{**told, **wrong})


def test_the_export_and_the_study_may_be_in_the_configuration() -> None:
    config = StreamConfig(
        symbols=["NASDAQ:AAPL"],
        include_indicators=True,
        indicator_id="STD;RSI",
        indicator_version="37.0",
        export_config=ExportConfig(**{"enabled": True, "format": "csv"}),
    )
    assert config.export_config is not None
    assert (config.export_config.enabled, config.export_config.format) == (True, "csv")
    assert config.indicator_config.study == "STD;RSI@37.0"
    assert StreamConfig(symbols=["NASDAQ:AAPL"], indicator_id="STD;RSI").indicator_config.study == ""
    streamer = RealtimeStreamer(config)
    assert streamer.export_config is config.export_config
    assert streamer.indicator_config.study == "STD;RSI@37.0"
    assert RealtimeStreamer(config, export_config=ExportConfig()).export_config.enabled is False


def test_a_response_is_of_now_unless_told_otherwise() -> None:
    assert StreamerResponse(symbol="X:Y", data_type="trade").timestamp.tzinfo is not None
    with pytest.raises(ValueError, match="data_type"):
        StreamerResponse(symbol="X:Y", data_type="quote")  # type: ignore[arg-type]  # that is the point
