"""Events as venues send them, with everything in them that a file could lose."""

from brokerwire.events import Bar, Event, Quote, StudyPoint, Trade

TIME_NS = 1_764_435_600_123_456_789
"""2025-11-29T17:00:00.123456789Z."""

BARS: list[Event] = [
    Bar("binance", "BTC/USDT", None, TIME_NS + 1, "1h", TIME_NS, 0.1, 0.30000000000000004, 1e-9, 0.2, 12.5, 0.15, 7),
    Bar("binance", "ÅÄÖ-株", TIME_NS + 3, TIME_NS + 4, "1h", TIME_NS + 2, 1.0, 2.0, 0.5, 1.5, is_closed=False),
    Bar("binance", "BTC/USDT", 1, 2, "1h", 3, 1.0, 2.0, 0.5, 1.5, 0.0, None, 0, True, "backfill"),
]
QUOTES: list[Event] = [
    Quote("tradestation", "AAPL", TIME_NS, TIME_NS + 1, 1.1, 100.0, 1.2, 200.0, 1.15, None, 0.0, change_percent=-0.5),
    Quote("tradestation", "MSFT", None, TIME_NS + 2),
]
TRADES: list[Event] = [
    Trade("tradestation", "AAPL", TIME_NS, TIME_NS + 1, 1.5, 100.0, "buy", "id-1", ("@", "a,b", 'say "x"\n')),
    Trade("tradestation", "AAPL", None, TIME_NS + 2, 1.25, 1.0),
]
STUDIES: list[Event] = [
    StudyPoint("tradingview", "NASDAQ:AAPL", TIME_NS, TIME_NS + 1, "MACD", "1d", 10, {"Macd": 1.5, "Signal": None}),
    StudyPoint("tradingview", "NASDAQ:AAPL", None, TIME_NS + 1, "MACD", "1d", 20, {"Macd": None, "Signal": -2.0}),
]
SAMPLES = {"bar": BARS, "quote": QUOTES, "trade": TRADES, "study": STUDIES}
