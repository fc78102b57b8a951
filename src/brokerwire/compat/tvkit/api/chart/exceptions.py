"""tvkit's module of this name: the errors that there are here, under its names."""

from brokerwire.compat.tvkit.errors import DataNotFoundError as NoHistoricalDataError
from brokerwire.compat.tvkit.errors import SeriesError
from brokerwire.compat.tvkit.errors import WebSocketException as StreamConnectionError

__all__ = ["NoHistoricalDataError", "SeriesError", "StreamConnectionError"]
