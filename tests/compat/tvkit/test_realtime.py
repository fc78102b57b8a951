"""RealtimeStreamer as its guide shows it, in both of its forms."""

import asyncio
import csv
from pathlib import Path
from typing import Any

import msgspec
import polars
import pytest
from tests.compat.tvkit.conftest import WITHIN_S, close, first

from brokerwire.compat.tvkit import (
    ExportConfig,
    IndicatorConfig,
    RealtimeStreamer,
    StreamConfig,
    StreamData,
    StreamerResponse,
)
from brokerwire.simulator import Simulator

SYMBOLS = ["BINANCE:BTCUSDT", "NASDAQ:AAPL"]


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, nothing_left: None) -> None:
    monkeypatch.chdir(tmp_path)


async def test_symbols_of_the_configuration_are_streamed_history_first() -> None:
    config = StreamConfig(symbols=SYMBOLS, timeframe="1m", num_candles=50)
    async with RealtimeStreamer(config) as streamer:
        responses: list[StreamerResponse] = await first(aiter(streamer.stream()), 30)
    assert [response.symbol for response in responses[:2]] == SYMBOLS
    for response in responses[:2]:
        assert response.data_type == "ohlcv"
        assert response.ohlcv_data is not None
        assert len(response.ohlcv_data) == 50
        assert [row.index for row in response.ohlcv_data] == list(range(50))
        assert response.ohlcv_data[-1].close > 0
    assert {response.data_type for response in responses[2:]} == {"ohlcv", "trade"}
    for response in responses[2:]:
        if response.ohlcv_data:
            assert response.ohlcv_data[-1].index in {49, 50}


async def test_a_study_is_streamed_beside_the_bars() -> None:
    config = StreamConfig(symbols=["NASDAQ:AAPL"], num_candles=3)
    study = IndicatorConfig(indicator_id="RSI@tv-basicstudies", indicator_version="1")
    async with RealtimeStreamer(config, indicator_config=study) as streamer:
        async with asyncio.timeout(WITHIN_S):
            responses = aiter(streamer.stream())
            async for response in responses:
                if response.data_type == "indicator":
                    break
        await close(responses)
    assert response.indicator_data is not None
    assert 0 < (response.indicator_data.smoothing or 0) < 100


async def test_the_older_form_yields_the_wires_messages() -> None:
    async with RealtimeStreamer(
        export_config=ExportConfig(export_result=False),
        stream_config=StreamConfig(timeframe="1m", numb_price_candles=10),
        indicator_config=IndicatorConfig(indicator_id="RSI@tv-basicstudies", indicator_version="1"),
    ) as streamer:
        result = await streamer.stream(exchange="BINANCE", symbol="BTCUSDT")
        assert hasattr(result, "__aiter__")
        messages = await first(aiter(result), 20)
    assert {"timescale_update", "qsd"} <= {message.get("m") for message in messages}


@pytest.mark.parametrize("extension", ["json", "csv", "parquet"])
async def test_the_older_form_exports_bars_and_a_study(tmp_path: Path, extension: Any) -> None:
    async with RealtimeStreamer(
        export_config=ExportConfig(export_result=True, export_type=extension),
        stream_config=StreamConfig(timeframe="5m", numb_price_candles=30),
        indicator_config=IndicatorConfig(indicator_id="RSI@tv-basicstudies", indicator_version="1"),
    ) as streamer:
        result = await streamer.stream(exchange="NASDAQ", symbol="AAPL")
    assert isinstance(result, StreamData)
    assert (len(result.ohlc), len(result.indicator)) == (30, 30)
    assert [point.timestamp for point in result.indicator] == [bar.timestamp for bar in result.ohlc]
    assert [point.close for point in result.indicator] == [bar.close for bar in result.ohlc]
    names = sorted(path.name for path in (tmp_path / "export").iterdir())
    assert [name.rpartition("_")[0] for name in names] == ["indicator_aapl_5m", "ohlc_aapl_5m"]
    rows = read_rows(tmp_path / "export" / names[1])
    assert [float(row["close"]) for row in rows] == [bar.close for bar in result.ohlc]
    points = read_rows(tmp_path / "export" / names[0])
    assert [float(row["smoothing"]) for row in points] == [point.smoothing for point in result.indicator]


