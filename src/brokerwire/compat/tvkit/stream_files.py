"""The files that an exporting streamer writes, one for bars and one for a study."""

import asyncio
from pathlib import Path

from brokerwire.compat.tvkit.stream_models import ExportType, OHLCData, StreamData
from brokerwire.export import file_name, write_new_rows
from brokerwire.export.naming import FOLDER

_COLUMNS = list(OHLCData.__struct_fields__)


async def write_stream_data(data: StreamData, symbol: str, timeframe: str, extension: ExportType) -> list[Path]:
    """Write what was collected into ``export/``: ``ohlc_{symbol}_{timeframe}_{timestamp}``, and ``indicator_...``.

    The symbol is written without its exchange; values of a study have a column each.

    Raises:
        ConfigurationError: The files may not be written.
        OSError: The disk refused.
    """
    return await asyncio.to_thread(_write, data, symbol.rpartition(":")[2], timeframe, extension)


def _write(data: StreamData, symbol: str, timeframe: str, extension: ExportType) -> list[Path]:
    def path(category: str) -> Path:
        return Path(FOLDER) / file_name(category, symbol, timeframe, extension=extension)

    written = [write_new_rows([bar.model_dump() for bar in data.ohlc], path("ohlc"), columns=_COLUMNS)]
    if data.indicator:
        points = [{**point.model_dump(), **point.values} for point in data.indicator]
        for point in points:
            del point["values"]
        written.append(write_new_rows(points, path("indicator")))
    return written
