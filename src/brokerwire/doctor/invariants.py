"""The invariants that every examination must leave standing; each check yields a sentence for what does not hold."""

import asyncio
import os
import stat
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from brokerwire.client.client import Client
from brokerwire.doctor.listener import Listener, now
from brokerwire.errors import BrokerwireError
from brokerwire.events import Event, Gap, StateChange, Topic
from brokerwire.simulator import Simulator

T_SILENT_S = 25.5
"""I4: within 25 s of the last event; half a second is the callback's."""

REDIALS_PER_STREAM = 20
REDIAL_WINDOW_S = 300.0
_TASKS_PER_STREAM = 8


def check_accounting(listener: Listener) -> Iterator[str]:
    """I1: every event is delivered, dropped, coalesced or pending; what was delivered was heard."""
    stats = listener.subscription.stats
    total = stats.delivered + stats.dropped + stats.coalesced + stats.pending
    if stats.received != total or stats.dropped != sum(stats.dropped_by_reason.values()):
        yield f"I1: the accounts do not add up: {stats}"
    if not 0 <= len(listener.events) - stats.delivered <= min(1, stats.pending):
        yield f"I1: {len(listener.events)} events heard and {stats.delivered} counted as delivered"


def check_order(listener: Listener) -> Iterator[str]:
    """I2, I3: one callback at a time, forwards in the venue's numbering, and no execution twice."""
    if listener.overlaps:
        yield f"I2: {listener.overlaps} callbacks overlapped"
    by_topic: dict[Topic | None, list[Event]] = defaultdict(list)
    for event in listener.events:
        by_topic[event.topic].append(event)
    for topic, events in by_topic.items():
        if any(old > new for old, new in pairwise(_positions(events))):
            yield f"I2: {topic} went backwards"
    fills = Counter((event.account, event.fill_id) for event in listener.events if event.kind == "fill")  # type: ignore[attr-defined]  # a Fill has both
    if any(count > 1 for count in fills.values()):
        yield f"I3: executions came twice: {[fill for fill, count in fills.items() if count > 1]}"


def _positions(events: Sequence[Any]) -> list[int]:
    """Return what must not go back within a topic: the venue's number where there is one, else when it came."""
    if events[0].kind == "trade" and isinstance(events[0].trade_id, int):
        return [event.trade_id for event in events]
    if events[0].kind == "depth":
        return [event.sequence for event in events if event.sequence is not None]
    return [event.received_ns for event in events if event.kind != "bar"]


def check_silence(listener: Listener) -> Iterator[str]:
    """I4: a topic that pauses leaves LIVE, or reports a gap, in time."""
    if not listener.flows:
        return
    until = [now()] if listener.subscription.is_active else []
    for before, after in pairwise([*listener.times, *until]):
        if after - before > T_SILENT_S and not _was_told(listener, before):
            yield f"I4: {listener.subscription} was silent for {after - before:.0f} s and nobody was told"


def _was_told(listener: Listener, before: float) -> bool:
    """Whether the user knew: a state other than LIVE, or a status in time."""
    state = "pending"
    for moment, status in zip(listener.status_times, listener.statuses, strict=True):
        if isinstance(status, StateChange) and moment <= before + T_SILENT_S:
            state = status.new
        if before < moment <= before + T_SILENT_S and isinstance(status, Gap | StateChange):
            return True
    return state != "live"


def has_converged(listeners: Iterable[Listener], clients: Iterable[Client], simulators: Iterable[Simulator]) -> bool:
    """I5: every subscription is live again, and the server's side has as many streams as the client's."""
    active = [each.subscription for each in listeners if each.is_open and each.subscription.is_active]
    is_live = all(subscription.state in {"live", "paused"} for subscription in active)
    return is_live and sum(map(len, simulators_connections(simulators))) == sum(len(each.streams) for each in clients)


def simulators_connections(simulators: Iterable[Simulator]) -> Iterator[list[str]]:
    """Yield the names of the streams that each simulator has open."""
    for simulator in simulators:
        yield simulator.connections.names()


def library_tasks() -> list[asyncio.Task[Any]]:
    """Return the tasks of the library that are not done."""
    return [task for task in asyncio.all_tasks() if task.get_name().startswith("brokerwire")]


def check_bounded(clients: Sequence[Client], listeners: Sequence[Listener]) -> Iterator[str]:
    """I6: tasks grow with streams and subscriptions only, and no client has more streams than its cap."""
    streams = sum(len(client.streams) for client in clients)
    bound = 4 * len(clients) + _TASKS_PER_STREAM * streams + 3 * len(listeners)
    if len(library_tasks()) > bound:
        yield f"I6: {len(library_tasks())} tasks for {streams} streams"
    if any(len(client.streams) > client.streams.max_concurrent_streams for client in clients):
        yield "I6: more streams than the cap allows"


async def check_close(client: Client, close_s: float) -> list[str]:
    """I7: ``close`` returns within ``close_s`` seconds and gives every slot back."""
    began = now()
    await client.close()
    took_s = now() - began
    broken = []
    if took_s > close_s + 0.05:
        broken.append(f"I7: close took {took_s:.2f} s")
    if len(client.streams) or client.subscriptions:
        broken.append("I7: slots or subscriptions are left after close")
    return broken


def open_sockets() -> int:
    """Return how many sockets this process holds; 0 where the system does not say."""
    folder = Path("/proc/self/fd") if Path("/proc/self/fd").is_dir() else Path("/dev/fd")
    count = 0
    for name in os.listdir(folder) if folder.is_dir() else ():
        try:
            count += stat.S_ISSOCK(os.fstat(int(name)).st_mode)
        except OSError:
            continue
    return count


def check_secrecy(canaries: Iterable[str], texts: Iterable[str]) -> Iterator[str]:
    """I8: no secret in anything that was said."""
    secrets = tuple(canaries)
    if any(secret in text for text in texts for secret in secrets):
        yield "I8: a secret shows in the log, a status or an error"


def check_politeness(simulator: Simulator, *, opens: int, streams: int) -> Iterator[str]:
    """I9: redials within their budgets, and none of the venue's limits broken."""
    dials = [entry.time_ns / 1e9 for entry in simulator.journal.entries("dial")]
    for window_s, budget in ((5.0, 11), (REDIAL_WINDOW_S, REDIALS_PER_STREAM * max(1, streams))):
        most = most_within(dials, window_s)
        if most > budget + opens:
            yield f"I9: {most} dials within {window_s:g} s"
    if simulator.journal.count("violation"):
        yield f"I9: {simulator.journal.count('violation')} limits of the venue were broken"


def most_within(times: Sequence[float], window_s: float) -> int:
    """Return how many of the times, which are in order, lie within one window at most."""
    most = first = 0
    for last, moment in enumerate(times):
        while moment - times[first] > window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


async def check_terminality(listener: Listener) -> list[str]:
    """I10: the subscription ended in CLOSED or FAILED, ``wait_closed`` says so, and nothing is pending."""
    subscription = listener.subscription
    if subscription.state not in {"closed", "failed"}:
        return [f"I10: {subscription} after close"]
    (outcome,) = await asyncio.gather(subscription.wait_closed(), return_exceptions=True)
    broken = []
    if isinstance(outcome, BrokerwireError) != (subscription.state == "failed"):
        broken.append(f"I10: {subscription}, and wait_closed gave {outcome!r}")
    if subscription.stats.pending:
        broken.append(f"I1: {subscription.stats.pending} events are pending after close")
    return broken
