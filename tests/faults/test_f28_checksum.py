"""F28: a book whose checksum is another is not shown, and taken anew; the other symbols never notice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from tests.conftest import VirtualRun
from tests.faults.checked_venue import CheckedServer, checked_venue, checksum
from tests.faults.conftest import SEEDS, repeats
from tests.faults.waiting import until

from brokerwire import Gap, StateChange
from brokerwire.config import Credentials, Network, Timeouts
from brokerwire.events import Topic
from brokerwire.streaming.delivery import DeliveryOptions
from brokerwire.streaming.manager import StreamManager
from brokerwire.streaming.subscription import Subscription, SubscriptionControl
from brokerwire.streaming.venue_link import VenueLink
from brokerwire.testing.virtual_time import VirtualClock
from brokerwire.transport.http import HttpClient


async def nothing(_symbols: Any = None) -> None:
    return


class Books:
    """A subscription to one book, and what it heard."""

    def __init__(self, manager: StreamManager, symbol: str) -> None:
        self.symbol = symbol
        self.events: list[Any] = []
        self.statuses: list[Any] = []
        options = DeliveryOptions(status_callback=self.statuses.append)
        self.subscription: Subscription[Any] = Subscription(1, callback=self._keep, options=options, name=symbol)
        topic = Topic("depth", symbol, "5")
        self.subscription.attach([topic], SubscriptionControl(nothing, nothing, nothing))
        manager.open([(topic, symbol)], self.subscription)

    async def _keep(self, event: Any) -> None:
        self.events.append(event)

    @property
    def states(self) -> list[str]:
        return [status.new for status in self.statuses if isinstance(status, StateChange)]

    @property
    def gaps(self) -> list[Gap]:
        return [status for status in self.statuses if isinstance(status, Gap)]

    def are_the_venues(self, server: CheckedServer) -> bool:
        """Whether every book that was shown after a delta is the one that the venue had then."""
        known = server.books[self.symbol].checksums
        shown = [event for event in self.events if event.sequence in known]
        return bool(shown) and all(checksum(event.bids, event.asks) == known[event.sequence] for event in shown)


@asynccontextmanager
async def place(clock: VirtualClock, seed: int) -> AsyncIterator[tuple[CheckedServer, StreamManager]]:
    server = CheckedServer(seed)
    await server.start()
    venue, timeouts = checked_venue(server), Timeouts()
    http = HttpClient(network=Network(), timeouts=timeouts, clock=clock, user_agent="tests")
    link = VenueLink(
        venue, http=http, endpoints=venue.endpoints.live, credentials=Credentials({}), clock=clock, timeouts=timeouts
    )
    manager = StreamManager(link=link, clock=clock, settings={})
    try:
        yield server, manager
    finally:
        await manager.close()
        await http.close()
        await server.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_book_with_another_checksum_is_taken_anew_and_a_wrong_one_is_never_shown(
    virtual: VirtualRun, seed: int
) -> None:
    async def main() -> None:
        async with place(virtual.clock, seed) as (server, manager):
            hurt, other = Books(manager, "A"), Books(manager, "B")
            await until(lambda: len(hurt.events) > 20 and len(other.events) > 20)
            server.flips["A"] = repeats(6, 30)
            await until(lambda: not server.flips["A"], 600)
            heard = len(hurt.events)
            await until(lambda: len(hurt.events) > heard + 30)
            assert hurt.are_the_venues(server)
            assert other.are_the_venues(server)
            assert (other.states, other.gaps) == (["live"], [])
            assert hurt.gaps
            assert not any(gap.filled for gap in hurt.gaps)
            assert "recovering" in hurt.states
            assert hurt.states[-1] == "live"
            sequences = [event.sequence for event in hurt.events]
            assert sequences == sorted(sequences)
            assert len(server.asked["B"]) == 1
            assert all(new - old >= 0.99 for old, new in pairwise(server.asked["A"]))
            for books in (hurt, other):
                books.subscription.cancel()
            await asyncio.gather(*(books.subscription.wait_closed() for books in (hurt, other)))

    virtual(main)
