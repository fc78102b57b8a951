"""Candles and the values of indicators beside them: fetched at once, as rows."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from brokerwire.client.client import Client
from brokerwire.errors import BrokerwireError, InvalidSymbolError
from brokerwire.events import Bar, Quote, StudyPoint

Row: TypeAlias = dict[str, Any]

_S = 1_000_000_000


async def fetch_candles(
    client: Client, name: str, timeframe: str, *, count: int, studies: Mapping[str, str]
) -> dict[str, Any]:
    """Return the newest candles, and for each of them the values of every study.

    Raises:
        ValueError: The venue does not know the symbol; the text names others.
        BrokerwireError: The interval is none, or the venue has no such study.
    """
    data = client.market_data
    try:
        async with asyncio.TaskGroup() as group:
            bars = group.create_task(data.get_bars(name, timeframe, limit=count))
            points = {
                script: group.create_task(data.get_study(name, timeframe, study, limit=count))
                for script, study in studies.items()
            }
    except BaseExceptionGroup as exc:
        raise await explained(client, name, exc.exceptions[0]) from exc
    if not bars.result():
        raise ValueError(f"No OHLCV data for {name} in {timeframe}")
    return candle_data(bars.result(), {script: task.result() for script, task in points.items()})


def candle_data(bars: Sequence[Bar], studies: Mapping[str, Iterable[StudyPoint]]) -> dict[str, Any]:
    """Return candles as rows, and the values of studies at these candles, by the same index."""
    places = {bar.open_time_ns: index for index, bar in enumerate(bars)}
    return {
        "ohlcv": [_candle(index, bar) for index, bar in enumerate(bars)],
        "indicators": {
            script: [study_row(places[each.open_time_ns], each) for each in points if each.open_time_ns in places]
            for script, points in studies.items()
        },
    }


def _candle(index: int, bar: Bar) -> Row:
    row = {
        "index": index,
        "timestamp": _seconds(bar.open_time_ns),
        "open": bar.open,
        "high": bar.high,
        "low": bar.low,
        "close": bar.close,
    }
    return row if bar.volume is None else {**row, "volume": bar.volume}


def study_row(index: int, point: StudyPoint) -> Row:
    """Return the values of a study at one candle, by the number of the plot."""
    values = {str(number): value for number, value in enumerate(point.values.values())}
    return {"index": index, "timestamp": _seconds(point.open_time_ns), **values}


def _seconds(time_ns: int) -> float:
    return time_ns / _S


def price_tick(quote: Quote, exchange: str, symbol: str) -> Row:
    """Return a quote as a row of prices; changes are to the previous close."""
    change, percent = quote.change, quote.change_percent
    if change is None and quote.price is not None and quote.previous_close:
        change = quote.price - quote.previous_close
        percent = change / quote.previous_close * 100
    return {
        "exchange": quote.get("exchange") or exchange,
        "symbol": quote.get("short_name") or symbol,
        "price": quote.price,
        "volume": quote.volume,
        "change": change,
        "change_percent": percent,
        "high": quote.high,
        "low": quote.low,
        "open": quote.open,
        "prev_close": quote.previous_close,
        "bid": quote.bid,
        "ask": quote.ask,
    }


async def explained(client: Client, name: str, failure: BaseException) -> BaseException:
    """Return a failure as users should see it: of an unknown symbol, with others that may have been meant."""
    if not isinstance(failure, InvalidSymbolError):
        return failure
    text = f"Invalid exchange:symbol '{name}'"
    try:
        found = await client.market_data.search_symbols(name.partition(":")[2], limit=3)
    except BrokerwireError:  # the first failure is what counts
        found = []
    others = " or ".join(str(row["id"]) for row in found)
    return ValueError(f"{text}; did you mean {others}?" if others else text)
