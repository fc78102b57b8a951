import csv
from pathlib import Path

import msgspec
import polars
import pytest

from brokerwire.compat.tvkit import DataExporter, OHLCVBar
from brokerwire.compat.tvkit.data_exporter import COLUMNS

BARS = [
    OHLCVBar(timestamp=1640995200 + 60 * at, open=10.0 + at, high=12.0 + at, low=9.0 + at, close=11.0 + at, volume=at)
    for at in range(12)
]
ANALYSIS = ["return_pct", "typical_price", "true_range", "sma_5", "sma_10", "vol_ma_5", "vwap", "momentum_3"]


async def test_a_frame_has_a_row_for_each_bar() -> None:
    frame = await DataExporter().to_polars(BARS)
    assert frame.columns == list(COLUMNS)
    assert frame.height == len(BARS)
    assert frame["timestamp"][0] == "2022-01-01T00:00:00+00:00"
    assert frame["close"].to_list() == [bar.close for bar in BARS]


@pytest.mark.parametrize(
    ("how", "dtype"), [("unix", polars.Float64), ("datetime", polars.Datetime("us", "UTC")), ("iso", polars.String)]
)
async def test_times_are_written_as_asked_for(how: str, dtype: object) -> None:
    frame = await DataExporter().to_polars(BARS, timestamp_format=how)  # type: ignore[arg-type]  # one of the three
    assert frame.schema["timestamp"] == dtype


async def test_analysis_is_worked_out_from_the_bars() -> None:
    frame = await DataExporter().to_polars(BARS, add_analysis=True)
    assert frame.columns == [*COLUMNS, *ANALYSIS]
    last = frame.row(-1, named=True)
    assert last["return_pct"] == pytest.approx((22 - 21) / 21 * 100)
    assert last["typical_price"] == pytest.approx((23 + 20 + 22) / 3)
    assert (last["true_range"], last["momentum_3"]) == (3.0, 3.0)
    assert last["sma_5"] == pytest.approx(sum(range(18, 23)) / 5)
    assert last["sma_10"] == pytest.approx(sum(range(13, 23)) / 10)
    assert last["vol_ma_5"] == pytest.approx(9.0)
    weights = sum((bar.high + bar.low + bar.close) / 3 * bar.volume for bar in BARS)
    assert last["vwap"] == pytest.approx(weights / sum(bar.volume for bar in BARS))
    assert frame["sma_5"][3] is None
    assert frame["momentum_3"][2] is None


async def test_json_has_data_and_metadata(tmp_path: Path) -> None:
    path = await DataExporter().to_json(BARS, tmp_path / "new" / "bars.json")
    content = msgspec.json.decode(path.read_bytes())
    assert content["data"][0] == {
        "timestamp": "2022-01-01T00:00:00+00:00",
        "open": 10.0,
        "high": 12.0,
        "low": 9.0,
        "close": 11.0,
        "volume": 0.0,
    }
    assert content["metadata"]["record_count"] == len(BARS)
    plain = await DataExporter().to_json(BARS, str(tmp_path / "plain.json"), include_metadata=False)
    assert set(msgspec.json.decode(plain.read_bytes())) == {"data"}


async def test_csv_has_a_header_and_its_metadata_beside_it(tmp_path: Path) -> None:
    path = await DataExporter().to_csv(BARS, tmp_path / "bars.csv")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["close"]) for row in rows] == [bar.close for bar in BARS]
    assert list(rows[0]) == list(COLUMNS)
    assert "record_count: 12" in (tmp_path / "bars.metadata.txt").read_text()
    await DataExporter().to_csv(BARS, tmp_path / "plain.csv", include_metadata=False)
    assert not (tmp_path / "plain.metadata.txt").exists()


async def test_parquet_reads_back_as_it_was(tmp_path: Path) -> None:
    path = await DataExporter().to_parquet(BARS, tmp_path / "bars")
    assert path.name == "bars.parquet"
    frame = polars.read_parquet(path)
    assert frame["close"].to_list() == [bar.close for bar in BARS]
    assert frame.schema["timestamp"] == polars.Datetime("us", "UTC")


async def test_nothing_to_export_is_a_value_error_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no bars"):
        await DataExporter().to_csv([], tmp_path / "bars.csv")
    with pytest.raises(ValueError, match="timestamp_format"):
        await DataExporter().to_polars(BARS, timestamp_format="tomorrow")  # type: ignore[arg-type]  # that is the point
    assert not (tmp_path / "bars.csv").exists()
