import asyncio
import gc
from collections.abc import Generator
from typing import Any

import pytest

from brokerwire.errors import InvalidSymbolError, StreamLimitError, VenueUnavailableError
from brokerwire.events import Topic
from brokerwire.services.listening import Collector, Listener
from brokerwire.venue import Heard, Listen


def ask(*topics: Topic) -> Generator[Listen, Heard, list[Heard]]:
    """Listen to one topic after the other."""
    heard = []
    for topic in topics:
        heard.append((yield Listen([topic])))
    return heard


ORIGIN = {"Origin": "https://www.tradingview.com"}
BARS = Topic("history", "NASDAQ:AAPL", "5m;limit=10")


def test_a_conversation_keeps_its_stream_from_one_question_to_the_next(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator("tradingview")
            client = await venue.client(simulator)
            await client.start()
            heard = await Listener(client.streams).run(ask(BARS, BARS))
            assert [len(each.events) for each in heard] == [10, 10]
            assert simulator.journal.count("dial") == 1

    virtual(main)


def test_calls_one_after_the_other_share_a_connection_that_ends_when_none_follows(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator("tradingview")
            client = await venue.client(simulator)
            for _ in range(40):  # more than may be dialled in a minute
                assert len(await client.market_data.get_bars("NASDAQ:AAPL", "5m", limit=5)) == 5
                await asyncio.sleep(5.0)
            assert simulator.journal.count("dial") == 1
            assert [stream.topics for stream in client.streams.active_streams] == [()]
            await asyncio.sleep(60.0)
            assert client.streams.active_streams == ()
            assert not simulator.connections
            assert len(await client.market_data.get_quotes("NASDAQ:AAPL")) == 1
            assert simulator.journal.count("dial") == 2

    virtual(main)


def test_what_the_venue_does_not_reach_back_to_is_logged(
    virtual: Any, offline: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("tradingview"), credentials={})
            assert len(await client.market_data.get_bars("NASDAQ:AAPL", "1m", limit=5_000)) == 5_000
            assert caplog.records == []
            assert len(await client.market_data.get_bars("NASDAQ:AAPL", "1m", limit=9_000)) < 9_000

    caplog.set_level("WARNING", "brokerwire")
    virtual(main)
    assert "history of NASDAQ:AAPL: not all that was asked for is there" in caplog.text


def test_an_idle_connection_carries_the_next_subscription_and_stays_for_it(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator("tradingview")
            client = await venue.client(simulator)
            await client.market_data.get_quotes("NASDAQ:AAPL")
            subscription = await client.market_data.stream_quotes("NASDAQ:MSFT")
            await asyncio.sleep(90.0)
            assert (subscription.state, simulator.journal.count("dial")) == ("live", 1)
            await subscription.unsubscribe()
            assert client.streams.active_streams == ()

    virtual(main)


async def test_a_refusal_that_nobody_waits_for_is_not_complained_of() -> None:
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    collector = Collector([BARS])
    collector.refuse_topic(BARS, StreamLimitError("no room"))
    await asyncio.sleep(0)
    del collector
    gc.collect()
    assert complaints == []


def test_an_idle_connection_outlives_subscriptions_that_were_never_on_it(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator("tradingview")
            client = await venue.client(simulator)
            await client.market_data.get_quotes("NASDAQ:AAPL")
            subscription = await client.market_data.stream_quotes("NASDAQ:MSFT", overflow="block")
            await subscription.unsubscribe()
            await client.market_data.get_quotes("NASDAQ:AAPL")
            assert simulator.journal.count("dial") == 2

    virtual(main)


def test_an_idle_connection_gives_its_slot_to_whoever_needs_it(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator("tradingview")
            client = await venue.client(simulator, max_concurrent_streams=1)
            await client.market_data.get_quotes("NASDAQ:AAPL")
            subscription = await client.market_data.stream_quotes("NASDAQ:MSFT", overflow="block")
            assert len(client.streams) == 1
            assert len(simulator.connections) == 1
            await subscription.unsubscribe()
            await client.market_data.get_quotes("NASDAQ:AAPL")
            raw = await client.streams.create_stream(simulator.endpoints["stream"] + "/socket.io/websocket", ORIGIN)
            assert [stream.id for stream in client.streams.active_streams] == [raw.id]

    virtual(main)


def test_an_idle_connection_that_is_lost_is_not_dialled_again(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator("tradingview")
            client = await venue.client(simulator)
            await client.market_data.get_quotes("NASDAQ:AAPL")
            simulator.faults.set("close:1001")
            await asyncio.sleep(20.0)
            assert client.streams.active_streams == ()
            assert simulator.journal.count("dial") == 1

    virtual(main)


def test_it_rides_on_a_live_stream_and_leaves_it_standing(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator("tradingview")
            client = await venue.client(simulator, max_concurrent_streams=1)
            subscription = await client.market_data.stream_quotes("NASDAQ:AAPL")
            both = await asyncio.gather(*(client.market_data.get_bars("NASDAQ:AAPL", "5m", limit=20) for _ in range(2)))
            assert [len(bars) for bars in both] == [20, 20]
            assert simulator.journal.count("dial") == 1
            assert subscription.state == "live"

    virtual(main)


def test_it_takes_a_slot_of_the_cap(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator("tradingview")
            client = await venue.client(simulator, max_concurrent_streams=1)
            await client.market_data.stream_quotes("NASDAQ:AAPL", overflow="block")
            with pytest.raises(StreamLimitError):
                await client.market_data.get_bars("NASDAQ:AAPL", "5m", limit=20)

    virtual(main)


def test_a_refusal_raises_and_gives_the_slot_back(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            client = await venue.client(await venue.simulator("tradingview"))
            with pytest.raises(InvalidSymbolError):
                await client.market_data.get_bars("NASDAQ:NOSUCH", "5m")
            assert client.streams.active_streams == ()

    virtual(main)


def test_a_venue_that_stays_away_raises_in_time(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator("tradingview")
            client = await venue.client(simulator)
            simulator.faults.set("refuse:503")
            with pytest.raises(VenueUnavailableError, match="120 s"):
                await Listener(client.streams).run(ask(BARS))
            assert client.streams.active_streams == ()

    virtual(main)
