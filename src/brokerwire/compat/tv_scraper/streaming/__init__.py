"""tv-scraper's package of this name: candles, prices, raw packets."""

from brokerwire.compat.tv_scraper.streaming.price import RealTimeData
from brokerwire.compat.tv_scraper.streaming.stream_handler import StreamHandler
from brokerwire.compat.tv_scraper.streaming.streamer import Streamer

__all__ = ["RealTimeData", "StreamHandler", "Streamer"]
