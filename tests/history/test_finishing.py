import asyncio
import threading
from collections.abc import Iterator

import pytest

from brokerwire.history.finishing import Finishing, in_thread


async def test_what_the_work_returns_is_returned() -> None:
    assert await in_thread(lambda: 7) == 7
    finishing: Finishing[list[int]] = Finishing()
    assert await finishing.run(lambda: list(finishing.passing([1, 2]))) == [1, 2]
    assert finishing.result == [1, 2]


async def test_what_it_raises_is_raised() -> None:
    def fail() -> None:
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        await in_thread(fail)


async def test_a_cancelled_call_ends_after_the_thread_however_often_it_is_cancelled() -> None:
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go_on.wait(20)
        ended.set()

    task = asyncio.create_task(in_thread(work))
    await asyncio.to_thread(begun.wait, 20)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not task.done()
    go_on.set()
    await asyncio.wait({task}, timeout=20)
    assert task.cancelled()
    assert ended.is_set()


async def test_a_cancelled_call_passes_over_how_the_thread_ended() -> None:
    go_on = threading.Event()

    def work() -> None:
        go_on.wait(20)
        raise OSError("full")

    task = asyncio.create_task(in_thread(work, on_cancel=go_on.set))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=20)
    assert task.cancelled()


async def test_a_cancelled_work_stops_while_items_pass() -> None:
    begun = threading.Event()

    def endless() -> Iterator[int]:
        while True:
            begun.set()
            yield 1

    finishing: Finishing[int] = Finishing()
    task = asyncio.create_task(finishing.run(lambda: sum(finishing.passing(endless()))))
    await asyncio.to_thread(begun.wait, 20)
    task.cancel()
    await asyncio.wait({task}, timeout=20)
    assert task.cancelled()
    assert finishing.result is None


async def test_a_work_that_cannot_be_stopped_any_more_has_a_result() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work() -> int:
        begun.set()
        go_on.wait(20)
        return 7

    finishing: Finishing[int] = Finishing()
    task = asyncio.create_task(finishing.run(work))
    await asyncio.to_thread(begun.wait, 20)
    task.cancel()
    go_on.set()
    await asyncio.wait({task}, timeout=20)
    assert task.cancelled()
    assert finishing.result == 7
