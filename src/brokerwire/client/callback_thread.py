"""CallbackThread: runs the plain callbacks of one subscription outside the loop, one after the other."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from queue import SimpleQueue
from typing import Any, TypeAlias

from brokerwire.client.latch import Latch
from brokerwire.errors import StreamError
from brokerwire.streaming.delivery import is_async

logger = logging.getLogger(__name__)

JOIN_S = 1.0
"""How long the end waits for a callback that is at work."""

Outcome: TypeAlias = tuple[Any, BaseException | None]


class _Job:
    """One call of a callback, and who waits for it."""

    def __init__(self, callback: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self._callback = callback
        self._arguments = arguments
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[Outcome] = self._loop.create_future()

    def run(self) -> None:
        """Call, unless nobody waits any more."""
        if self.done.cancelled():
            return
        try:
            outcome: Outcome = (self._callback(*self._arguments), None)
        except BaseException as exc:  # noqa: BLE001  # whatever user code raises belongs to whoever waits
            outcome = (None, exc)
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._settle, outcome)

    def _settle(self, outcome: Outcome) -> None:
        if not self.done.done():
            self.done.set_result(outcome)


class CallbackThread:
    """Runs plain functions in their order; the loop waits for each without being held up.

    So they may take their time, and may call the client: their subscription's queue fills meanwhile, nobody else's.
    The thread starts with the first call.
    """

    def __init__(self, name: str, *, on_end: Callable[["CallbackThread"], None]) -> None:
        self._name = name
        self._on_end = on_end
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_ending = False
        self._ended = Latch()

    @property
    def is_current(self) -> bool:
        """Whether the caller is one of the callbacks."""
        return threading.current_thread() is self._thread

    def wrapped(self, callback: Any) -> Any:
        """Return a coroutine function that calls ``callback`` on the thread; anything but a plain function as it is."""
        if not callable(callback) or is_async(callback):
            return callback

        async def on_thread(*arguments: Any) -> Any:
            result, failure = await self._call(callback, arguments)
            if failure is not None and not isinstance(failure, Exception):
                raise StreamError(f"a callback raised {type(failure).__name__}") from failure
            if failure is not None:
                raise failure
            return await result if isinstance(result, Awaitable) else result

        return on_thread

    async def _call(self, callback: Callable[..., Any], arguments: tuple[Any, ...]) -> Outcome:
        job = _Job(callback, arguments)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        self._jobs.put(job)
        return await job.done

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.run()
        self._on_end(self)
        self._ended.open()

    def end(self) -> None:
        """Take no more; what is at work goes on. Safe to repeat."""
        if self._is_ending:
            return
        self._is_ending = True
        self._jobs.put(None)
        if self._thread is None:
            self._on_end(self)

    def stop(self) -> None:
        """End, and wait a moment for a callback that is at work, unless the caller is in it. Safe to repeat."""
        self.end()
        if self._thread is None or self.is_current:
            return
        if self._ended.wait(JOIN_S):
            self._thread.join()
        else:
            logger.error("%s: a callback does not return and was left behind", self._name)
