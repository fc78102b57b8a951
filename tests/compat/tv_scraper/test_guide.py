"""What the streaming guide of tv-scraper shows works, with nothing changed but the import line."""

from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest

import brokerwire.compat.tv_scraper as package
from brokerwire.compat.tv_scraper import streaming


def test_both_import_lines_give_the_same_classes() -> None:
    for name in ("Streamer", "RealTimeData", "StreamHandler"):
        assert getattr(package, name) is getattr(streaming, name)
    assert streaming.streamer.Streamer is package.Streamer  # type: ignore[attr-defined]  # a module of the package
    assert streaming.price.RealTimeData is package.RealTimeData  # type: ignore[attr-defined]  # a module too
    assert all(hasattr(package, name) for name in package.__all__)


def test_the_quick_start_fetches_candles_and_follows_the_price(no_leftovers: None) -> None:
    from brokerwire.compat.tv_scraper.streaming import Streamer

    s = Streamer()
    result = s.get_candles(exchange="BINANCE", symbol="BTCUSDT", timeframe="1h")
    assert len(result["data"]["ohlcv"]) == 10
    seen = []
    for tick in s.stream_realtime_price(exchange="BINANCE", symbol="BTCUSDT"):
        seen.append((tick["price"], tick["change_percent"]))
        if len(seen) == 3:
            break
    assert all(price > 0 and abs(percent) < 50 for price, percent in seen)
    s.close()


def test_errors_are_returned_as_the_guide_says(no_leftovers: None) -> None:
    with streaming.Streamer() as s:
        result = s.get_candles(exchange="BAD", symbol="XXX")
    assert result["status"] == "failed"
    assert result["data"] is None
    assert (result["metadata"]["exchange"], result["metadata"]["symbol"]) == ("BAD", "XXX")
    assert result["error"].startswith("Invalid exchange:symbol 'BAD:XXX'")


def test_raw_packets_come_from_both_generators(no_leftovers: None) -> None:
    with streaming.RealTimeData() as data:
        chart = list(islice(data.get_ohlcv(exchange="BINANCE", symbol="BTCUSDT"), 12))
        quotes = list(islice(data.get_latest_trade_info(["BINANCE", "NASDAQ"], ["BTCUSDT", "AAPL"]), 5))
    assert {"timescale_update", "qsd"} <= {packet.get("m") for packet in chart}
    assert {packet["m"] for packet in quotes[1:]} == {"qsd", "quote_completed"}


def test_the_older_packages_call_still_answers(no_leftovers: None) -> None:
    with streaming.Streamer() as s, pytest.warns(DeprecationWarning, match="get_candles"):
        assert s.stream("BINANCE", "BTCUSDT")["status"] == "success"


@pytest.mark.process
def test_a_script_that_closes_nothing_ends_quietly(run_script: Callable[..., Any]) -> None:
    code, out, errors = run_script(
        """
from brokerwire.compat.tv_scraper.streaming import Streamer

s = Streamer()
result = s.get_candles(exchange="BINANCE", symbol="BTCUSDT", timeframe="1h")
print(len(result["data"]["ohlcv"]))
for tick in s.stream_realtime_price(exchange="BINANCE", symbol="BTCUSDT"):
    print(tick["price"] > 0)
    break
"""
    )
    assert (code, errors) == (0, "")
    assert out.split() == ["10", "True"]


@pytest.mark.process
def test_ctrl_c_ends_an_endless_loop(run_script: Callable[..., Any]) -> None:
    code, _, errors = run_script(
        """
from brokerwire.compat.tv_scraper.streaming import Streamer

for tick in Streamer().stream_realtime_price(exchange="BINANCE", symbol="BTCUSDT"):
    print("tick", tick["price"], flush=True)
""",
        interrupt_at="tick",
    )
    assert code != 0
    assert errors.splitlines()[-1] == "KeyboardInterrupt"
    assert errors.count("Traceback") == 1
