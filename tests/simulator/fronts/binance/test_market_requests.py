"""Books, trades and bars over REST agree with each other and follow the venue's rules."""

import time as clocks
from decimal import Decimal

import pytest

from brokerwire.simulator.fronts.binance import market_requests
from brokerwire.simulator.fronts.binance.arguments import Arguments
from brokerwire.simulator.fronts.binance.figures import MICROSECOND, MILLISECOND
from brokerwire.simulator.fronts.binance.refusals import Refusal

MINUTE_MS = 60_000


def args(**values):
    return Arguments({name: str(value) for name, value in values.items()})


@pytest.mark.parametrize(("limit", "weight"), [("100", 5), ("101", 25), ("1000", 50), ("5000", 250), ("9999", 250)])
def test_depth_weighs_by_its_limit(limit, weight):
    assert market_requests.depth_weight(args(limit=limit)) == weight
    assert market_requests.depth_weight(args()) == 5


async def test_book_is_sorted_and_limited(desk):
    book = market_requests.depth(desk, args(symbol="BTCUSDT", limit=5), MILLISECOND)
    bids = [Decimal(price) for price, _ in book["bids"]]
    asks = [Decimal(price) for price, _ in book["asks"]]
    assert (bids, asks) == (sorted(bids, reverse=True), sorted(asks))
    assert len(bids) == len(asks) == 5
    assert bids[0] < asks[0]


async def test_newest_trades_have_consecutive_ids_and_pages_continue_them(desk):
    newest = market_requests.recent_trades(desk, args(symbol="ETHUSDT", limit=10), MILLISECOND)
    ids = [trade["id"] for trade in newest]
    assert ids == list(range(ids[0], ids[0] + 10))
    page = market_requests.historical_trades(desk, args(symbol="ETHUSDT", fromId=ids[3], limit=4), MILLISECOND)
    assert page == newest[3:7]
    assert newest[0]["quoteQty"] == f"{Decimal(newest[0]['price']) * Decimal(newest[0]['qty']):.8f}"


async def test_history_of_trades_begins_with_the_listing(desk):
    first = market_requests.historical_trades(desk, args(symbol="ETHUSDT", fromId=0, limit=1), MILLISECOND)[0]
    assert first["time"] * 1_000_000 >= desk.earliest_ns()
    without = market_requests.historical_trades(desk, args(symbol="ETHUSDT", limit=3), MILLISECOND)
    assert len(without) == 3


async def test_aggregate_trades_follow_the_window_rules(desk):
    now_ms = desk.now_ns() // 1_000_000
    start, end = now_ms - 10 * MINUTE_MS, now_ms - 9 * MINUTE_MS
    window = market_requests.aggregate_trades(
        desk, args(symbol="BTCUSDT", startTime=start, endTime=end, limit=1000), MILLISECOND
    )
    assert window
    assert all(start <= trade["T"] <= end for trade in window)
    from_start = market_requests.aggregate_trades(desk, args(symbol="BTCUSDT", startTime=start, limit=5), MILLISECOND)
    up_to_end = market_requests.aggregate_trades(desk, args(symbol="BTCUSDT", endTime=end, limit=5), MILLISECOND)
    by_id = market_requests.aggregate_trades(desk, args(symbol="BTCUSDT", fromId=window[2]["a"], limit=2), MILLISECOND)
    assert (from_start, up_to_end, by_id) == (window[:5], window[-5:], window[2:4])
    with pytest.raises(Refusal, match="-1128"):
        market_requests.aggregate_trades(desk, args(symbol="BTCUSDT", fromId=1, startTime=1), MILLISECOND)


