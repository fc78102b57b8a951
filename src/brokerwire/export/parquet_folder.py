"""Parquet files that follow one another in a folder, each named when it is complete; for one thread."""

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from brokerwire.clock import SystemClock
from brokerwire.events import Event
from brokerwire.export.extra import load
from brokerwire.export.files import place_new, unfinished_of
from brokerwire.export.frames import arrow_schema
from brokerwire.export.naming import name_of
from brokerwire.export.patient_file import Patience, PatientFile, Write
from brokerwire.export.schemas import Column, Kind, columns_of, plots_of
from brokerwire.export.tables import to_columns


class ParquetFolder:
    """Row groups into the file in the making; ``finish`` completes it and the next rows begin another.

    A study that shows a plot for the first time begins another file too, for it has another column.
    """

    def __init__(self, folder: Path, kind: Kind, *, patience: Patience, write: Write) -> None:
        self.files: list[Path] = []
        self.rows = 0
        self._folder = folder
        self._kind: Kind = kind
        self._patience = patience
        self._write = write
        self._file: _GrowingFile | None = None

    @property
    def unfinished_rows(self) -> int:
        """How many rows are in the file in the making."""
        return 0 if self._file is None else self._file.rows

    def append(self, events: Sequence[Event]) -> None:
        """Write a row group.

        Raises:
            OSError: The disk refuses and nobody waits any more.
        """
        plots = plots_of(events) if self._kind == "study" else ()
        if self._file is not None and not self._file.has(plots):
            self.finish()
        if self._file is None:
            self._file = _GrowingFile(
                self._folder, self._kind, columns_of(self._kind, plots), patience=self._patience, write=self._write
            )
            self._file.open()
        self._file.append(events)

    def finish(self) -> None:
        """Complete the file in the making, if there is one, and give it its name.

        Raises:
            OSError: The disk refuses and nobody waits any more.
        """
        if self._file is not None:
            self.files.append(self._file.finish())
            self.rows += self._file.rows
            self._file = None

    def abandon(self) -> None:
        """Remove the file in the making: nobody could read it."""
        if self._file is not None:
            self._file.abandon()


class _GrowingFile:
    """A Parquet file in the making, under a name that ends in ``.part``."""

    def __init__(
        self, folder: Path, kind: Kind, columns: Sequence[Column], *, patience: Patience, write: Write
    ) -> None:
        self.rows = 0
        self._folder = folder
        self._kind: Kind = kind
        self._columns = columns
        self._patience = patience
        self._began = datetime.fromtimestamp(SystemClock().time_ns() // 10**9, UTC)
        self._symbols: dict[str, None] = {}
        self._intervals: dict[str | None, None] = {}
        self._path = unfinished_of(folder / f"{kind}.parquet")
        self._write = write
        self._schema = arrow_schema(kind, columns)
        self._file: Any = None
        self._writer: Any = None

    def open(self) -> None:
        """Make the file; what fails leaves something to abandon."""
        self._file = PatientFile(self._path, patience=self._patience, write=self._write)
        self._writer = load("pyarrow.parquet").ParquetWriter(self._file, self._schema, compression="zstd")

    def has(self, plots: Sequence[str]) -> bool:
        return {column.field for column in self._columns}.issuperset(plots)

    def append(self, events: Sequence[Event]) -> None:
        self.rows += len(events)
        for event in events:
            self._symbols[event.symbol] = None
            self._intervals[getattr(event, "interval", None)] = None
        table = load("pyarrow").table(to_columns(events, self._columns), schema=self._schema)
        self._writer.write_table(table)

    def finish(self) -> Path:
        self._writer.close()
        self._file.sync()
        self._file.close()
        name = name_of(self._kind, self._symbols, self._intervals, extension="parquet", time=self._began)
        return self._patience(lambda: place_new(self._path, self._folder / name))

    def abandon(self) -> None:
        if self._writer is not None:
            with contextlib.suppress(OSError):
                self._writer.close()  # else it tries when it is collected
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
