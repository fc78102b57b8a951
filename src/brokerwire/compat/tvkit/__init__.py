"""tvkit's public API, flat: ``from brokerwire.compat.tvkit import OHLCV``."""

from brokerwire.compat.tvkit.arguments import convert_timestamp_to_iso, validate_symbols
from brokerwire.compat.tvkit.data_exporter import DataExporter
from brokerwire.compat.tvkit.errors import ConnectionClosed, DataNotFoundError, SeriesError, WebSocketException
from brokerwire.compat.tvkit.export_models import ExportFormat
from brokerwire.compat.tvkit.integrity import DataIntegrityError
from brokerwire.compat.tvkit.models import (
    Adjustment,
    LastBarStatus,
    NamespaceData,
    OHLCVBar,
    OHLCVResponse,
    QuoteCompletedMessage,
    QuoteSymbolData,
    SeriesData,
    SeriesUpdate,
    TimescaleUpdateResponse,
    WebSocketMessage,
)
from brokerwire.compat.tvkit.ohlcv import OHLCV, signal_handler
from brokerwire.compat.tvkit.realtime import RealtimeStreamer
from brokerwire.compat.tvkit.stream_models import (
    ExportConfig,
    IndicatorConfig,
    IndicatorData,
    OHLCData,
    OHLCVData,
    StreamConfig,
    StreamData,
    StreamerResponse,
    TradeData,
)

__all__ = [
    "OHLCV",
    "Adjustment",
    "ConnectionClosed",
    "DataExporter",
    "DataIntegrityError",
    "DataNotFoundError",
    "ExportConfig",
    "ExportFormat",
    "IndicatorConfig",
    "IndicatorData",
    "LastBarStatus",
    "NamespaceData",
    "OHLCData",
    "OHLCVBar",
    "OHLCVData",
    "OHLCVResponse",
    "QuoteCompletedMessage",
    "QuoteSymbolData",
    "RealtimeStreamer",
    "SeriesData",
    "SeriesError",
    "SeriesUpdate",
    "StreamConfig",
    "StreamData",
    "StreamerResponse",
    "TimescaleUpdateResponse",
    "TradeData",
    "WebSocketException",
    "WebSocketMessage",
    "convert_timestamp_to_iso",
    "signal_handler",
    "validate_symbols",
]
