"""LoopThread: an event loop on a thread of its own, which other threads call into and wait for."""

import asyncio
import atexit
import logging
import os
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar

from brokerwire.client.callback_thread import CallbackThread
from brokerwire.client.latch import PATIENCE_S, Latch
from brokerwire.errors import ConfigurationError, StreamError

logger = logging.getLogger(__name__)

T = TypeVar("T")

JOIN_S = 60.0
"""How long ``stop`` waits for the thread at most: an orderly end is through by then."""

EXIT_S = 10.0
"""How long the end of the process waits for it."""


class LoopThread:
    """Runs coroutines for threads that have no loop, or have another one.

    The thread starts with the first call and ends with ``stop``, with the process, or when nobody holds this any more.

    Args:
        on_stop: Awaited in the loop when it is to end.
    """

    def __init__(self, name: str, on_stop: Callable[[], Awaitable[None]]) -> None:
        self._worker = _Worker(name, on_stop)
        weakref.finalize(self, self._worker.end).atexit = False  # at the exit somebody has to wait, too

    @property
    def is_open(self) -> bool:
        """Whether it can be called into."""
        return not self._worker.is_stopped and not self._worker.is_forked

    @property
    def is_forked(self) -> bool:
        """Whether the caller is in a process that was forked from the one that this belongs to."""
        return self._worker.is_forked

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run what ``work`` returns, and return what that returns; an interrupt cancels it.

        Raises:
            StreamError: The thread was stopped, or belongs to the process that this one was forked from.
            ConfigurationError: The caller is in the loop itself, which would wait for itself.
        """
        call = self._worker.submit(work)
        try:
            return call.outcome()
        except BaseException:
            call.cancel()
            raise

    def read(self, look: Callable[[], T]) -> T:
        """Return what ``look`` returns, called between two steps of the loop, or at once where none runs."""

        async def work() -> T:
            return look()

        worker = self._worker
        if worker.is_in_loop or (worker.is_idle and not worker.is_forked):
            return look()
        try:
            return self.run(work)
        except StreamError:
            if not worker.is_stopped:
                raise
        worker.stop()
        return look()

    def new_callbacks(self, name: str) -> CallbackThread:
        """Return a thread for the callbacks of one subscription; it ends before this."""
        return self._worker.new_callbacks(name)

    def keep(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run something beside, until it ends or the loop does; called in the loop."""
        self._worker.keep(work, name)

    def stop(self) -> None:
        """End the loop; returns when its thread is gone, at once in a callback or a forked process. Safe to repeat."""
        self._worker.stop()


