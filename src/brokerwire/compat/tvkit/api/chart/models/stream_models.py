"""tvkit's module of this name: what a streamer is told, and what it yields."""

from brokerwire.compat.tvkit.stream_models import (
    ExportConfig,
    IndicatorData,
    OHLCVData,
    StreamConfig,
    StreamerResponse,
    TradeData,
)

__all__ = ["ExportConfig", "IndicatorData", "OHLCVData", "StreamConfig", "StreamerResponse", "TradeData"]
