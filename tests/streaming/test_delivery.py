import asyncio
import contextlib
from functools import partial
from typing import Any

import pytest

from brokerwire.errors import ConfigurationError
from brokerwire.events import Event, Notice, Overflow, Quote, Status, Topic, tie
from brokerwire.streaming.delivery import FAILURES_IN_A_ROW, Delivery, DeliveryOptions, is_async


def quote(index: int, symbol: str = "A") -> Quote:
    event = Quote("v", symbol, None, index, float(index))
    tie(event, "_topic", Topic("quote", symbol))
    tie(event, "_message", b'{"n":%d}' % index)
    return event


class Recorder:
    """Takes everything a delivery hands out."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.statuses: list[Status] = []
        self.errors: list[tuple[Exception, Any]] = []
        self.pauses: list[str] = []

    def take(self, event: Any) -> None:
        self.events.append(event)

    async def take_async(self, event: Any) -> None:
        await asyncio.sleep(0)
        self.events.append(event)

    def on_error(self, exc: Exception, event: Any) -> None:
        self.errors.append((exc, event))

    def delivery(self, **options: Any) -> Delivery:
        options.setdefault("error_callback", self.on_error)
        options.setdefault("status_callback", self.statuses.append)
        return Delivery(
            DeliveryOptions(**options), name="test", on_pause=self.pauses.append, on_overflow=lambda error: None
        )

    @property
    def numbers(self) -> list[int]:
        return [event.received_ns for event in self.events]


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_plain_callback_is_called_at_once() -> None:
    recorder = Recorder()
    delivery = recorder.delivery()
    delivery.add(recorder.take)
    delivery.put(quote(1))
    assert recorder.numbers == [1]
    assert delivery.queue.delivered == 1
    delivery.end()
    await delivery.join()


async def test_async_callback_gets_events_one_at_a_time_and_in_order() -> None:
    running = 0
    seen: list[int] = []
    done = asyncio.Event()

    async def callback(event: Event) -> None:
        nonlocal running
        running += 1
        assert running == 1
        await asyncio.sleep(0)
        seen.append(event.received_ns)
        running -= 1
        if len(seen) == 300:
            done.set()

    delivery = Recorder().delivery()
    delivery.add(callback)
    for index in range(300):
        delivery.put(quote(index))
    async with asyncio.timeout(5):
        await done.wait()
    assert seen == list(range(300))
    delivery.end()
    await delivery.join()


async def test_all_callbacks_are_called_in_turn_for_each_event() -> None:
    order: list[str] = []

    async def first(event: Event) -> None:
        await asyncio.sleep(0)
        order.append(f"first {event.received_ns}")

    delivery = Recorder().delivery()
    delivery.add(first)
    delivery.add(lambda event: order.append(f"second {event.received_ns}"))
    delivery.put(quote(1))
    delivery.put(quote(2))
    await settle()
    assert order == ["first 1", "second 1", "first 2", "second 2"]
    delivery.end()
    await delivery.join()


async def test_two_plain_callbacks_need_no_task() -> None:
    recorder = Recorder()
    delivery = recorder.delivery()
    delivery.add(recorder.take)
    delivery.add(recorder.take)
    delivery.put(quote(1))
    assert recorder.numbers == [1, 1]
    assert delivery.queue.delivered == 1
    delivery.end()
    await delivery.join()


async def test_raising_callback_is_reported_and_delivery_goes_on() -> None:
    recorder = Recorder()

    def callback(event: Event) -> None:
        if event.received_ns == 1:
            raise RuntimeError("boom")
        recorder.take(event)

    delivery = recorder.delivery()
    delivery.add(callback)
    delivery.put(quote(1))
    delivery.put(quote(2))
    assert recorder.numbers == [2]
    assert [(str(exc), event.received_ns) for exc, event in recorder.errors] == [("boom", 1)]
    assert (delivery.errors, delivery.queue.delivered) == (1, 2)
    delivery.end()
    await delivery.join()


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_hundred_failures_in_a_row_pause_until_resumed(asynchronous: bool) -> None:
    recorder = Recorder()
    is_broken = True

    def plain(event: Event) -> None:
        if is_broken:
            raise RuntimeError
        recorder.take(event)

    async def awaited(event: Event) -> None:
        plain(event)

    delivery = recorder.delivery()
    delivery.add(awaited if asynchronous else plain)
    for index in range(FAILURES_IN_A_ROW):
        delivery.put(quote(index))
    await settle()
    assert len(recorder.pauses) == 1
    delivery.put(quote(1000))
    await settle()
    is_broken = False
    delivery.resume()
    delivery.put(quote(1001))
    await settle()
    assert recorder.numbers == ([1000, 1001] if asynchronous else [1001])
    queue = delivery.queue
    assert queue.received == queue.delivered + queue.dropped + queue.pending
    assert queue.dropped_by_reason == ({} if asynchronous else {"paused": 1})
    delivery.end()
    await delivery.join()


async def test_one_success_resets_the_count_of_failures() -> None:
    recorder = Recorder()

    def callback(event: Event) -> None:
        if event.received_ns % 50:
            raise RuntimeError

    delivery = recorder.delivery()
    delivery.add(callback)
    for index in range(400):
        delivery.put(quote(index))
    assert recorder.pauses == []
    delivery.end()
    await delivery.join()


async def test_plain_function_that_returns_an_awaitable_becomes_async() -> None:
    recorder = Recorder()
    delivery = recorder.delivery()
    delivery.add(lambda event: recorder.take_async(event))
    delivery.put(quote(1))
    delivery.put(quote(2))
    await settle()
    assert sorted(recorder.numbers) == [1, 2]
    delivery.end()
    await delivery.join()


async def test_raw_hands_over_the_parsed_message() -> None:
    recorder = Recorder()
    delivery = recorder.delivery(raw=True)
    delivery.add(recorder.take)
    delivery.put(quote(3))
    assert recorder.events == [{"n": 3}]
    delivery.end()
    await delivery.join()


async def test_statuses_are_told_in_their_place_between_events() -> None:
    order: list[Any] = []

    async def callback(event: Event) -> None:
        await asyncio.sleep(0)
        order.append(event.received_ns)

    delivery = Recorder().delivery(status_callback=order.append)
    delivery.add(callback)
    delivery.put(quote(1))
    delivery.put_status(Notice("between"))
    delivery.put(quote(2))
    await settle()
    assert order == [1, Notice("between"), 2]
    delivery.end()
    await delivery.join()


async def test_overflow_is_told_once_with_the_number_lost() -> None:
    recorder = Recorder()
    started, release = asyncio.Event(), asyncio.Event()

    async def callback(event: Event) -> None:
        started.set()
        await release.wait()
        recorder.take(event)

    delivery = recorder.delivery(max_pending=3, overflow="drop_oldest")
    delivery.add(callback)
    delivery.put(quote(0))
    await started.wait()
    for index in range(1, 11):
        delivery.put(quote(index))
    assert delivery.queue.pending == 3
    release.set()
    await settle()
    assert recorder.numbers == [0, 9, 10]
    assert [status for status in recorder.statuses if isinstance(status, Overflow)] == [
        Overflow(Topic("quote", "A"), 8)
    ]
    delivery.end()
    await delivery.join()


async def test_async_status_and_error_callbacks_are_awaited() -> None:
    heard: list[str] = []

    async def on_status(status: Status) -> None:
        await asyncio.sleep(0)
        heard.append(type(status).__name__)

    async def on_error(exc: Exception, _event: Any) -> None:
        await asyncio.sleep(0)
        heard.append(str(exc))

    delivery = Recorder().delivery(status_callback=on_status, error_callback=on_error)

    def callback(_event: Event) -> None:
        raise RuntimeError("boom")

    delivery.add(callback)
    delivery.put_status(Notice("x"))
    delivery.put(quote(1))
    await settle()
    assert sorted(heard) == ["Notice", "boom"]
    delivery.end()
    await delivery.join()


async def test_callback_that_takes_too_long_is_cancelled_and_reported() -> None:
    recorder = Recorder()
    cancelled = asyncio.Event()

    async def callback(event: Event) -> None:
        if event.received_ns == 1:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()
        recorder.take(event)

    delivery = recorder.delivery(callback_timeout_s=0.01)
    delivery.add(callback)
    delivery.put(quote(1))
    delivery.put(quote(2))
    await asyncio.wait_for(cancelled.wait(), 2)
    await settle()
    assert recorder.numbers == [2]
    assert isinstance(recorder.errors[0][0], TimeoutError)
    delivery.end()
    await delivery.join()


async def test_ending_refuses_further_events_and_counts_them() -> None:
    recorder = Recorder()
    delivery = recorder.delivery()
    delivery.add(recorder.take)
    delivery.end()
    delivery.put(quote(1))
    assert recorder.events == []
    assert delivery.queue.dropped_by_reason == {"closed": 1}
    await delivery.join()


async def test_joining_cancels_a_callback_that_hangs() -> None:
    started = asyncio.Event()

    async def callback(_event: Event) -> None:
        started.set()
        await asyncio.Event().wait()

    delivery = Recorder().delivery()
    delivery.add(callback)
    delivery.put(quote(1))
    await started.wait()
    assert delivery.hanging is not None
    delivery.end()
    await asyncio.wait_for(delivery.join(), 5)
    assert delivery.hanging is None


async def test_error_callback_that_raises_does_not_end_delivery(caplog: pytest.LogCaptureFixture) -> None:
    def on_error(_exc: Exception, _event: Any) -> None:
        raise ValueError("worse")

    recorder = Recorder()
    delivery = recorder.delivery(error_callback=on_error)

    def callback(event: Event) -> None:
        recorder.take(event)
        raise RuntimeError("boom")

    delivery.add(callback)
    delivery.put(quote(1))
    delivery.put(quote(2))
    assert recorder.numbers == [1, 2]
    assert "error_callback of test failed" in caplog.text
    delivery.end()
    await delivery.join()


async def test_blocking_needs_an_async_callback() -> None:
    delivery = Recorder().delivery(overflow="block")
    with pytest.raises(ConfigurationError, match="needs an async callback"):
        delivery.add(print)


async def test_a_callback_must_be_callable() -> None:
    with pytest.raises(ConfigurationError, match="not str"):
        Recorder().delivery().add("nothing")  # type: ignore[arg-type]  # the mistake under test


def test_async_is_seen_through_partials_and_callable_objects() -> None:
    class Awaited:
        async def __call__(self, event: Event) -> None: ...

    class Plain:
        def __call__(self, event: Event) -> None: ...

    async def function(a: int, b: Event) -> None: ...

    assert is_async(partial(partial(function), 1))
    assert is_async(Awaited())
    assert not is_async(Plain())
    assert not is_async(print)


async def test_joining_leaves_a_callback_behind_that_will_not_be_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    started, release = asyncio.Event(), asyncio.Event()

    async def callback(_event: Event) -> None:
        started.set()
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()

    delivery = Recorder().delivery()
    delivery.add(callback)
    delivery.put(quote(1))
    await started.wait()
    delivery.end()
    await asyncio.wait_for(delivery.join(), 10)
    assert "will not be cancelled" in caplog.text
    release.set()
    await settle()
