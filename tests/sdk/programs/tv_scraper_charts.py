"""tv-scraper with its host names led elsewhere: candles, indicators, prices, forecasts, scripts, exports."""

import warnings
from itertools import islice
from pathlib import Path
from typing import Any

from report import report, step, told
from tv_scraper.scrapers.scripts.pine import Pine
from tv_scraper.streaming import CandleStreamer, ForecastStreamer, Streamer
from tv_scraper_hosts import use

GOOD = "//@version=5\nindicator('mine')\nplot(close)"


def _tell(name: str, answer: dict[str, Any]) -> None:
    data = answer["data"] or {}
    facts: dict[str, Any] = {"status": answer["status"], "failure": answer["error"], "metadata": answer["metadata"]}
    if "ohlcv" in data:
        rows = data["ohlcv"]
        facts |= {"count": len(rows), "times": [row["timestamp"] for row in rows], "last": rows[-1]}
        facts["indicators"] = {key: [len(values), values[-1]] for key, values in data["indicators"].items()}
    report(name, **facts)


def candles(cookie: str) -> None:
    """Candles with and without indicators."""
    _tell("hours", Streamer().get_candles(exchange="BINANCE", symbol="BTCUSDT", timeframe="1h"))
    plain = CandleStreamer()
    _tell("days", plain.get_candles(exchange="NASDAQ", symbol="AAPL", timeframe="1d", numb_candles=5000))
    _tell("months", plain.get_candles(exchange="NYSE", symbol="JNJ", timeframe="1M", numb_candles=100))
    _tell("unknown", plain.get_candles(exchange="NASDAQ", symbol="NOSUCH"))
    wanted = [("STD;RSI", "37.0"), ("STD;MACD", "37.0"), ("STD;Bollinger_Bands", "37.0")]
    signed = CandleStreamer(export="json", cookie=cookie)
    _tell("with indicators", signed.get_candles("NASDAQ", "AAPL", numb_candles=60, indicators=wanted))
    report("exports", names=[path.name for path in Path("export").iterdir()])


def prices(cookie: str) -> None:
    """Prices that come by themselves."""
    with step("prices") as facts:
        facts["ticks"] = list(islice(CandleStreamer().stream_realtime_price("BINANCE", "BTCUSDT"), 12))
    with step("prices with an indicator") as facts:
        stream = CandleStreamer(cookie=cookie).stream_realtime_price("NASDAQ", "AAPL", indicators=[("STD;EMA", "37.0")])
        facts["ticks"] = list(islice(stream, 12))


def around(cookie: str) -> None:
    """Everything besides."""
    found = CandleStreamer.get_available_indicators()
    report("indicators", status=found["status"], ids=[each["id"] for each in found["data"]])
    forecast = ForecastStreamer().get_forecast("NASDAQ", "AAPL")
    report("forecast", status=forecast["status"], failure=forecast["error"], keys=sorted(forecast["data"] or {}))
    _tell("no forecast", ForecastStreamer().get_forecast("BINANCE", "BTCUSDT"))
    pine = Pine(cookie=cookie)
    made = pine.create_script("mine", GOOD)
    saved = pine.list_saved_scripts()
    gone = pine.delete_script(made["data"]["id"])
    report("scripts", statuses=[made["status"], saved["status"], gone["status"]], saved=saved["data"])


def main() -> None:
    """Go through it all."""
    endpoints, credentials = told()
    use(endpoints)
    warnings.simplefilter("ignore")
    cookie = f"sessionid={credentials['sessionid']}; sessionid_sign={credentials['sessionid_sign']}"
    candles(cookie)
    prices(cookie)
    around(cookie)
    report("end")


main()
