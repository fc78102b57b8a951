"""What tvkit's functions take: symbols, intervals and counts, checked before anything is sent; times as text."""

from collections.abc import Sequence
from datetime import UTC, datetime

from brokerwire.client.client import Client
from brokerwire.compat.tvkit.errors import SeriesError, tvkit_errors

TIMEFRAMES = ("1m", "5m", "15m", "30m", "1h", "2h", "4h", "1d", "1w", "1M")
"""The intervals of the streamer; the chart client takes TradingView's own, such as ``60`` and ``1D``, and these."""

MOST_CANDLES = 1_000


def convert_timestamp_to_iso(timestamp: float) -> str:
    """Return seconds of UTC as ISO 8601 with its offset: ``1640995200`` is ``2022-01-01T00:00:00+00:00``."""
    return datetime.fromtimestamp(timestamp, tz=UTC).isoformat()


def check_count(name: str, count: int) -> int:
    """Return a number of bars.

    Raises:
        SeriesError: It is not a whole number from 1.
    """
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise SeriesError(f"{name} must be a whole number from 1, not {count!r}")
    return count


async def check_symbols(client: Client, symbols: str | Sequence[str]) -> bool:
    """Return True if the venue has every symbol, else say which it has not.

    Raises:
        SeriesError: There is none, or the venue does not have one of them; also a ``ValueError``.
        WebSocketException: The venue could not be asked.
    """
    with tvkit_errors():
        found = await client.market_data.validate_symbols(symbols)
    unknown = [symbol for symbol, is_known in found.items() if not is_known]
    if unknown:
        raise SeriesError(f"TradingView has no symbol {', '.join(unknown)}; write EXCHANGE:SYMBOL")
    return True


async def validate_symbols(exchange_symbol: str | Sequence[str]) -> bool:
    """Return True if the venue has every symbol, written ``EXCHANGE:SYMBOL`` or ``EXCHANGE-SYMBOL``.

    Raises:
        SeriesError: There is none, or the venue does not have one of them; also a ``ValueError``.
        WebSocketException: The venue could not be asked.
    """
    async with Client("tradingview") as client:
        return await check_symbols(client, exchange_symbol)
