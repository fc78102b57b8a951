"""tvkit's package of this name: the records of charts and streams."""

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
)
from brokerwire.compat.tvkit.models import WebSocketMessage as OHLCVWebSocketMessage
from brokerwire.compat.tvkit.stream_models import (
    ExportConfig,
    IndicatorData,
    OHLCVData,
    StreamConfig,
    StreamerResponse,
    TradeData,
)

__all__ = [
    "Adjustment",
    "ExportConfig",
    "IndicatorData",
    "LastBarStatus",
    "NamespaceData",
    "OHLCVBar",
    "OHLCVData",
    "OHLCVResponse",
    "OHLCVWebSocketMessage",
    "QuoteCompletedMessage",
    "QuoteSymbolData",
    "SeriesData",
    "SeriesUpdate",
    "StreamConfig",
    "StreamerResponse",
    "TradeData",
]
