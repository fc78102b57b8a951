"""Journal: durable client order ids and order events, written by one thread so that the loop never waits for a disk."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from brokerwire.clock import Clock
from brokerwire.errors import ConfigurationError
from brokerwire.orders.executions import Accounted
from brokerwire.orders.journal_file import FileLock
from brokerwire.orders.ledger import Consumer, Intent, Known, Ledger, OrderEvent, Recorded

logger = logging.getLogger(__name__)

T = TypeVar("T")
Job = Callable[[Ledger], Any]


def journal_path(given: "str | PathLike[str]") -> Path:
    """Return where a journal is.

    Raises:
        ConfigurationError: That is not a path.
    """
    if not isinstance(given, str | PathLike) or not str(given):
        raise ConfigurationError(f"journal must be the path of a file, not {given!r}")
    return Path(given).expanduser()


class Journal:
    """A file that outlives the process; what was committed is there after ``kill -9``.

    Each call returns a future that is done once its change is on disk. Changes that come while the disk is at work
    are committed together. ``open`` comes first; the file belongs to one client at a time.
    """

    def __init__(self, path: Path, *, owner: str, clock: Clock) -> None:
        self.path = path
        self._owner = owner
        self._clock = clock
        self._lock: FileLock | None = None
        self._ledger: Ledger | None = None
        self._writer: ThreadPoolExecutor | None = None
        self._waiting: list[tuple[Job, asyncio.Future[Any]]] = []
        self._flight: asyncio.Future[list[Any]] | None = None
        self._is_closed = False

    @property
    def is_open(self) -> bool:
        """Whether changes can be written."""
        return self._ledger is not None and not self._is_closed

    async def open(self) -> None:
        """Open the file, or make a new one; safe to call twice.

        Raises:
            ConfigurationError: Another client holds it, or it is damaged, foreign, too new, or for another venue;
                nothing in it was changed.
        """
        if self._ledger is not None:
            return
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="brokerwire-journal")
        try:
            await asyncio.get_running_loop().run_in_executor(self._writer, self._open_file)
        except BaseException:
            self._writer.shutdown(wait=True)  # whoever stops waiting leaves a file that is being opened
            ledger, self._ledger = self._ledger, None
            if ledger is not None:
                ledger.close()
            self._release()
            raise
        now_ns = self._clock.time_ns()
        self._submit(lambda ledger: ledger.forget_old(now_ns))

    def _open_file(self) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = FileLock(self.path)
        except OSError as exc:
            raise ConfigurationError(f"the journal {self.path} cannot be opened: {exc.strerror}") from exc
        self._ledger = Ledger(self.path, owner=self._owner)

    def _release(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()

    async def close(self) -> None:
        """Write what waits and close the file; safe to call twice."""
        self._is_closed = True
        while self._flight is not None:
            await asyncio.wait([self._flight])
            await asyncio.sleep(0)
        ledger, self._ledger = self._ledger, None
        if ledger is not None and self._writer is not None:
            await asyncio.get_running_loop().run_in_executor(self._writer, ledger.close)
            self._writer.shutdown(wait=True)
        self._release()

    # Batches

    def _submit(self, job: Callable[[Ledger], T]) -> "asyncio.Future[T]":
        """Write with the next batch; the future says when it is on disk."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        future.add_done_callback(_look_at)
        if not self.is_open:
            future.set_exception(ConfigurationError(f"the journal {self.path} is closed; nothing was written"))
            return future
        self._waiting.append((job, future))
        if self._flight is None:
            self._write_batch()
        return future

    def _write_batch(self) -> None:
        batch, self._waiting = self._waiting, []
        jobs = [job for job, _ in batch]
        self._flight = asyncio.get_running_loop().run_in_executor(self._writer, self._commit, jobs)
        self._flight.add_done_callback(lambda flight: self._landed(flight, [future for _, future in batch]))

    def _commit(self, jobs: Sequence[Job]) -> list[Any]:
        ledger = self._ledger
        assert ledger is not None  # noqa: S101  # it is closed behind the last batch
        try:
            ledger.begin()
            results = [job(ledger) for job in jobs]
            ledger.commit()
        except BaseException:
            ledger.roll_back()
            raise
        return results

    def _landed(self, flight: "asyncio.Future[list[Any]]", futures: "Sequence[asyncio.Future[Any]]") -> None:
        self._flight = None
        exc = None if flight.cancelled() else flight.exception()
        results = [] if flight.cancelled() or exc is not None else flight.result()
        if not results:
            error = self._failure(exc)
            logger.error("%s", error)
            for future in futures:
                if not future.done():
                    future.set_exception(error)
        for future, result in zip(futures, results, strict=False):
            if not future.done():
                future.set_result(result)
        if self._waiting:
            self._write_batch()

    def _failure(self, exc: BaseException | None) -> ConfigurationError:
        reason = f"{type(exc).__name__}: {exc}" if isinstance(exc, sqlite3.Error | OSError) else repr(exc)
        return ConfigurationError(
            f"the journal {self.path} cannot be written ({reason}); free space or repair the disk"
        )

    # What is written and read

    def record(
        self, account: str, events: Sequence[OrderEvent], accounted: Sequence[Accounted] = ()
    ) -> "asyncio.Future[list[Recorded]]":
        """Write events of an account, in their order; those that were written before are left out of the answer.

        ``accounted`` is how much of their orders has been told as executed, with these events.
        """
        now_ns = self._clock.time_ns()
        return self._submit(lambda ledger: ledger.record(account, events, accounted=accounted, now_ns=now_ns))

    def known(self, account: str) -> "asyncio.Future[Known]":
        """Read what is known of an account's orders: those that are open or ended lately."""
        now_ns = self._clock.time_ns()
        return self._submit(lambda ledger: ledger.known(account, now_ns))

    def set_baseline(self, account: str) -> None:
        """Write that a whole list of the account's orders has been taken in."""
        now_ns = self._clock.time_ns()
        self._submit(lambda ledger: ledger.set_baseline(account, now_ns))

    def consumer(self, name: str) -> "asyncio.Future[Consumer]":
        """Read how far a consumer has heard; one that was never here begins at the end."""
        return self._submit(lambda ledger: ledger.consumer(name))

    def events_after(self, position: int, accounts: Sequence[str], limit: int) -> "asyncio.Future[list[Recorded]]":
        """Read the events of some accounts behind a position, in order."""
        return self._submit(lambda ledger: ledger.events_after(position, accounts, limit))

    def mark(self, name: str, position: int) -> "asyncio.Future[None]":
        """Write that a consumer has heard everything up to a position."""
        return self._submit(lambda ledger: ledger.mark(name, position))

    def make_intent(self, intent: Intent) -> "asyncio.Future[Intent | None]":
        """Write what is about to be asked for; the answer is the earlier request of that id, if there was one."""
        return self._submit(lambda ledger: ledger.make_intent(intent))

    def settle_intent(self, intent: Intent) -> "asyncio.Future[None]":
        """Write what is known of a request now."""
        return self._submit(lambda ledger: ledger.settle_intent(intent))

    def intent(self, client_order_id: str) -> "asyncio.Future[Intent | None]":
        """Read what is written of a request."""
        return self._submit(lambda ledger: ledger.intent(client_order_id))

    def open_intents(self) -> "asyncio.Future[list[Intent]]":
        """Read the requests of which it is not known what became of them."""
        return self._submit(lambda ledger: ledger.open_intents())

    def accepted_intents(self, since_ns: int) -> "asyncio.Future[list[Intent]]":
        """Read the requests made since then that the venue took."""
        return self._submit(lambda ledger: ledger.accepted_intents(since_ns))


def _look_at(future: "asyncio.Future[Any]") -> None:
    """Nobody has to ask for a failure: it was logged."""
    if not future.cancelled():
        future.exception()
