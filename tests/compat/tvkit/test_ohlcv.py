"""OHLCV as its guide shows it, by the names that it uses."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from tests.compat.tvkit.conftest import WITHIN_S, first

from brokerwire.compat.tvkit import OHLCV, DataNotFoundError, WebSocketException, convert_timestamp_to_iso
from brokerwire.simulator import Simulator

PORTFOLIO = ["NASDAQ:AAPL", "NASDAQ:GOOGL", "BINANCE:BTCUSDT", "BINANCE:ETHUSDT", "FOREX:EURUSD", "OANDA:XAUUSD"]


@pytest.fixture
async def client(nothing_left: None) -> AsyncIterator[OHLCV]:
    async with OHLCV() as client:
        yield client


async def test_bars_of_history_come_first_and_the_forming_one_follows(client: OHLCV) -> None:
    bars = await first(client.get_ohlcv("BINANCE:BTCUSDT", interval="5", bars_count=50), 53)
    times = [bar.timestamp for bar in bars]
    assert times[:51] == sorted(set(times[:51]))
    assert {later - earlier for earlier, later in pairwise(times[:51])} == {300}
    assert times[51] in {times[50], times[50] + 300}
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)
    assert all(isinstance(bar.timestamp, int) for bar in bars)


@pytest.mark.parametrize("interval", ["1", "5", "15", "30", "60", "120", "240", "1D", "1W", "1M"])
async def test_every_interval_of_the_guide_has_history(client: OHLCV, interval: str) -> None:
    bars = await client.get_historical_ohlcv("NASDAQ:AAPL", interval, 5)
    assert len(bars) == 5


async def test_history_is_ten_bars_from_the_oldest_unless_told_otherwise(client: OHLCV) -> None:
    assert len(await client.get_historical_ohlcv("NASDAQ:AAPL")) == 10
    bars = await client.get_historical_ohlcv("NASDAQ:AAPL", interval="1D", bars_count=30)
    assert len(bars) == 30
    assert [bar.timestamp for bar in bars] == sorted(bar.timestamp for bar in bars)
    assert isinstance(bars[0].volume, int)
    assert convert_timestamp_to_iso(bars[0].timestamp).endswith("+00:00")


async def test_a_range_is_closed_on_both_sides(client: OHLCV) -> None:
    newest = await client.get_historical_ohlcv("NASDAQ:AAPL", "60", 30)
    start, end = (datetime.fromtimestamp(newest[at].timestamp, UTC) for at in (5, 15))
    found = await client.get_historical_ohlcv("NASDAQ:AAPL", "60", start=start, end=end)
    assert [bar.timestamp for bar in found] == [bar.timestamp for bar in newest[5:16]]
    text = await client.get_historical_ohlcv("NASDAQ:AAPL", "60", start=start.isoformat(), end=end.isoformat())
    assert text == found


async def test_an_end_that_is_a_date_means_the_end_of_that_day(client: OHLCV) -> None:
    newest = await client.get_historical_ohlcv("BINANCE:BTCUSDT", "60", 72)
    day = convert_timestamp_to_iso(newest[30].timestamp)[:10]
    found = await client.get_historical_ohlcv("BINANCE:BTCUSDT", "60", start=day, end=day)
    assert {convert_timestamp_to_iso(bar.timestamp)[:10] for bar in found} == {day}
    assert len(found) == 24


async def test_dividends_are_adjusted_for_on_request(client: OHLCV) -> None:
    plain = await client.get_historical_ohlcv("NASDAQ:AAPL", "1D", 300)
    adjusted = await client.get_historical_ohlcv("NASDAQ:AAPL", "1D", 300, adjustment="dividends")
    assert len(adjusted) == len(plain)
    with pytest.raises(ValueError, match="adjustment"):
        await client.get_historical_ohlcv("NASDAQ:AAPL", adjustment="nothing")


async def test_a_quote_has_price_volume_and_change(client: OHLCV) -> None:
    for quote in await first(client.get_quote_data("NASDAQ:AAPL", interval="1"), 5):
        assert quote.current_price is not None
        assert quote.change is not None
        assert quote.change_percent is not None
        assert isinstance(quote.volume, int)
        assert quote.symbol_info["description"]


async def test_trade_infos_are_read_as_the_guide_reads_them(client: OHLCV) -> None:
    seen: dict[str, Any] = {}
    async with asyncio.timeout(WITHIN_S):
        async for info in client.get_latest_trade_info(PORTFOLIO):
            assert info.get("m") == "qsd"
            data = info.get("p", [{}])[1]
            assert f"${data.get('lp'):<10.2f} ({data.get('ch', 0):+7.2f} | {data.get('chp', 0):+6.2f}%)"
            assert f"Vol: {data.get('v', 0):>10,.0f}"
            seen[data.get("n")] = data.get("lp")
            if len(seen) == len(PORTFOLIO):
                break
    assert set(seen) == set(PORTFOLIO)
    assert all(price > 0 for price in seen.values())


async def test_raw_messages_are_what_the_wire_says(client: OHLCV) -> None:
    messages = await first(client.get_ohlcv_raw("BINANCE:BTCUSDT", interval="1"), 20)
    kinds = [message.get("m") for message in messages]
    assert "session_id" in messages[0]
    assert {"symbol_resolved", "timescale_update", "series_completed", "qsd", "quote_completed"} <= set(kinds)
    quote = next(message for message in messages if message.get("m") == "qsd")
    assert quote["p"][1]["v"]["lp"] > 0
    assert "lp" not in quote["p"][1]


async def test_calls_share_one_connection(nothing_left: None) -> None:
    async with Simulator("tradingview", seed=7) as simulator, OHLCV(endpoints=simulator.endpoints) as client:
        assert client.connection_service is None
        for symbol in ("NASDAQ:AAPL", "NASDAQ:GOOGL", "BINANCE:BTCUSDT"):
            assert await client.get_historical_ohlcv(symbol, "1D", 10)
        bars, quotes = client.get_ohlcv("NASDAQ:AAPL"), client.get_quote_data("NASDAQ:AAPL")
        assert [type(await anext(each)).__name__ for each in (bars, quotes)] == ["OHLCVBar", "QuoteSymbolData"]
        assert client.connection_service is not None
        assert client.message_service is not None
        assert simulator.journal.count("dial") == 1
        assert client.ws_url.startswith(simulator.endpoints["stream"])
        await bars.aclose()
        await quotes.aclose()


async def test_raw_messages_are_asked_for_with_the_token_of_the_login(nothing_left: None) -> None:
    async with Simulator("tradingview", seed=7) as simulator:
        logins: list[dict[str, Any]] = [
            {"auth_token": simulator.credentials["auth_token"]},
            {"cookies": {"sessionid": simulator.credentials["sessionid"]}},
        ]
        for login in logins:
            async with OHLCV(endpoints=simulator.endpoints, **login) as client:
                assert len(await first(client.get_ohlcv_raw("NASDAQ:AAPL"), 3)) == 3
        async with OHLCV(endpoints=simulator.endpoints, auth_token="a.b.c") as client:
            with pytest.raises(WebSocketException, match="bad auth token"):
                await first(client.get_ohlcv_raw("NASDAQ:AAPL"), 30)


async def test_services_can_be_set_up_ahead(client: OHLCV) -> None:
    assert client.ws_url.startswith("wss://data.tradingview.com/")
    await client._setup_services()
    assert client.ws_url.startswith("ws://127.0.0.1")


async def test_a_stream_goes_on_after_the_connection_was_lost(nothing_left: None) -> None:
    async with Simulator("tradingview", seed=7) as simulator, OHLCV(endpoints=simulator.endpoints) as client:
        bars = client.get_ohlcv("BINANCE:BTCUSDT", "1", 3)
        async with asyncio.timeout(WITHIN_S):
            await anext(bars)
            simulator.faults.set("close:1001", times=1)
            while simulator.journal.count("dial") < 2:
                await anext(bars)
            assert await anext(bars)
        await bars.aclose()


WRONG: list[dict[str, Any]] = [
    {"exchange_symbol": "AAPL"},
    {"exchange_symbol": ""},
    {"exchange_symbol": "NASDAQ:NOSUCH"},
    {"exchange_symbol": "NASDAQ:AAPL", "interval": "7Q"},
    {"exchange_symbol": "NASDAQ:AAPL", "bars_count": 0},
]


@pytest.mark.parametrize("arguments", WRONG, ids=str)
async def test_wrong_arguments_are_value_errors(client: OHLCV, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        await client.get_historical_ohlcv(**arguments)
    with pytest.raises(ValueError, match=r"\S"):
        await anext(client.get_ohlcv(**arguments))
    with pytest.raises(ValueError, match=r"\S"):
        await anext(client.get_ohlcv_raw(**arguments))


async def test_unknown_symbols_of_quotes_are_value_errors(client: OHLCV) -> None:
    with pytest.raises(ValueError, match="NOSUCH"):
        await anext(client.get_quote_data("NASDAQ:NOSUCH"))
    with pytest.raises(ValueError, match="NOSUCH"):
        await anext(client.get_latest_trade_info(["NASDAQ:AAPL", "NASDAQ:NOSUCH"]))


async def test_a_count_and_a_range_exclude_each_other(client: OHLCV) -> None:
    with pytest.raises(ValueError, match="not both"):
        await client.get_historical_ohlcv("NASDAQ:AAPL", "1D", 10, start="2026-01-01")
    with pytest.raises(ValueError, match="is not a time"):
        await client.get_historical_ohlcv("NASDAQ:AAPL", "1D", start="yesterday")
    with pytest.raises(ValueError, match="ends before it starts"):
        await client.get_historical_ohlcv("NASDAQ:AAPL", "1D", start="2026-02-01", end="2026-01-01")


async def test_a_range_without_bars_is_a_runtime_error(client: OHLCV) -> None:
    with pytest.raises(DataNotFoundError, match="no bars of NASDAQ:AAPL"):
        await client.get_historical_ohlcv("NASDAQ:AAPL", "60", start="1980-01-01", end="1980-01-02")


async def test_a_venue_that_refuses_the_connection_is_a_websocket_exception(nothing_left: None) -> None:
    async with Simulator("tradingview", seed=7) as simulator, OHLCV(endpoints=simulator.endpoints) as client:
        simulator.faults.set("refuse:403")
        with pytest.raises(WebSocketException, match="403"):
            await anext(client.get_ohlcv("NASDAQ:AAPL"))
        with pytest.raises(WebSocketException, match="403"):
            await client.get_historical_ohlcv("NASDAQ:AAPL")


async def test_raw_messages_end_with_the_client(nothing_left: None) -> None:
    client = OHLCV()
    messages = client.get_ohlcv_raw("NASDAQ:AAPL")
    await anext(messages)
    await client.close()
    with pytest.raises(WebSocketException, match="the data socket is closed"):
        await first(messages, 1_000_000)
    await client.close()


def test_a_token_and_cookies_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="not both"):
        OHLCV(auth_token="x", cookies={"sessionid": "y"})


@pytest.mark.parametrize("wanted", [{"browser": "chrome"}, {"browser_profile": "Default"}], ids=str)
def test_the_files_of_browsers_are_not_read(wanted: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="TRADINGVIEW_SESSIONID"):
        OHLCV(**wanted)  # type: ignore[arg-type]  # whichever of the two


async def test_tvkits_own_numbers_are_taken(nothing_left: None) -> None:
    async with OHLCV(3, 2.0, 60.0) as first, OHLCV(max_attempts=3, base_backoff=0.5, max_backoff=5.0) as second:
        for client in (first, second):
            await client.wait_until_ready()
            assert client.account is None
            assert len(await client.get_historical_ohlcv("NASDAQ:AAPL", "1D", 2, segment_delay=0.5)) == 2


def test_credentials_come_from_arguments_or_tvkits_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert OHLCV()._credentials is None
    monkeypatch.setenv("TVKIT_AUTH_TOKEN", "from-the-environment")
    assert OHLCV()._credentials == {"auth_token": "from-the-environment"}
    assert OHLCV(auth_token="given")._credentials == {"auth_token": "given"}
    assert OHLCV(cookies={"sessionid": "s", "other": "o"})._credentials == {"sessionid": "s"}


def test_a_signal_ends_a_script_as_ctrl_c_does() -> None:
    from brokerwire.compat.tvkit import signal_handler

    with pytest.raises(KeyboardInterrupt):
        signal_handler(15, None)
