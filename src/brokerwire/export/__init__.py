"""Market data into files and frames: JSON, NDJSON, CSV, Parquet and Polars."""

from brokerwire.errors import ExportError
from brokerwire.export.files import write_atomically, write_new
from brokerwire.export.formats import FORMATS, Format, format_of
from brokerwire.export.frames import from_arrow, from_polars, to_arrow, to_polars
from brokerwire.export.naming import file_name
from brokerwire.export.parquet_writer import ParquetWriter
from brokerwire.export.reading import read_events
from brokerwire.export.schemas import KINDS, SCHEMAS, Column, Kind
from brokerwire.export.writing import (
    write_csv,
    write_events,
    write_json,
    write_ndjson,
    write_new_events,
    write_new_rows,
    write_parquet,
    write_rows,
)

__all__ = [
    "FORMATS",
    "KINDS",
    "SCHEMAS",
    "Column",
    "ExportError",
    "Format",
    "Kind",
    "ParquetWriter",
    "file_name",
    "format_of",
    "from_arrow",
    "from_polars",
    "read_events",
    "to_arrow",
    "to_polars",
    "write_atomically",
    "write_csv",
    "write_events",
    "write_json",
    "write_ndjson",
    "write_new",
    "write_new_events",
    "write_new_rows",
    "write_parquet",
    "write_rows",
]
