import asyncio
from collections.abc import Generator
from typing import Any

import pytest

from brokerwire.errors import InvalidSymbolError, StreamLimitError, VenueUnavailableError
from brokerwire.events import Topic
from brokerwire.services.listening import Listener
from brokerwire.venue import Heard, Listen


def ask(*topics: Topic) -> Generator[Listen, Heard, list[Heard]]:
    """Listen to one topic after the other."""
    heard = []
    for topic in topics:
        heard.append((yield Listen([topic])))
    return heard


BARS = Topic("history", "NASDAQ:AAPL", "5m;limit=10")


def test_a_conversation_keeps_its_stream_from_one_question_to_the_next(virtual: Any, offline: Any) -> None:
    async def main() -> None:
        async with offline() as venue:
            simulator = await venue.simulator("tradingview")
            client = await venue.client(simulator)
            await client.market_data.get_quotes("NASDAQ:AAPL")
            dials = simulator.journal.count("dial")
            heard = await Listener(client.streams).run(ask(BARS, BARS))
            assert [len(each.events) for each in heard] == [10, 10]
            assert simulator.journal.count("dial") == dials + 1
            assert client.streams.active_streams == ()

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
