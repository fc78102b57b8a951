"""The records of tvkit's exporter: what is to be written and how, and what has become of it."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, TypeAlias

from msgspec import field

from brokerwire.clock import SystemClock
from brokerwire.compat.tvkit.errors import SeriesError
from brokerwire.compat.tvkit.model import Model

TimestampFormat: TypeAlias = Literal["iso", "unix", "datetime"]

JSON_OPTIONS = ("indent", "ensure_ascii", "sort_keys")
CSV_OPTIONS = ("delimiter", "quoting", "line_terminator")
POLARS_OPTIONS = ("add_analysis",)


class ExportFormat(StrEnum):
    """What bars are written as; ``polars`` is a frame and no file."""

    POLARS = "polars"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


class ExportConfig(Model, kw_only=True):
    """How bars are written; ``options`` are those that ``DataExporter`` takes for the format.

    Raises:
        SeriesError: A field is missing, unknown or of another type; also a ``ValueError``.
    """

    format: ExportFormat
    file_path: str | None = None
    timestamp_format: TimestampFormat = "iso"
    include_metadata: bool = True
    options: dict[str, Any] = field(default_factory=dict)


def _now() -> datetime:
    return datetime.fromtimestamp(SystemClock().time_ns() // 10**9, tz=UTC)


class ExportMetadata(Model, kw_only=True):
    """What was written, and when; bars do not say their symbol and interval."""

    export_timestamp: datetime = field(default_factory=_now)
    source: str
    symbol: str | None = None
    interval: str | None = None
    record_count: int
    format: ExportFormat
    file_path: str | None = None


class ExportResult(Model, kw_only=True):
    """What has become of an export: a file, or ``data``, or else the reason."""

    success: bool
    metadata: ExportMetadata
    file_path: Path | None = None
    error_message: str | None = None
    data: Any = None


def known_options(options: dict[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    """Return the options of a format.

    Raises:
        SeriesError: One of them is none.
    """
    unknown = [name for name in options if name not in known]
    if unknown:
        raise SeriesError(f"{', '.join(unknown)} is no option here; there are {', '.join(known)}")
    return options
