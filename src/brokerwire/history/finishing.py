"""Work in a thread that an interrupt does not leave behind: the caller goes on when the thread has ended."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
Item = TypeVar("Item")


class Stopped(Exception):
    """Ends the work in the thread; nobody outside hears of it."""


async def in_thread(work: Callable[[], T], *, on_cancel: Callable[[], object] = lambda: None) -> T:
    """Return what ``work`` returns in a thread; who cancels this waits for its end, after ``on_cancel()``."""
    running = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        on_cancel()
        await _end_of(running)
        raise


async def _end_of(running: "asyncio.Future[T]") -> None:
    """Wait for the end of a thread, which nothing can break off, and pass over how it ended."""
    while not running.done():
        with contextlib.suppress(asyncio.CancelledError):  # the caller raises the first one
            await asyncio.wait({running})
    running.exception()


class Finishing(Generic[T]):
    """The last work on a file: an interrupt stops it while items pass through, or comes too late.

    Attributes:
        result: What the work returned, also where that was too late to be stopped.
    """

    def __init__(self) -> None:
        self.result: T | None = None
        self._is_stopped = threading.Event()

    async def run(self, work: Callable[[], T]) -> T:
        """Return what ``work`` returns in a thread; when this is cancelled, the work is stopped or done."""

        def noting() -> T:
            self.result = work()
            return self.result

        return await in_thread(noting, on_cancel=self._is_stopped.set)

    def passing(self, items: Iterable[Item]) -> Iterator[Item]:
        """Pass on the items that the work takes, until it is stopped.

        Raises:
            Stopped: It is stopped.
        """
        for item in items:
            if self._is_stopped.is_set():
                raise Stopped
            yield item
