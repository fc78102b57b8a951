"""Brokerage requests: accounts, balances, positions and orders, with partial success and paging."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from aiohttp import web

from brokerwire.simulator.accounts import Account
from brokerwire.simulator.exchange import Exchange
from brokerwire.simulator.fronts.tradestation.answers import (
    ApiError,
    comma_list,
    json_response,
    parameter,
    whole_number,
)
from brokerwire.simulator.fronts.tradestation.balances import Books, account_record
from brokerwire.simulator.fronts.tradestation.gate import Caller
from brokerwire.simulator.fronts.tradestation.order_view import rest_record, status_of
from brokerwire.simulator.fronts.tradestation.positions import matches_symbol, position_record
from brokerwire.simulator.price_path import HOUR_NS
from brokerwire.simulator.sessions import new_york_date, new_york_ns
from brokerwire.simulator.trading import SimOrder

_MAX_ACCOUNTS = 25
_MAX_ORDER_IDS = 50
_MAX_PAGE = 600
_LOOKBACK = timedelta(days=90)
_CLASSES = {
    "open": ("ACK", "DON", "OSO", "FPR", "UCN", "STP"),
    "filled": ("FLL", "FLP"),
    "cancelled": ("OUT", "EXP"),
    "canceled": ("OUT", "EXP"),
    "rejected": ("REJ",),
}


class _Page(msgspec.Struct, frozen=True):
    order_ids: list[int]
    size: int
    expires_ns: int


def split_accounts(exchange: Exchange, text: str) -> tuple[list[Account], list[str]]:
    """Return the accounts a path segment names, and the ids that do not exist."""
    ids = comma_list(text, limit=_MAX_ACCOUNTS, what="accounts")
    known = [exchange.accounts[found] for found in ids if found in exchange.accounts]
    return known, [missing for missing in ids if missing not in exchange.accounts]


def invalid_account(account_id: str) -> dict[str, str]:
    """Return the error entry of an account that does not exist."""
    return {"AccountID": account_id, "Error": "Forbidden", "Message": "Invalid Account ID."}


def todays_orders(exchange: Exchange, account_ids: set[str]) -> list[SimOrder]:
    """Return today's orders and all open ones, newest first; what has just closed stays for an hour at least."""
    now_ns = exchange.now_ns()
    since_ns = min(new_york_ns(new_york_date(now_ns), 0), now_ns - HOUR_NS)
    found = [
        order
        for order in exchange.orders.values()
        if order.account_id in account_ids and (order.is_open or (order.closed_ns or 0) >= since_ns)
    ]
    return sorted(found, key=lambda order: (order.created_ns, order.order_id), reverse=True)


