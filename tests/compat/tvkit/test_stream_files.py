import csv
from pathlib import Path

import msgspec
import pytest

from brokerwire import ConfigurationError
from brokerwire.compat.tvkit import IndicatorData, OHLCData, StreamData
from brokerwire.compat.tvkit.stream_files import write_stream_data

BAR = OHLCData(index=0, timestamp=60.0, open=1.0, high=2.0, low=0.5, close=1.5, volume=3)
POINT = IndicatorData(index=0, timestamp=60.0, smoothing=65.5, close=1.5, values={"plot_0": 65.5, "plot_1": None})


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


async def test_bars_and_values_are_in_a_file_each() -> None:
    data = StreamData(ohlc=[BAR], indicator=[POINT])
    bars, points = await write_stream_data(data, "BINANCE:BTCUSDT", "1m", "json")
    assert [path.name.rpartition("_")[0] for path in (bars, points)] == ["ohlc_btcusdt_1m", "indicator_btcusdt_1m"]
    assert msgspec.json.decode(bars.read_bytes()) == [BAR.model_dump()]
    assert msgspec.json.decode(points.read_bytes()) == [
        {"index": 0, "timestamp": 60.0, "smoothing": 65.5, "close": 1.5, "plot_0": 65.5, "plot_1": None}
    ]


async def test_a_second_export_in_the_same_second_replaces_nothing() -> None:
    paths = [(await write_stream_data(StreamData(ohlc=[BAR]), "X:Y", "1m", "csv"))[0] for _ in range(2)]
    assert len(set(paths)) == 2
    for path in paths:
        with path.open(newline="") as file:
            assert next(iter(csv.DictReader(file)))["close"] == "1.5"


async def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "export").write_text("a file is in the way")
    with pytest.raises(ConfigurationError, match="export"):
        await write_stream_data(StreamData(ohlc=[BAR]), "X:Y", "1m", "csv")
