"""Delivery: gets the events of one subscription into its callbacks, in order, one at a time."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from brokerwire.config import Overflow as OverflowPolicy
from brokerwire.errors import ConfigurationError, SlowConsumerError
from brokerwire.events import Event, Gap, Notice, StateChange, Status
from brokerwire.redact import clean
from brokerwire.streaming.event_queue import EventQueue, Marker
from brokerwire.streaming.stall_detector import stack_of
from brokerwire.typedefs import Callback, ErrorCallback

logger = logging.getLogger(__name__)

FAILURES_IN_A_ROW = 100
"""After this many raising callbacks in a row the delivery pauses."""

BATCH = 256
"""Events that are delivered between two looks at the clock."""

TURN_S = 0.005
"""The delivery of one subscription works no longer than this before others get a turn; a batch of quick callbacks
is through by then, so that a burst is not dropped only because its reader was faster."""

HANGING_S = 10.0
"""A callback that is at one event for so long is reported."""

CALLBACK_GRACE_S = 1.0
"""How long a callback at work may go on after the end before it is cancelled."""


class DeliveryOptions(Struct, frozen=True, kw_only=True):
    """What every ``stream_*`` call takes besides its topics and callback.

    ``is_queued`` says that events wait for a task even if every callback is a plain function.
    """

    error_callback: ErrorCallback | None = None
    status_callback: Callback[Status] | None = None
    raw: bool = False
    max_pending: int = 10_000
    overflow: OverflowPolicy = "drop_oldest"
    callback_timeout_s: float | None = None
    is_queued: bool = False


def is_async(callback: Callable[..., Any]) -> bool:
    """Tell whether calling ``callback`` gives something to await."""
    while isinstance(callback, partial):
        callback = callback.func
    return inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(type(callback).__call__)


class Delivery:
    """The queue, the callbacks and the task of one subscription.

    With plain callbacks only there is no task: they are called at once. Otherwise a task drains the queue.
    What takes a batch of events is an attribute, exchanged as that changes, so that the reader asks no question.
    """

    def __init__(
        self,
        options: DeliveryOptions,
        *,
        name: str,
        on_pause: Callable[[str], None],
        on_overflow: Callable[[SlowConsumerError], None],
    ) -> None:
        self.name = name
        self.queue = EventQueue(options.max_pending, options.overflow, on_fail=on_overflow)
        self.errors = 0
        self.gaps = 0
        self.inbox: list[Any] = []
        self._take: Callable[[Sequence[Any]], None] = self.queue.put_all
        self._options = options
        self._is_raw = options.raw
        self._on_pause = on_pause
        self._callbacks: list[tuple[Callable[[Any], Any], bool]] = []
        self._errors_in_a_row = 0
        self._task: asyncio.Task[None] | None = None
        self._side_tasks: set[asyncio.Future[Any]] = set()
        self._paused: asyncio.Event | None = None
        self._is_ending = False
        self.is_iterated = False
        self._looked_at: tuple[int, float] = (0, 0.0)
        self._reported = 0

    @property
    def has_callbacks(self) -> bool:
        """Whether somebody gave a callback."""
        return bool(self._callbacks)

    @property
    def is_blocking(self) -> bool:
        """Whether a full queue holds back the reading of the connection."""
        return self._options.overflow == "block"

    @property
    def is_current_task(self) -> bool:
        """Whether the caller is one of the callbacks."""
        return self._task is not None and asyncio.current_task() is self._task

    @property
    def hanging(self) -> asyncio.Task[None] | None:
        """The task, if a callback is at work in it."""
        return self._task if self.queue.in_hand else None

    def look(self, now: float) -> None:
        """Report once, with its stack, a callback that has been at one event for ``HANGING_S`` seconds."""
        queue = self.queue
        task = self.hanging
        number = queue.delivered + 1
        if task is None or not queue.in_hand or self._looked_at[0] != number:
            self._looked_at = (number, now)
        elif now - self._looked_at[1] >= HANGING_S and self._reported != number:
            self._reported = number
            hanging_s = now - self._looked_at[1]
            logger.warning(
                "%s: a callback has not returned for %.0f s; it waits in %s", self.name, hanging_s, stack_of(task)
            )

    def add(self, callback: Callback[Any]) -> None:
        """Call ``callback`` too, after those that are there.

        Raises:
            ConfigurationError: It is not callable, or a plain function with ``overflow="block"``.
        """
        if not callable(callback):
            raise ConfigurationError(f"callback must be a function of one event, not {type(callback).__name__}")
        callback_is_async = is_async(callback)
        if not callback_is_async and self._options.overflow == "block":
            raise ConfigurationError('overflow="block" needs an async callback: a plain one is never waited for')
        self._callbacks.append((callback, callback_is_async))
        is_direct = not self._options.is_queued and not any(is_a for _, is_a in self._callbacks)
        if self._task is None and not self.queue.pending and is_direct:
            self._take = self._direct()
        else:
            self._start_task()

    def _start_task(self) -> None:
        self._take = self._refuse if self._is_ending else self.queue.put_all
        if self._task is None and not self._is_ending:
            self._task = asyncio.get_running_loop().create_task(self._run(), name=f"brokerwire deliver {self.name}")

    def shaped(self, event: Event) -> Any:
        """Return what the callback is given: the event, or the venue's parsed JSON."""
        return event.raw if self._is_raw else event

    def flush(self) -> None:
        """Take what lies in the inbox."""
        events, self.inbox = self.inbox, []
        self._take(events)

    def put(self, event: Any) -> None:
        """Take one event, after what lies in the inbox."""
        if self.inbox:
            self.flush()
        self._take((event,))

    # Three ways to take events; ``_take`` is one of them

    def _refuse(self, events: Sequence[Event]) -> None:
        for _ in events:
            self.queue.reject("paused" if self._paused is not None else "closed")

    def _direct(self) -> Callable[[Sequence[Event]], None]:
        """Return what calls plain callbacks at once; the usual single one costs no look-ups.

        A callback may end or pause its subscription, or turn out to be async: the rest of the batch goes that way.
        """
        queue = self.queue
        callbacks = [callback for callback, _ in self._callbacks]
        call_each = self._call_all if len(callbacks) > 1 or self._is_raw else self._call_one(callbacks[0])

        def take(events: Sequence[Event]) -> None:
            rest = iter(events)
            while self._take is take:
                queue.in_hand = 1
                is_through = call_each(rest)
                queue.in_hand = 0
                if is_through:
                    return
            if left := list(rest):
                self._take(left)

        return take

    def _call_one(self, callback: Callable[[Any], Any]) -> Callable[[Iterator[Event]], bool]:
        """Return what calls ``callback`` with events, and tells whether it came through or is to be called again."""
        queue = self.queue

        def call_each(events: Iterator[Event]) -> bool:
            event: Any = None
            take = self._take
            try:
                for event in events:
                    queue.received += 1
                    result = callback(event)
                    if result is not None and inspect.isawaitable(result):
                        self._found_async(callback, result)
                    if self._errors_in_a_row:
                        self._errors_in_a_row = 0
                    if self._take is not take:
                        return False
            except Exception as exc:  # noqa: BLE001  # whatever user code raises must not end the stream
                self._failed(exc, event)
                return False
            return True

        return call_each

    def _call_all(self, events: Iterator[Event]) -> bool:
        """Call every callback with the next event; tells whether there was none."""
        for event in events:
            self.queue.received += 1
            shaped = self.shaped(event)
            for callback, _ in self._callbacks:
                try:
                    result = callback(shaped)
                    if result is not None and inspect.isawaitable(result):
                        self._found_async(callback, result)
                    self._errors_in_a_row = 0
                except Exception as exc:  # noqa: BLE001  # whatever user code raises must not end the stream
                    self._failed(exc, event)
            return False
        return True

    def _found_async(self, callback: Callable[[Any], Any], awaitable: Awaitable[object]) -> None:
        """A plain function gave an awaitable: treat it as async from now on."""
        self._callbacks = [(known, known is callback or known_async) for known, known_async in self._callbacks]
        self._run_aside(awaitable)
        self._start_task()

    # The task

    async def _run(self) -> None:
        """Drain the queue whenever something waits; the loop gets a turn at least every ``TURN_S`` of work."""
        queue = self.queue
        time = asyncio.get_running_loop().time
        turn_ends = time() + TURN_S
        while True:
            if self._paused is not None:
                await self._paused.wait()
            await (self._drain_simply if self._is_simple else self._drain)()
            if not queue.items and queue.take_end():
                if self._is_ending:
                    return
                await queue.wait()
                turn_ends = time() + TURN_S
            elif time() >= turn_ends:
                await asyncio.sleep(0)
                turn_ends = time() + TURN_S

    @property
    def _is_simple(self) -> bool:
        """One async callback of typed events, no time limit, no failure just now: the usual case, and the fast one."""
        options = self._options
        return (
            len(self._callbacks) == 1
            and not self._errors_in_a_row
            and not self._is_raw
            and options.callback_timeout_s is None
            and options.overflow != "block"
        )

    async def _drain_simply(self) -> None:
        """Deliver a batch to the only callback; one await for each event and nothing else."""
        queue = self.queue
        items = queue.items
        ((callback, _),) = self._callbacks
        event: Any = None
        queue.in_hand = 1
        try:
            for _ in range(BATCH):
                if not items or queue.is_mixed:
                    break
                event = items.popleft()
                await callback(event)
        except Exception as exc:  # noqa: BLE001  # whatever user code raises must not end the stream
            self._failed(exc, event)
        finally:
            queue.in_hand = 0
        if queue.is_mixed and self._paused is None:
            await self._drain()

    async def _drain(self) -> None:
        """Deliver what waits, statuses in their places, until a batch is through or a pause begins."""
        queue = self.queue
        for _ in range(BATCH):
            item = queue.take()
            if item is None:
                return
            if isinstance(item, Marker):
                await self.tell(item)
            else:
                try:
                    await self._deliver(item)
                finally:
                    queue.finish()
            if self._paused is not None:
                return

    async def _deliver(self, event: Event) -> None:
        shaped = self.shaped(event)
        timeout_s = self._options.callback_timeout_s
        for callback, callback_is_async in self._callbacks:
            try:
                if not callback_is_async:
                    callback(shaped)
                elif timeout_s is None:
                    await callback(shaped)
                else:
                    async with asyncio.timeout(timeout_s):
                        await callback(shaped)
                self._errors_in_a_row = 0
            except Exception as exc:  # noqa: BLE001  # whatever user code raises must not end the stream
                self._failed(exc, event)

    # Statuses and errors

    def put_status(self, status: Status) -> None:
        """Tell the user something, in its place between the events."""
        if self._task is not None or self.is_iterated:
            self.queue.put_marker(Marker(status))
        else:
            self.tell_now(status)

    def tell_now(self, status: Status) -> None:
        """Tell the user something ahead of the events that wait."""
        result = self._handle(status)
        if result is not None:
            self._run_aside(result)

    async def tell(self, marker: Marker) -> None:
        """Tell the statuses of a marker, waiting for an async status callback."""
        for status in marker.statuses():
            result = self._handle(status)
            if result is not None:
                try:
                    await result
                except Exception as exc:  # noqa: BLE001  # whatever user code raises must not end the stream
                    self.report(exc, status)

    def _handle(self, status: Status) -> Awaitable[object] | None:
        self.gaps += isinstance(status, Gap)
        handler = self._options.status_callback
        if handler is None:
            self._log(status)
            return None
        try:
            result = handler(status)
        except Exception as exc:  # noqa: BLE001  # whatever user code raises must not end the stream
            self.report(exc, status)
            return None
        return result if inspect.isawaitable(result) else None

    def _log(self, status: Status) -> None:
        if not isinstance(status, StateChange):
            logger.log(logging.INFO if isinstance(status, Notice) else logging.WARNING, "%s: %s", self.name, status)

    def _failed(self, exc: Exception, event: Any) -> None:
        self.errors += 1
        self._errors_in_a_row += 1
        self.report(exc, event)
        if self._errors_in_a_row >= FAILURES_IN_A_ROW and self._paused is None and not self._is_ending:
            self.pause()
            self._on_pause(f"{FAILURES_IN_A_ROW} callbacks in a row raised; call resume()")

    def report(self, exc: Exception, event: Any) -> None:
        """Hand an exception to the error callback, or log it."""
        handler = self._options.error_callback
        if handler is None:
            logger.error("%s: %s", self.name, clean(repr(exc)), exc_info=exc)
            return
        try:
            result = handler(exc, event)
            if inspect.isawaitable(result):
                self._run_aside(result)
        except Exception as failure:  # the handler is user code too
            logger.error("the error_callback of %s failed: %s", self.name, clean(repr(failure)), exc_info=failure)

    def _run_aside(self, awaitable: Awaitable[Any]) -> None:
        task = asyncio.ensure_future(awaitable)
        self._side_tasks.add(task)
        task.add_done_callback(self._side_task_ended)

    def _side_task_ended(self, task: "asyncio.Future[Any]") -> None:
        self._side_tasks.discard(task)
        if not task.cancelled() and (exc := task.exception()) is not None:
            logger.error("a callback of %s failed: %s", self.name, clean(repr(exc)))

    # Pause and end

    def pause(self) -> None:
        """Deliver nothing until ``resume``; events wait in the queue, or are dropped where there is none."""
        self._paused = asyncio.Event()
        if self._task is None:
            self._take = self._refuse

    def resume(self) -> None:
        """Go on after a pause."""
        paused, self._paused = self._paused, None
        self._errors_in_a_row = 0
        if paused is not None:
            paused.set()
            if self._task is None and self._callbacks and not self._is_ending:
                self._take = self._direct()

    def end(self) -> None:
        """Take no more events; what waits is still delivered unless it is dropped."""
        self._is_ending = True
        self.resume()
        self._take = self._refuse
        self.queue.wake()

    async def join(self) -> None:
        """Return when nothing of this runs any more; a callback at work gets a moment, then is cancelled."""
        tasks = {task for task in (self._task, *self._side_tasks) if task is not None and not task.done()}
        if tasks:
            _, running = await asyncio.wait(tasks, timeout=CALLBACK_GRACE_S)
            for task in running:
                task.cancel()
            if running:
                _, stubborn = await asyncio.wait(running, timeout=CALLBACK_GRACE_S)
                for task in stubborn:
                    logger.error("%s: a callback will not be cancelled and was left behind: %s", self.name, task)
        self.queue.drop_all("closed")
