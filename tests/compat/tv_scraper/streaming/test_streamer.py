import csv
import json
import logging
import re
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.client.conftest import wait_until

from brokerwire import Quote, RequestError, StreamError, SyncClient
from brokerwire.client.loop_thread import LoopThread
from brokerwire.compat.tv_scraper import RealTimeData, Streamer
from brokerwire.simulator import Simulator

TICK = [
    "exchange", "symbol", "price", "volume", "change", "change_percent",
    "high", "low", "open", "prev_close", "bid", "ask",
]  # fmt: skip
CANDLE = ["index", "timestamp", "open", "high", "low", "close", "volume"]
INDICATORS = [("STD;RSI", "37.0"), ("STD;MACD", "37.0")]


@pytest.fixture
def streamer(client: SyncClient) -> Streamer:
    return Streamer(client=client)


@pytest.mark.parametrize(
    ("timeframe", "length"),
    [("1m", 60), ("5m", 300), ("15m", 900), ("30m", 1800), ("1h", 3600), ("2h", 7200), ("4h", 14400), ("1d", 86400)],
)
def test_candles_come_in_every_timeframe(streamer: Streamer, timeframe: str, length: int) -> None:
    answer = streamer.get_candles("BINANCE", "BTCUSDT", timeframe)
    rows = answer["data"]["ohlcv"]
    assert [row["index"] for row in rows] == list(range(10))
    assert {later["timestamp"] - earlier["timestamp"] for earlier, later in pairwise(rows)} == {length}
    assert [list(row) for row in rows] == [CANDLE] * 10
    assert answer["metadata"]["timeframe"] == timeframe


@pytest.mark.parametrize("timeframe", ["1w", "1M"])
def test_weeks_and_months_are_longer_than_a_minute(streamer: Streamer, timeframe: str) -> None:
    first, second = streamer.get_candles("BINANCE", "BTCUSDT", timeframe, 2)["data"]["ohlcv"]
    assert second["timestamp"] - first["timestamp"] >= 7 * 86_400


def test_the_envelope_is_the_documented_one(streamer: Streamer) -> None:
    answer = streamer.get_candles(exchange="NASDAQ", symbol="AAPL", timeframe="1h", numb_candles=3)
    assert list(answer) == ["status", "data", "metadata", "error"]
    assert (answer["status"], answer["error"]) == ("success", None)
    assert list(answer["data"]) == ["ohlcv", "indicators"]
    assert answer["data"]["indicators"] == {}
    assert answer["metadata"] == {"exchange": "NASDAQ", "symbol": "AAPL", "timeframe": "1h", "numb_candles": 3}


def test_five_thousand_candles_are_the_most(streamer: Streamer) -> None:
    assert len(streamer.get_candles("NASDAQ", "AAPL", "1m", 5000)["data"]["ohlcv"]) == 5000
    assert "5000" in streamer.get_candles("NASDAQ", "AAPL", "1m", 5001)["error"]


def test_indicators_come_at_the_candles(streamer: Streamer) -> None:
    data = streamer.get_candles("NASDAQ", "AAPL", "1h", 20, indicators=INDICATORS)["data"]
    assert list(data["indicators"]) == ["STD;RSI", "STD;MACD"]
    for rows in data["indicators"].values():
        assert [row["timestamp"] for row in rows] == [row["timestamp"] for row in data["ohlcv"]]
        assert [row["index"] for row in rows] == list(range(20))
    assert all(0 < row["0"] < 100 for row in data["indicators"]["STD;RSI"])
    assert {"0", "1", "2"} <= data["indicators"]["STD;MACD"][0].keys()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("NASDAQ", "NOSUCH"), "Invalid exchange:symbol 'NASDAQ:NOSUCH'"),
        (("BINANCE", "AAPL"), "did you mean NASDAQ:AAPL"),
        (("", "AAPL"), "cannot be empty"),
        (("NASDAQ", "~"), "write EXCHANGE:SYMBOL"),
        (("NASDAQ", "AAPL", "7x"), "timeframe must be one of"),
        (("NASDAQ", "AAPL", "1h", 0), "from 1 to 5000"),
        (("NASDAQ", "AAPL", "1h", 5, [("STD;NoSuch", "1.0")]), "no study 'STD;NoSuch@1.0'"),
        (("NASDAQ", "AAPL", "1h", 5, "STD;RSI"), "are pairs"),
    ],
)
def test_what_is_wrong_is_told_in_the_envelope(streamer: Streamer, arguments: Any, told: str) -> None:
    answer = streamer.get_candles(*arguments)
    assert list(answer) == ["status", "data", "metadata", "error"]
    assert (answer["status"], answer["data"]) == ("failed", None)
    assert told in answer["error"]
    assert answer["metadata"]["exchange"] == arguments[0]


