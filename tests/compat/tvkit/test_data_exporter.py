import csv
import logging
from pathlib import Path
from typing import Any

import msgspec
import polars
import pytest

from brokerwire.compat.tvkit import DataExporter, DataIntegrityError, OHLCVBar
from brokerwire.compat.tvkit.data_exporter import COLUMNS
from brokerwire.compat.tvkit.export import ExportConfig, ExportFormat

BARS = [
    OHLCVBar(timestamp=1640995200 + 60 * at, open=10.0 + at, high=12.0 + at, low=9.0 + at, close=11.0 + at, volume=at)
    for at in range(12)
]
ANALYSIS = ["return_pct", "typical_price", "true_range", "sma_5", "sma_10", "vol_ma_5", "vwap", "momentum_3"]


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


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


async def test_csv_is_written_as_its_options_say(tmp_path: Path) -> None:
    options = {"delimiter": ";", "quoting": csv.QUOTE_ALL, "line_terminator": "\r\n"}
    path = await DataExporter().to_csv(BARS, tmp_path / "bars.csv", timestamp_format="unix", **options)  # type: ignore[arg-type]  # any option
    first, second, *_ = path.read_bytes().split(b"\r\n")
    assert first == b'"timestamp";"open";"high";"low";"close";"volume"'
    assert second == b'"1640995200.0";"10.0";"12.0";"9.0";"11.0";"0.0"'


async def test_json_is_written_as_its_options_say(tmp_path: Path) -> None:
    async def written(**options: Any) -> str:
        return (await DataExporter().to_json(BARS[:1], tmp_path / "bars.json", False, **options)).read_text()

    assert (await written()).startswith('{\n  "data": [\n    {\n      "close": 11.0,')
    assert (await written(indent=4)).startswith('{\n    "data": [')
    assert (await written(indent=None, sort_keys=False)).startswith('{"data": [{"timestamp": "2022')
    accented = tmp_path / "caf\u00e9.json"
    assert "caf\\u00e9" in (await DataExporter().to_json(BARS, accented, ensure_ascii=True)).read_text()


async def test_an_unknown_option_is_told_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"colour.*delimiter, quoting, line_terminator"):
        await DataExporter().to_csv(BARS, tmp_path / "bars.csv", colour="red")
    with pytest.raises(ValueError, match=r"delimiter.*indent, ensure_ascii, sort_keys"):
        await DataExporter().to_json(BARS, tmp_path / "bars.json", delimiter=";")
    assert files_in(tmp_path) == []


BROKEN = [BARS[1], BARS[0]]


async def test_bars_are_checked_before_they_are_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        await DataExporter().to_csv(BROKEN, tmp_path / "bars.csv", validate=True)
    assert "row 1 is not after" in caplog.text
    caplog.clear()
    await DataExporter().to_csv(BROKEN, tmp_path / "unchecked.csv", strict=True)
    assert caplog.text == ""
    assert (tmp_path / "bars.csv").exists()


@pytest.mark.parametrize("name", ["to_csv", "to_json"])
async def test_bars_with_errors_are_not_written_where_that_is_asked_for(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataIntegrityError, match="1 errors") as told:
        await getattr(DataExporter(), name)(BROKEN, tmp_path / "bars", validate=True, strict=True)
    assert told.value.result.errors[0].affected_rows == [0, 1]
    assert files_in(tmp_path) == []


async def test_gaps_are_warned_of_and_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        await DataExporter().to_json(
            [BARS[0], BARS[3]], tmp_path / "bars.json", validate=True, strict=True, interval="1"
        )
    assert "180 s after" in caplog.text


@pytest.mark.parametrize(("kind", "name"), [("json", "a.json"), ("csv", "a.csv"), ("parquet", "a.parquet")])
async def test_a_format_may_be_named(kind: str, name: str, tmp_path: Path) -> None:
    result = await DataExporter().export_ohlcv_data(BARS, kind, tmp_path / name)
    assert (result.success, result.file_path, result.error_message) == (True, tmp_path / name, None)
    assert (result.metadata.record_count, result.metadata.format) == (12, ExportFormat(kind))
    assert (tmp_path / name).exists()


async def test_a_configuration_says_how(tmp_path: Path) -> None:
    config = ExportConfig(format=ExportFormat.CSV, include_metadata=False, options={"delimiter": ";"})
    result = await DataExporter().export_ohlcv_data(BARS, ExportFormat.CSV, tmp_path / "a.csv", config)
    assert (tmp_path / "a.csv").read_text().startswith("timestamp;open")
    assert files_in(tmp_path) == ["a.csv"]
    assert result.success


async def test_a_frame_is_the_data_of_a_result() -> None:
    config = ExportConfig(format=ExportFormat.POLARS, timestamp_format="unix", options={"add_analysis": True})
    result = await DataExporter().export_ohlcv_data(BARS, ExportFormat.POLARS, config=config)
    assert result.data.columns == [*COLUMNS, *ANALYSIS]
    assert result.metadata.file_path is None


async def test_a_file_without_a_name_gets_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = await DataExporter().export_ohlcv_data(BARS, ExportFormat.CSV)
    assert result.file_path is not None
    assert result.file_path.parent.name == "export"
    assert result.file_path.exists()


async def test_an_export_that_fails_says_so_in_its_result(tmp_path: Path) -> None:
    result = await DataExporter().export_ohlcv_data([], ExportFormat.CSV, tmp_path / "a.csv")
    assert (result.success, result.file_path) == (False, None)
    assert "no bars" in (result.error_message or "")
    with pytest.raises(ValueError, match="format must be one of"):
        await DataExporter().export_ohlcv_data(BARS, "xlsx")
    assert DataExporter().get_supported_formats() == list(ExportFormat)