class _Worker:
    """The thread's side: it must not hold on to the ``LoopThread``, whose end ends it."""

    def __init__(self, name: str, on_stop: Callable[[], Awaitable[None]]) -> None:
        self._name = name
        self._on_stop = on_stop
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._begun = Latch()
        self.ended = Latch()
        self.is_stopped = False
        self._process_id = os.getpid()
        self._callbacks: set[CallbackThread] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_in_loop(self) -> bool:
        return threading.current_thread() is self._thread

    @property
    def is_current(self) -> bool:
        return self.is_in_loop or any(each.is_current for each in list(self._callbacks))

    @property
    def is_idle(self) -> bool:
        """Whether no loop runs, or none yet."""
        return self._thread is None or self.ended.is_open

    @property
    def is_forked(self) -> bool:
        return self._process_id != os.getpid()

    def keep(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run something beside, in the loop, until it ends or the loop does."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def submit(self, work: Callable[[], Coroutine[Any, Any, T]]) -> "_Call[T]":
        """Put work before the loop; whatever was put before ``stop`` is begun, and cancelled by it."""
        if self.is_forked:
            raise StreamError(
                f"the client was made in process {self._process_id} and cannot be used in its fork {os.getpid()}: "
                "the thread that it needs is not there; make a new client there"
            )
        if self.is_in_loop:
            raise ConfigurationError("a coroutine of the client's own loop cannot wait for it; use a plain callback")
        with self._lock:
            if self.is_stopped:
                raise StreamError("the client is closed; make a new one")
            if self._thread is None:
                self._start()
            loop, _ = self._state()
            call = _Call(work, loop, self.ended)
            loop.call_soon_threadsafe(call.begin)
            return call

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        thread.start()
        self._thread = thread
        _before_exit(self)

    def _state(self) -> tuple[asyncio.AbstractEventLoop, asyncio.Event]:
        """Return the loop, and what ends it, as soon as it runs."""
        while self._running is None:
            self._begun.wait()
        return self._running

    def _run(self) -> None:
        try:
            with asyncio.Runner() as runner:
                runner.run(self._live())
        finally:
            self.ended.open()

    async def _live(self) -> None:
        end = asyncio.Event()
        self._running = asyncio.get_running_loop(), end
        self._begun.open()
        await end.wait()
        try:
            await self._on_stop()
        finally:
            left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    def new_callbacks(self, name: str) -> CallbackThread:
        callbacks = CallbackThread(name, on_end=self._callbacks.discard)
        self._callbacks.add(callbacks)
        return callbacks

    def end(self) -> None:
        """Tell the loop to end, and wait for nothing."""
        if self.is_forked:
            return
        with self._lock:
            is_first, self.is_stopped = not self.is_stopped, True
        if is_first and self._thread is not None:
            loop, end = self._state()
            loop.call_soon_threadsafe(end.set)

    def stop(self, patience_s: float = JOIN_S) -> None:
        """Tell the loop to end, and wait for its thread and those of callbacks."""
        self.end()
        if self._thread is not None and not self.is_forked and not self.is_current:
            self._join(self._thread, patience_s)

    def _join(self, thread: threading.Thread, patience_s: float) -> None:
        """Wait for a latch of ours first: some Pythons take a thread for dead when ``join`` was interrupted."""
        for _ in range(round(patience_s / PATIENCE_S)):
            if self.ended.wait():
                thread.join()
                break
        else:
            logger.error("%s: something holds its loop; it was left behind", self._name)
        for callbacks in list(self._callbacks):
            callbacks.stop()
            self._callbacks.discard(callbacks)  # one that hangs is not waited for again


class _Call(Generic[T]):
    """One piece of work before the loop, and who waits for it."""

    def __init__(
        self, work: Callable[[], Coroutine[Any, Any, T]], loop: asyncio.AbstractEventLoop, loop_ended: Latch
    ) -> None:
        self._work = work()
        self._loop = loop
        self._loop_ended = loop_ended
        self._done = Latch()
        self._task: asyncio.Task[T] | None = None
        self._is_cancelled = False

    def begin(self) -> None:
        """Begin, in the loop, unless nobody waits any more."""
        if self._is_cancelled:
            self._work.close()
            return
        self._task = self._loop.create_task(self._work, name="brokerwire call")
        self._task.add_done_callback(lambda _: self._done.open())

    def outcome(self) -> T:
        """Wait, and return or raise what the work does.

        Raises:
            StreamError: The loop ended before.
        """
        while not self._done.wait() and not self._loop_ended.is_open:
            pass
        if self._task is None or not self._task.done() or self._task.cancelled():
            raise StreamError("the client was closed while it was waited for")
        return self._task.result()

    def cancel(self) -> None:
        """Wait no more; what was begun is cancelled."""
        self._is_cancelled = True
        if not self._done.is_open and not self._loop_ended.is_open:
            with suppress(RuntimeError):  # the loop has ended just now
                self._loop.call_soon_threadsafe(self._cancel_task)

    def _cancel_task(self) -> None:
        if self._task is not None:
            self._task.cancel()


def _before_exit(worker: _Worker) -> None:
    """End it with the process, while executors still work: ``atexit``, which ends it otherwise, comes after them."""
    register: Callable[[Callable[[], None]], object] = getattr(threading, "_register_atexit", atexit.register)
    register(partial(_stop_if_there, weakref.ref(worker)))


def _stop_if_there(reference: Callable[[], _Worker | None]) -> None:
    worker = reference()
    if worker is not None:
        worker.stop(EXIT_S)
