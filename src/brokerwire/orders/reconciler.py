"""Reconciler: compares the books with the venue's own list, on connect and regularly; one task for all accounts."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from brokerwire.clock import Clock
from brokerwire.errors import BrokerwireError, RequestError
from brokerwire.events import Order
from brokerwire.orders.account_book import AccountBook
from brokerwire.orders.intents import Intents
from brokerwire.orders.ledger import Intent, Outcome
from brokerwire.orders.order_keeper import OrderKeeper
from brokerwire.redact import clean
from brokerwire.venue import OrderRules

logger = logging.getLogger(__name__)

PERIOD_S = 30.0
"""How often the venue's list is asked for."""

DOUBT_PERIOD_S = 5.0
"""How often while it is not known what became of a request, or how an order stands."""

LEAST_PERIOD_S = 1.0
"""However often streams connect: no more often than this."""

FAILURES = 3
"""After so many failed attempts in a row the subscriptions are told."""

_TEXTS: dict[Outcome, str] = {
    "absent": "the venue has no such order: it was not placed",
    "rejected": "the venue did not take the change",
}


class Lists(Protocol):
    """How the venue is asked for its orders."""

    async def current(self, accounts: Sequence[str] | None) -> list[Order]:
        """Return today's and all open orders of some accounts, of all if None."""
        ...

    async def past(self, accounts: Sequence[str], since: datetime) -> list[Order]:
        """Return the orders that ended since a day; none where the venue does not keep them."""
        ...


class Reconciler:
    """The venue's list is the truth: what the streams left out is told, what is in doubt is settled.

    There is one task, and only while there is an account to watch or a doubt to settle.
    """

    def __init__(self, keeper: OrderKeeper, intents: Intents, *, lists: Lists, rules: OrderRules, clock: Clock) -> None:
        self._keeper = keeper
        self._intents = intents
        self._lists = lists
        self._rules = rules
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self._asked_at = -LEAST_PERIOD_S
        self._failures = 0
        self._is_closed = False

    def wake(self) -> None:
        """Ask for the list now."""
        self._woken.set()
        if self._has_work and not self._is_closed and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._run(), name="brokerwire reconcile orders")

    async def close(self) -> None:
        """Ask no more; safe to call twice."""
        self._is_closed = True
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @property
    def _has_work(self) -> bool:
        return bool(self._keeper.books or self._intents.doubts)

    # The task

    async def _run(self) -> None:
        while self._has_work:
            if not await self._wait():
                continue
            try:
                await self._compare()
            except BrokerwireError as exc:
                self._failed(str(exc))
            except Exception as exc:  # the top of a task: whatever it is, the next list may be read
                logger.error("comparing orders failed: %s", clean(repr(exc)), exc_info=exc)
                self._failed(clean(repr(exc)))
            else:
                self._failures = 0

    async def _wait(self) -> bool:
        """Wait for the next turn: a period, less when woken, never less than the least; tells whether there is work."""
        in_doubt = self._intents.doubts or any(book.book.has_unknown for book in self._keeper.books.values())
        due = self._asked_at + (DOUBT_PERIOD_S if in_doubt else PERIOD_S)
        try:
            async with asyncio.timeout_at(due):
                await self._woken.wait()
        except TimeoutError:
            pass
        rest_s = self._asked_at + LEAST_PERIOD_S - self._clock.monotonic()
        self._woken.clear()
        if rest_s > 0 and self._has_work:
            await self._clock.sleep(rest_s)
        self._asked_at = self._clock.monotonic()
        return self._has_work

    def _failed(self, text: str) -> None:
        self._failures += 1
        logger.warning("orders could not be compared with the venue's list: %s", text)
        if self._failures == FAILURES:
            self._keeper.notify(f"orders cannot be compared with the venue's list: {text}")

    async def _compare(self) -> None:
        books = dict(self._keeper.books)
        accounts = {*books, *(doubt.intent.account for doubt in self._intents.doubts.values())}
        asked_at = self._clock.monotonic()
        named = [account for account in accounts if account is not None]
        orders = await self._lists.current(named if len(named) == len(accounts) else None)
        self._settle(orders, asked_at)
        for account, book in books.items():
            rows = [order for order in orders if order.account == account]
            book.read(rows, asked_at=asked_at)
            book.set_baseline()
            await self._find_missing(book, rows, asked_at=asked_at)

    def _settle(self, orders: Sequence[Order], asked_at: float) -> None:
        decisions = self._intents.decide(orders, asked_at=asked_at, opened_ns=self._rules.opened_ns)
        for intent, outcome, order in decisions:
            self._tell(intent, outcome, order)
            order_id = None if order is None else order.order_id
            self._intents.settle(intent, outcome, order_id=order_id, text=_TEXTS.get(outcome))

    def _tell(self, intent: Intent, outcome: Outcome, order: Order | None) -> None:
        """Tell the account's subscriptions what became of a request; changes show in the order itself."""
        logger.info("the request %s is settled: %s", intent.client_order_id, outcome)
        if intent.action != "place":
            return
        account = order.account if order is not None else intent.account
        book = self._keeper.books.get(account or next(iter(self._keeper.books), ""))
        if order is not None:
            self._keeper.name(order.order_id, intent.client_order_id)
        if book is not None:
            news = book.book.settle(
                intent.client_order_id,
                order_id="" if order is None else order.order_id,
                reason=_TEXTS.get(outcome, ""),
                received_ns=self._clock.time_ns(),
            )
            book.tell(news)

    async def _find_missing(self, book: AccountBook, rows: Sequence[Order], *, asked_at: float) -> None:
        """Look for open orders that the list leaves out among those that ended."""
        missing = book.book.missing_from(rows, asked_at=asked_at)
        if not missing:
            return
        times = [book.book.orders[order_id].time_ns or self._clock.time_ns() for order_id in missing]
        since = datetime.fromtimestamp(min(times) // 10**9, UTC) - timedelta(days=1)
        try:
            past = await self._lists.past([book.account], since)
        except RequestError as exc:
            logger.warning("past orders could not be read: %s", exc)
            past = []
        found = [order for order in past if order.order_id in missing]
        book.read(found, asked_at=asked_at)
        lost = set(missing) - {order.order_id for order in found}
        book.tell(book.book.miss(sorted(lost), received_ns=self._clock.time_ns()))
