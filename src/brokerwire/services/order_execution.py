"""OrderExecutionService: place, change, cancel and watch orders."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Unpack, cast

from brokerwire.events import Fill, Order, OrderSide, OrderType, OrderUpdate
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
        **delivery: Unpack[DeliveryKeywords],
    ) -> Subscription[OrderUpdate | Fill]:
        """Deliver every change of orders (``OrderUpdate``) and every execution (``Fill``) to ``callback``.

        ``accounts=None`` means all accounts; ``order_ids`` narrows it down. Orders are never dropped: a
        subscription that cannot keep up fails with ``SlowConsumerError``.

        Raises:
            StreamLimitError: The cap on streams is reached.
            AuthenticationError: The credentials or the token are refused.
            UnsupportedError: The venue has no order stream.
        """
        self._desk.require("order_updates")
        chosen = await self._desk.accounts(accounts)
        ids = [order_ids] if isinstance(order_ids, str) else list(order_ids or ())
        return await self._desk.subscribe("order", chosen, callback, delivery=delivery, variant=",".join(ids))

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
        venue's only suitable account is used.

        Raises:
            OrderRejectedError: The venue refused it; no such order exists.
            OrderOutcomeUnknownError: The answer was lost; ask by ``client_order_id`` before anything else.
            ConfigurationError: An argument is wrong; nothing was sent.
        """
        if legs is None:
            check_order(side or "", type)
        found = await self._desk.call(
            "place_order",
            symbol=symbol,
            side=side,
            quantity=quantity,
            type=type,
            account=account,
            limit_price=limit_price,
            stop_price=stop_price,
            time_in_force=time_in_force,
            legs=legs,
            client_order_id=client_order_id,
            extra=extra,
        )
        return cast(Order, found)

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
            OrderOutcomeUnknownError: The answer was lost; read the order before anything else.
        """
        found = await self._desk.call(
            "replace_order",
            order_id,
            quantity=quantity,
            limit_price=limit_price,
            stop_price=stop_price,
            type=type,
            extra=extra,
        )
        return cast(Order, found)

    async def cancel_order(self, order_id: str) -> Order:
        """Ask the venue to cancel an order; whether it did comes with the order updates.

        Raises:
            OrderRejectedError: The venue refused: it is no longer open, or unknown.
            OrderOutcomeUnknownError: The answer was lost; read the order before anything else.
        """
        return cast(Order, await self._desk.call("cancel_order", order_id))

    async def cancel_all_orders(self, *, accounts: str | Sequence[str] | None = None) -> list[Order]:
        """Ask the venue to cancel every open order; returns the orders concerned."""
        return cast(list[Order], await self._desk.call("cancel_all_orders", accounts=listed(accounts)))

    async def confirm_order(self, **order: Any) -> list[Mapping[str, JSON]]:
        """Return what an order would cost, without placing it; takes what ``place_order`` takes."""
        return cast(list[Mapping[str, JSON]], await self._desk.call("confirm_order", **order))

    async def place_group_order(self, group: str, orders: Sequence[Mapping[str, Any]]) -> list[Order]:
        """Place a group (``oco``, ``bracket`` or ``normal``); each order takes what ``place_order`` takes.

        Raises:
            OrderRejectedError: The venue refused; ``accepted`` lists the orders that it took all the same.
        """
        return cast(list[Order], await self._desk.call("place_group_order", group, orders))

    async def confirm_group_order(self, group: str, orders: Sequence[Mapping[str, Any]]) -> list[Mapping[str, JSON]]:
        """Return what a group would cost, without placing it."""
        return cast(list[Mapping[str, JSON]], await self._desk.call("confirm_group_order", group, orders))

    async def get_routes(self) -> list[Mapping[str, JSON]]:
        """Return the routes that orders can take."""
        return cast(list[Mapping[str, JSON]], await self._desk.call("get_routes"))

    async def get_activation_triggers(self) -> list[Mapping[str, JSON]]:
        """Return the triggers of conditional orders."""
        return cast(list[Mapping[str, JSON]], await self._desk.call("get_activation_triggers"))
