"""Rows about callbacks: they raise, hang, are too slow, or block the event loop."""

import asyncio
import time
from typing import Any

from brokerwire.config import Overflow as Policy
from brokerwire.doctor.finding import Figure, Finding, Missed
from brokerwire.doctor.listener import Behaviour, Listener
from brokerwire.doctor.ward import Ward
from brokerwire.testing.virtual_time import VirtualTimeLoop

BREAKER = 100
USUAL_EVENTS = 60
BOUND = 20
SLOW_S = 1.0
POLICIES: tuple[Policy, ...] = ("coalesce", "drop_oldest", "drop_newest")
STALLS = 3
STALL_S = 10.0
BREATH_S = 0.05
WATCHED_S = 60.0
HANG_WARNING = "has not returned"
STALL_WARNING = "has not turned"
_MOST_BLOCKED_S = 20.0


async def raising(ward: Ward) -> Finding:
    """F30: a callback raises every time, beside one that does not."""
    simulator = await ward.simulator({"rate": 10})
    is_broken = [True]

    async def behave(_event: Any) -> None:
        if is_broken[0]:
            raise ValueError("broken callback")

    client = ward.client(simulator)
    listener = await ward.listen(client, "quotes", ward.symbol, behave=behave, flows=False)
    other = await ward.listen(client, "quotes", ward.symbol)
    await listener.entered("paused")
    heard = len(listener.events)
    await other.more(50)
    held_back = len(listener.events) - heard
    is_broken[0] = False
    listener.subscription.resume()
    await listener.more(50)
    reachable = sum(1 for error, event in listener.errors if isinstance(error, ValueError) and event is not None)
    return Finding(
        "a callback raised at every event until it was paused, and was resumed",
        (
            Figure(name="exceptions handed over", value=reachable, at_least=BREAKER, at_most=BREAKER),
            Figure(name="events while paused", value=held_back, at_most=0),
            Figure(name="state changes of its neighbour", value=len(other.states) - 1, at_most=0),
            Figure(name="reconnects", value=listener.reconnects, at_most=0),
        ),
    )


async def hanging(ward: Ward) -> Finding:
    """F31: a callback never returns, beside one that does."""
    simulator = await ward.simulator()
    client = ward.client(simulator)
    other = await ward.listen(client, "quotes", ward.symbol)
    await other.more(USUAL_EVENTS)

    async def never_return(_event: Any) -> None:
        await asyncio.Event().wait()

    listener = await ward.listen(client, "quotes", ward.symbol, behave=never_return, flows=False)
    await ward.sleep(WATCHED_S)
    warnings = ward.log.lines(HANG_WARNING)
    usual_s, delay_s = _p99(other.delays_s()[:USUAL_EVENTS]), _p99(other.delays_s(USUAL_EVENTS))
    close_s = await ward.dismiss(client)
    return Finding(
        "a callback never returned",
        (
            Figure(name="warnings that name it", value=_naming("never_return", warnings), at_least=1, at_most=1),
            Figure(name="events it was given", value=len(listener.events), at_least=1, at_most=1),
            Figure(name="events of its neighbour", value=len(other.events), at_least=2 * USUAL_EVENTS),
            Figure(
                name="delay of its neighbour rose by",
                value=max(0.0, 1000 * (delay_s - usual_s)),
                unit="ms (p99)",
                at_most=10.0,
            ),
            Figure(name="close took", value=close_s, unit="s", at_most=5.0),
        ),
    )


def _p99(delays_s: list[float]) -> float:
    return sorted(delays_s)[int(0.99 * (len(delays_s) - 1))] if delays_s else 0.0


def _naming(function: str, lines: list[str]) -> int:
    return sum(1 for line in lines if function in line)


async def slow(ward: Ward) -> Finding:
    """F32: callbacks ten times slower than their feed, one for each policy, beside one that is quick."""
    simulator = await ward.simulator({"rate": 10})
    client = ward.client(simulator)
    quick = await ward.listen(client, "quotes", ward.symbol)
    slow_ones = [await _slow_listener(ward, quick, policy) for policy in POLICIES]
    most_pending = 0
    for _ in range(int(WATCHED_S)):
        await ward.sleep(1)
        most_pending = max(most_pending, *(each.subscription.stats.pending for each in slow_ones))
    stats = [each.subscription.stats for each in slow_ones]
    rate = quick.subscription.stats.received / WATCHED_S
    return Finding(
        f"callbacks took {SLOW_S:g} s each while {rate:.0f} events a second came",
        (
            Figure(name="most pending", value=most_pending, at_most=BOUND),
            Figure(
                name="dropped or coalesced, and counted",
                value=min(each.dropped + each.coalesced for each in stats),
                at_least=100,
            ),
            Figure(name="losses reported", value=min(_reports(each) for each in slow_ones[1:]), at_least=1),
            Figure(name="dropped by the quick one", value=quick.subscription.stats.dropped, at_most=0),
            Figure(name="reconnects", value=quick.reconnects, at_most=0),
        ),
    )


async def _slow_listener(ward: Ward, quick: Listener, policy: Policy) -> Listener:
    async def dawdle(_event: Any) -> None:
        await asyncio.sleep(SLOW_S)

    return await ward.listen(
        quick.client, "quotes", ward.symbol, behave=dawdle, flows=False, max_pending=BOUND, overflow=policy
    )


def _reports(listener: Listener) -> int:
    return sum(1 for status in listener.statuses if type(status).__name__ == "Overflow")


async def stalled(ward: Ward) -> Finding:
    """F33: synchronous work in a callback holds the loop up, once for long and once until it is noticed.

    In between there is no time to read anything: whoever looks then sees a silence that is nobody's fault.
    """
    simulator = await ward.simulator()
    weather = await ward.weather(simulator)
    client = ward.client(simulator, weather=weather)
    listener = await ward.listen(client, "quotes", ward.symbol, flows=False)
    await ward.sleep(60)
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualTimeLoop):
        raise Missed("this row needs virtual time")

    async def hold_the_loop(_event: Any) -> None:
        weather.set("black_hole")
        for _ in range(STALLS):
            loop.stall(STALL_S)
            await asyncio.sleep(BREATH_S)
        weather.clear()

    async def work_without_await(_event: Any) -> None:
        deadline = time.monotonic() + _MOST_BLOCKED_S
        while not client.streams.stall_detector.stalls and time.monotonic() < deadline:
            time.sleep(0.01)  # noqa: ASYNC251 - to block the loop is the point

    for behaviour in (hold_the_loop, work_without_await):
        await _once(listener, behaviour)
        await listener.more(20)
    return Finding(
        f"a callback held the event loop up, {STALLS} times for {STALL_S:g} s, and once until it was noticed",
        (
            Figure(name="reconnects", value=listener.reconnects, at_most=1),
            Figure(name="taken for silence", value=listener.states.count("stale"), at_most=0),
            Figure(
                name="warnings that name the function",
                value=_naming("work_without_await", ward.log.lines(STALL_WARNING)),
                at_least=1,
                at_most=1,
            ),
        ),
    )


async def _once(listener: Listener, behaviour: Behaviour) -> None:
    """Have the next event handled by ``behaviour``, and the ones after it as before."""
    usual = listener.behave

    async def behave(event: Any) -> None:
        listener.behave = usual
        await behaviour(event)

    listener.behave = behave
    await listener.more(1)
