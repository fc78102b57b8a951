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
from brokerwire.events import Event, Fill, Gap, StateChange, Topic
from brokerwire.simulator import Simulator

T_SILENT_S = 25.5
"""I4: within 25 s of the last event; half a second is the callback's."""

REDIALS_PER_STREAM = 20
REDIAL_WINDOW_S = 300.0
CONTROLS_PER_S = {"binance": 5}
"""How many control messages in a second a venue takes, where it counts them."""
_TASKS_PER_STREAM = 8


def check_accounting(listener: Listener) -> Iterator[str]:
    """I1: every event is delivered, dropped, coalesced or pending; what was delivered was heard."""
    stats = listener.subscription.stats
    total = stats.delivered + stats.dropped + stats.coalesced + stats.pending
    if stats.received != total or stats.dropped != sum(stats.dropped_by_reason.values()):
        yield f"I1: the accounts do not add up: {stats}"
    if min(stats.pending, stats.dropped, stats.coalesced, stats.delivered) < 0:
        yield f"I1: less than none: {stats}"
    if not 0 <= len(listener.events) - stats.delivered <= min(1, stats.pending):
        yield f"I1: {len(listener.events)} events heard and {stats.delivered} counted as delivered"


def check_order(listener: Listener) -> Iterator[str]:
    """I2, I3: one callback at a time, forwards in the venue's numbering, and no execution twice."""
    if listener.overlaps:
        yield f"I2: {listener.overlaps} callbacks overlapped"
    for topic, events in _by_topic(listener).items():
        trades = [event.trade_id for event in events if event.kind == "trade" and isinstance(event.trade_id, int)]
        bars = [event.open_time_ns for event in events if event.kind == "bar" and event.is_closed]
        books = [event.sequence for event in events if event.kind == "depth" and event.sequence is not None]
        if any(old >= new for numbers in (trades, bars) for old, new in pairwise(numbers)) or books != sorted(books):
            yield f"I2: {topic} went backwards"
    fills = Counter((event.account, event.fill_id) for event in listener.events if isinstance(event, Fill))
    if any(count > 1 for count in fills.values()):
        yield f"I3: executions came twice: {[fill for fill, count in fills.items() if count > 1]}"


def check_times(listener: Listener) -> Iterator[str]:
    """I2: events are delivered as they arrived, but for those that may wait for others; no clock was moved."""
    for topic, events in _by_topic(listener).items():
        received = [event.received_ns for event in events if not _waits_for_others(event)]
        if received != sorted(received):
            yield f"I2: {topic} went back in time"


def _by_topic(listener: Listener) -> dict[Topic | None, list[Any]]:
    by_topic: dict[Topic | None, list[Any]] = defaultdict(list)
    for event in listener.events:
        by_topic[event.topic].append(event)
    return by_topic


def _waits_for_others(event: Any) -> bool:
    """Whether an event may be delivered after one that came later: deltas, numbered trades, bars behind missed ones."""
    return event.kind in {"depth", "bar"} or (event.kind == "trade" and isinstance(event.trade_id, int))


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


def check_holes(listener: Listener) -> Iterator[str]:
    """I4: where numbered trades are missing, a gap says so."""
    by_topic = _by_topic(listener)
    for topic in listener.subscription.topics:
        trades = [event for event in by_topic[topic] if event.kind == "trade" and isinstance(event.trade_id, int)]
        for old, new in pairwise(trades):
            if new.trade_id > old.trade_id + 1 and not _is_covered(listener, old, new):
                yield f"I4: {topic}: trades {old.trade_id} to {new.trade_id} without a Gap"


def _is_covered(listener: Listener, old: Event, new: Event) -> bool:
    gaps = [gap for gap in listener.gaps if not gap.filled]
    return any(gap.start_ns <= new.received_ns and gap.end_ns >= old.received_ns for gap in gaps)


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


def check_dials(simulator: Simulator, *, opens: int, streams: int) -> Iterator[str]:
    """I9: redials within their budgets."""
    dials = [entry.time_ns / 1e9 for entry in simulator.journal.entries("dial")]
    for window_s, budget in ((5.0, 11), (REDIAL_WINDOW_S, REDIALS_PER_STREAM * max(1, streams))):
        most = most_within(dials, window_s)
        if most > budget + opens:
            yield f"I9: {most} dials within {window_s:g} s"


def check_pace(simulator: Simulator) -> Iterator[str]:
    """I9: control messages of a connection as far apart as the venue wants them."""
    by_connection: dict[Any, list[float]] = defaultdict(list)
    for entry in simulator.journal.entries("control"):
        by_connection[entry.detail.get("connection")].append(entry.time_ns / 1e9)
    limit = CONTROLS_PER_S.get(simulator.venue, float("inf"))
    if any(most_within(times, 0.999) > limit for times in by_connection.values()):
        yield "I9: too many control messages"


def check_limits(simulator: Simulator) -> Iterator[str]:
    """I9: none of the venue's limits broken."""
    if broken := simulator.journal.entries("violation"):
        yield f"I9: {len(broken)} limits of the venue were broken: {[entry.detail for entry in broken]}"


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
