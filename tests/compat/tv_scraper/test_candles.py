import pytest
from msgspec import structs

from brokerwire import Client
from brokerwire.client.loop_thread import LoopThread
from brokerwire.client.sync_client import SyncClient
from brokerwire.compat.tv_scraper.candles import candle_data, explained, price_tick, study_row
from brokerwire.errors import InvalidSymbolError, StreamError
from brokerwire.events import Bar, Quote, StudyPoint
from brokerwire.simulator import Simulator

S = 10**9


def bar(minute: int, volume: float | None = 5.0) -> Bar:
    return Bar("tradingview", "X:Y", None, 1, "1m", minute * 60 * S, 1.0, 4.0, 0.5, 2.0, volume)


def point(minute: int, *values: float | None) -> StudyPoint:
    plots = {f"plot_{number}": value for number, value in enumerate(values)}
    return StudyPoint("tradingview", "X:Y", None, 1, "STD;RSI", "1m", minute * 60 * S, plots)


def test_candles_and_values_share_their_index() -> None:
    data = candle_data([bar(1), bar(2, None)], {"STD;RSI": [point(0, 9.0), point(1, 7.0), point(2, None, 3.0)]})
    assert data["ohlcv"] == [
        {"index": 0, "timestamp": 60.0, "open": 1.0, "high": 4.0, "low": 0.5, "close": 2.0, "volume": 5.0},
        {"index": 1, "timestamp": 120.0, "open": 1.0, "high": 4.0, "low": 0.5, "close": 2.0},
    ]
    assert data["indicators"] == {
        "STD;RSI": [
            {"index": 0, "timestamp": 60.0, "0": 7.0},
            {"index": 1, "timestamp": 120.0, "0": None, "1": 3.0},
        ]
    }
    assert study_row(5, point(1, 7.0)) == {"index": 5, "timestamp": 60.0, "0": 7.0}


def test_a_tick_has_the_days_figures() -> None:
    quote = Quote("tradingview", "X:Y", None, 1, bid=1.0, ask=2.0, last=1.5, volume=9.0, open=1.2, high=3.0, low=1.0)
    tick = price_tick(structs.replace(quote, previous_close=1.0, change=0.4, change_percent=40.0), "X", "Y")
    assert tick == {
        "exchange": "X",
        "symbol": "Y",
        "price": 1.5,
        "volume": 9.0,
        "change": 0.4,
        "change_percent": 40.0,
        "high": 3.0,
        "low": 1.0,
        "open": 1.2,
        "prev_close": 1.0,
        "bid": 1.0,
        "ask": 2.0,
    }


@pytest.mark.parametrize(("previous", "change", "percent"), [(1.0, 0.5, 50.0), (None, None, None), (0.0, None, None)])
def test_a_change_that_is_not_told_is_to_the_previous_close(
    previous: float | None, change: float | None, percent: float | None
) -> None:
    tick = price_tick(Quote("tradingview", "X:Y", None, 1, last=1.5, previous_close=previous), "X", "Y")
    assert (tick["change"], tick["change_percent"]) == (change, percent)


def test_an_unknown_symbol_is_explained_with_others(client: SyncClient) -> None:
    async def explain(inner: Client, name: str, failure: Exception) -> BaseException:
        return await explained(inner, name, failure)

    unknown = InvalidSymbolError("unknown")
    other = client.run(lambda inner: explain(inner, "BINANCE:AAPL", unknown))
    assert str(other) == "Invalid exchange:symbol 'BINANCE:AAPL'; did you mean NASDAQ:AAPL?"
    assert str(client.run(lambda inner: explain(inner, "X:NOSUCH", unknown))) == "Invalid exchange:symbol 'X:NOSUCH'"
    failure = StreamError("mine")
    assert client.run(lambda inner: explain(inner, "X:Y", failure)) is failure


def test_a_search_that_fails_hides_nothing(client: SyncClient, simulator: tuple[Simulator, LoopThread]) -> None:
    client.start()
    simulator[1].read(lambda: simulator[0].faults.set("refuse:403"))
    found = client.run(lambda inner: explained(inner, "BINANCE:AAPL", InvalidSymbolError("unknown")))
    assert str(found) == "Invalid exchange:symbol 'BINANCE:AAPL'"
