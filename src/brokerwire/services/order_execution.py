"""OrderExecutionService: place, change, cancel and watch orders."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Literal, Unpack, cast

from msgspec import structs

from brokerwire.errors import ConfigurationError, OrderOutcomeUnknownError, OrderRejectedError, RequestError
from brokerwire.events import Fill, Order, OrderSide, OrderType, OrderUpdate
from brokerwire.orders.intents import legs_of, new_client_order_id, text_of
from brokerwire.orders.ledger import Intent
from brokerwire.orders.placing import Placing
from brokerwire.services.arguments import DeliveryKeywords, check_order, listed
from brokerwire.services.desk import Desk
from brokerwire.streaming.subscription import Subscription
from brokerwire.typedefs import JSON, Callback

Number = Decimal | int | str


class OrderExecutionService:
    """Orders of one venue. No order request is ever sent twice by itself."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def stream_order_updates(
        self,
        callback: Callback[OrderUpdate | Fill] | None = None,
        *,
        accounts: str | Sequence[str] | None = None,
        order_ids: str | Sequence[str] | None = None,
        consumer: str | None = None,
        **delivery: Unpack[DeliveryKeywords],
    ) -> Subscription[OrderUpdate | Fill]:
        """Deliver every change of orders (``OrderUpdate``) and every execution (``Fill``) to ``callback``.

        ``accounts=None`` means all accounts; ``order_ids`` narrows it down. Each execution is told once, also if the
        stream left it out: the venue's list is compared on connect and every 30 s.

        Orders are never dropped. Without a journal a subscription that cannot keep up fails with
        ``SlowConsumerError``. With one, events are on disk before they are delivered and wait there when the queue is
        full; after a restart the same ``consumer`` is told what its callbacks had not returned from, with the very
        same events. Give each consumer a name where there are several; without one the first is ``default``.

        Raises:
            StreamLimitError: The cap on streams is reached.
            AuthenticationError: The credentials or the token are refused.
            UnsupportedError: The venue has no order stream.
            ConfigurationError: ``consumer`` is in use, or there is no journal.
        """
        self._desk.require("order_updates")
        given = await self._desk.accounts(accounts)
        chosen = list(dict.fromkeys(self._desk.topic("order", account).symbol for account in given))
        ids = [order_ids] if isinstance(order_ids, str) else list(order_ids or ())
        return await self._desk.subscribe(
            "order", chosen, callback, delivery=delivery, variant=",".join(ids), consumer=consumer
        )

    async def place_order(
        self,
        *,
        symbol: str | None = None,
        side: OrderSide | None = None,
        quantity: Number | None = None,
        type: OrderType = "market",  # the field's name
        account: str | None = None,
        limit_price: Number | None = None,
        stop_price: Number | None = None,
        time_in_force: str = "day",
        legs: Sequence[Mapping[str, Any]] | None = None,
        client_order_id: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> Order:
        """Place one order and return it as the venue acknowledged it; its fate comes with the order updates.

        ``quantity`` is in units of the instrument, prices in its currency; pass ``Decimal`` or text, a float
        is not exact. ``legs`` replaces symbol, side and quantity for multi-leg orders (each with ``symbol``,
        ``side``, ``quantity``); ``extra`` is merged into the venue's own request. Without ``account`` the
        venue's only suitable account is used; without ``client_order_id`` one is made. The order is sent once, after
        its id has been written to the journal, if there is one.

        Raises:
            OrderRejectedError: The venue refused it; no such order exists.
            OrderOutcomeUnknownError: The answer was lost; ``resolve_order`` tells what became of it.
            ConfigurationError: An argument is wrong, or the id was used before; nothing was sent.
        """
        if legs is None:
            check_order(side or "", type)
        terms: dict[str, Any] = {
            "symbol": symbol,
            "side": side,
            "quantity": quantity,
            "type": type,
            "account": account,
            "limit_price": limit_price,
            "stop_price": stop_price,
            "time_in_force": time_in_force,
            "legs": legs,
            "client_order_id": client_order_id or new_client_order_id(),
            "extra": extra,
        }
        call = partial(self._desk.call, "place_order", **terms)
        return await (await self._placing("place_order")).send(self._intent("place", terms), call)

    async def resolve_order(self, client_order_id: str) -> Order:
        """Wait until it is known what became of an order whose answer was lost, and return it as the venue has it.

        The venue is asked every 5 s; what it does not show for 30 s was not placed. It may have been asked before the
        process was restarted, if there is a journal.

        Raises:
            OrderRejectedError: No such order exists: it was refused, or never arrived.
            OrderOutcomeUnknownError: The request is under way, or the client was closed before it was known.
            ConfigurationError: No order was placed here under this id.
            RequestError: The order exists, but the venue no longer lists it.
        """
        placing = await self._placing("get_orders")
        intent = await placing.resolve(client_order_id)
        if intent is None:
            raise ConfigurationError(f"no order was placed here under the id {client_order_id!r}")
        if intent.outcome == "open":
            raise OrderOutcomeUnknownError("the request is still under way", client_order_id=client_order_id)
        if intent.outcome in ("rejected", "absent"):
            raise OrderRejectedError(
                intent.text or "the venue has no such order",
                venue=self._desk.venue.name,
                client_order_id=client_order_id,
            )
        found = await self._desk.call("get_orders", accounts=None if intent.account is None else [intent.account])
        for order in found:
            if order.order_id == intent.order_id:
                return cast(Order, structs.replace(order, client_order_id=client_order_id))
        raise RequestError(f"order {intent.order_id} exists, but is no longer listed", venue=self._desk.venue.name)

    async def _placing(self, operation: str) -> Placing:
        """Return what requests go through, once the venue and the journal are ready for them."""
        self._desk.require(operation)
        await self._desk.start()
        return self._desk.office.placing

    def _intent(self, action: Literal["place", "replace", "cancel"], terms: Mapping[str, Any]) -> Intent:
        account = terms.get("account")
        return Intent(
            client_order_id=terms.get("client_order_id") or new_client_order_id(),
            action=action,
            made_ns=self._desk.link.clock.time_ns(),
            account=None if account is None else self._desk.topic("order", account).symbol,
            order_id=terms.get("order_id"),
            legs=legs_of(terms, self._spelled) if action == "place" else (),
            type=terms.get("type"),
            quantity=text_of(terms.get("quantity")),
            limit_price=text_of(terms.get("limit_price")),
            stop_price=text_of(terms.get("stop_price")),
        )

    def _spelled(self, symbol: str) -> str:
        return self._desk.topic("quote", symbol).symbol if symbol else ""

    async def replace_order(
        self,
        order_id: str,
        *,
        quantity: Number | None = None,
        limit_price: Number | None = None,
        stop_price: Number | None = None,
        type: OrderType | None = None,  # the field's name
        extra: Mapping[str, Any] | None = None,
    ) -> Order:
        """Change a working order; only what is given changes.

        Raises:
            OrderRejectedError: The venue refused the change; the order is as it was.
            OrderOutcomeUnknownError: The answer was lost; the order is read until it shows what became of it.
        """
        changes: dict[str, Any] = {
            "quantity": quantity,
            "limit_price": limit_price,
            "stop_price": stop_price,
            "type": type,
            "extra": extra,
        }
        call = partial(self._desk.call, "replace_order", order_id, **changes)
        intent = self._intent("replace", {**changes, "order_id": order_id})
        return await (await self._placing("replace_order")).send(intent, call)

    async def cancel_order(self, order_id: str) -> Order:
        """Ask the venue to cancel an order; whether it did comes with the order updates.

        Raises:
            OrderRejectedError: The venue refused: it is no longer open, or unknown.
            OrderOutcomeUnknownError: The answer was lost; the order is read until it shows what became of it.
        """
        call = partial(self._desk.call, "cancel_order", order_id)
        return await (await self._placing("cancel_order")).send(self._intent("cancel", {"order_id": order_id}), call)

    async def cancel_all_orders(self, *, accounts: str | Sequence[str] | None = None) -> list[Order]:
        """Ask the venue to cancel every open order; returns the orders concerned."""
        return cast(list[Order], await self._desk.call("cancel_all_orders", accounts=listed(accounts)))

    async def confirm_order(self, /, **order: Any) -> list[Mapping[str, JSON]]:
        """Return what an order would cost, without placing it; takes what ``place_order`` takes."""
        return cast(list[Mapping[str, JSON]], await self._desk.call("confirm_order", **order))

    async def place_group_order(self, group: str, orders: Sequence[Mapping[str, Any]]) -> list[Order]:
        """Place a group (``oco``, ``bracket`` or ``normal``); each order takes what ``place_order`` takes.

        Raises:
            OrderRejectedError: The venue refused; ``accepted`` lists the orders that it took all the same.
            OrderOutcomeUnknownError: The answer was lost; ``resolve_order`` tells what became of each.
            ConfigurationError: An argument is wrong, or an id was used before; nothing was sent.
        """
        named = [
            {**terms, "client_order_id": terms.get("client_order_id") or new_client_order_id()} for terms in orders
        ]
        placing = await self._placing("place_group_order")
        intents = [self._intent("place", terms) for terms in named]
        return await placing.send_group(intents, partial(self._desk.call, "place_group_order", group, named))

    async def confirm_group_order(self, group: str, orders: Sequence[Mapping[str, Any]]) -> list[Mapping[str, JSON]]:
        """Return what a group would cost, without placing it."""
        return cast(list[Mapping[str, JSON]], await self._desk.call("confirm_group_order", group, orders))

    async def get_routes(self) -> list[Mapping[str, JSON]]:
        """Return the routes that orders can take."""
        return cast(list[Mapping[str, JSON]], await self._desk.call("get_routes"))

    async def get_activation_triggers(self) -> list[Mapping[str, JSON]]:
        """Return the triggers of conditional orders."""
        return cast(list[Mapping[str, JSON]], await self._desk.call("get_activation_triggers"))
