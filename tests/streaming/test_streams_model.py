"""Manager and subscriptions under any order of events: subscribe, unsubscribe, drop, reconnect, cancel, close."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.faults import invariants
from tests.faults.waiting import until

from brokerwire import BrokerwireError, Client
from brokerwire.doctor.invariants import check_accounting, check_order, check_times
from brokerwire.doctor.listener import Listener, take
from brokerwire.simulator import Simulator
from brokerwire.testing.virtual_time import VirtualClock, VirtualTimeLoop

CAP = 4
IS_FULL = os.environ.get("BROKERWIRE_FAULTS") in {"full", "contract"}
LENGTHS = settings(
    max_examples=60 if IS_FULL else 12,
    stateful_step_count=30,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
NUMBERS = st.integers(0, 1_000)


async def dawdle(_event: Any) -> None:
    await asyncio.sleep(0.3)


class Streams(RuleBasedStateMachine):
    """One client of one simulator; what it should carry is what is open and was not given back."""

    venue: ClassVar[str]
    symbols: ClassVar[list[str]]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=VirtualTimeLoop)
        self.watches: list[Listener] = []
        self.opening: dict[Listener, asyncio.Task[None]] = {}
        self.leaving: list[asyncio.Task[None]] = []
        self.heard_at_end: dict[Listener, int] = {}
        self.play(self.start)

    def play(self, step: Callable[[], Awaitable[None]]) -> None:
        async def run() -> None:
            await step()

        self.runner.run(run())

    async def start(self) -> None:
        clock = VirtualClock()
        self.simulator = Simulator(self.venue, seed=7, clock=clock)
        await self.simulator.start()
        self.client = Client(
            self.venue,
            endpoints=self.simulator.endpoints,
            credentials=self.simulator.credentials,
            clock=clock,
            max_concurrent_streams=CAP,
            subscribe_timeout=8,
        )

    def open_watches(self) -> list[Listener]:
        return [watch for watch in self.watches if watch.is_open and watch.subscription.is_active]

    # What may happen

    @rule(
        method=st.sampled_from(["quotes", "trades"]),
        number=NUMBERS,
        overflow=st.sampled_from(["coalesce", "drop_oldest", "drop_newest", "fail"]),
        behave=st.sampled_from([take, dawdle]),
    )
    def subscribe(self, method: str, number: int, overflow: str, behave: Any) -> None:
        async def step() -> None:
            watch = Listener(self.client, flows=False, behave=behave)
            self.watches.append(watch)
            symbols = self.symbols[number % len(self.symbols) :][: 1 + number % 2]
            call = watch.open(method, symbols, overflow=overflow, max_pending=5)
            self.opening[watch] = asyncio.create_task(call, name="test subscribe")

        self.play(step)

    @rule(number=NUMBERS)
    def cancel_a_call(self, number: int) -> None:
        tasks = [task for task in (*self.opening.values(), *self.leaving) if not task.done()]
        if tasks:
            tasks[number % len(tasks)].cancel()

    @rule(number=NUMBERS)
    def unsubscribe(self, number: int) -> None:
        async def leave(watch: Listener) -> None:
            await watch.subscription.unsubscribe()
            self.heard_at_end[watch] = len(watch.events)

        async def step() -> None:
            if watches := self.open_watches():
                task = asyncio.create_task(leave(watches[number % len(watches)]), name="test unsubscribe")
                self.leaving.append(task)

        self.play(step)

    @rule(number=NUMBERS)
    def cancel(self, number: int) -> None:
        async def step() -> None:
            if watches := self.open_watches():
                watches[number % len(watches)].subscription.cancel()

        self.play(step)

    @rule(number=NUMBERS)
    def change_symbols(self, number: int) -> None:
        async def change(subscription: Any, symbol: str) -> None:
            names = {topic.symbol for topic in subscription.topics}
            if symbol not in names:
                await subscription.add_symbols(symbol)
            elif len(names) > 1:
                await subscription.remove_symbols(symbol)

        async def step() -> None:
            if watches := self.open_watches():
                subscription = watches[number % len(watches)].subscription
                call = change(subscription, self.symbols[number % len(self.symbols)])
                self.leaving.append(asyncio.create_task(call, name="test change"))

        self.play(step)

    @rule()
    def drop(self) -> None:
        async def step() -> None:
            self.simulator.connections.drop()

        self.play(step)

    @rule(script=st.sampled_from(["refuse:503", "reset_mid_frame", "mute", "late_ack:2", ""]))
    def break_or_heal(self, script: str) -> None:
        if script:
            self.simulator.faults.set(script)
        else:
            self.simulator.faults.clear()

    @rule(turns=st.integers(1, 12))
    def a_few_turns(self, turns: int) -> None:
        async def step() -> None:
            for _ in range(turns):
                await asyncio.sleep(0)

        self.play(step)

    @rule(seconds=st.sampled_from([0.001, 0.1, 1.0, 7.0, 30.0]))
    def time_passes(self, seconds: float) -> None:
        self.play(lambda: asyncio.sleep(seconds))

    @rule()
    def close_all_streams(self) -> None:
        self.play(self.client.close_all_streams)

    # What always holds

    @invariant()
    def accounts_are_exact(self) -> None:
        for watch in self.watches:
            if watch.is_open:
                invariants.hold(check_accounting(watch), check_order(watch), check_times(watch))

    @invariant()
    def the_cap_holds(self) -> None:
        assert len(self.client.streams) <= CAP
        assert self.client.streams._overlaps >= 0
        assert len(self.simulator.connections) <= CAP + len(self.leaving) + len(self.opening)

    @invariant()
    def nothing_is_heard_after_the_end(self) -> None:
        for watch, count in self.heard_at_end.items():
            assert len(watch.events) == count, f"{watch.subscription} heard more after unsubscribe returned"

    def teardown(self) -> None:
        try:
            self.play(self.finish)
            self.accounts_are_exact()
            self.nothing_is_heard_after_the_end()
        finally:
            self.runner.close()

    async def finish(self) -> None:
        """Heal everything: what is wanted is on the wire; close: nothing is left."""
        self.simulator.faults.clear()
        outcomes = await asyncio.gather(*self.opening.values(), *self.leaving, return_exceptions=True)
        known = (BrokerwireError, asyncio.CancelledError)
        assert [each for each in outcomes if isinstance(each, BaseException) and not isinstance(each, known)] == []
        try:
            await until(lambda: invariants.has_converged(self.simulator, self.watches), 120.0)
        except TimeoutError:
            invariants.check_convergence(self.simulator, self.watches)
        await invariants.check_clean_exit([self.client], 5.0)
        await invariants.check_ends(self.watches)
        await until(lambda: not self.simulator.connections, 10.0)
        await self.simulator.close()


class BinanceStreams(Streams):
    """Topics are subscribed to on shared WebSockets."""

    venue = "binance"
    symbols: ClassVar = ["BTCUSDT", "ETHUSDT", "BNBUSDT"]


class TradeStationStreams(Streams):
    """Topics are part of the address of HTTP streams."""

    venue = "tradestation"
    symbols: ClassVar = ["AAPL", "MSFT", "SPY"]


BinanceStreams.TestCase.settings = LENGTHS
TradeStationStreams.TestCase.settings = LENGTHS
TestBinanceStreams = pytest.mark.timeout(300)(BinanceStreams.TestCase)
TestTradeStationStreams = pytest.mark.timeout(300)(TradeStationStreams.TestCase)
