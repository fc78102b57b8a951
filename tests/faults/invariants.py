"""The invariants that every row must leave standing; each raises an ``AssertionError`` that names its number."""

import asyncio
import logging
import os
import stat
import traceback
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from tests.faults.canaries import finds
from tests.faults.watch import Watch, now

from brokerwire import BrokerwireError, Client, Gap, InvalidSymbolError, StateChange
from brokerwire.simulator import Simulator

T_SILENT_S = 25.5
"""I4: within 25 s of the last event; half a second is the callback's."""

REDIALS_PER_STREAM = 20
_TASKS_PER_STREAM = 8

Wire = Counter[tuple[str, str]]
_BINANCE_CHANNELS = {"bookTicker": "quote", "trade": "trade", "aggTrade": "trade", "depth": "depth", "kline": "bar"}
_PATHS = (
    ("/stream/quotes/", "quote"),
    ("/stream/barcharts/", "bar"),
    ("/stream/tickbars/", "trade"),
    ("/stream/marketdepth/aggregates/", "depth"),
    ("/stream/marketdepth/quotes/", "depth"),
)


# I1, I2, I3: what was delivered


def check_accounting(watch: Watch) -> None:
    """I1: every event is delivered, dropped, coalesced or pending; what was delivered was heard."""
    stats = watch.subscription.stats
    total = stats.delivered + stats.dropped + stats.coalesced + stats.pending
    assert stats.received == total, f"I1: {watch.subscription}: {stats}"
    assert stats.dropped == sum(stats.dropped_by_reason.values()), f"I1: {stats}"
    assert min(stats.pending, stats.dropped, stats.coalesced, stats.delivered) >= 0, f"I1: {stats}"
    in_hand = len(watch.events) - stats.delivered
    assert in_hand in (0, 1), f"I1: {len(watch.events)} heard, but {stats}"
    assert in_hand <= stats.pending, f"I1: one event in hand, but {stats}"


def check_order(watch: Watch, *, keeps_time: bool = True) -> None:
    """I2, I3: one callback at a time, forwards in the venue's numbering, and no fill twice."""
    assert watch.overlaps == 0, f"I2: {watch.overlaps} callbacks overlapped"
    by_topic: dict[Any, list[Any]] = defaultdict(list)
    for event in watch.events:
        by_topic[event.topic].append(event)
    for topic, events in by_topic.items():
        received = [event.received_ns for event in events if not _waits_for_others(event)]
        assert not keeps_time or received == sorted(received), f"I2: {topic} went back in time"
        trades = [event.trade_id for event in events if event.kind == "trade" and isinstance(event.trade_id, int)]
        assert all(old < new for old, new in pairwise(trades)), f"I2: {topic} went back in trade ids"
        books = [event.sequence for event in events if event.kind == "depth" and event.sequence is not None]
        assert all(old <= new for old, new in pairwise(books)), f"I2: {topic} went back in update ids"
        bars = [event.open_time_ns for event in events if event.kind == "bar" and event.is_closed]
        assert all(old < new for old, new in pairwise(bars)), f"I2: {topic} went back in closed bars"
    fills = Counter((event.account, event.fill_id) for event in watch.events if event.kind == "fill")
    assert all(count == 1 for count in fills.values()), f"I3: fills came twice: {fills}"


def _waits_for_others(event: Any) -> bool:
    """Whether an event may be delivered after one that came later: deltas, numbered trades, bars behind missed ones."""
    return event.kind in {"depth", "bar"} or (event.kind == "trade" and isinstance(event.trade_id, int))


# I4: silence


def check_no_silent_death(watch: Watch) -> None:
    """I4: a topic that pauses leaves LIVE or reports a gap in time; missing trades have a ``Gap``."""
    if watch.flows:
        for before, after in pairwise([*watch.times, now()] if watch.subscription.is_active else watch.times):
            if after - before > T_SILENT_S:
                assert _was_told(watch, before), f"I4: {watch.subscription} was silent from {before:.1f} to {after:.1f}"
    for topic in watch.subscription.topics:
        trades = [event for event in watch.events if event.kind == "trade" and event.topic == topic]
        for old, new in pairwise(trades):
            if isinstance(new.trade_id, int) and new.trade_id > old.trade_id + 1:
                assert _is_covered(watch, old, new), f"I4: trades {old.trade_id} to {new.trade_id} without a Gap"


