"""tv-scraper's streaming (its 1.1 line): the same names and calls, over ``SyncClient``."""

from brokerwire.compat.tv_scraper.streaming import RealTimeData, Streamer, StreamHandler
from brokerwire.compat.tv_scraper.streaming.utils import (
    fetch_available_indicators,
    fetch_indicator_metadata,
    fetch_tradingview_indicators,
    prepare_indicator_metadata,
    validate_symbols,
)

__all__ = [
    "RealTimeData",
    "StreamHandler",
    "Streamer",
    "fetch_available_indicators",
    "fetch_indicator_metadata",
    "fetch_tradingview_indicators",
    "prepare_indicator_metadata",
    "validate_symbols",
]
