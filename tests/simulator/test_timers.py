import asyncio

from brokerwire.simulator.timers import OrderTimers


async def test_alarm_strikes_once_and_only_the_newest_of_a_purpose() -> None:
    timers, struck = OrderTimers(), asyncio.Event()
    heard: list[str] = []

    def strike() -> None:
        heard.append("second")
        struck.set()

    timers.arm("cancel", 1, wait_s=0.01, act=lambda: heard.append("first"))
    timers.arm("cancel", 1, wait_s=0.01, act=strike)
    await asyncio.wait_for(struck.wait(), 5)
    assert heard == ["second"]
    timers.close()


async def test_disarmed_and_closed_alarms_stay_silent() -> None:
    timers, later = OrderTimers(), asyncio.Event()
    heard: list[str] = []
    timers.arm("expire", 1, wait_s=0, act=lambda: heard.append("disarmed"))
    timers.arm("expire", 2, wait_s=0, act=lambda: heard.append("closed"))
    timers.disarm("expire", 1)
    timers.disarm("expire", 7)
    timers.close()
    asyncio.get_running_loop().call_later(0.01, later.set)
    await asyncio.wait_for(later.wait(), 5)
    assert heard == []
