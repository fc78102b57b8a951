"""Placing: requests that change orders leave once, under an id that was kept before, and their outcome is settled."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager

from brokerwire.errors import BrokerwireError, OrderOutcomeUnknownError, OrderRejectedError
from brokerwire.events import Order
from brokerwire.orders.intents import Intents
from brokerwire.orders.ledger import Intent
from brokerwire.orders.order_keeper import OrderKeeper
from brokerwire.orders.reconciler import Reconciler


class Placing:
    """Keeps what is asked before it is sent; an answer that is lost leaves a doubt, which the reconciler settles."""

    def __init__(self, intents: Intents, keeper: OrderKeeper, reconciler: Reconciler) -> None:
        self._intents = intents
        self._keeper = keeper
        self._reconciler = reconciler

    async def send(self, intent: Intent, request: Callable[[], Awaitable[Order]]) -> Order:
        """Send one request and keep what became of it.

        Raises:
            OrderOutcomeUnknownError: The answer was lost; ``client_order_id`` names the request.
            BrokerwireError: It was refused, or never sent.
        """
        await self._intents.make([intent])
        with self._watched([intent]):
            order = await request()
        self._accept(intent, order)
        return order

    async def send_group(self, intents: Sequence[Intent], request: Callable[[], Awaitable[list[Order]]]) -> list[Order]:
        """Send orders that depend on one another and keep what became of each.

        Raises:
            OrderOutcomeUnknownError: The answer was lost.
            BrokerwireError: They were refused, or never sent; of some that were taken ``accepted`` tells.
        """
        await self._intents.make(intents)
        with self._watched(intents):
            orders = await request()
        by_name = {order.client_order_id: order for order in orders}
        for intent in intents:
            order = by_name.get(intent.client_order_id)
            if order is None:
                self._doubt([intent])
            else:
                self._accept(intent, order)
        return orders

    def _accept(self, intent: Intent, order: Order) -> None:
        if intent.action == "place":
            self._keeper.name(order.order_id, intent.client_order_id)
        self._intents.settle(intent, "accepted", order_id=order.order_id)

    @contextmanager
    def _watched(self, intents: Sequence[Intent]) -> Iterator[None]:
        """Whatever ends a request without a plain answer, a cancellation of the caller too, leaves a doubt."""
        is_known = False
        try:
            yield
            is_known = True
        except OrderOutcomeUnknownError as exc:
            exc.client_order_id = exc.facts["client_order_id"] = intents[0].client_order_id
            raise
        except BrokerwireError as exc:
            is_known = not (isinstance(exc, OrderRejectedError) and exc.facts.get("accepted"))
            for intent in intents if is_known else ():
                self._intents.settle(intent, "rejected", text=str(exc))
            raise
        finally:
            if not is_known:
                self._doubt(intents)

    def _doubt(self, intents: Sequence[Intent]) -> None:
        for intent in intents:
            self._intents.doubt(intent)
        self._reconciler.wake()

    async def resolve(self, client_order_id: str) -> Intent | None:
        """Wait until it is known what became of a request; None if there never was one of that id here."""
        doubt = self._intents.doubts.get(client_order_id)
        if doubt is None:
            return await self._intents.find(client_order_id)
        self._reconciler.wake()
        return await asyncio.shield(doubt.settled)
