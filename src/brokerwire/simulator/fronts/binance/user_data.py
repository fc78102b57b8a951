"""The account's events as they are told to user data subscriptions."""

from collections.abc import Callable
from typing import Any

from brokerwire.simulator.faults import Faults
from brokerwire.simulator.fronts.binance import order_objects
from brokerwire.simulator.fronts.binance.figures import TimeUnit
from brokerwire.simulator.fronts.binance.trading_desk import ACCOUNT_ID, AccountEvent, TradingDesk
from brokerwire.simulator.trading import OrderChange

_KINDS = {
    "accepted": "NEW",
    "queued": "NEW",
    "fill": "TRADE",
    "cancelled": "CANCELED",
    "expired": "EXPIRED",
    "rejected": "REJECTED",
}


class AccountFeed:
    """Turns the exchange's changes into account events and hands them to every listener."""

    def __init__(self, trading: TradingDesk, faults: Faults) -> None:
        self._trading = trading
        self._faults = faults
        self._listeners: dict[Callable[[AccountEvent], None], None] = {}
        self._announced: set[int] = set()
        self._stop = trading.exchange.listen(self._on_change)

    def add(self, listener: Callable[[AccountEvent], None]) -> None:
        """Call ``listener`` with every event from now on."""
        self._listeners[listener] = None

    def remove(self, listener: Callable[[AccountEvent], None]) -> None:
        """Call it no more."""
        self._listeners.pop(listener, None)

    def close(self) -> None:
        """Stop listening to the exchange."""
        self._stop()
        self._listeners.clear()

    def _on_change(self, change: OrderChange) -> None:
        order, kind = change.order, _KINDS.get(change.kind)
        if order.account_id != ACCOUNT_ID or kind is None or (kind == "NEW" and order.order_id in self._announced):
            return
        self._announced.add(order.order_id)
        if kind == "TRADE":
            for fill in change.fills:
                if self._faults.take("drop_fill", channel=order.symbol) is None:
                    self._tell(AccountEvent(order, kind, fill, change.time_ns))
            return
        if kind == "CANCELED" and order_objects.status_of(order) == "EXPIRED":
            kind = "EXPIRED"
        cancel_id = self._trading.cancel_ids.get(order.order_id) if kind == "CANCELED" else None
        self._tell(AccountEvent(order, kind, None, change.time_ns, cancel_id))

    def _tell(self, event: AccountEvent) -> None:
        for listener in list(self._listeners):
            listener(event)


def event_objects(event: AccountEvent, trading: TradingDesk, unit: TimeUnit) -> list[dict[str, Any]]:
    """Return the execution report of an event, and the balances that it may have touched."""
    instrument = trading.desk.listing.find(event.order.symbol)
    now_ns = trading.desk.now_ns()
    return [
        order_objects.execution_report(
            event.order, kind=event.kind, fill=event.fill, event_ns=now_ns, cancel_id=event.cancel_id, unit=unit
        ),
        order_objects.account_position(
            trading.account, instrument, event_ns=now_ns, updated_ns=event.time_ns, unit=unit
        ),
    ]
