"""The way of news through the journal: written first, told after, and nothing overtakes it."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from brokerwire.orders.account_book import AccountBook
from brokerwire.orders.durable_delivery import DurableDelivery
from brokerwire.orders.journal import Journal
from brokerwire.orders.ledger import Recorded
from brokerwire.orders.reconcile import OrderEvent

Writing = asyncio.Future[list[Recorded]]


class CommitLine:
    """Stands between the books and the consumers: each event is on disk before anybody hears it.

    ``on_failure`` is called when the journal could not be written: what was to be told is not kept.
    """

    def __init__(self, journal: Journal, *, on_failure: Callable[[BaseException], None]) -> None:
        self._journal = journal
        self._on_failure = on_failure
        self._line: deque[Writing | Callable[[], None]] = deque()
        self.consumers: list[DurableDelivery] = []

    def tell(self, book: AccountBook, news: Sequence[OrderEvent]) -> None:
        """Write what is new in a book, then tell it."""
        order_ids = dict.fromkeys(event.order_id for event in news)
        accounted = [leg for order_id in order_ids for leg in book.book.executions.of(order_id)]
        writing = self._journal.record(book.account, news, accounted)
        self._line.append(writing)
        writing.add_done_callback(self._advance)

    def behind(self, act: Callable[[], None]) -> None:
        """Call ``act`` when everything that was said before has been told."""
        if self._line:
            self._line.append(act)
        else:
            act()

    def _advance(self, _writing: Writing) -> None:
        while self._line:
            head = self._line[0]
            if not isinstance(head, asyncio.Future):
                self._line.popleft()
                head()
            elif head.done():
                self._line.popleft()
                self._told(head)
            else:
                return

    def _told(self, writing: Writing) -> None:
        error = writing.exception()
        if error is not None:
            self._on_failure(error)
            return
        for consumer in list(self.consumers):
            consumer.feed(writing.result())