def test_a_venue_that_is_away_is_told_in_the_envelope(
    streamer: Streamer, client: SyncClient, simulator: tuple[Simulator, LoopThread]
) -> None:
    client.start()
    simulator[1].read(lambda: simulator[0].faults.set("refuse:403"))
    assert "403" in streamer.get_candles("NASDAQ", "AAPL")["error"]


def test_an_interval_that_has_no_candles_is_told(streamer: Streamer, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_args: Any, **_options: Any) -> list[Any]:
        return []

    monkeypatch.setattr("brokerwire.services.market_data.MarketDataService.get_bars", nothing)
    assert streamer.get_candles("NASDAQ", "AAPL")["error"] == "No OHLCV data for NASDAQ:AAPL in 1m"


# Prices


def test_prices_keep_coming_with_the_days_figures(streamer: Streamer) -> None:
    ticks = list(islice(streamer.stream_realtime_price(exchange="BINANCE", symbol="BTCUSDT"), 5))
    assert [list(tick) for tick in ticks] == [TICK] * 5
    for tick in ticks:
        assert (tick["exchange"], tick["symbol"]) == ("BINANCE", "BTCUSDT")
        assert tick["low"] <= tick["price"] <= tick["high"]
        assert tick["change"] == pytest.approx(tick["price"] - tick["prev_close"], abs=0.02)
        assert tick["change_percent"] == pytest.approx(100 * tick["change"] / tick["prev_close"], abs=0.02)


def test_quotes_without_a_price_are_no_ticks(streamer: Streamer, monkeypatch: pytest.MonkeyPatch) -> None:
    prices: list[float | None] = [None, None]
    real = Quote.price.fget  # type: ignore[attr-defined]  # a property
    monkeypatch.setattr(Quote, "price", property(lambda quote: prices.pop() if prices else real(quote)))
    assert next(streamer.stream_realtime_price("BINANCE", "BTCUSDT"))["price"] > 0
    assert prices == []


def test_a_client_that_was_given_stays_open(client: SyncClient) -> None:
    with Streamer(client=client):
        pass
    with RealTimeData(client=client):
        pass
    assert client.market_data.validate_symbols("NASDAQ:AAPL")


def test_prices_go_on_over_a_reconnect(
    streamer: Streamer, client: SyncClient, simulator: tuple[Simulator, LoopThread]
) -> None:
    ticks = streamer.stream_realtime_price("BINANCE", "BTCUSDT")
    next(ticks)
    for _ in range(2):
        assert simulator[1].read(simulator[0].connections.drop) == 1
        assert len(list(islice(ticks, 5))) == 5
    wait_until(lambda: client.health()["streams"][0]["reconnects"] == 2)


def test_indicators_come_with_every_price(streamer: Streamer) -> None:
    ticks = list(islice(streamer.stream_realtime_price("BINANCE", "BTCUSDT", INDICATORS), 3))
    for tick in ticks:
        assert list(tick) == [*TICK, "indicators"]
        assert tick["indicators"].keys() == {"STD;RSI", "STD;MACD"}
        assert 0 < tick["indicators"]["STD;RSI"]["0"] < 100


