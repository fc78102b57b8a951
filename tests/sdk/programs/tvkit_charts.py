"""tvkit with its host names led elsewhere: history, bars, quotes, trades, figures, indicators, scans, exports."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import tvkit.api.chart.ohlcv as charts
from report import attempt, report, step, told
from tvkit.api.chart.exceptions import EntitlementError, SeriesError
from tvkit.api.chart.models.adjustment import Adjustment
from tvkit.api.chart.ohlcv import OHLCV
from tvkit.api.fundamentals import FundamentalsClient
from tvkit.api.utils import convert_timestamp_to_iso, validate_symbols
from tvkit.api.utils.indicator_service import fetch_indicator_metadata, fetch_tradingview_indicators
from tvkit.export import DataExporter

PATH = "/socket.io/websocket?from=chart%2F"
PORTFOLIO = ["NASDAQ:AAPL", "NYSE:JNJ", "BINANCE:BTCUSDT", "FOREX:EURUSD", "COMEX:GC1!"]


def use(endpoints: dict[str, str]) -> None:
    """Lead the package's host names to the simulator: nothing else is changed."""
    charts._STANDARD_WS_URL = endpoints["stream"] + PATH
    charts._PRO_WS_URL = endpoints["prodata"] + PATH
    hosts = {
        "www.tradingview.com": httpx.URL(endpoints["site"]),
        "scanner.tradingview.com": httpx.URL(endpoints["site"]),
        "pine-facade.tradingview.com": httpx.URL(endpoints["site"]),
    }
    send = httpx.AsyncHTTPTransport.handle_async_request

    async def redirected(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        place = hosts[request.url.host]
        request.url = request.url.copy_with(scheme=place.scheme, host=place.host, port=place.port)
        return await send(self, request)

    httpx.AsyncHTTPTransport.handle_async_request = redirected  # type: ignore[method-assign]


def _rows(bars: list[Any]) -> dict[str, Any]:
    return {"count": len(bars), "times": [bar.timestamp for bar in bars], "last": bars[-1].model_dump()}


async def _take(stream: AsyncIterator[Any], count: int) -> list[Any]:
    found: list[Any] = []
    async for item in stream:
        found.append(item)
        if len(found) >= count:
            break
    return found


async def history(client: OHLCV) -> None:
    """Bars of the past, by count and by range."""
    get = client.get_historical_ohlcv
    await attempt("days", get("NASDAQ:AAPL", "1D", 30), tell=_rows)
    await attempt("minutes", get("BINANCE:BTCUSDT", "1", 7000), tell=_rows)
    await attempt("weeks", get("NASDAQ:AAPL", "1W", 52), tell=_rows)
    await attempt("range", get("BINANCE:BTCUSDT", "60", start="2026-10-01", end="2026-10-10"), tell=_rows)
    total = get("NASDAQ:AAPL", "1D", 400, adjustment=Adjustment.DIVIDENDS)
    await attempt("total return", total, tell=_rows)
    await attempt("plain", get("NASDAQ:AAPL", "1D", 400), tell=_rows)
    await attempt("dashed symbol", get("NASDAQ-AAPL", "1D", 1), tell=_rows)


async def live(client: OHLCV) -> None:
    """What comes by itself."""
    bars = await attempt("bars", _take(client.get_ohlcv("BINANCE:BTCUSDT", "1", 10), 15), tell=_rows)
    if bars:
        report("a time", iso=convert_timestamp_to_iso(bars[-1].timestamp))
    await attempt(
        "quotes",
        _take(client.get_quote_data("NASDAQ:AAPL"), 4),
        tell=lambda rows: {"prices": [row.current_price for row in rows], "symbol": rows[0].symbol_info},
    )
    await attempt(
        "raw",
        _take(client.get_ohlcv_raw("BINANCE:BTCUSDT"), 20),
        tell=lambda rows: {"methods": [row.get("m") for row in rows]},
    )
    await attempt(
        "trades of many",
        _take(client.get_latest_trade_info(PORTFOLIO), 50),
        tell=lambda rows: {"symbols": Counter(row["p"][1]["n"] for row in rows if row.get("m") == "qsd")},
    )


async def refusals(client: OHLCV) -> None:
    """What the venue refuses, as the package tells it."""
    try:
        await client.get_historical_ohlcv("NASDAQ:AAPL", "1S", 5)
    except EntitlementError as exc:
        report("seconds", reason=exc.reason)
    try:
        await client.get_historical_ohlcv("NASDAQ:AAPL", "7", 5)
    except SeriesError as exc:
        report("custom", reason=exc.reason)
    try:
        await validate_symbols("NASDAQ:NOSUCH")
    except ValueError as exc:
        report("unknown symbol", text=str(exc))


async def signed_in(cookies: dict[str, str]) -> None:
    """What an account gets that strangers do not."""
    async with OHLCV(cookies=cookies) as client:
        account = client.account
        report("account", tier=account.tier if account else None, bars=account.max_bars if account else 0)
        await attempt("many minutes", client.get_historical_ohlcv("BINANCE:BTCUSDT", "1", 20_000), tell=_rows)


async def around(stream: str) -> None:
    """Everything besides charts."""
    await attempt("validation", validate_symbols(["BINANCE:BTCUSDT", "NASDAQ:AAPL", "NYSE:TSLA"]))
    found = fetch_tradingview_indicators("RSI")
    await attempt("indicators", found, tell=lambda rows: {"ids": [row.script_id_part for row in rows]})
    await attempt("indicator", fetch_indicator_metadata("STD;RSI", "37.0", "cs_any"))
    async with FundamentalsClient(ws_url=stream) as client:
        await attempt(
            "figures", client.get_statistics("NASDAQ:AAPL"), tell=lambda found: {"type": type(found).__name__}
        )


def _sizes(paths: list[Any]) -> list[int]:
    return [Path(path).stat().st_size for path in paths]


async def export(client: OHLCV) -> None:
    """Bars written to files."""
    bars = await client.get_historical_ohlcv("NASDAQ:AAPL", "1D", 30)
    exporter = DataExporter()
    with step("export") as facts:
        frame = await exporter.to_polars(bars, add_analysis=True)
        paths = [await exporter.to_json(bars, "bars.json"), await exporter.to_csv(bars, "bars.csv")]
        facts.update(shape=frame.shape, sizes=_sizes(paths))


async def main() -> None:
    """Go through it all."""
    endpoints, credentials = told()
    use(endpoints)
    logging.disable(logging.CRITICAL)
    async with OHLCV() as client:
        await history(client)
        await live(client)
        await refusals(client)
        await export(client)
    await signed_in({"sessionid": credentials["sessionid"]})
    await around(endpoints["stream"] + PATH)
    report("end")


asyncio.run(main())
