import logging
import os
import threading
from typing import Any

import pytest
from tests.client.conftest import DEADLINE_S, Venues, wait_until

from brokerwire import ConfigurationError, Gap, InvalidSymbolError, StreamError, SyncClient
from brokerwire.client.loop_thread import LoopThread
from brokerwire.simulator import Simulator

APPLE, BITCOIN = "NASDAQ:AAPL", "BINANCE:BTCUSDT"


@pytest.fixture
def simulator(venues: Venues) -> tuple[Simulator, LoopThread]:
    return venues.simulator("tradingview")


@pytest.fixture
def client(venues: Venues, simulator: tuple[Simulator, LoopThread]) -> SyncClient:
    return venues.client(simulator[0])


def test_a_loop_gets_events_until_it_unsubscribes(client: SyncClient) -> None:
    seen = []
    with client.market_data.stream_quotes(APPLE) as quotes:
        for quote in quotes:
            seen.append(quote)
            if len(seen) == 3:
                quotes.unsubscribe()
    assert [quote.symbol for quote in seen] == [APPLE] * 3
    assert quotes.state == "closed"
    assert not quotes.is_active


def test_it_tells_what_the_subscription_tells(client: SyncClient) -> None:
    quotes = client.market_data.stream_quotes([APPLE, BITCOIN])
    quotes.ready(DEADLINE_S)
    newest = quotes.latest(BITCOIN)
    assert newest is not None
    assert newest.symbol == BITCOIN
    assert quotes.latest("NASDAQ:MSFT") is None
    assert {topic.symbol for topic in quotes.topics} == {APPLE, BITCOIN}
    assert quotes.id == 1
    assert repr(quotes) == f"<SyncSubscription 1 {quotes.name} live>"
    stats = quotes.stats
    assert stats.received == stats.delivered + stats.dropped + stats.coalesced + stats.pending
    quotes.unsubscribe()


def test_a_slow_loop_meets_the_overflow_policy(client: SyncClient) -> None:
    told: list[Any] = []
    quotes = client.market_data.stream_quotes(
        [APPLE, BITCOIN], max_pending=2, overflow="drop_oldest", status_callback=told.append
    )
    wait_until(lambda: quotes.stats.dropped >= 3)
    stats = quotes.stats
    assert stats.pending == 2
    assert stats.dropped_by_reason == {"overflow": stats.dropped}
    assert quotes.get(DEADLINE_S).received_ns > 0
    wait_until(lambda: any(type(status).__name__ == "Overflow" for status in told))
    quotes.unsubscribe()


def test_waiting_has_an_end_and_can_be_repeated(client: SyncClient) -> None:
    quotes = client.market_data.stream_quotes(APPLE)
    quotes.get(DEADLINE_S)
    with pytest.raises(TimeoutError):
        for _ in quotes.events(timeout=0.0001):
            pass
    with pytest.raises(TimeoutError):
        quotes.wait_closed(timeout=0.001)
    assert quotes.get(DEADLINE_S).symbol == APPLE
    quotes.unsubscribe()
    assert list(quotes) == []
    with pytest.raises(StreamError, match="ended"):
        quotes.get(DEADLINE_S)


def test_two_threads_share_the_events_of_one_subscription(client: SyncClient) -> None:
    quotes = client.market_data.stream_quotes(APPLE)
    seen: list[Any] = []

    def take() -> None:
        seen.extend(quotes.get(DEADLINE_S) for _ in range(3))

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    assert len({id(event) for event in seen}) == 6
    quotes.unsubscribe()


def test_a_plain_callback_may_wait_and_use_the_client(client: SyncClient) -> None:
    found: list[tuple[str, bool]] = []
    slow = threading.Event()

    def on_quote(quote: Any) -> None:
        slow.wait(0.05)
        found.append((threading.current_thread().name, client.market_data.validate_symbols(quote.symbol)[APPLE]))

    quotes = client.market_data.stream_quotes(APPLE, on_quote)
    wait_until(lambda: len(found) >= 3)
    quotes.unsubscribe()
    assert set(found) == {("brokerwire stream_quotes", True)}
    assert quotes.stats.errors == 0


def test_a_coroutine_function_runs_in_the_loop(client: SyncClient) -> None:
    found: list[str] = []

    async def on_quote(_quote: object) -> None:
        found.append(threading.current_thread().name)

    quotes = client.market_data.stream_quotes(APPLE, callback=on_quote)
    wait_until(lambda: bool(found))
    quotes.unsubscribe()
    assert set(found) == {"brokerwire tradingview"}