def test_a_generator_that_is_left_leaves_nothing(
    streamer: Streamer, client: SyncClient, simulator: tuple[Simulator, LoopThread]
) -> None:
    ticks = streamer.stream_realtime_price("BINANCE", "BTCUSDT", INDICATORS)
    next(ticks)
    assert len(client.health()["subscriptions"]) == 3
    ticks.close()
    assert client.health()["subscriptions"] == client.health()["streams"] == []
    wait_until(lambda: simulator[1].read(lambda: len(simulator[0].connections)) == 0)
    for _ in streamer.stream_realtime_price("BINANCE", "BTCUSDT"):
        break
    wait_until(lambda: client.health()["subscriptions"] == [])


def test_the_generator_raises_what_is_wrong_at_its_first_step(streamer: Streamer, client: SyncClient) -> None:
    for arguments, told in (
        (("NASDAQ", "NOSUCH"), "Invalid exchange:symbol"),
        (("BINANCE", "AAPL"), "did you mean NASDAQ:AAPL"),
        (("", "AAPL"), "cannot be empty"),
        (("NASDAQ", "AAPL", ["STD;RSI"]), "pair"),
    ):
        ticks = streamer.stream_realtime_price(*arguments)  # type: ignore[arg-type]  # what is tested
        with pytest.raises(ValueError, match=told):
            next(ticks)
    with pytest.raises(RequestError, match="STD;NoSuch"):
        next(streamer.stream_realtime_price("NASDAQ", "AAPL", [("STD;NoSuch", "1.0")]))
    assert client.health()["subscriptions"] == []


def test_a_streamer_that_is_closed_ends_its_generators() -> None:
    with Streamer() as streamer:
        ticks = streamer.stream_realtime_price("BINANCE", "BTCUSDT")
        next(ticks)
    assert list(islice(ticks, 50)) != [None]
    assert "closed" in streamer.get_candles("BINANCE", "BTCUSDT")["error"]
    with pytest.raises(StreamError, match="closed"):
        next(streamer.stream_realtime_price("BINANCE", "BTCUSDT"))


# Options


def test_indicators_are_listed() -> None:
    answer = Streamer.get_available_indicators()
    assert (answer["status"], answer["metadata"], answer["error"]) == ("success", {}, None)
    assert {"name": "Relative Strength Index", "id": "STD;RSI", "version": "37.0"} in answer["data"]


def test_a_listing_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKERWIRE_ENVIRONMENT", "nowhere")
    with pytest.raises(Exception, match="nowhere"):
        Streamer()
    answer = Streamer.get_available_indicators()
    assert answer["status"] == "failed"
    assert "nowhere" in answer["error"]


@pytest.mark.parametrize("timeframe", ["3m", "7m", "60", "1H"])
def test_a_timeframe_that_tv_scraper_does_not_have_is_an_envelope(streamer: Streamer, timeframe: str) -> None:
    answer = streamer.get_candles("NASDAQ", "AAPL", timeframe)
    assert (answer["status"], answer["data"]) == ("failed", None)
    assert "timeframe must be one of" in answer["error"]
    assert answer["metadata"]["timeframe"] == timeframe


@pytest.mark.parametrize(
    ("places", "names", "exported"),
    [
        (("csv",), {}, "csv"),
        (("json",), {}, "json"),
        ((None,), {}, None),
        ((), {"export": "csv"}, "csv"),
        ((True,), {}, "json"),
        ((True, "csv"), {}, "csv"),
        ((False, "csv"), {}, None),
        ((True,), {"export_type": "csv"}, "csv"),
        ((), {"export_result": True, "export_type": "csv"}, "csv"),
        (("csv", "sessionid=s"), {}, "csv"),
        ((None, "sessionid=s"), {}, None),
    ],
    ids=str,
)
def test_an_export_is_asked_for_in_either_spelling(
    client: SyncClient, places: tuple[Any, ...], names: dict[str, Any], exported: str | None
) -> None:
    streamer = Streamer(*places, **names, client=client)
    assert (streamer.export_type if streamer.export_result else None) == exported


@pytest.mark.parametrize("places", [("xml",), (True, "xml"), (None, "nonsense"), ("csv", "nonsense")], ids=str)
def test_wrong_options_in_their_place_are_told_at_once(places: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match=r"Invalid|sessionid"):
        Streamer(*places)