def read_rows(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".json":
        return list(msgspec.json.decode(path.read_bytes()))
    if path.suffix == ".parquet":
        return polars.read_parquet(path).to_dicts()
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


async def test_an_export_without_a_study_is_one_file(tmp_path: Path) -> None:
    async with RealtimeStreamer(StreamConfig(), export_config=ExportConfig(export_result=True)) as streamer:
        result = await streamer.stream("BINANCE", "ETHUSDT")
    assert isinstance(result, StreamData)
    assert result.indicator == []
    assert [path.name.rpartition("_")[0] for path in (tmp_path / "export").iterdir()] == ["ohlc_ethusdt_1m"]


async def test_symbols_are_validated_without_a_connection_and_with_one() -> None:
    streamer = RealtimeStreamer()
    assert await streamer.validate_symbols("BINANCE:BTCUSDT") is True
    with pytest.raises(ValueError, match="NOSUCH"):
        await streamer.validate_symbols(["BINANCE:BTCUSDT", "NASDAQ:NOSUCH"])
    assert not streamer.is_connected
    async with streamer:
        assert streamer.is_connected
        assert await streamer.validate_symbols(["BINANCE:BTCUSDT", "NASDAQ:AAPL", "NYSE:TSLA"]) is True


async def test_what_is_asked_wrongly_is_a_value_error() -> None:
    streamer = RealtimeStreamer(StreamConfig())
    with pytest.raises(ValueError, match="names no symbols"):
        streamer.stream()
    with pytest.raises(ValueError, match="or neither"):
        streamer.stream(exchange="NASDAQ")
    with pytest.raises(ValueError, match="not connected"):
        await first(aiter(streamer.stream("NASDAQ", "AAPL")), 1)
    async with streamer:
        with pytest.raises(ValueError, match="NOSUCH"):
            await first(aiter(streamer.stream("NASDAQ", "NOSUCH")), 1)
    exporting = RealtimeStreamer(
        export_config=ExportConfig(export_result=True), indicator_config=IndicatorConfig(indicator_id="Nothing@x")
    )
    async with exporting:
        with pytest.raises(ValueError, match="Nothing"):
            await exporting.stream("NASDAQ", "AAPL")
        with pytest.raises(ValueError, match="NOSUCH"):
            await exporting.stream("NASDAQ", "NOSUCH")


async def test_streams_go_on_after_the_connection_was_lost() -> None:
    config = StreamConfig(symbols=["BINANCE:BTCUSDT"], num_candles=5)
    async with (
        Simulator("tradingview", seed=7) as simulator,
        RealtimeStreamer(config, endpoints=simulator.endpoints) as streamer,
        asyncio.timeout(WITHIN_S),
    ):
        responses = aiter(streamer.stream())
        await anext(responses)
        simulator.faults.set("close:1001", times=1)
        indexes: list[int] = []
        while simulator.journal.count("dial") < 2 or len(indexes) < 5:
            response = await anext(responses)
            indexes += [row.index for row in response.ohlcv_data or ()]
        assert indexes == sorted(indexes)
        await close(responses)


async def test_it_can_be_connected_by_hand() -> None:
    streamer = RealtimeStreamer(StreamConfig(symbols=["NASDAQ:AAPL"]))
    await streamer.connect()
    await streamer.connect()
    assert (await first(aiter(streamer.stream()), 1))[0].symbol == "NASDAQ:AAPL"
    await streamer.disconnect()
    await streamer.disconnect()
    assert not streamer.is_connected
