"""The invariants that every row must leave standing; each raises an ``AssertionError`` that names its number."""

import asyncio
import logging
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import unquote

import msgspec
import pytest
from tests.faults.canaries import finds

from brokerwire import BrokerwireError, Client, InvalidSymbolError
from brokerwire.doctor.invariants import check_close, check_terminality, library_tasks
from brokerwire.doctor.listener import Listener
from brokerwire.simulator import Simulator

Wire = Counter[tuple[str, str]]
_BINANCE_CHANNELS = {"bookTicker": "quote", "trade": "trade", "aggTrade": "trade", "depth": "depth", "kline": "bar"}
_PATHS = (
    ("/stream/quotes/", "quote"),
    ("/stream/barcharts/", "bar"),
    ("/stream/tickbars/", "trade"),
    ("/stream/marketdepth/aggregates/", "depth"),
    ("/stream/marketdepth/quotes/", "depth"),
)


def hold(*checks: Iterable[str]) -> None:
    """Fail with every sentence that a check has for what does not hold."""
    broken = [sentence for check in checks for sentence in check]
    assert not broken, broken


# I5: the server's side


def wire_of(simulator: Simulator) -> Wire:
    """Return what is subscribed on the server's side, as (channel, symbol)."""
    return _WIRES[simulator.venue](simulator)


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


def _tradingview_wire(simulator: Simulator) -> Wire:
    """Read the calls of each connection: quotes by session and symbol, charts by session with what is drawn on them."""
    held: dict[tuple[int, str], Wire] = {}
    symbols: dict[str, str] = {}
    for entry in simulator.journal.entries():
        number, method, params = (entry.detail.get(name) for name in ("connection", "method", "params"))
        if entry.kind == "stream_close":
            held = {key: topics for key, topics in held.items() if key[0] != number}
        elif entry.kind in {"subscribe", "unsubscribe", "control"} and params:
            _apply_call(held.setdefault((number, str(params[0])), Counter()), method, params, symbols)
    found: Wire = Counter()
    for topics in held.values():
        found += topics
    return found


def _apply_call(topics: Wire, method: str, params: Sequence[str], symbols: dict[str, str]) -> None:
    session = params[0]
    if method == "quote_add_symbols":
        topics.update(("quote", symbol) for symbol in params[1:])
    elif method == "quote_remove_symbols":
        topics.subtract(("quote", symbol) for symbol in params[1:])
    elif method == "resolve_symbol":
        symbols[session] = msgspec.json.decode(params[2][1:])["symbol"]
    elif method == "create_series":
        topics["bar", symbols[session]] = 1
    elif method == "create_study":
        topics.clear()
        topics["study", symbols[session]] = 1
    elif method in {"quote_delete_session", "chart_delete_session"}:
        topics.clear()


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


_WIRES: Mapping[str, Callable[[Simulator], Wire]] = {
    "binance": _binance_wire,
    "tradestation": _path_wire,
    "tradingview": _tradingview_wire,
}


def wanted_of(watches: Iterable[Listener], *, is_shared: bool = True) -> Wire:
    """Return what the open subscriptions want on the wire, each topic once for each client if they share it."""
    wanted = [
        (id(watch.client) if is_shared else id(watch), topic.channel, topic.symbol)
        for watch in watches
        if watch.is_open and watch.subscription.is_active
        for topic in watch.subscription.topics
        if topic.channel != "balance"
    ]
    return Counter((channel, symbol) for _, channel, symbol in set(wanted))


def check_convergence(simulator: Simulator, watches: Sequence[Listener], *, is_shared: bool = True) -> None:
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


def has_converged(simulator: Simulator, watches: Sequence[Listener], *, is_shared: bool = True) -> bool:
    try:
        check_convergence(simulator, watches, is_shared=is_shared)
    except AssertionError:
        return False
    return True


# I6, I7: bounds and the end


def check_slots(clients: Sequence[Client]) -> None:
    """I6: no slot is given back twice."""
    assert all(client.streams._overlaps >= 0 for client in clients), "I6: a slot was given back twice"


async def check_clean_exit(clients: Sequence[Client], close_s: float) -> None:
    """I7: ``close`` returns in time and leaves no task, no slot and no socket."""
    for client in clients:
        hold(await check_close(client, close_s))
        assert client.streams._overlaps == 0, "I7: an overlap's slot leaked"
    await asyncio.sleep(0)
    assert library_tasks() == [], f"I7: tasks are left: {library_tasks()}"


# I8: secrets


def check_secrecy(canaries: Iterable[str], texts: Iterable[str | bytes]) -> None:
    """I8: no secret in anything that was said: neither plain nor URL-encoded, in base64 or as a bearer's."""
    found = finds(canaries, texts)
    assert not found, f"I8: a secret shows: {found}"


def said(watches: Iterable[Listener], clients: Iterable[Client], log: pytest.LogCaptureFixture) -> Iterable[str]:
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


# I10: the end of a subscription


async def check_ends(watches: Iterable[Listener]) -> None:
    """I10: every subscription ended in CLOSED or FAILED, and ``wait_closed`` says so."""
    for watch in watches:
        if watch.is_open:
            async with asyncio.timeout(1.0):
                hold(await check_terminality(watch))
