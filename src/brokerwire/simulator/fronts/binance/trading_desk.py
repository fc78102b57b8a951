"""Orders and the account, in one shape for REST and the WebSocket API, over the synthetic exchange."""

from decimal import Decimal
from itertools import count
from typing import Any

import msgspec

from brokerwire.simulator.accounts import Account, SpotBalance
from brokerwire.simulator.exchange import Exchange
from brokerwire.simulator.faults import Faults
from brokerwire.simulator.fronts.binance import order_objects, order_tickets, refusals
from brokerwire.simulator.fronts.binance.arguments import Arguments
from brokerwire.simulator.fronts.binance.desk import Desk
from brokerwire.simulator.fronts.binance.figures import TimeUnit
from brokerwire.simulator.fronts.binance.intervals import DAY_NS
from brokerwire.simulator.fronts.binance.listing import MAX_ORDERS
from brokerwire.simulator.fronts.binance.refusals import Refusal
from brokerwire.simulator.trading import OrderRefused, SimFill, SimOrder

ACCOUNT_ID = "binance-spot"
_FEE_RATE = Decimal("0.001")
_BALANCES = {
    "USDT": "1000000",
    "USDC": "100000",
    "FDUSD": "100000",
    "EUR": "100000",
    "BTC": "10",
    "ETH": "200",
    "BNB": "500",
    "SOL": "1000",
    "XRP": "50000",
    "ADA": "50000",
    "DOGE": "200000",
}
_MAX_ROWS = 1000
_ROWS = 500
_WORDING = {
    "funds": "Account has insufficient balance for requested action.",
    "would_take": "Order would immediately match and take.",
    "duplicate": "Duplicate order sent.",
    "not_tradable": "This symbol is not permitted for this account.",
}
_FILTERS = {"lot": "LOT_SIZE", "quantity": "LOT_SIZE", "tick": "PRICE_FILTER", "price": "PRICE_FILTER"}


