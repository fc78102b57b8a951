"""tv-scraper, and our module in its place, against one simulator: the same calls, one after the other."""

import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import tv_scraper.streaming as theirs
from report import report, step, told
from tv_scraper_hosts import use

import brokerwire.compat.tv_scraper.streaming as ours
from brokerwire import SyncClient
from brokerwire.compat.tv_scraper import fetch_available_indicators

RSI = [("STD;RSI", "37.0")]
CALLS: dict[str, tuple[Any, ...]] = {
    "hours": ("BINANCE", "BTCUSDT", "1h"),
    "days": ("NASDAQ", "AAPL", "1d", 200),
    "with an indicator": ("NASDAQ", "AAPL", "1h", 60, RSI),
    "unknown": ("NASDAQ", "NOSUCH"),
    "no timeframe": ("NASDAQ", "AAPL", "7x"),
    "too many": ("NASDAQ", "AAPL", "1h", 5001),
}


def _named(ticks: Iterator[Any]) -> list[str]:
    """Return the fields of a tick with a price of the quote: what the other package makes of bars has holes."""
    return next(list(tick) for tick in islice(ticks, 20) if tick["prev_close"] is not None)


def main() -> None:
    """Go through the calls."""
    endpoints, credentials = told()
    use(endpoints)
    warnings.simplefilter("ignore")
    cookie = f"sessionid={credentials['sessionid']}; sessionid_sign={credentials['sessionid_sign']}"
    with SyncClient("tradingview", endpoints=endpoints, credentials=credentials) as client:
        their, our = theirs.Streamer(cookie=cookie), ours.Streamer(client=client)
        for name, arguments in CALLS.items():
            with step(name) as facts:
                facts |= {"theirs": their.get_candles(*arguments), "ours": our.get_candles(*arguments)}
        with step("ticks") as facts:
            facts["theirs"] = _named(their.stream_realtime_price("BINANCE", "BTCUSDT"))
            facts["ours"] = _named(our.stream_realtime_price("BINANCE", "BTCUSDT"))
        with step("indicators") as facts:
            facts |= {"theirs": their.get_available_indicators(), "ours": fetch_available_indicators(client=client)}
        theirs.Streamer(export="json").get_candles("NASDAQ", "AAPL")
        ours.Streamer(export="json", client=client).get_candles("NASDAQ", "AAPL")
        report("exports", names=sorted(path.name for path in Path("export").iterdir()))
    report("end")


main()
