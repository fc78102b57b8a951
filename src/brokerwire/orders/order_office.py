"""OrderOffice: what one client does about orders besides sending requests: journal, books, doubts, reconciliation."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from brokerwire.events import Order
from brokerwire.orders.intents import Intents
from brokerwire.orders.journal import Journal
from brokerwire.orders.order_keeper import OrderKeeper
from brokerwire.orders.placing import Placing
from brokerwire.orders.reconcile import PLAIN_RULES
from brokerwire.orders.reconciler import Reconciler
from brokerwire.streaming.venue_link import VenueLink


class VenueLists:
    """Asks a venue for its orders, by the operations of its own."""

    def __init__(self, link: VenueLink) -> None:
        self._link = link

    @property
    def exist(self) -> bool:
        """Whether the venue tells its orders on request."""
        return "get_orders" in self._link.venue.operations

    async def current(self, accounts: Sequence[str] | None) -> list[Order]:
        """Return today's and all open orders of some accounts, of all if None.

        Raises:
            RequestError: The venue refused, or was not there.
        """
        operation = self._link.venue.operations["get_orders"]
        orders: list[Order] = await self._link.run(operation(accounts=accounts))
        return orders

    async def past(self, accounts: Sequence[str], since: datetime) -> list[Order]:
        """Return the orders that ended since a day; none where the venue does not keep them.

        Raises:
            RequestError: The venue refused, or was not there.
        """
        operation = self._link.venue.operations.get("get_historical_orders")
        if operation is None:
            return []
        orders: list[Order] = await self._link.run(operation(accounts=accounts, since=since.date()))
        return orders


class OrderOffice:
    """Builds the parts and owns their lifetime; nothing happens before ``open``."""

    def __init__(self, link: VenueLink, *, journal: Path | None, owner: str) -> None:
        venue, clock = link.venue, link.clock
        lists = VenueLists(link)
        self.journal = None if journal is None else Journal(journal, owner=owner, clock=clock)
        self.intents = Intents(self.journal, clock)
        self.keeper = OrderKeeper(venue, clock=clock, journal=self.journal, wake=self._wake)
        self.reconciler = Reconciler(
            self.keeper, self.intents, lists=lists, rules=venue.orders or PLAIN_RULES, clock=clock
        )
        self.placing = Placing(self.intents, self.keeper, self.reconciler)
        self._can_ask = lists.exist
        self._is_open = False

    def _wake(self) -> None:
        if self._can_ask:
            self.reconciler.wake()

    async def open(self) -> None:
        """Open the journal and take up what was in doubt; safe to call twice.

        Raises:
            ConfigurationError: The journal cannot be used; nothing in it was changed.
        """
        if self.journal is not None and not self._is_open:
            await self.journal.open()
            await self.intents.load()
            self._wake()
        self._is_open = True

    async def close(self) -> None:
        """Stop asking, write what waits and close the journal; safe to call twice."""
        await self.reconciler.close()
        self.intents.close()
        if self.journal is not None:
            await self.journal.close()
