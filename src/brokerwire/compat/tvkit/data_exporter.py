"""DataExporter: tvkit's way to write bars, as frames and files."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import msgspec

from brokerwire.clock import SystemClock
from brokerwire.compat.tvkit.arguments import convert_timestamp_to_iso
from brokerwire.compat.tvkit.errors import SeriesError
from brokerwire.compat.tvkit.models import OHLCVBar
from brokerwire.compat.tvkit.stream_models import OHLCData, OHLCVData
from brokerwire.export import write_atomically, write_rows
from brokerwire.export.extra import load

if TYPE_CHECKING:
    import polars

AnyBar: TypeAlias = OHLCVBar | OHLCData | OHLCVData
TimestampFormat: TypeAlias = Literal["iso", "unix", "datetime"]
PathLike: TypeAlias = str | os.PathLike[str]

COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")


class DataExporter:
    """Writes bars as a Polars frame, JSON, CSV or Parquet: ``timestamp``, four prices and ``volume``.

    Every method runs on a thread of its own, so that the event loop goes on. Files appear whole, and replace what was
    there; a missing folder is made. Bars are written in the order in which they are given.
    """

    async def to_polars(
        self, data: Sequence[AnyBar], add_analysis: bool = False, *, timestamp_format: TimestampFormat = "iso"
    ) -> polars.DataFrame:
        """Return bars as a frame; ``timestamp`` is text (``iso``), seconds of UTC (``unix``) or a ``datetime``.

        ``add_analysis`` adds ``return_pct`` (open to close, percent), ``typical_price``, ``true_range`` (high less
        low), ``sma_5`` and ``sma_10`` (means of the closes), ``vol_ma_5``, ``vwap`` (from the first bar on) and
        ``momentum_3`` (the close less the one three bars before). Where there are too few bars before one, it is null.

        Raises:
            SeriesError: There are no bars, or the format is none; also a ``ValueError``.
            ConfigurationError: polars is not installed.
        """
        rows = _rows_of(data, timestamp_format)
        return await asyncio.to_thread(_frame_of, rows, add_analysis)

    async def to_json(
        self,
        data: Sequence[AnyBar],
        file_path: PathLike,
        include_metadata: bool = True,
        *,
        timestamp_format: TimestampFormat = "iso",
    ) -> Path:
        """Write ``{"data": [...], "metadata": {...}}``, the latter on request; returns where the file is.

        Raises:
            SeriesError: There are no bars, or the format is none; also a ``ValueError``.
            ConfigurationError: The file may not be written.
            OSError: The disk refused.
        """
        content: dict[str, Any] = {"data": _rows_of(data, timestamp_format)}
        if include_metadata:
            content["metadata"] = _metadata_of(data, file_path, "json")
        encoded = msgspec.json.format(msgspec.json.encode(content), indent=2)
        return await asyncio.to_thread(write_atomically, file_path, lambda file: file.write(encoded))

    async def to_csv(
        self,
        data: Sequence[AnyBar],
        file_path: PathLike,
        include_metadata: bool = True,
        *,
        timestamp_format: TimestampFormat = "iso",
    ) -> Path:
        """Write a header and a line for each bar, and ``<name>.metadata.txt`` beside it on request.

        Raises:
            SeriesError: There are no bars, or the format is none; also a ``ValueError``.
            ConfigurationError: The file may not be written.
            OSError: The disk refused.
        """
        path = await _write(data, file_path, "csv", timestamp_format)
        if include_metadata:
            lines = "".join(f"{name}: {value}\n" for name, value in _metadata_of(data, file_path, "csv").items())
            beside = path.with_suffix(".metadata.txt")
            await asyncio.to_thread(write_atomically, beside, lambda file: file.write(lines.encode()))
        return path

    async def to_parquet(
        self, data: Sequence[AnyBar], file_path: PathLike, *, timestamp_format: TimestampFormat = "datetime"
    ) -> Path:
        """Write Parquet; ``timestamp`` is a time in UTC there unless told otherwise.

        Raises:
            SeriesError: There are no bars, or the format is none; also a ``ValueError``.
            ConfigurationError: The file may not be written, or pyarrow is not installed.
            OSError: The disk refused.
        """
        return await _write(data, file_path, "parquet", timestamp_format)


async def _write(
    data: Sequence[AnyBar], file_path: PathLike, extension: str, timestamp_format: TimestampFormat
) -> Path:
    """Write rows; a file whose name says nothing else gets the extension of its format."""
    path = Path(file_path)
    named = path if path.suffix.lower() == f".{extension}" else path.with_name(f"{path.name}.{extension}")
    rows = _rows_of(data, timestamp_format)
    return await asyncio.to_thread(write_rows, rows, named, columns=COLUMNS)


_TIMESTAMPS: Mapping[str, Callable[[float], Any]] = {
    "iso": convert_timestamp_to_iso,
    "unix": float,
    "datetime": lambda timestamp: datetime.fromtimestamp(timestamp, tz=UTC),
}


def _rows_of(data: Sequence[AnyBar], timestamp_format: TimestampFormat) -> list[dict[str, Any]]:
    if timestamp_format not in get_args(TimestampFormat):
        choices = ", ".join(get_args(TimestampFormat))
        raise SeriesError(f"timestamp_format must be one of {choices}, not {timestamp_format!r}")
    if not data:
        raise SeriesError("there are no bars to export")
    shown = _TIMESTAMPS[timestamp_format]
    return [
        {"timestamp": shown(bar.timestamp), **{name: float(getattr(bar, name)) for name in COLUMNS[1:]}} for bar in data
    ]


def _metadata_of(data: Sequence[AnyBar], file_path: PathLike, extension: str) -> dict[str, Any]:
    return {
        "export_timestamp": convert_timestamp_to_iso(SystemClock().time_ns() // 10**9),
        "source": "ohlcv",
        "record_count": len(data),
        "format": extension,
        "file_path": os.fspath(file_path),
        "first_timestamp": convert_timestamp_to_iso(data[0].timestamp),
        "last_timestamp": convert_timestamp_to_iso(data[-1].timestamp),
    }


def _frame_of(rows: Sequence[Mapping[str, Any]], add_analysis: bool) -> polars.DataFrame:
    frame: polars.DataFrame = load("polars").DataFrame(rows)
    return _analysed(frame) if add_analysis else frame


def _analysed(frame: polars.DataFrame) -> polars.DataFrame:
    column = load("polars").col
    typical = (column("high") + column("low") + column("close")) / 3
    return frame.with_columns(
        return_pct=(column("close") - column("open")) / column("open") * 100,
        typical_price=typical,
        true_range=column("high") - column("low"),
        sma_5=column("close").rolling_mean(window_size=5),
        sma_10=column("close").rolling_mean(window_size=10),
        vol_ma_5=column("volume").rolling_mean(window_size=5),
        vwap=(typical * column("volume")).cum_sum() / column("volume").cum_sum(),
        momentum_3=column("close") - column("close").shift(3),
    )