class Brokerage:
    """Handlers under ``/v3/brokerage``, streams excepted."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._books = Books(exchange)
        self._pages: dict[str, _Page] = {}

    async def accounts(self, _: web.Request, __: Caller) -> web.Response:
        """Answer ``GET accounts``."""
        return json_response({"Accounts": [account_record(account) for account in self._exchange.accounts.values()]})

    async def balances(self, request: web.Request, _: Caller) -> web.Response:
        """Answer ``GET accounts/{accounts}/balances``."""
        return self._per_account(request, "Balances", self._books.balance)

    async def opening_balances(self, request: web.Request, _: Caller) -> web.Response:
        """Answer ``GET accounts/{accounts}/bodbalances``."""
        return self._per_account(request, "BODBalances", self._books.opening_balance)

    def _per_account(
        self, request: web.Request, name: str, record: Callable[[Account], dict[str, Any]]
    ) -> web.Response:
        known, missing = split_accounts(self._exchange, request.match_info["accounts"])
        return json_response(
            {name: [record(account) for account in known], "Errors": [invalid_account(m) for m in missing]}
        )

    async def positions(self, request: web.Request, _: Caller) -> web.Response:
        """Answer ``GET accounts/{accounts}/positions``."""
        known, missing = split_accounts(self._exchange, request.match_info["accounts"])
        text = parameter(request, "symbol")
        patterns = [part.strip() for part in text.split(",")] if text else []
        rows = [
            position_record(self._exchange, account, position)
            for account in known
            for position in account.positions.values()
            if matches_symbol(position.symbol, patterns)
        ]
        return json_response({"Positions": rows, "Errors": [invalid_account(m) for m in missing]})

    async def orders(self, request: web.Request, _: Caller) -> web.Response:
        """Answer ``GET accounts/{accounts}/orders``."""
        known, missing = split_accounts(self._exchange, request.match_info["accounts"])
        orders = todays_orders(self._exchange, {account.account_id for account in known})
        wanted = parameter(request, "status")
        if wanted is not None:
            if wanted.lower() not in _CLASSES:
                raise ApiError("BadRequest", "Invalid status: use Open, Filled, Cancelled or Rejected.")
            orders = [order for order in orders if status_of(order) in _CLASSES[wanted.lower()]]
        return self._paged(request, orders, missing)

    async def orders_by_id(self, request: web.Request, _: Caller) -> web.Response:
        """Answer ``GET accounts/{accounts}/orders/{orderIds}``."""
        known, _missing = split_accounts(self._exchange, request.match_info["accounts"])
        orders = todays_orders(self._exchange, {account.account_id for account in known})
        return self._by_id(request, orders)

    async def historical_orders(self, request: web.Request, _: Caller) -> web.Response:
        """Answer ``GET accounts/{accounts}/historicalorders``."""
        known, missing = split_accounts(self._exchange, request.match_info["accounts"])
        return self._paged(request, self._closed_since(request, known), missing)

    async def historical_orders_by_id(self, request: web.Request, _: Caller) -> web.Response:
        """Answer ``GET accounts/{accounts}/historicalorders/{orderIds}``."""
        known, _missing = split_accounts(self._exchange, request.match_info["accounts"])
        return self._by_id(request, self._closed_since(request, known))

    def _closed_since(self, request: web.Request, known: list[Account]) -> list[SimOrder]:
        since_ns = self._since_ns(request)
        ids = {account.account_id for account in known}
        found = [
            order
            for order in self._exchange.orders.values()
            if order.account_id in ids and not order.is_open and (order.closed_ns or 0) >= since_ns
        ]
        return sorted(found, key=lambda order: (order.closed_ns or 0, order.order_id), reverse=True)

    def _since_ns(self, request: web.Request) -> int:
        text = parameter(request, "since")
        if text is None:
            raise ApiError("BadRequest", "The since parameter is required.")
        plain = text.replace("/", "-")
        for pattern in ("%Y-%m-%d", "%m-%d-%Y"):
            try:
                since = datetime.strptime(plain, pattern).replace(tzinfo=UTC).date()
            except ValueError:
                continue
            if new_york_date(self._exchange.now_ns()) - since > _LOOKBACK:
                raise ApiError("BadRequest", "The since date may lie at most 90 days back.")
            return new_york_ns(since, 0)
        raise ApiError("BadRequest", "Invalid since date.")

    def _by_id(self, request: web.Request, orders: list[SimOrder]) -> web.Response:
        ids = comma_list(request.match_info["order_ids"], limit=_MAX_ORDER_IDS, what="order ids")
        found = {str(order.order_id): order for order in orders}
        missing = [
            {
                "AccountID": request.match_info["accounts"],
                "OrderID": order_id,
                "Error": "NotFound",
                "Message": "Order not found.",
            }
            for order_id in ids
            if order_id not in found
        ]
        rows = [rest_record(self._exchange, found[order_id]) for order_id in ids if order_id in found]
        return json_response({"Orders": rows, "Errors": missing})

    def _paged(self, request: web.Request, orders: list[SimOrder], missing: list[str]) -> web.Response:
        """Return one page; the token for the rest is good once, for an hour."""
        size = whole_number(request, "pageSize", _MAX_PAGE, low=1, high=_MAX_PAGE)
        order_ids = [order.order_id for order in orders]
        if (text := parameter(request, "nextToken")) is not None:
            page = self._pages.pop(text, None)
            if page is None or page.expires_ns < self._exchange.now_ns():
                raise ApiError("BadRequest", "Invalid or expired nextToken.")
            order_ids, size = page.order_ids, page.size
        rows = [rest_record(self._exchange, self._exchange.orders[order_id]) for order_id in order_ids[:size]]
        body: dict[str, Any] = {"Orders": rows, "Errors": [invalid_account(m) for m in missing]}
        if len(order_ids) > size and parameter(request, "pageSize" if text is None else "nextToken") is not None:
            body["NextToken"] = self._keep(order_ids[size:], size)
        return json_response(body)

    def _keep(self, order_ids: list[int], size: int) -> str:
        now_ns = self._exchange.now_ns()
        self._pages = {text: page for text, page in self._pages.items() if page.expires_ns > now_ns}
        token = secrets.token_urlsafe(24)
        self._pages[token] = _Page(order_ids, size, now_ns + HOUR_NS)
        return token
