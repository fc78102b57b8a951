"""tvkit's package of this name: the chart client, its records and errors."""

from brokerwire.compat.tvkit.api.chart.exceptions import SeriesError, StreamConnectionError
from brokerwire.compat.tvkit.models import Adjustment
from brokerwire.compat.tvkit.ohlcv import OHLCV
from brokerwire.compat.tvkit.stream_models import (
    ExportConfig,
    IndicatorData,
    OHLCVData,
    StreamConfig,
    StreamerResponse,
    TradeData,
)

__all__ = [
    "OHLCV",
    "Adjustment",
    "ExportConfig",
    "IndicatorData",
    "OHLCVData",
    "SeriesError",
    "StreamConfig",
    "StreamConnectionError",
    "StreamerResponse",
    "TradeData",
]
