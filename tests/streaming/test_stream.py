"""Streams against the simulator, in virtual time, over real sockets."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.conftest import VirtualRun

from brokerwire import Gap, Notice, StateChange, StreamError, Subscription
from brokerwire.streaming.watchdog import LATE_S

CASES = [("tradestation", "AAPL"), ("binance", "BTCUSDT")]


class Heard:
    """What a subscription's callbacks heard."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.statuses: list[Any] = []

    async def on_event(self, event: Any) -> None:
        self.events.append(event)

    @property
    def states(self) -> list[str]:
        return [status.new for status in self.statuses if isinstance(status, StateChange)]

    @property
    def gaps(self) -> list[Gap]:
        return [status for status in self.statuses if isinstance(status, Gap)]

    async def more(self, count: int = 1, within_s: float = 60.0) -> None:
        wanted = len(self.events) + count
        async with asyncio.timeout(within_s):
            while len(self.events) < wanted:  # noqa: ASYNC110  # virtual time: a poll costs nothing
                await asyncio.sleep(0.05)


async def until(condition: Callable[[], bool], within_s: float = 60.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110  # virtual time: a poll costs nothing
            await asyncio.sleep(0.05)


async def subscribe_quotes(client: Any, symbol: str) -> tuple[Subscription[Any], Heard]:
    heard = Heard()
    subscription = await client.market_data.stream_quotes(symbol, heard.on_event, status_callback=heard.statuses.append)
    return subscription, heard


@pytest.mark.parametrize(("venue", "symbol"), CASES)
@pytest.mark.parametrize("fault", ["close", "reset_mid_frame"])
def test_a_connection_that_ends_is_followed_by_another_and_a_gap(
    virtual: VirtualRun, offline: Callable[[], Any], venue: str, symbol: str, fault: str
) -> None:
    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator(venue)
            subscription, heard = await subscribe_quotes(await place.client(simulator), symbol)
            await heard.more(5)
            simulator.faults.set(fault, times=1)
            await until(lambda: "recovering" in heard.states)
            await heard.more(5)
            assert subscription.state == "live"
            assert heard.states == ["live", "recovering", "live"]
            assert [gap.topic.symbol for gap in heard.gaps] == [symbol]
            gap = heard.gaps[0]
            assert gap.start_ns < gap.end_ns
            assert gap.reason

    virtual(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_a_dead_wire_is_noticed_within_twenty_five_seconds(
    virtual: VirtualRun, offline: Callable[[], Any], venue: str, symbol: str
) -> None:
    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator(venue)
            _, heard = await subscribe_quotes(await place.client(simulator), symbol)
            await heard.more(5)
            died_at = asyncio.get_running_loop().time()
            simulator.faults.set("half_open")
            await until(lambda: len(heard.states) > 1)
            assert asyncio.get_running_loop().time() - died_at <= 25.0
            simulator.faults.clear()
            await heard.more(5)
            await until(lambda: heard.states[-1] == "live")
            assert heard.gaps

    virtual(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_a_feed_that_goes_mute_is_called_stale_and_brought_back(
    virtual: VirtualRun, offline: Callable[[], Any], venue: str, symbol: str
) -> None:
    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator(venue)
            _, heard = await subscribe_quotes(await place.client(simulator), symbol)
            await asyncio.sleep(60)
            simulator.faults.set("mute")
            await until(lambda: "stale" in heard.states, within_s=25)
            simulator.faults.clear()
            await heard.more(5)
            await until(lambda: heard.states[-1] == "live")
            assert len(heard.gaps) == 1

    virtual(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_backoff_grows_while_the_venue_refuses_and_ends_when_it_does_not(
    virtual: VirtualRun, offline: Callable[[], Any], venue: str, symbol: str
) -> None:
    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator(venue)
            _, heard = await subscribe_quotes(await place.client(simulator), symbol)
            await heard.more(5)
            simulator.faults.set("refuse:503")
            simulator.connections.drop()
            await asyncio.sleep(300)
            refused = simulator.journal.count("dial")
            assert refused <= 22
            simulator.faults.clear()
            await heard.more(5)
            assert heard.states[-1] == "live"

    virtual(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_unsubscribing_during_backoff_frees_the_slot(
    virtual: VirtualRun, offline: Callable[[], Any], venue: str, symbol: str
) -> None:
    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator(venue)
            client = await place.client(simulator)
            subscription, heard = await subscribe_quotes(client, symbol)
            await heard.more(2)
            simulator.faults.set("refuse:503")
            simulator.connections.drop()
            await until(lambda: subscription.state == "recovering")
            await subscription.unsubscribe()
            assert len(client.streams) == 0
            seen = len(heard.events)
            simulator.faults.clear()
            await asyncio.sleep(60)
            assert len(heard.events) == seen

    virtual(main)


def test_a_quiet_topic_is_left_alone(virtual: VirtualRun, offline: Callable[[], Any]) -> None:
    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator("tradestation", calendar="real")
            heard = Heard()
            client = await place.client(simulator)
            await client.market_data.stream_quotes("AAPL", heard.on_event, status_callback=heard.statuses.append)
            await asyncio.sleep(600)
            assert heard.states == ["live"]
            assert client.streams.active_streams[0].reconnects == 0

    virtual(main)


def test_a_second_subscription_shares_the_wire(virtual: VirtualRun, offline: Callable[[], Any]) -> None:
    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator("binance")
            client = await place.client(simulator)
            _, first = await subscribe_quotes(client, "BTCUSDT")
            second_subscription, second = await subscribe_quotes(client, "BTC/USDT")
            await second.more(3)
            assert len(client.streams) == 1
            assert {event.symbol for event in second.events} == {"BTC/USDT"}
            assert {event.symbol for event in first.events} == {"BTCUSDT"}
            await second_subscription.unsubscribe()
            await first.more(3)
            assert len(client.streams) == 1

    virtual(main)


def test_closing_a_stream_by_id_fails_its_subscriptions(virtual: VirtualRun, offline: Callable[[], Any]) -> None:
    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator("tradestation")
            client = await place.client(simulator)
            subscription, heard = await subscribe_quotes(client, "AAPL")
            await heard.more(1)
            await client.streams.close_stream(client.streams.active_streams[0].id)
            with pytest.raises(StreamError, match="closed"):
                await subscription.wait_closed()
            assert subscription.state == "failed"
            assert len(client.streams) == 0

    virtual(main)


def test_a_loop_that_was_blocked_is_no_reason_to_reconnect(virtual: VirtualRun, offline: Callable[[], Any]) -> None:
    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator("tradestation")
            client = await place.client(simulator)
            _, heard = await subscribe_quotes(client, "AAPL")
            await asyncio.sleep(40)
            loop: Any = asyncio.get_running_loop()
            loop._virtual.now_s += 30 + LATE_S  # what a callback that never yields does to the clock
            await asyncio.sleep(5)
            assert heard.states == ["live"]
            assert client.streams.active_streams[0].reconnects == 0

    virtual(main)


@pytest.mark.parametrize(("venue", "symbol"), CASES)
def test_a_server_that_goes_away_is_left_without_a_gap(
    virtual: VirtualRun, offline: Callable[[], Any], venue: str, symbol: str
) -> None:
    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator(
                venue, settings={"goaway_grace_s": 20.0} if venue == "tradestation" else {}
            )
            client = await place.client(simulator)
            _, heard = await subscribe_quotes(client, symbol)
            await heard.more(5)
            simulator.faults.set("goaway:20" if venue == "binance" else "goaway", times=1)
            stream = client.streams.active_streams[0]
            await until(lambda: stream.reconnects == 1)
            await asyncio.sleep(30)
            await heard.more(5)
            assert heard.gaps == []
            assert heard.states == ["live"]
            assert stream.reconnects == 1
            assert len(simulator.connections) == 1

    virtual(main)


def test_a_hand_over_loses_and_doubles_no_trade(virtual: VirtualRun, offline: Callable[[], Any]) -> None:
    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator("binance", settings={"rate": 10})
            client = await place.client(simulator)
            heard = Heard()
            await client.market_data.stream_trades("BTCUSDT", heard.on_event, status_callback=heard.statuses.append)
            depth = Heard()
            await client.market_data.stream_market_depth(
                "BTCUSDT", depth.on_event, status_callback=depth.statuses.append
            )
            for round_number in range(1, 6):
                await heard.more(50)
                simulator.faults.set("goaway:30", times=1)
                await until(lambda wanted=round_number: client.streams.active_streams[0].reconnects == wanted)  # type: ignore[misc]  # bound early
            await heard.more(50)
            ids = [event.trade_id for event in heard.events]
            assert ids == list(range(ids[0], ids[0] + len(ids)))
            sequences = [event.sequence for event in depth.events]
            assert sequences == sorted(sequences)
            assert (heard.gaps, depth.gaps) == ([], [])

    virtual(main)


def test_symbols_in_the_address_are_changed_without_a_gap(virtual: VirtualRun, offline: Callable[[], Any]) -> None:
    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator("tradestation")
            client = await place.client(simulator)
            subscription, heard = await subscribe_quotes(client, "AAPL")
            await heard.more(3)
            await subscription.add_symbols(["MSFT", "SPY"])
            await heard.more(10)
            assert {event.symbol for event in heard.events} == {"AAPL", "MSFT", "SPY"}
            await subscription.remove_symbols("AAPL")
            await asyncio.sleep(5)
            seen = len(heard.events)
            await heard.more(10)
            assert {event.symbol for event in heard.events[seen:]} == {"MSFT", "SPY"}
            assert heard.gaps == []
            assert len(simulator.connections) == len(client.streams) == 1

    virtual(main)


def test_without_a_free_slot_a_hand_over_reports_its_gap(virtual: VirtualRun, offline: Callable[[], Any]) -> None:
    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator("tradestation", settings={"goaway_grace_s": 20.0})
            client = await place.client(simulator, max_concurrent_streams=1)
            _, heard = await subscribe_quotes(client, "AAPL")
            await heard.more(5)
            simulator.faults.set("goaway", times=1)
            await until(lambda: len(heard.gaps) == 1)
            await heard.more(5)
            assert heard.states == ["live", "recovering", "live"]
            assert client.streams.active_streams[0].reconnects == 1

    virtual(main)


def test_what_an_account_said_before_the_outage_is_not_said_again(
    virtual: VirtualRun, offline: Callable[[], Any]
) -> None:
    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator("tradestation")
            client = await place.client(simulator)
            orders, positions = Heard(), Heard()
            account = (await client.brokerage.get_accounts())[0].account_id
            await client.order_execution.stream_order_updates(
                orders.on_event, accounts=account, status_callback=orders.statuses.append
            )
            await client.brokerage.stream_position_changes(
                positions.on_event, accounts=account, status_callback=positions.statuses.append
            )
            await client.order_execution.place_order(symbol="KO", side="buy", quantity=10, account=account)
            await until(lambda: any(event.kind == "fill" for event in orders.events))
            await asyncio.sleep(5)
            told = len(orders.events)
            simulator.connections.drop()
            await until(lambda: len(orders.gaps) == 1 and len(positions.gaps) == 1)
            await asyncio.sleep(5)
            assert len(orders.events) == told
            fills = [event for event in orders.events if event.kind == "fill"]
            assert sum(event.quantity for event in fills) == 10
            held = client.subscriptions[1].latest("KO")
            assert held.quantity == 210

    virtual(main)


def test_one_of_two_spellings_can_be_removed(virtual: VirtualRun, offline: Callable[[], Any]) -> None:
    async def main() -> None:
        async with offline() as place:
            client = await place.client(await place.simulator("binance"))
            heard = Heard()
            subscription = await client.market_data.stream_trades(["BTCUSDT", "BTC/USDT"], heard.on_event)
            await heard.more(10)
            assert {event.symbol for event in heard.events} == {"BTCUSDT", "BTC/USDT"}
            await subscription.remove_symbols("BTC/USDT")
            await asyncio.sleep(1)
            heard.events.clear()
            await heard.more(5)
            assert {event.symbol for event in heard.events} == {"BTCUSDT"}
            assert subscription.state == "live"

    virtual(main)


def test_a_token_endpoint_that_fails_is_told_while_the_stream_goes_on(
    virtual: VirtualRun, offline: Callable[[], Any]
) -> None:
    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator("tradestation", settings={"token_life_s": 120.0})
            _, heard = await subscribe_quotes(await place.client(simulator), "AAPL")
            simulator.faults.set("token_down:500")
            await asyncio.sleep(110)
            notices = [status.text for status in heard.statuses if isinstance(status, Notice)]
            assert notices
            assert "renewing the token failed" in notices[0]
            assert heard.states == ["live"]
            simulator.faults.clear()
            await asyncio.sleep(60)
            await heard.more(3)
            assert heard.states == ["live"]

    virtual(main)


def test_a_mute_topic_is_not_called_live_while_its_successor_is_waited_for(
    virtual: VirtualRun, offline: Callable[[], Any]
) -> None:
    async def main() -> None:
        async with offline() as place:
            simulator = await place.simulator("binance")
            _, heard = await subscribe_quotes(await place.client(simulator), "BTCUSDT")
            await asyncio.sleep(60)
            simulator.faults.set("mute")
            simulator.faults.set("late_ack:9")
            await until(lambda: "stale" in heard.states)
            await asyncio.sleep(30)
            reasons = [status.reason for status in heard.statuses if isinstance(status, StateChange)]
            assert "data flows again" not in reasons
            simulator.faults.clear()
            await heard.more(5)
            await until(lambda: heard.states[-1] == "live")

    virtual(main)