class TradingDesk:
    """One spot account and its orders."""

    def __init__(self, desk: Desk, exchange: Exchange, faults: Faults) -> None:
        self.desk = desk
        self.exchange = exchange
        self._faults = faults
        self._made_ids = count(1)
        self._by_client_id: dict[str, list[SimOrder]] = {}
        self.cancel_ids: dict[int, str] = {}
        balances = {asset: SpotBalance(free=Decimal(amount)) for asset, amount in _BALANCES.items()}
        self.account = exchange.add_account(
            Account(account_id=ACCOUNT_ID, kind="spot", fee_rate=_FEE_RATE, balances=balances)
        )

    def place(self, arguments: Arguments, unit: TimeUnit) -> dict[str, Any]:
        """Place a new order.

        Raises:
            Refusal: The venue or its matching engine does not take it.
        """
        self.desk.limits.count_order(self.desk.now_ns())
        ticket, response = self._ticket(arguments)
        if rejected := self._faults.take("reject_order", channel=ticket.symbol):
            raise refusals.order_refused(rejected.argument or _WORDING["funds"])
        try:
            order = self.exchange.place(ticket)
        except OrderRefused as exc:
            raise _worded(exc) from exc
        self._by_client_id.setdefault(ticket.extra["clientOrderId"], []).append(order)
        if response == "ACK":
            return order_objects.acknowledgement(order, unit)
        shape = order_objects.full_result if response == "FULL" else order_objects.result
        return shape(order, unit)

    def test(self, arguments: Arguments, _: TimeUnit) -> dict[str, Any]:
        """Check a new order without placing it."""
        ticket, _response = self._ticket(arguments)
        try:
            self.exchange.check(ticket)
        except OrderRefused as exc:
            raise _worded(exc) from exc
        if not arguments.flag("computeCommissionRates", "false"):
            return {}
        return order_objects.order_commission_object(_FEE_RATE)

    def _ticket(self, arguments: Arguments) -> tuple[Any, str]:
        client_id = order_tickets.client_order_id(arguments, f"sim{next(self._made_ids):019d}")
        ticket = order_tickets.build_ticket(
            arguments,
            listing=self.desk.listing,
            market=self.desk.market,
            account_id=ACCOUNT_ID,
            client_order_id=client_id,
        )
        if any(order.is_open for order in self._by_client_id.get(client_id, ())):
            raise refusals.order_refused(_WORDING["duplicate"])
        if len(self._open(ticket.symbol)) >= MAX_ORDERS:
            raise refusals.filter_failed("MAX_NUM_ORDERS")
        return ticket, order_tickets.response_type(arguments, ticket.extra["type"])

    def status(self, arguments: Arguments, unit: TimeUnit) -> dict[str, Any]:
        """Query one order by the venue's or the client's id."""
        order = self._find(arguments)
        if order is None:
            raise refusals.no_such_order()
        return order_objects.queried(order, unit)

    def cancel(self, arguments: Arguments, unit: TimeUnit) -> dict[str, Any]:
        """Cancel one order.

        Raises:
            Refusal: It is unknown, not open, or further than its restriction allows (-2011).
        """
        statuses = order_tickets.cancellable_statuses(arguments)
        order = self._find(arguments)
        if order is None:
            raise refusals.cancel_refused()
        if order.is_open and order_objects.status_of(order) not in statuses:
            raise refusals.cancel_refused("Order was not canceled due to cancel restrictions.")
        return self._cancel(order, arguments, unit)

    def _cancel(self, order: SimOrder, arguments: Arguments, unit: TimeUnit) -> dict[str, Any]:
        cancel_id = order_tickets.client_order_id(arguments, f"sim{next(self._made_ids):019d}")
        self.cancel_ids[order.order_id] = cancel_id
        try:
            self.exchange.cancel(order.order_id)
        except OrderRefused as exc:
            raise refusals.cancel_refused() from exc
        return order_objects.cancelled(order, cancel_id=cancel_id, unit=unit)

    def cancel_all(self, arguments: Arguments, unit: TimeUnit) -> list[dict[str, Any]]:
        """Cancel every open order on a symbol; none is a refusal."""
        symbol = self.desk.listing.find(arguments.symbol()).symbol
        orders = self._open(symbol)
        if not orders:
            raise refusals.cancel_refused()
        return [self._cancel(order, Arguments({}), unit) for order in orders]

    def open_orders(self, arguments: Arguments, unit: TimeUnit) -> list[dict[str, Any]]:
        """List the open orders, of one symbol or of all."""
        symbol = arguments.optional_symbol()
        if symbol is not None:
            self.desk.listing.find(symbol)
        return [order_objects.queried(order, unit) for order in self._open(symbol)]

    def all_orders(self, arguments: Arguments, unit: TimeUnit) -> list[dict[str, Any]]:
        """List the orders of a symbol, by id or by time."""
        symbol = self.desk.listing.find(arguments.symbol()).symbol
        from_id = arguments.optional_integer("orderId") or 0
        start_ns, end_ns = self._window(arguments)
        limit = arguments.limit(_ROWS, _MAX_ROWS)
        found = [
            order
            for order in self._orders()
            if order.symbol == symbol and order.order_id >= from_id and start_ns <= order.created_ns <= end_ns
        ]
        page = found[:limit] if from_id or arguments.has("startTime") else found[-limit:]
        return [order_objects.queried(order, unit) for order in page]

    def my_trades(self, arguments: Arguments, unit: TimeUnit) -> list[dict[str, Any]]:
        """List the account's fills on a symbol, by id, by order or by time."""
        symbol = self.desk.listing.find(arguments.symbol()).symbol
        from_id, order_id = arguments.optional_integer("fromId") or 0, arguments.optional_integer("orderId")
        start_ns, end_ns = self._window(arguments)
        limit = arguments.limit(_ROWS, _MAX_ROWS)
        found = [
            fill
            for fill in self._fills(symbol)
            if fill.fill_id >= from_id and order_id in (None, fill.order_id) and start_ns <= fill.time_ns <= end_ns
        ]
        page = found[:limit] if from_id or arguments.has("startTime") else found[-limit:]
        return [order_objects.my_trade(fill, unit) for fill in page]

    def account_status(self, arguments: Arguments, unit: TimeUnit) -> dict[str, Any]:
        """Describe the account and its balances."""
        omits_zero = arguments.flag("omitZeroBalances", "false")
        return order_objects.account_object(
            self.account, updated_ns=self.desk.now_ns(), omits_zero=omits_zero, unit=unit
        )

    def prevented_matches(self, arguments: Arguments, _: TimeUnit) -> list[dict[str, Any]]:
        """List the matches that self-trade prevention stopped: nobody trades with himself here."""
        self.desk.listing.find(arguments.symbol())
        if not arguments.has("orderId") and not arguments.has("preventedMatchId"):
            raise refusals.one_missing("preventedMatchId", "orderId")
        return []

    def allocations(self, arguments: Arguments, _: TimeUnit) -> list[dict[str, Any]]:
        """List what smart order routing allocated: no symbol has it here."""
        self.desk.listing.find(arguments.symbol())
        return []

    def commission(self, arguments: Arguments, _: TimeUnit) -> dict[str, Any]:
        """Tell what trading a symbol costs.

        Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/account-endpoints, read 2026-11-20.
        """
        symbol = self.desk.listing.find(arguments.symbol()).symbol
        return order_objects.commission_object(symbol, self.account.fee_rate)

    def order_counts(self, _arguments: Arguments, _unit: TimeUnit) -> list[dict[str, Any]]:
        """Tell how many orders have been placed in the running windows."""
        return self.desk.limits.order_usage(self.desk.now_ns())[:2]

    def _window(self, arguments: Arguments) -> tuple[int, int]:
        start_ns, end_ns = arguments.time_ns("startTime"), arguments.time_ns("endTime")
        if start_ns is not None and end_ns is not None and end_ns - start_ns > DAY_NS:
            raise Refusal(-1127, "More than 24 hours between startTime and endTime.")
        return start_ns or 0, self.desk.now_ns() + DAY_NS if end_ns is None else end_ns

    def _orders(self) -> list[SimOrder]:
        return [order for order in self.exchange.orders.values() if order.account_id == ACCOUNT_ID]

    def _open(self, symbol: str | None) -> list[SimOrder]:
        return [o for o in self.exchange.open_orders(ACCOUNT_ID) if symbol in (None, o.symbol)]

    def _fills(self, symbol: str) -> list[SimFill]:
        fills = [fill for order in self._orders() if order.symbol == symbol for fill in order.fills]
        return sorted(fills, key=lambda fill: fill.fill_id)

    def _find(self, arguments: Arguments) -> SimOrder | None:
        symbol = self.desk.listing.find(arguments.symbol()).symbol
        order_id, client_id = arguments.optional_integer("orderId"), arguments.optional("origClientOrderId")
        if order_id is None and client_id is None:
            raise refusals.one_missing("origClientOrderId", "orderId")
        if order_id is not None:
            order = self.exchange.orders.get(order_id)
        else:
            known = self._by_client_id.get(client_id or "", [])
            order = known[-1] if known else None
        return order if order is not None and order.symbol == symbol else None


def _worded(refused: OrderRefused) -> Refusal:
    if refused.code in _FILTERS:
        return refusals.filter_failed(_FILTERS[refused.code])
    if refused.code == "unknown_symbol":
        return refusals.invalid_symbol()
    return refusals.order_refused(_WORDING.get(refused.code, str(refused)))


class AccountEvent(msgspec.Struct, frozen=True):
    """What happened to the account, for the user data streams; built for each time unit on demand."""

    order: SimOrder
    kind: str
    fill: SimFill | None
    time_ns: int
    cancel_id: str | None = None
