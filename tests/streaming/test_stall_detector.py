"""Real threads and a really blocked loop; the detector's times are short."""

import asyncio
import threading

import pytest

from brokerwire.streaming.stall_detector import StallDetector, stack_of


def block_the_loop(until: threading.Event) -> None:
    until.wait(10)


async def test_a_blocked_loop_is_reported_once_with_the_function_that_blocks_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    detector = StallDetector(stall_s=0.02, ping_s=0.01)
    detector.start()
    detector.start()
    await asyncio.sleep(0)  # a slow start may have been reported: what comes now is another stall
    reported, never = threading.Event(), threading.Event()

    def reports() -> list[str]:
        return [line for record in tuple(caplog.records) if "block_the_loop" in (line := record.getMessage())]

    def wait_for_report() -> None:
        while not reports():
            never.wait(0.001)
        reported.set()

    waiter = threading.Thread(target=wait_for_report)
    waiter.start()
    block_the_loop(reported)
    waiter.join()
    await asyncio.sleep(0)
    detector.stop()
    (line,) = reports()
    assert "has not turned" in line
    assert detector.stalls >= 1


async def test_a_loop_that_turns_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    detector = StallDetector(stall_s=5.0, ping_s=0.0001)
    detector.start()
    for _ in range(200):
        await asyncio.sleep(0)
    detector.stop()
    detector.stop()
    assert (detector.stalls, caplog.records) == (0, [])


async def test_a_stop_at_any_moment_returns_at_once() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(300):
        detector = StallDetector(stall_s=30.0, ping_s=0.0001)
        detector.start()
        detector._answered.wait(0.001)
        detector.stop()
    assert loop.time() - began < 30


def test_a_loop_that_was_closed_ends_the_thread_whatever_it_was_asked_last() -> None:
    async def start(detector: StallDetector) -> None:
        detector.start()

    for _ in range(20):
        detector = StallDetector(stall_s=0.01, ping_s=0.0001)
        asyncio.run(start(detector))
        thread = detector._thread
        assert thread is not None
        thread.join(5)
        assert not thread.is_alive()
        detector.stop()


async def test_a_waiting_task_shows_where_the_innermost_call_first() -> None:
    async def inner() -> None:
        await asyncio.Event().wait()

    async def outer() -> None:
        await inner()

    task = asyncio.create_task(outer())
    await asyncio.sleep(0)
    calls = [part.split(" (")[0] for part in stack_of(task).split(" < ")]
    task.cancel()
    assert calls == ["wait", "inner", "outer"]


async def test_a_deep_stack_is_cut() -> None:
    async def deep(level: int) -> None:
        if level:
            await deep(level - 1)
        await asyncio.Event().wait()

    task = asyncio.create_task(deep(20))
    await asyncio.sleep(0)
    assert stack_of(task).endswith("< 14 more")
    task.cancel()
