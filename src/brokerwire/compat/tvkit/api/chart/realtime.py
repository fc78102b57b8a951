"""The module of this name that tvkit's guide imports: the streamer and what belongs to it."""

from brokerwire.compat.tvkit.errors import ConnectionClosed, DataNotFoundError, WebSocketException
from brokerwire.compat.tvkit.realtime import RealtimeStreamer
from brokerwire.compat.tvkit.stream_models import (
    ExportConfig,
    IndicatorConfig,
    IndicatorData,
    OHLCData,
    StreamConfig,
    StreamData,
)

__all__ = [
    "ConnectionClosed",
    "DataNotFoundError",
    "ExportConfig",
    "IndicatorConfig",
    "IndicatorData",
    "OHLCData",
    "RealtimeStreamer",
    "StreamConfig",
    "StreamData",
    "WebSocketException",
]
