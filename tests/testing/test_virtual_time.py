import asyncio
import threading
import time
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from brokerwire.testing.virtual_time import EPOCH_NS, VirtualClock, VirtualTimeLoop


def test_a_day_passes_at_once_and_in_order(virtual: Any) -> None:
    async def main() -> None:
        woken: list[float] = []

        async def sleeper(delay_s: float) -> None:
            await asyncio.sleep(delay_s)
            woken.append(virtual.clock.monotonic())

        async with asyncio.TaskGroup() as group:
            for delay_s in (86_400, 1, 3600, 0.001):
                group.create_task(sleeper(delay_s))
        assert woken == pytest.approx([0.001, 1, 3600, 86_400])

    started = time.perf_counter()
    virtual(main)
    assert time.perf_counter() - started < 5


def test_time_stands_still_while_a_thread_works(virtual: Any) -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_later(1000, lambda: None)
        await asyncio.to_thread(time.sleep, 0.05)
        assert virtual.clock.monotonic() < 1

    virtual(main)


def test_sockets_come_before_timers(virtual: Any) -> None:
    async def main() -> None:
        async def answer(_request: web.Request) -> web.Response:
            return web.Response(body=b"x" * 500_000)

        app = web.Application()
        app.router.add_get("/", answer)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.5)) as session:
            for _ in range(5):
                async with session.get(f"http://127.0.0.1:{port}/") as page:
                    assert len(await page.read()) == 500_000
        await runner.cleanup()

    virtual(main)


def test_a_timeout_of_aiohttp_obeys_it(virtual: Any) -> None:
    async def main() -> None:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        timeout = aiohttp.ClientTimeout(total=600)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            with pytest.raises(TimeoutError):
                await session.get(f"http://127.0.0.1:{port}/")
        assert virtual.clock.monotonic() == pytest.approx(600, abs=1)
        server.close()
        await asyncio.sleep(0.1)

    started = time.perf_counter()
    virtual(main)
    assert time.perf_counter() - started < 5


def test_the_wall_clock_begins_at_a_known_time_and_can_be_stepped() -> None:
    async def main() -> None:
        clock = VirtualClock()
        assert clock.time_ns() == EPOCH_NS
        await clock.sleep(2)
        assert clock.time_ns() == pytest.approx(EPOCH_NS + 2_000_000_000, abs=1_000_000)
        before = clock.monotonic()
        clock.step_s = -3600
        assert clock.time_ns() < EPOCH_NS
        assert clock.monotonic() == before

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())


def test_a_task_that_is_left_fails_the_run(virtual: Any) -> None:
    left: list[asyncio.Task[None]] = []

    async def main() -> None:
        left.append(asyncio.create_task(asyncio.sleep(3600)))

    with pytest.raises(AssertionError, match="tasks were left"):
        virtual(main)


@pytest.mark.parametrize("is_threaded", [False, True])
def test_a_loop_in_which_nothing_can_happen_says_so(*, is_threaded: bool) -> None:
    done = threading.Event()

    async def main() -> None:
        asyncio.get_running_loop().call_later(3600, lambda: None)
        await (asyncio.to_thread(done.wait) if is_threaded else asyncio.Event().wait())

    loop = VirtualTimeLoop(stuck_s=0.05)
    with pytest.raises(RuntimeError, match="nothing can happen"):
        loop.run_until_complete(main())
    done.set()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.get_loop()


def test_a_stall_passes_time_at_once_and_timers_strike_after_it() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        struck: list[float] = []
        loop.call_later(1, lambda: struck.append(loop.time()))
        loop.stall(30)
        assert struck == []
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert struck == [30]

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())
