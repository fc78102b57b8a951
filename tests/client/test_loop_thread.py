import asyncio
import gc
import logging
import os
import threading

import pytest
from tests.client.conftest import wait_until

from brokerwire.client.loop_thread import LoopThread, _stop_if_there
from brokerwire.errors import ConfigurationError, StreamError

pytestmark = pytest.mark.usefixtures("no_leftovers")


class Host:
    """A loop thread that counts how often it was ended."""

    def __init__(self) -> None:
        self.ends = 0
        self.thread = LoopThread("host", self._end)

    async def _end(self) -> None:
        self.ends += 1


async def where() -> str:
    return threading.current_thread().name


async def forever() -> None:
    await asyncio.Event().wait()


def test_work_runs_on_the_thread_and_its_result_comes_back() -> None:
    host = Host()
    assert host.thread.run(where) == "host"
    host.thread.stop()


def test_no_thread_starts_before_the_first_call() -> None:
    host = Host()
    assert host.thread.read(lambda: threading.current_thread()) is threading.current_thread()
    host.thread.stop()
    assert host.ends == 0


@pytest.mark.parametrize("failure", [TimeoutError("mine"), StreamError("mine"), KeyError("mine")])
def test_an_exception_keeps_its_type(failure: Exception) -> None:
    host = Host()

    async def fail() -> None:
        raise failure

    with pytest.raises(type(failure), match="mine"):
        host.thread.run(fail)
    host.thread.stop()


def test_stop_ends_it_once_and_whoever_waits_is_told() -> None:
    host = Host()
    told: list[Exception] = []
    begun = threading.Event()

    async def wait() -> None:
        begun.set()
        await forever()

    def call() -> None:
        try:
            host.thread.run(wait)
        except StreamError as exc:
            told.append(exc)

    waiting = threading.Thread(target=call)
    waiting.start()
    assert begun.wait(5)
    host.thread.stop()
    host.thread.stop()
    waiting.join()
    assert host.ends == 1
    assert "closed while" in str(told[0])


def test_after_stop_a_call_raises_and_a_look_still_sees() -> None:
    host = Host()
    host.thread.run(where)
    host.thread.stop()
    assert not host.thread.is_open
    with pytest.raises(StreamError, match="closed"):
        host.thread.run(where)
    assert host.thread.read(lambda: 7) == 7


def test_work_that_is_in_the_loop_cannot_wait_for_it() -> None:
    host = Host()

    async def wait_for_itself() -> bool:
        assert host.thread.read(lambda: threading.current_thread().name) == "host"
        host.thread.run(where)
        return True

    with pytest.raises(ConfigurationError, match="wait for it"):
        host.thread.run(wait_for_itself)
    host.thread.stop()


def test_stop_from_within_the_loop_returns_at_once() -> None:
    host = Host()

    async def stop() -> None:
        host.thread.stop()

    host.thread.run(stop)
    host.thread.stop()
    assert host.ends == 1


def test_what_is_kept_beside_ends_with_it() -> None:
    host = Host()
    ended: list[str] = []

    async def beside() -> None:
        try:
            await forever()
        finally:
            ended.append("beside")

    async def keep() -> None:
        host.thread.keep(beside(), "beside")

    host.thread.run(keep)
    host.thread.run(where)
    host.thread.stop()
    assert ended == ["beside"]


def test_a_host_that_nobody_holds_ends() -> None:
    host = Host()
    host.thread.run(where)
    del host.thread
    gc.collect()
    wait_until(lambda: host.ends == 1)


def test_a_fork_is_refused_and_ends_nothing() -> None:
    host = Host()
    host.thread.run(where)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            host.thread.stop()
            host.thread.run(where)
        except StreamError as exc:
            os.write(write, str(exc).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    with os.fdopen(read) as pipe:
        assert "in its fork" in pipe.read()
    assert host.thread.run(where) == "host"
    host.thread.stop()


def test_a_look_while_it_ends_waits_for_the_end() -> None:
    ending, may_end = threading.Event(), threading.Event()

    async def end() -> None:
        ending.set()
        await asyncio.to_thread(may_end.wait, 5)

    thread = LoopThread("host", end)
    thread.run(where)
    stopping = threading.Thread(target=thread.stop)
    stopping.start()
    assert ending.wait(5)
    seen: list[str] = []
    looking = threading.Thread(target=lambda: seen.append(thread.read(lambda: threading.current_thread().name)))
    looking.start()
    may_end.set()
    looking.join()
    stopping.join()
    assert seen == [looking.name]


def test_a_look_that_fails_says_why() -> None:
    host = Host()
    host.thread.run(where)

    def look() -> None:
        raise StreamError("mine")

    with pytest.raises(StreamError, match="mine"):
        host.thread.read(look)
    host.thread.stop()


def test_work_that_was_given_up_before_it_began_never_begins() -> None:
    host = Host()
    begun: list[int] = []
    loop = host.thread.run(_loop)
    held = threading.Event()
    loop.call_soon_threadsafe(held.wait, 5)

    async def work() -> None:
        begun.append(1)

    call = host.thread._worker.submit(work)
    call.cancel()
    held.set()
    assert host.thread.run(where) == "host"
    assert begun == []
    host.thread.stop()
    call.cancel()


async def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def test_a_loop_that_is_held_is_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    held = threading.Event()
    host = Host()
    host.thread.run(_loop).call_soon_threadsafe(held.wait, 20)
    with caplog.at_level(logging.ERROR):
        host.thread._worker.stop(patience_s=0.5)
    assert "left behind" in caplog.text
    held.set()
    host.thread.stop()
    assert host.ends == 1


def test_in_another_process_it_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host()
    host.thread.run(where)
    with monkeypatch.context() as other:
        other.setattr(os, "getpid", lambda: -1)
        assert host.thread.is_forked
        assert not host.thread.is_open
        with pytest.raises(StreamError, match="in its fork -1"):
            host.thread.run(where)
        with pytest.raises(StreamError, match="in its fork -1"):
            host.thread.read(lambda: 7)
        host.thread.stop()
    assert host.thread.run(where) == "host"
    host.thread.stop()


def test_one_that_is_gone_at_the_exit_is_not_missed() -> None:
    _stop_if_there(lambda: None)


def test_many_threads_call_at_once() -> None:
    host = Host()
    seen: list[str] = []
    threads = [threading.Thread(target=lambda: seen.append(host.thread.run(where))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == ["host"] * 20
    host.thread.stop()
