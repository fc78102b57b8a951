"""tvkit's module of this name: bars, quotes, and the wire's messages."""

from brokerwire.compat.tvkit.models import (
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

__all__ = [
    "LastBarStatus",
    "NamespaceData",
    "OHLCVBar",
    "OHLCVResponse",
    "QuoteCompletedMessage",
    "QuoteSymbolData",
    "SeriesData",
    "SeriesUpdate",
    "TimescaleUpdateResponse",
    "WebSocketMessage",
]