def test_what_a_callback_raises_goes_to_the_error_callback(client: SyncClient) -> None:
    failures: list[Any] = []

    def fail(_quote: object) -> None:
        raise LookupError("mine")

    def on_error(exc: Exception, event: Any) -> None:
        failures.append((str(exc), event.symbol, threading.current_thread().name))

    quotes = client.market_data.stream_quotes(APPLE, fail, error_callback=on_error)
    wait_until(lambda: bool(failures))
    quotes.unsubscribe()
    assert failures[0] == ("'mine'" if "'" in failures[0][0] else "mine", APPLE, "brokerwire stream_quotes")


def test_a_callback_that_came_later_is_called_too(client: SyncClient) -> None:
    first: list[Any] = []
    second: list[Any] = []
    quotes = client.market_data.stream_quotes(APPLE, first.append)
    quotes.add_callback(second.append)
    wait_until(lambda: bool(first and second))
    with pytest.raises(ConfigurationError, match="has a callback"):
        quotes.get()
    with pytest.raises(ConfigurationError, match="has a callback"):
        iter(quotes)
    with pytest.raises(ConfigurationError, match="must be a function"):
        quotes.add_callback(7)  # type: ignore[arg-type]  # what is tested
    quotes.unsubscribe()


def test_a_callback_may_end_its_subscription_but_not_wait_for_it(client: SyncClient) -> None:
    refused: list[str] = []
    done = threading.Event()

    def on_bar(_bar: object) -> None:
        try:
            bars.wait_closed()
        except ConfigurationError as exc:
            refused.append(str(exc))
        bars.unsubscribe()
        done.set()

    opened = threading.Event()
    bars = client.market_data.stream_bars(BITCOIN, "1m", lambda bar: opened.wait(DEADLINE_S) and on_bar(bar))
    opened.set()
    assert done.wait(DEADLINE_S)
    bars.wait_closed(DEADLINE_S)
    assert bars.state == "closed"
    assert "its own subscription" in refused[0]


def test_in_another_process_its_end_touches_nothing(client: SyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    quotes = client.market_data.stream_quotes(APPLE)
    with monkeypatch.context() as other:
        other.setattr(os, "getpid", lambda: -1)
        quotes.unsubscribe()
    assert quotes.is_active
    quotes.unsubscribe()
    assert not quotes.is_active


def test_symbols_come_and_go(client: SyncClient) -> None:
    quotes = client.market_data.stream_quotes(APPLE)
    quotes.add_symbols([BITCOIN])
    assert len(quotes.topics) == 2
    quotes.remove_symbols(APPLE)
    assert [topic.symbol for topic in quotes.topics] == [BITCOIN]
    with pytest.raises(InvalidSymbolError):
        quotes.add_symbols("NASDAQ:NOSUCH")
    quotes.cancel()
    quotes.wait_closed(DEADLINE_S)


def test_a_paused_one_goes_on(client: SyncClient, caplog: pytest.LogCaptureFixture) -> None:
    fails = threading.Event()
    seen: list[Any] = []

    def on_quote(quote: Any) -> None:
        if not fails.is_set():
            raise LookupError("mine")
        seen.append(quote)

    with caplog.at_level(logging.CRITICAL):
        bars = client.market_data.stream_bars(BITCOIN, "1m", on_quote, bars_back=150)
        wait_until(lambda: bars.state == "paused")
        fails.set()
        bars.resume()
        wait_until(lambda: bool(seen))
        bars.unsubscribe()


def test_a_reconnect_is_told_and_the_loop_goes_on(client: SyncClient, simulator: tuple[Simulator, LoopThread]) -> None:
    venue, host = simulator
    told: list[Any] = []
    quotes = client.market_data.stream_quotes(APPLE, status_callback=told.append)
    quotes.get(DEADLINE_S)
    host.read(venue.connections.drop)
    for _ in quotes.events(timeout=DEADLINE_S):
        if any(isinstance(status, Gap) for status in told):
            break
    quotes.unsubscribe()
    assert {"recovering", "live"} <= {status.new for status in told if hasattr(status, "new")}


def test_a_failed_one_says_why(client: SyncClient, simulator: tuple[Simulator, LoopThread]) -> None:
    quotes = client.market_data.stream_quotes([APPLE, BITCOIN], max_pending=1, overflow="fail")
    wait_until(lambda: quotes.state == "failed")
    with pytest.raises(StreamError, match="pending"):
        for _ in quotes:
            pass
    with pytest.raises(StreamError, match="pending"):
        quotes.wait_closed(DEADLINE_S)
    client.close()
    with pytest.raises(StreamError):
        quotes.get()
    quotes.unsubscribe()
