"""What ``get_bars`` gives for each way of asking, against the simulator."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from brokerwire import Client
from brokerwire.errors import ConfigurationError

COIN, STOCK = "BINANCE:BTCUSDT", "NASDAQ:AAPL"
HOUR = timedelta(hours=1)
Run = Callable[..., None]


def now_of(client: Client) -> datetime:
    return datetime.fromtimestamp(client.streams.link.clock.time_ns() / 1e9, tz=UTC)


def opened(bar: Any) -> datetime:
    return datetime.fromtimestamp(bar.open_time_ns / 1e9, tz=UTC)


def are_in_order(bars: list[Any]) -> bool:
    return all(new.open_time_ns > old.open_time_ns for old, new in pairwise(bars))


@pytest.mark.parametrize(("interval", "days"), [("1w", 7), ("1M", 31), ("1d", 1)])
def test_long_bars_come_whole_by_number_and_by_range(run: Run, interval: str, days: int) -> None:
    async def scenario(_simulator: Any, client: Client) -> None:
        data = client.market_data
        newest = await data.get_bars(STOCK, interval, limit=12)
        assert len(newest) == 12
        assert are_in_order(newest)
        start = now_of(client) - timedelta(days=days * 40)
        ranged = await data.get_bars(STOCK, interval, start=start, end=now_of(client))
        assert 20 <= len(ranged) <= 42
        assert all(start <= opened(bar) for bar in ranged)
        assert [bar.open_time_ns for bar in ranged[-10:]] == [bar.open_time_ns for bar in newest[-10:]]

    run(scenario)


def test_start_end_and_limit_each_mean_what_they_say(run: Run) -> None:
    async def scenario(_simulator: Any, client: Client) -> None:
        data, now = client.market_data, now_of(client)
        hour = now.replace(minute=0, second=0, microsecond=0)
        since = await data.get_bars(COIN, "1h", start=hour - 10 * HOUR)
        assert [opened(bar) for bar in since] == [hour - ago * HOUR for ago in range(10, -1, -1)]
        first = await data.get_bars(COIN, "1h", start=hour - 10 * HOUR, limit=3)
        assert [opened(bar) for bar in first] == [hour - ago * HOUR for ago in (10, 9, 8)]
        until = await data.get_bars(COIN, "1h", end=hour - 5 * HOUR, limit=4)
        assert [opened(bar) for bar in until] == [hour - ago * HOUR for ago in (9, 8, 7, 6)]
        last = await data.get_bars(COIN, "1h", end=hour - 5 * HOUR)
        assert len(last) == 300
        assert opened(last[-1]) == hour - 6 * HOUR
        future = await data.get_bars(COIN, "1h", start=hour - 2 * HOUR, end=now + timedelta(days=30))
        assert [opened(bar) for bar in future] == [hour - ago * HOUR for ago in (2, 1, 0)]
        with pytest.raises(ConfigurationError, match="ends before it starts"):
            await data.get_bars(COIN, "1h", start=now, end=now - HOUR)

    run(scenario)


def test_a_range_older_than_the_plan_reaches_is_empty_and_one_across_its_edge_begins_there(run: Run) -> None:
    async def scenario(simulator: Any, client: Client) -> None:
        data, now = client.market_data, now_of(client)
        old = await data.get_bars(COIN, "1m", start=now - timedelta(days=30), end=now - timedelta(days=29))
        assert old == []
        across = await data.get_bars(COIN, "1m", start=now - timedelta(days=5), end=now)
        assert 400 <= len(across) <= 520
        assert opened(across[0]) > now - timedelta(days=1)
        assert simulator.journal.count("violation") == 0

    run(scenario, settings={"plan": "", "data_bar_limit": 500})
