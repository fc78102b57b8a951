"""Streams of orders and positions: snapshot, end of snapshot, then every change."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from brokerwire.simulator.exchange import Exchange
from brokerwire.simulator.fronts.tradestation.answers import comma_list, moment, truth
from brokerwire.simulator.fronts.tradestation.brokerage import invalid_account, split_accounts, todays_orders
from brokerwire.simulator.fronts.tradestation.gate import Caller
from brokerwire.simulator.fronts.tradestation.order_view import DESCRIPTIONS, stream_record
from brokerwire.simulator.fronts.tradestation.positions import PositionFollower, changes_only, whole
from brokerwire.simulator.fronts.tradestation.streams import BROKERAGE, LineStream, StreamTools
from brokerwire.simulator.trading import OrderChange, SimOrder

_MAX_ORDER_IDS = 50

FrameListener = Callable[[SimOrder, dict[str, Any]], None]


class OrderFeed:
    """Turns changes on the exchange into frames, once for all streams."""

    def __init__(self, exchange: Exchange, tools: StreamTools) -> None:
        self._exchange = exchange
        self._tools = tools
        self._listeners: list[FrameListener] = []
        self._timers: set[asyncio.TimerHandle] = set()
        self._leave = exchange.listen(self._on_change)

    def listen(self, listener: FrameListener) -> Callable[[], None]:
        """Call ``listener`` with every frame; returns the function that stops it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def close(self) -> None:
        """Stop listening and forget frames that were to come."""
        self._leave()
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _on_change(self, change: OrderChange) -> None:
        order = change.order
        if change.kind == "triggered":
            self._send_status(order, "STP", ClosedDateTime=stamp_of(order))
        elif change.kind == "fill":
            self._send_fill(order)
        elif change.kind == "cancelled" and order.filled == 0:
            # The venue sends UROut twice: at once, and again when the order has been closed.
            self._send(order, stream_record(self._exchange, order, ClosedDateTime=None))
            self._later(lambda: self._send(order, stream_record(self._exchange, order)))
        else:
            self._send(order, stream_record(self._exchange, order))

    def _send_fill(self, order: SimOrder) -> None:
        fault = self._tools.faults.take("drop_fill", channel=order.account_id)
        if fault is not None:
            self._tools.journal.record("control", what="fill frame dropped", order_id=order.order_id)
            return
        if order.is_triggered and order.status == "filled":
            self._send_status(order, "ACK", ClosedDateTime=None)
        self._send(order, stream_record(self._exchange, order))

    def _send_status(self, order: SimOrder, status: str, **overrides: Any) -> None:
        overrides |= {"Status": status, "StatusDescription": DESCRIPTIONS[status]}
        self._send(order, stream_record(self._exchange, order, **overrides))

    def _send(self, order: SimOrder, frame: dict[str, Any]) -> None:
        for listener in list(self._listeners):
            listener(order, frame)

    def _later(self, act: Callable[[], None]) -> None:
        def strike() -> None:
            self._timers.discard(timer)
            act()

        timer = asyncio.get_running_loop().call_later(self._tools.settings.closed_time_delay_s, strike)
        self._timers.add(timer)


def stamp_of(order: SimOrder) -> str:
    """Return the time of an order's last change as the venue writes it."""
    return moment(order.updated_ns)


class BrokerageStreams:
    """Handlers of order and position streams."""

    def __init__(self, exchange: Exchange, feed: OrderFeed, tools: StreamTools) -> None:
        self._exchange = exchange
        self._feed = feed
        self._tools = tools

    async def orders(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Answer ``GET stream/accounts/{accounts}/orders``."""
        return await self._serve_orders(request, caller, None)

    async def orders_by_id(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Answer ``GET stream/accounts/{accounts}/orders/{ordersIds}``."""
        ids = comma_list(request.match_info["order_ids"], limit=_MAX_ORDER_IDS, what="order ids")
        return await self._serve_orders(request, caller, ids)

    async def _serve_orders(
        self, request: web.Request, caller: Caller, order_ids: list[str] | None
    ) -> web.StreamResponse:
        known, missing = split_accounts(self._exchange, request.match_info["accounts"])
        account_ids = {account.account_id for account in known}

        def is_wanted(order: SimOrder) -> bool:
            return order.account_id in account_ids and (order_ids is None or str(order.order_id) in order_ids)

        async def start(lines: LineStream) -> None:
            orders = [order for order in todays_orders(self._exchange, account_ids) if is_wanted(order)]
            _push_missing_accounts(lines, missing)
            for order in orders:
                lines.push(stream_record(self._exchange, order))
            _push_missing_orders(lines, order_ids, orders)
            lines.at_end(self._feed.listen(lambda order, frame: lines.push(frame) if is_wanted(order) else None))
            self._end_snapshot(request, lines)

        return await LineStream(request, caller, spec=BROKERAGE, tools=self._tools).serve(start)

    async def positions(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Answer ``GET stream/accounts/{accounts}/positions``."""
        known, missing = split_accounts(self._exchange, request.match_info["accounts"])
        reduce = changes_only if truth(request, "changes", "false") else whole

        async def start(lines: LineStream) -> None:
            _push_missing_accounts(lines, missing)
            follower = PositionFollower(self._exchange, known, lines, reduce=reduce)
            follower.snapshot()
            follower.follow()
            self._end_snapshot(request, lines)

        return await LineStream(request, caller, spec=BROKERAGE, tools=self._tools).serve(start)

    def _end_snapshot(self, request: web.Request, lines: LineStream) -> None:
        """Announce the end of the snapshot, now or later."""
        if self._tools.faults.take("no_snapshot_end", channel=request.path) is not None:
            return
        delay_s = self._tools.settings.snapshot_delay_s
        if (fault := self._tools.faults.take("late_snapshot", channel=request.path)) is not None:
            delay_s = fault.number(20.0)
        frame = {"StreamStatus": "EndSnapshot"}
        if delay_s <= 0:
            lines.push(frame)
        else:
            lines.at_end(asyncio.get_running_loop().call_later(delay_s, lines.push, frame).cancel)


def _push_missing_accounts(lines: LineStream, missing: list[str]) -> None:
    for account_id in missing:
        error = invalid_account(account_id)
        lines.push({name: error[name] for name in ("Error", "Message", "AccountID")})


def _push_missing_orders(lines: LineStream, order_ids: list[str] | None, orders: list[SimOrder]) -> None:
    found = {str(order.order_id) for order in orders}
    for order_id in order_ids or []:
        if order_id not in found:
            lines.push({"Error": "NotFound", "Message": "Order not found.", "OrderID": order_id})
