from itertools import islice
from typing import Any

import pytest
from tests.client.conftest import wait_until

from brokerwire import SyncClient
from brokerwire.client.loop_thread import LoopThread
from brokerwire.compat.tv_scraper import RealTimeData
from brokerwire.simulator import Simulator


@pytest.fixture
def data(client: SyncClient) -> RealTimeData:
    return RealTimeData(client=client)


def until(packets: Any, *methods: str) -> dict[str, Any]:
    """Return the first packet of each method, once all have come."""
    found: dict[str, Any] = {}
    for packet in packets:
        found.setdefault(str(packet.get("m")), packet)
        if found.keys() >= set(methods):
            return found
    raise AssertionError("the packets ended")


def test_a_charts_packets_come_as_they_are(data: RealTimeData) -> None:
    packets = data.get_ohlcv(exchange="BINANCE", symbol="BTCUSDT")
    found = until(packets, "qsd", "symbol_resolved", "timescale_update", "series_completed", "study_completed", "du")
    assert "session_id" in found["None"]
    bars = found["timescale_update"]["p"][1]["sds_1"]["s"]
    assert len(bars) == 10
    assert len(bars[0]["v"]) == 6
    assert found["qsd"]["p"][1]["v"]["lp"] > 0
    packets.close()  # type: ignore[attr-defined]  # a generator


def test_quotes_of_several_symbols_come_by_their_names(data: RealTimeData) -> None:
    names = {"BINANCE:BTCUSDT", "NASDAQ:AAPL"}
    seen = set()
    for packet in data.get_latest_trade_info(exchanges=["BINANCE", "NASDAQ"], symbols=["BTCUSDT", "AAPL"]):
        if packet.get("m") == "quote_completed":
            seen.add(packet["p"][1])
        if seen == names:
            break
    assert seen == names


def test_packets_go_on_over_a_reconnect(data: RealTimeData, simulator: tuple[Simulator, LoopThread]) -> None:
    packets = data.get_ohlcv("BINANCE", "BTCUSDT")
    until(packets, "du")
    assert simulator[1].read(simulator[0].connections.drop) == 1
    assert until(packets, "timescale_update", "du", "qsd")


def test_a_generator_that_is_left_leaves_nothing(
    data: RealTimeData, client: SyncClient, simulator: tuple[Simulator, LoopThread]
) -> None:
    packets = data.get_ohlcv("BINANCE", "BTCUSDT")
    next(packets)
    packets.close()  # type: ignore[attr-defined]  # a generator
    assert client.health()["streams"] == []
    list(islice(data.get_latest_trade_info(["NASDAQ"], ["AAPL"]), 3))
    wait_until(lambda: simulator[1].read(lambda: len(simulator[0].connections)) == 0)


@pytest.mark.parametrize(
    ("exchanges", "symbols"), [(["NASDAQ"], ["AAPL", "MSFT"]), ([], []), ("NASDAQ", "AAPL"), (["NASDAQ"], "AAPL")]
)
def test_lists_that_do_not_fit_are_told(data: RealTimeData, exchanges: Any, symbols: Any) -> None:
    with pytest.raises(ValueError, match="same length"):
        next(data.get_latest_trade_info(exchanges, symbols))


def test_an_unknown_symbol_is_told_at_once(data: RealTimeData) -> None:
    with pytest.raises(ValueError, match="NASDAQ:NOSUCH"):
        next(data.get_ohlcv("NASDAQ", "NOSUCH"))
    with pytest.raises(ValueError, match="did you mean NASDAQ:AAPL"):
        next(data.get_latest_trade_info(["NASDAQ", "BINANCE"], ["MSFT", "AAPL"]))


def test_it_needs_no_client(no_leftovers: None) -> None:
    with RealTimeData() as data:
        assert "session_id" in next(data.get_ohlcv("BINANCE", "BTCUSDT"))
