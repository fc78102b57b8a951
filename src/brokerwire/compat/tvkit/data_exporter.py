"""DataExporter: tvkit's way to write bars, as frames and files."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

from brokerwire.compat.tvkit.arguments import convert_timestamp_to_iso
from brokerwire.compat.tvkit.errors import SeriesError
from brokerwire.compat.tvkit.export_models import (
    CSV_OPTIONS,
    JSON_OPTIONS,
    POLARS_OPTIONS,
    ExportConfig,
    ExportFormat,
    ExportMetadata,
    ExportResult,
    TimestampFormat,
    known_options,
)
from brokerwire.compat.tvkit.integrity import COLUMNS, DataIntegrityError, check_bars
from brokerwire.compat.tvkit.models import OHLCVBar
from brokerwire.compat.tvkit.stream_models import OHLCData, OHLCVData
from brokerwire.errors import BrokerwireError
from brokerwire.export import file_name, write_atomically, write_rows
from brokerwire.export.extra import load
from brokerwire.export.naming import FOLDER

if TYPE_CHECKING:
    import polars

AnyBar: TypeAlias = OHLCVBar | OHLCData | OHLCVData
PathLike: TypeAlias = str | os.PathLike[str]

logger = logging.getLogger(__name__)


class DataExporter:
    """Writes bars as a Polars frame, JSON, CSV or Parquet: ``timestamp``, four prices and ``volume``.

    Every method runs on a thread of its own, so that the event loop goes on. Files appear whole, and replace what was
    there; a missing folder is made. Bars are written in the order in which they are given.

    Files can be checked first: ``validate`` logs what is wrong with the bars as warnings, ``strict`` refuses to write
    bars with errors, and ``interval`` has gaps looked for too.
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
        validate: bool = False,
        strict: bool = False,
        interval: str | None = None,
        timestamp_format: TimestampFormat = "iso",
        **json_options: Any,
    ) -> Path:
        """Write ``{"data": [...], "metadata": {...}}``, the latter on request; returns where the file is.

        ``json_options`` are ``indent`` (2, None for one line), ``ensure_ascii`` (False) and ``sort_keys`` (True).

        Raises:
            SeriesError: There are no bars, or the format or an option is none; also a ``ValueError``.
            DataIntegrityError: The bars have errors, and ``strict`` is asked for.
            ConfigurationError: The file may not be written.
            OSError: The disk refused.
        """
        options = {"indent": 2, "ensure_ascii": False, "sort_keys": True, **known_options(json_options, JSON_OPTIONS)}
        if validate:
            _check(data, strict=strict, interval=interval)
        content: dict[str, Any] = {"data": _rows_of(data, timestamp_format)}
        if include_metadata:
            content["metadata"] = _metadata_of(data, file_path, ExportFormat.JSON)
        encoded = json.dumps(content, default=str, **options).encode()
        return await asyncio.to_thread(write_atomically, file_path, lambda file: file.write(encoded))

    async def to_csv(
        self,
        data: Sequence[AnyBar],
        file_path: PathLike,
        include_metadata: bool = True,
        *,
        validate: bool = False,
        strict: bool = False,
        interval: str | None = None,
        timestamp_format: TimestampFormat = "iso",
        **csv_options: Any,
    ) -> Path:
        """Write a header and a line for each bar, and ``<name>.metadata.txt`` beside it on request.

        ``csv_options`` are ``delimiter`` (a comma), ``quoting`` (``csv.QUOTE_MINIMAL``) and ``line_terminator``.

        Raises:
            SeriesError: There are no bars, or the format or an option is none; also a ``ValueError``.
            DataIntegrityError: The bars have errors, and ``strict`` is asked for.
            ConfigurationError: The file may not be written.
            OSError: The disk refused.
        """
        options = known_options(csv_options, CSV_OPTIONS)
        if validate:
            _check(data, strict=strict, interval=interval)
        encoded = _csv_of(_rows_of(data, timestamp_format), **options)
        path = _named(file_path, "csv")
        await asyncio.to_thread(write_atomically, path, lambda file: file.write(encoded))
        if include_metadata:
            told = _metadata_of(data, file_path, ExportFormat.CSV)
            lines = "".join(f"{name}: {value}\n" for name, value in told.items())
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
        rows, path = _rows_of(data, timestamp_format), _named(file_path, "parquet")
        return await asyncio.to_thread(write_rows, rows, path, columns=COLUMNS)

    async def export_ohlcv_data(
        self,
        data: Sequence[AnyBar],
        format: ExportFormat | str,
        file_path: PathLike | None = None,
        config: ExportConfig | None = None,
    ) -> ExportResult:
        """Write bars as the format says; what goes wrong is in the result, and not raised.

        Without a path the file is ``export/ohlcv_data_<time>``. ``ExportFormat.POLARS`` writes none: the frame is
        ``data`` of the result.

        Raises:
            SeriesError: The format is none; also a ``ValueError``.
        """
        kind = _format_of(format)
        settings = ExportConfig(format=kind) if config is None else config
        path = file_path or settings.file_path or _default_path(kind)
        told = ExportMetadata(source="ohlcv", record_count=len(data), format=kind, file_path=str(path or "") or None)
        try:
            made = await self._export(data, kind, path, settings)
        except (BrokerwireError, OSError) as exc:
            return ExportResult(success=False, metadata=told, error_message=str(exc))
        if isinstance(made, Path):
            return ExportResult(success=True, metadata=told, file_path=made)
        return ExportResult(success=True, metadata=told, data=made)

    async def _export(self, data: Sequence[AnyBar], kind: ExportFormat, path: PathLike, config: ExportConfig) -> Any:
        how, options = config.timestamp_format, config.options
        if kind is ExportFormat.POLARS:
            return await self.to_polars(data, timestamp_format=how, **known_options(options, POLARS_OPTIONS))
        if kind is ExportFormat.PARQUET:
            return await self.to_parquet(data, path, timestamp_format=how, **known_options(options, ()))
        write = self.to_json if kind is ExportFormat.JSON else self.to_csv
        return await write(data, path, config.include_metadata, timestamp_format=how, **options)

    def get_supported_formats(self) -> list[ExportFormat]:
        """Return the formats that ``export_ohlcv_data`` takes."""
        return list(ExportFormat)


