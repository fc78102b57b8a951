import inspect
from typing import Any

import pytest
from tests.client.conftest import Venues

from brokerwire import InvalidSymbolError
from brokerwire.client.sync_services import (
    Blocking,
    Streaming,
    SyncBrokerage,
    SyncMarketData,
    SyncOrderExecution,
)
from brokerwire.services.brokerage import BrokerageService
from brokerwire.services.market_data import MarketDataService
from brokerwire.services.order_execution import OrderExecutionService

PAIRS = [
    (MarketDataService, SyncMarketData),
    (OrderExecutionService, SyncOrderExecution),
    (BrokerageService, SyncBrokerage),
]


@pytest.mark.parametrize(("service", "sync"), PAIRS)
def test_every_method_has_its_counterpart(service: type, sync: type) -> None:
    for name, method in inspect.getmembers(service, inspect.isfunction):
        if not name.startswith("_"):
            kind = Streaming if name.startswith("stream_") else Blocking
            counterpart = getattr(sync, name)
            assert isinstance(counterpart, kind), name
            assert counterpart.__doc__ == method.__doc__


def test_a_method_looks_like_the_one_it_stands_for(venues: Venues) -> None:
    data = venues.client(venues.simulator("binance")[0]).market_data
    assert str(inspect.signature(data.get_bars)).startswith("(symbol: str, interval: str = '1m', *, limit")
    assert data.get_bars.__name__ == "get_bars"
    assert not inspect.iscoroutinefunction(data.get_bars)
    assert "from the oldest" in (data.get_bars.__doc__ or "")
    assert next(iter(inspect.signature(data.stream_quotes).parameters)) == "symbols"
    assert repr(data) == "<SyncMarketData>"


def test_a_stream_that_is_refused_leaves_no_thread(venues: Venues) -> None:
    data = venues.client(venues.simulator("tradingview")[0]).market_data
    seen: list[Any] = []
    with pytest.raises(InvalidSymbolError):
        data.stream_quotes("NASDAQ:NOSUCH", seen.append)
    with pytest.raises(TypeError):
        data.stream_quotes()  # type: ignore[call-arg]  # what is tested


def test_callbacks_are_found_wherever_they_stand(venues: Venues) -> None:
    data = venues.client(venues.simulator("tradingview")[0]).market_data
    seen: list[Any] = []
    with data.stream_studies(
        "BINANCE:BTCUSDT", "1m", "RSI@tv-basicstudies", callback=seen.append, length=7, max_pending=50
    ) as points:
        points.ready(20)
        assert points.stats.errors == 0