async def test_minute_bars_sum_up_to_the_trades_and_to_the_hour(desk):
    hour_ms = desk.now_ns() // 1_000_000 // 3_600_000 * 3_600_000 - 3_600_000
    span = {"symbol": "BTCUSDT", "startTime": hour_ms, "endTime": hour_ms + 3_599_999}
    minutes = await market_requests.klines(desk, args(**span, interval="1m"), MILLISECOND)
    hours = await market_requests.klines(desk, args(**span, interval="1h"), MILLISECOND)
    assert (len(minutes), len(hours)) == (60, 1)
    assert sum(Decimal(row[5]) for row in minutes) == Decimal(hours[0][5])
    assert sum(row[8] for row in minutes) == hours[0][8]
    assert max(Decimal(row[2]) for row in minutes) == Decimal(hours[0][2])
    trades = market_requests.aggregate_trades(
        desk,
        args(symbol="BTCUSDT", startTime=hour_ms, endTime=hour_ms + MINUTE_MS - 1, limit=1000),
        MILLISECOND,
    )
    assert (len(trades), sum(Decimal(t["q"]) for t in trades)) == (minutes[0][8], Decimal(minutes[0][5]))


async def test_a_thousand_bars_of_any_interval_come_quickly(desk):
    began = clocks.monotonic()
    for interval in ("1s", "1m", "1h", "1d", "1w", "1M"):
        assert await market_requests.klines(desk, args(symbol="SOLUSDT", interval=interval, limit=1000), MILLISECOND)
    assert clocks.monotonic() - began < 5


async def test_bars_of_a_second_come_without_holes(desk):
    rows = await market_requests.klines(desk, args(symbol="BTCUSDT", interval="1s", limit=200), MILLISECOND)
    assert [row[0] for row in rows] == list(range(rows[0][0], rows[0][0] + 200_000, 1000))


async def test_zone_moves_the_days_and_microseconds_multiply_the_times(desk):
    rows = await market_requests.klines(desk, args(symbol="BTCUSDT", interval="1d", timeZone="8", limit=1), MICROSECOND)
    assert rows[0][0] // 1_000_000 % 86_400 == 16 * 3600
    assert rows[0][6] - rows[0][0] == 86_400_000_000 - 1
    with pytest.raises(Refusal, match="-1130"):
        await market_requests.klines(desk, args(symbol="BTCUSDT", interval="1d", timeZone="99"), MILLISECOND)


async def test_unknown_interval_is_refused(desk):
    with pytest.raises(Refusal, match="-1120"):
        await market_requests.klines(desk, args(symbol="BTCUSDT", interval="7m"), MILLISECOND)


async def test_exchange_information_selects_symbols(desk):
    def symbols(**values):
        found = market_requests.exchange_info(desk, args(**values), MILLISECOND)["symbols"]
        return len(found)

    assert symbols(symbol="BTCUSDT") == 1
    assert symbols(symbols='["BTCUSDT","ETHUSDT"]') == 2
    assert symbols() == symbols(permissions="SPOT") == symbols(symbolStatus="TRADING") > 100
    assert symbols(symbolStatus="HALT") == 0


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"symbol": "NOPE"}, -1121),
        ({"symbols": '["BTCUSDT","NOPE"]'}, -1121),
        ({"symbol": "BTCUSDT", "symbols": '["BTCUSDT"]'}, -1128),
        ({"symbol": "BTCUSDT", "permissions": "SPOT"}, -1128),
        ({"symbolStatus": "ASLEEP"}, -1122),
    ],
)
async def test_exchange_information_refuses_what_does_not_fit(desk, values, code):
    with pytest.raises(Refusal) as caught:
        market_requests.exchange_info(desk, args(**values), MILLISECOND)
    assert caught.value.code == code


async def test_average_is_within_the_last_minutes_range(desk):
    average = market_requests.average(desk, args(symbol="BTCUSDT"), MILLISECOND)
    rows = await market_requests.klines(desk, args(symbol="BTCUSDT", interval="1m", limit=7), MILLISECOND)
    assert min(Decimal(r[3]) for r in rows) <= Decimal(average["price"]) <= max(Decimal(r[2]) for r in rows)
    assert average["mins"] == 5


async def test_ping_and_time(desk):
    assert market_requests.ping(desk, args(), MILLISECOND) == {}
    milli = market_requests.time(desk, args(), MILLISECOND)["serverTime"]
    micro = market_requests.time(desk, args(), MICROSECOND)["serverTime"]
    assert 0 <= micro // 1000 - milli < 1000
