import asyncio

from tests.conftest import VirtualRun

from brokerwire.streaming.watchdog import LATE_S, Watchdog


def test_looks_happen_when_they_were_asked_for(virtual: VirtualRun) -> None:
    async def main() -> None:
        times: list[float] = []
        watchdog = Watchdog(virtual.clock)

        def look(now: float, _held_up: bool) -> float:
            times.append(now)
            return now + 10

        watchdog.watch(look, 5)
        await asyncio.sleep(36)
        await watchdog.close()
        assert times == [5, 15, 25, 35]

    virtual(main)


def test_an_earlier_wish_wins_and_a_forgotten_look_never_comes(virtual: VirtualRun) -> None:
    async def main() -> None:
        times: list[float] = []
        watchdog = Watchdog(virtual.clock)

        def look(now: float, _held_up: bool) -> float:
            times.append(now)
            return float("inf")

        def never(_now: float, _held_up: bool) -> float:
            raise AssertionError

        watchdog.watch(never, 8)
        watchdog.watch(look, 20)
        watchdog.watch(look, 3)
        await asyncio.sleep(4)
        watchdog.forget(never)
        await asyncio.sleep(60)
        watchdog.watch(look, 70)
        await asyncio.sleep(20)
        await watchdog.close()
        assert times == [3, 70]

    virtual(main)


def test_a_look_that_is_forgotten_by_one_that_is_due_with_it_never_comes(virtual: VirtualRun) -> None:
    async def main() -> None:
        times: list[float] = []
        watchdog = Watchdog(virtual.clock)

        def first(now: float, _held_up: bool) -> float:
            times.append(now)
            watchdog.forget(second)
            return now + 10

        def second(_now: float, _held_up: bool) -> float:
            raise AssertionError

        watchdog.watch(first, 5)
        watchdog.watch(second, 5)
        await asyncio.sleep(20)
        await watchdog.close()
        assert times == [5, 15]

    virtual(main)


def test_a_look_that_fails_does_not_blind_the_others(virtual: VirtualRun) -> None:
    async def main() -> None:
        times: list[float] = []
        watchdog = Watchdog(virtual.clock)

        def broken(_now: float, _held_up: bool) -> float:
            raise RuntimeError

        def look(now: float, _held_up: bool) -> float:
            times.append(now)
            return float("inf")

        watchdog.watch(broken, 1)
        watchdog.watch(look, 1)
        await asyncio.sleep(5)
        await watchdog.close()
        await watchdog.close()
        assert times == [1]

    virtual(main)


def test_a_look_that_comes_late_is_told_so(virtual: VirtualRun) -> None:
    async def main() -> None:
        flags: list[bool] = []
        watchdog = Watchdog(virtual.clock)

        def look(now: float, held_up: bool) -> float:
            flags.append(held_up)
            return now + 1

        watchdog.watch(look, 1)
        await asyncio.sleep(1.5)
        loop = asyncio.get_running_loop()
        loop._virtual.now_s += LATE_S + 5  # type: ignore[attr-defined]  # what a blocked loop does
        await asyncio.sleep(0.5)
        await watchdog.close()
        assert flags == [False, True]

    virtual(main)


def test_a_look_that_is_always_due_does_not_keep_the_loop_from_turning(virtual: VirtualRun) -> None:
    async def main() -> None:
        watchdog = Watchdog(virtual.clock)
        looks: list[float] = []

        def restless(now: float, _held_up: bool) -> float:
            looks.append(now)
            return now

        watchdog.watch(restless, 0)
        for _ in range(20):
            await asyncio.sleep(0)
        await watchdog.close()
        assert len(looks) >= 5

    virtual(main)
