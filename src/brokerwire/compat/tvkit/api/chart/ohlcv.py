"""tvkit's module of this name: the chart client."""

from brokerwire.compat.tvkit.models import Adjustment, OHLCVBar, QuoteSymbolData
from brokerwire.compat.tvkit.ohlcv import OHLCV, signal_handler

__all__ = ["OHLCV", "Adjustment", "OHLCVBar", "QuoteSymbolData", "signal_handler"]