def _was_told(watch: Watch, before: float) -> bool:
    """Whether the user knew: a state other than LIVE, or a status in time."""
    state = "pending"
    for moment, status in zip(watch.status_times, watch.statuses, strict=True):
        if isinstance(status, StateChange) and moment <= before + T_SILENT_S:
            state = status.new
        if before < moment <= before + T_SILENT_S and isinstance(status, Gap | StateChange):
            return True
    return state != "live"


def _is_covered(watch: Watch, old: Any, new: Any) -> bool:
    gaps = [gap for gap in watch.gaps if not gap.filled]
    return any(gap.start_ns <= new.received_ns and gap.end_ns >= old.received_ns for gap in gaps)


# I5: the server's side


def wire_of(simulator: Simulator) -> Wire:
    """Return what is subscribed on the server's side, as (channel, symbol)."""
    return _binance_wire(simulator) if simulator.venue == "binance" else _path_wire(simulator)


def _binance_wire(simulator: Simulator) -> Wire:
    held: dict[int, set[str]] = defaultdict(set)
    for entry in simulator.journal.entries():
        number = entry.detail.get("connection", 0)
        if entry.kind == "subscribe":
            held[number].add(entry.detail["topic"])
        elif entry.kind == "unsubscribe":
            held[number].discard(entry.detail["topic"])
        elif entry.kind == "stream_close":
            held.pop(number, None)
    return Counter(_binance_topic(name) for names in held.values() for name in names)


def _binance_topic(name: str) -> tuple[str, str]:
    symbol, _, rest = name.partition("@")
    kind = rest.partition("@")[0].partition("_")[0]
    return _BINANCE_CHANNELS[kind], symbol.upper()


def _path_wire(simulator: Simulator) -> Wire:
    found: Wire = Counter()
    for path in simulator.connections.names():
        found.update(_path_topics(unquote(path)))
    return found


def _path_topics(path: str) -> Iterable[tuple[str, str]]:
    for marker, channel in _PATHS:
        if marker in path:
            symbols = path.partition(marker)[2]
            return [(channel, symbol) for symbol in symbols.partition("/")[0].split(",")]
    _, _, rest = path.partition("/accounts/")
    accounts, _, what = rest.partition("/")
    channel = {"orders": "order", "positions": "position"}[what.partition("/")[0]]
    return [(channel, account) for account in accounts.split(",")]


def wanted_of(watches: Iterable[Watch], *, is_shared: bool = True) -> Wire:
    """Return what the open subscriptions want on the wire, each topic once for each client if they share it."""
    wanted = [
        (id(watch.client) if is_shared else id(watch), topic.channel, topic.symbol)
        for watch in watches
        if watch.is_open and watch.subscription.is_active
        for topic in watch.subscription.topics
        if topic.channel != "balance"
    ]
    return Counter((channel, symbol) for _, channel, symbol in set(wanted))


def check_convergence(simulator: Simulator, watches: Sequence[Watch], *, is_shared: bool = True) -> None:
    """I5: the wire carries what is wanted and nothing else, and every subscription is live."""
    wire, wanted = wire_of(simulator), wanted_of(watches, is_shared=is_shared)
    for watch in watches:  # what was refused stays in a fixed address until its next dial
        for error, _ in watch.errors:
            if isinstance(error, InvalidSymbolError):
                wire.pop(("quote", error.symbol or ""), None)
    assert wire == wanted, f"I5: {wire} on the wire, wanted {wanted}"
    for watch in watches:
        if watch.is_open and watch.subscription.is_active:
            assert watch.subscription.state in {"live", "paused"}, f"I5: {watch.subscription} after the network healed"


def has_converged(simulator: Simulator, watches: Sequence[Watch], *, is_shared: bool = True) -> bool:
    try:
        check_convergence(simulator, watches, is_shared=is_shared)
    except AssertionError:
        return False
    return True


# I6, I7: bounds and the end


def library_tasks() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if task.get_name().startswith("brokerwire")]


def check_bounded(clients: Sequence[Client], watches: Sequence[Watch]) -> None:
    """I6: tasks grow with streams and subscriptions only, and the cap counts them all."""
    streams = sum(len(client.streams) for client in clients)
    bound = 4 * len(clients) + _TASKS_PER_STREAM * streams + 3 * len(watches)
    assert len(library_tasks()) <= bound, f"I6: {len(library_tasks())} tasks for {streams} streams"
    for client in clients:
        assert len(client.streams) <= client.streams.max_concurrent_streams, "I6: over the cap"
        assert client.streams._overlaps >= 0, "I6: a slot was given back twice"


