import asyncio
from pathlib import Path
from typing import Any

from tests.orders.events import ACCOUNT, update

from brokerwire.clock import SystemClock
from brokerwire.orders.account_book import AccountBook
from brokerwire.orders.commit_line import CommitLine
from brokerwire.orders.journal import Journal
from brokerwire.orders.reconcile import PLAIN_RULES, OrderBook


class Consumer:
    """Takes what a line feeds, in the place of a durable delivery."""

    def __init__(self, said: list[Any]) -> None:
        self._said = said

    def feed(self, recorded: Any) -> None:
        self._said += [each.event.order_id for each in recorded]


async def run(tmp_path: Path, *, is_open: bool) -> tuple[list[Any], list[BaseException]]:
    """Tell three orders with words in between; returns what was said in which order, and the failures."""
    said: list[Any] = []
    failures: list[BaseException] = []
    journal = Journal(tmp_path / "orders.db", owner="v offline", clock=SystemClock())
    if is_open:
        await journal.open()
        await journal.known(ACCOUNT)  # the disk is at rest: the first order is written alone, the others together
    line = CommitLine(journal, on_failure=failures.append)
    line.consumers.append(Consumer(said))  # type: ignore[arg-type]  # all that is needed of one
    book = AccountBook(OrderBook(ACCOUNT, PLAIN_RULES), clock=SystemClock(), owner=None)  # type: ignore[arg-type]  # none
    line.behind(lambda: said.append("at once"))
    for each in ("1", "2", "3"):
        line.tell(book, [update(each)])
        line.behind(lambda each=each: said.append(f"behind {each}"))  # type: ignore[misc]  # bound early
    assert said == ["at once"]
    await journal.close()
    await asyncio.sleep(0)
    line.behind(lambda: said.append("last"))
    return said, failures


async def test_nothing_overtakes_what_is_being_written(tmp_path: Path) -> None:
    said, failures = await run(tmp_path, is_open=True)
    assert said == ["at once", "1", "behind 1", "2", "behind 2", "3", "behind 3", "last"]
    assert failures == []


async def test_what_could_not_be_written_is_not_told(tmp_path: Path) -> None:
    said, failures = await run(tmp_path, is_open=False)
    assert said == ["at once", "behind 1", "behind 2", "behind 3", "last"]
    assert len(failures) == 3
