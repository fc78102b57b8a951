import asyncio
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from brokerwire.client.callback_thread import CallbackThread
from brokerwire.errors import StreamError

on_the_real_loop = pytest.mark.asyncio(loop_factories=["real"])
pytestmark = pytest.mark.usefixtures("no_leftovers")


@pytest.fixture
def ended() -> list[CallbackThread]:
    return []


@pytest.fixture
def callbacks(ended: list[CallbackThread]) -> Iterator[CallbackThread]:
    thread = CallbackThread("callbacks", on_end=ended.append)
    yield thread
    thread.stop()


@on_the_real_loop
async def test_a_plain_function_runs_on_the_thread(callbacks: CallbackThread) -> None:
    def where(event: str) -> tuple[str, str, bool]:
        return event, threading.current_thread().name, callbacks.is_current

    assert await callbacks.wrapped(where)("x") == ("x", "callbacks", True)
    assert not callbacks.is_current


@on_the_real_loop
async def test_a_coroutine_function_and_none_stay_what_they_are(callbacks: CallbackThread) -> None:
    async def mine(_event: str) -> None: ...

    assert callbacks.wrapped(mine) is mine
    assert callbacks.wrapped(None) is None
    assert callbacks.wrapped(7) == 7


@on_the_real_loop
async def test_a_function_that_returns_something_to_await_is_awaited(callbacks: CallbackThread) -> None:
    async def later() -> str:
        return threading.current_thread().name

    assert await callbacks.wrapped(lambda: later())() == threading.current_thread().name


@on_the_real_loop
async def test_what_it_raises_comes_back(callbacks: CallbackThread) -> None:
    def fail() -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await callbacks.wrapped(fail)()


@on_the_real_loop
async def test_an_exit_does_not_end_the_loop(callbacks: CallbackThread) -> None:
    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(StreamError, match="SystemExit"):
        await callbacks.wrapped(leave)()
    with pytest.raises(RuntimeError):
        await callbacks.wrapped(lambda: next(iter(())))()


@on_the_real_loop
async def test_calls_come_in_their_order_and_one_that_nobody_waits_for_is_left_out(callbacks: CallbackThread) -> None:
    seen: list[Any] = []
    held = threading.Event()
    wait = callbacks.wrapped(lambda: held.wait(5))
    note = callbacks.wrapped(seen.append)
    first = asyncio.ensure_future(wait())
    await asyncio.sleep(0)
    others = [asyncio.ensure_future(note(number)) for number in range(3)]
    await asyncio.sleep(0)
    others[1].cancel()
    await asyncio.sleep(0)
    held.set()
    await asyncio.gather(first, *others, return_exceptions=True)
    assert seen == [0, 2]


@on_the_real_loop
async def test_a_call_that_is_cancelled_meanwhile_settles_nothing(callbacks: CallbackThread) -> None:
    held, begun = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        held.wait(5)

    call = asyncio.ensure_future(callbacks.wrapped(hold)())
    await asyncio.to_thread(begun.wait, 5)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    held.set()
    assert await callbacks.wrapped(lambda: 1)() == 1


@on_the_real_loop
async def test_the_end_is_told_once(callbacks: CallbackThread, ended: list[CallbackThread]) -> None:
    await callbacks.wrapped(lambda: None)()
    callbacks.stop()
    callbacks.stop()
    assert ended == [callbacks]


@on_the_real_loop
async def test_one_that_never_started_ends_too(callbacks: CallbackThread, ended: list[CallbackThread]) -> None:
    callbacks.stop()
    assert ended == [callbacks]


@on_the_real_loop
async def test_a_stop_from_within_does_not_wait_for_itself(callbacks: CallbackThread) -> None:
    await callbacks.wrapped(callbacks.stop)()


@on_the_real_loop
async def test_a_callback_that_does_not_return_is_left_and_named(
    callbacks: CallbackThread, caplog: pytest.LogCaptureFixture
) -> None:
    held, begun = threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        held.wait(10)

    call = asyncio.ensure_future(callbacks.wrapped(hang)())
    await asyncio.to_thread(begun.wait, 5)
    with caplog.at_level(logging.ERROR):
        callbacks.stop()
    held.set()
    await call
    assert "left behind" in caplog.text


def test_a_loop_that_is_gone_is_not_told(ended: list[CallbackThread]) -> None:
    held, begun = threading.Event(), threading.Event()
    callbacks = CallbackThread("callbacks", on_end=ended.append)

    def hold() -> None:
        begun.set()
        held.wait(5)

    async def call() -> None:
        task = asyncio.ensure_future(callbacks.wrapped(hold)())
        await asyncio.to_thread(begun.wait, 5)
        task.cancel()

    asyncio.run(call())
    held.set()
    callbacks.stop()
    assert ended == [callbacks]