def open_sockets() -> int:
    """Return how many sockets the process holds."""
    count = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            count += stat.S_ISSOCK(os.fstat(int(name)).st_mode)
        except OSError:
            continue
    return count


async def check_clean_exit(clients: Sequence[Client], close_s: float) -> None:
    """I7: ``close`` returns in time and leaves no task, no slot and no socket."""
    for client in clients:
        began = now()
        await client.close()
        took_s = now() - began
        assert took_s <= close_s + 0.05, f"I7: close took {took_s:.2f} s"
        assert len(client.streams) == 0, f"I7: {client.streams.active_streams} hold slots after close"
        assert client.streams._overlaps == 0, "I7: an overlap's slot leaked"
        assert client.subscriptions == (), "I7: subscriptions are left"
    await asyncio.sleep(0)
    assert library_tasks() == [], f"I7: tasks are left: {library_tasks()}"


# I8: secrets


def check_secrecy(canaries: Iterable[str], texts: Iterable[str | bytes]) -> None:
    """I8: no secret in anything that was said: neither plain nor URL-encoded, in base64 or as a bearer's."""
    found = finds(canaries, texts)
    assert not found, f"I8: a secret shows: {found}"


def said(watches: Iterable[Watch], clients: Iterable[Client], log: pytest.LogCaptureFixture) -> Iterable[str]:
    """Yield everything that left the library as text."""
    formatter = logging.Formatter()
    for record in log.records:
        yield formatter.format(record)
    for client in clients:
        yield repr(client)
        yield msgspec.json.encode(client.health()).decode()
    for watch in watches:
        for status in watch.statuses:
            yield repr(status)
        for error, _ in watch.errors:
            yield from shown(error)
        if watch.is_open:
            yield repr(watch.subscription)


def shown(error: BaseException) -> Iterable[str]:
    """Yield an exception as it may be shown, causes and facts included."""
    yield repr(error)
    yield "".join(traceback.format_exception(error))
    if isinstance(error, BrokerwireError):
        yield repr(error.facts)


def check_log(log: pytest.LogCaptureFixture) -> None:
    """No failure of our own hides in the log, and nothing was never retrieved."""
    for record in log.records:
        text = record.getMessage()
        assert not (record.name == "asyncio" and record.levelno >= logging.ERROR), f"I7: {text}"
        is_ours = record.name.startswith("brokerwire.streaming") and "delivery" not in record.name
        assert not (is_ours and record.exc_info), f"a bug was caught and logged: {logging.Formatter().format(record)}"
        assert "\n" not in text, f"a record of several lines: {text!r}"


# I9: politeness


def check_politeness(simulator: Simulator, *, opens: int, streams: int, allow_violations: bool) -> None:
    """I9: redials within the budgets, control messages within the venue's limits, no limit broken."""
    journal = simulator.journal
    dials = [entry.time_ns / 1e9 for entry in journal.entries("dial")]
    for window_s, budget in ((5.0, 11), (300.0, REDIALS_PER_STREAM * max(1, streams))):
        most = _most_within(dials, window_s)
        assert most <= budget + opens, f"I9: {most} dials within {window_s:g} s"
    by_connection: dict[Any, list[float]] = defaultdict(list)
    for entry in journal.entries("control"):
        by_connection[entry.detail.get("connection")].append(entry.time_ns / 1e9)
    for times in by_connection.values():
        assert _most_within(times, 0.999) <= 5, "I9: too many control messages"
    assert allow_violations or journal.count("violation") == 0, f"I9: {journal.entries('violation')}"


def _most_within(times: Sequence[float], window_s: float) -> int:
    most = first = 0
    for last, moment in enumerate(times):
        while moment - times[first] > window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


# I10: the end of a subscription


async def check_terminality(watches: Sequence[Watch]) -> None:
    """I10: every subscription ended in CLOSED or FAILED, and ``wait_closed`` says so."""
    for watch in watches:
        if not watch.is_open:
            continue
        subscription = watch.subscription
        assert subscription.state in {"closed", "failed"}, f"I10: {subscription}"
        async with asyncio.timeout(1.0):
            (outcome,) = await asyncio.gather(subscription.wait_closed(), return_exceptions=True)
        has_raised = isinstance(outcome, BrokerwireError)
        assert has_raised == (subscription.state == "failed"), f"I10: {subscription}: wait_closed gave {outcome!r}"
        assert subscription.stats.pending == 0, f"I1: {subscription} left {subscription.stats}"