@pytest.mark.parametrize("options", [{"export_type": "xml"}, {"export": "parquet"}, {"cookie": "nonsense"}])
def test_wrong_options_are_told_at_once(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"Invalid|sessionid"):
        Streamer(**options)


@pytest.mark.parametrize("is_given", [True, False])
def test_a_login_is_taken_from_the_cookie_or_the_environment(is_given: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = "theme=dark; sessionid=mine; sessionid_sign=v3:mine"
    if not is_given:
        monkeypatch.setenv("TRADINGVIEW_COOKIE", cookie)
    with Streamer(cookie=cookie if is_given else None) as streamer:
        # nobody in particular is refused scripts
        assert streamer.get_candles("NASDAQ", "AAPL", "1h", 5, INDICATORS)["status"] == "success"
        assert "mine" not in repr(vars(streamer))
    monkeypatch.setenv("TRADINGVIEW_COOKIE", "nonsense")
    with pytest.raises(ValueError, match="sessionid"):
        Streamer()


def test_a_login_that_is_refused_is_told() -> None:
    with Streamer(websocket_jwt_token="a.b.c") as streamer:
        assert "token" in streamer.get_candles("NASDAQ", "AAPL")["error"]


def test_the_older_name_warns_and_answers(streamer: Streamer) -> None:
    with pytest.warns(DeprecationWarning, match="get_candles"):
        answer = streamer.stream("BINANCE", "BTCUSDT", "1h", 3)
    assert len(answer["data"]["ohlcv"]) == 3


# Files


def _files() -> list[Path]:
    return sorted(Path("export").iterdir())


@pytest.mark.parametrize("options", [{"export_result": True}, {"export": "json"}])
def test_answers_are_exported_as_json(client: SyncClient, options: dict[str, Any]) -> None:
    data = Streamer(**options, client=client).get_candles("NASDAQ", "AAPL", "1h", 5, INDICATORS)["data"]
    indicators, ohlcv = _files()
    assert re.fullmatch(r"ohlcv_aapl_1h_\d{8}-\d{6}\.json", ohlcv.name)
    assert re.fullmatch(r"indicators_aapl_1h_\d{8}-\d{6}\.json", indicators.name)
    assert json.loads(ohlcv.read_text()) == data["ohlcv"]
    assert json.loads(indicators.read_text()) == data["indicators"]


@pytest.mark.parametrize("places", [(True, "csv"), ("csv",)], ids=str)
def test_answers_are_exported_as_csv(client: SyncClient, places: tuple[Any, ...]) -> None:
    streamer = Streamer(*places, client=client)
    data = streamer.get_candles("NASDAQ", "AAPL", "1M", 5, INDICATORS)["data"]
    indicators, ohlcv = _files()
    assert re.fullmatch(r"ohlcv_aapl_1M_\d{8}-\d{6}\.csv", ohlcv.name)
    rows = list(csv.DictReader(ohlcv.read_text().splitlines()))
    assert list(rows[0]) == CANDLE
    assert [float(row["close"]) for row in rows] == [row["close"] for row in data["ohlcv"]]
    values = list(csv.DictReader(indicators.read_text().splitlines()))
    assert [row["indicator"] for row in values] == ["STD;RSI"] * 5 + ["STD;MACD"] * 5
    assert list(values[0])[:3] == ["indicator", "index", "timestamp"]


def test_two_exports_in_a_second_are_two_files(client: SyncClient) -> None:
    streamer = Streamer(True, client=client)
    for _ in range(3):
        streamer.get_candles("NASDAQ", "AAPL")
    assert len(_files()) == 3


def test_nothing_is_exported_unasked(streamer: Streamer) -> None:
    streamer.get_candles("NASDAQ", "AAPL")
    assert not Path("export").exists()


def test_an_export_that_fails_keeps_the_candles(client: SyncClient, caplog: pytest.LogCaptureFixture) -> None:
    Path("export").write_text("in the way")
    with caplog.at_level(logging.ERROR):
        answer = Streamer(True, client=client).get_candles("NASDAQ", "AAPL", "1h", 3)
    assert answer["status"] == "failed"
    assert "not exported" in answer["error"]
    assert len(answer["data"]["ohlcv"]) == 3