def _format_of(name: ExportFormat | str) -> ExportFormat:
    try:
        return ExportFormat(name)
    except ValueError as exc:
        raise SeriesError(f"format must be one of {', '.join(ExportFormat)}, not {name!r}") from exc


def _default_path(kind: ExportFormat) -> PathLike:
    return "" if kind is ExportFormat.POLARS else Path(FOLDER) / file_name("ohlcv", "data", extension=kind)


def _named(file_path: PathLike, extension: str) -> Path:
    """Return the path; a file whose name says nothing else gets the extension of its format."""
    path = Path(file_path)
    return path if path.suffix.lower() == f".{extension}" else path.with_name(f"{path.name}.{extension}")


def _check(data: Sequence[AnyBar], *, strict: bool, interval: str | None) -> None:
    """Log what is wrong with the bars.

    Raises:
        DataIntegrityError: They have errors, and that is not to be.
        SeriesError: The interval is none, or has no fixed length.
    """
    result = check_bars({name: [getattr(bar, name) for bar in data] for name in COLUMNS}, interval=interval)
    for each in result.violations:
        logger.warning("%s", each.message, extra={"check": each.check.value, "rows": each.affected_rows})
    if strict and result.errors:
        raise DataIntegrityError(result)


def _csv_of(
    rows: Sequence[Mapping[str, Any]],
    *,
    delimiter: str = ",",
    quoting: Any = csv.QUOTE_MINIMAL,
    line_terminator: str = "\n",
) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=line_terminator)
    writer.writerow(COLUMNS)
    writer.writerows([row[name] for name in COLUMNS] for row in rows)
    return text.getvalue().encode()


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


def _metadata_of(data: Sequence[AnyBar], file_path: PathLike, kind: ExportFormat) -> dict[str, Any]:
    told = ExportMetadata(source="ohlcv", record_count=len(data), format=kind, file_path=os.fspath(file_path))
    return {
        **told.model_dump(exclude_none=True),
        "export_timestamp": told.export_timestamp.isoformat(),
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
