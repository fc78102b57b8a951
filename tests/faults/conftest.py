"""The stage of every fault: simulators, weather and clients, and one checker of the invariants at its end.

``BROKERWIRE_FAULTS=full`` runs two seeds and the large counts; ``BROKERWIRE_SEED=n`` replays one seed;
``BROKERWIRE_RESULTS=path`` writes down how each row came out.
"""

import asyncio
import logging
import os
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest
from tests.conftest import collect_garbage
from tests.faults import invariants
from tests.faults.invariants import hold
from tests.faults.results import Results
from tests.faults.scripted import ScriptedVenue
from tests.faults.venues import VENUES
from tests.faults.waiting import until

from brokerwire import BrokerwireError, Client
from brokerwire.clock import SystemClock
from brokerwire.doctor.invariants import (
    check_accounting,
    check_bounded,
    check_dials,
    check_holes,
    check_limits,
    check_order,
    check_pace,
    check_silence,
    check_times,
    library_tasks,
    open_sockets,
)
from brokerwire.doctor.listener import Behaviour, Listener, now, take
from brokerwire.simulator import Simulator
from brokerwire.simulator.weather import Weather
from brokerwire.testing.virtual_time import VirtualClock, VirtualTimeLoop

IS_CONTRACT = os.environ.get("BROKERWIRE_FAULTS") == "contract"
IS_FULL = IS_CONTRACT or os.environ.get("BROKERWIRE_FAULTS") == "full"
SEEDS = [int(os.environ["BROKERWIRE_SEED"])] if "BROKERWIRE_SEED" in os.environ else [7, 11] if IS_FULL else [7]

CANARIES = {venue: facts.secrets for venue, facts in VENUES.items()}
CLOSE_S = 5.0


class Owned(Protocol):
    """What a row started besides, and ends at its end."""

    async def close(self) -> None: ...


class Front(Protocol):
    """What stands before a simulator."""

    def endpoints(self, given: Mapping[str, str]) -> dict[str, str]: ...


Place = Simulator | ScriptedVenue
Main = Callable[["Row"], Awaitable[None]]


def pytest_configure(config: pytest.Config) -> None:
    path = os.environ.get("BROKERWIRE_RESULTS")
    is_worker = hasattr(config, "workerinput")  # the controller hears of everything
    if path and not is_worker:
        config.pluginmanager.register(Results(Path(path), os.environ.get("BROKERWIRE_FAULTS", "")))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    has_its_own = any("seed" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "seed" in metafunc.fixturenames and not has_its_own:
        metafunc.parametrize("seed", SEEDS, ids=[f"seed{seed}" for seed in SEEDS])


def repeats(few: int, many: int) -> int:
    """Return how often to repeat: ``few`` in every run, ``many`` in the full one."""
    return many if IS_FULL else few


def trials(few: int, *, full: int, contract: int) -> int:
    """Return how many trials to make: in every run, in the full one, and by hand for the contract."""
    return contract if IS_CONTRACT else full if IS_FULL else few


class Row:
    """One row of the table: builds what it needs, runs it, heals the network, and checks the invariants.

    Attributes:
        converge_s: How long after the healing the wire may take to carry what is wanted.
        allows_violations: The row is about a venue's limit that somebody else breaks.
        keeps_time: Neither clock is moved by the row, so that times can be compared.
        shares_wire: Subscriptions of one topic share one connection, as they do by default.
    """

    def __init__(self, seed: int, log: pytest.LogCaptureFixture) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.clock: VirtualClock | SystemClock = VirtualClock()
        self.converge_s = 35.0
        self.allows_violations = False
        self.shares_wire = True
        self.keeps_time = True
        self.extra_dials = 0
        self.texts: list[str] = []
        self.watches: list[Listener] = []
        self.clients: list[Client] = []
        self._places: dict[Client, Place] = {}
        self.simulators: list[Simulator] = []
        self.weathers: list[Weather] = []
        self.owned: list[Owned] = []
        self._log = log
        self._opens = 0

    # Building

    async def simulator(self, venue: str, **options: Any) -> Simulator:
        """Start a simulator with the row's seed."""
        simulator = Simulator(venue, clock=self.clock, **{"seed": self.seed, **options})
        await simulator.start()
        self.simulators.append(simulator)
        return simulator

    async def scripted(self, venue: str, frames: Sequence[bytes], *, pause_s: float = 0.1) -> ScriptedVenue:
        """Start a server that sends these frames to whoever subscribes."""
        place = ScriptedVenue(venue, frames, pause_s=pause_s)
        await place.start()
        self.owned.append(place)
        return place

    async def weather(self, simulator: Simulator) -> Weather:
        """Start a proxy in front of a simulator."""
        weather = Weather.before(*simulator.endpoints.values(), seed=self.seed)
        await weather.start()
        self.weathers.append(weather)
        return weather

    def client(self, simulator: Place, *, weather: Front | None = None, **options: Any) -> Client:
        """Return a client with canary credentials, through the weather if there is one."""
        endpoints = simulator.endpoints if weather is None else weather.endpoints(simulator.endpoints)
        given = {"credentials": CANARIES[simulator.venue], "clock": self.clock, "endpoints": endpoints, **options}
        client = Client(simulator.venue, **given)
        client.streams._random = random.Random(self.seed)
        self.clients.append(client)
        self._places[client] = simulator
        return client

    async def watch(
        self,
        client: Client,
        method: str,
        symbols: Any = None,
        *,
        flows: bool = True,
        behave: Behaviour = take,
        **options: Any,
    ) -> Listener:
        """Subscribe and write down what is heard."""
        watch = Listener(client, flows=flows, behave=behave)
        self.watches.append(watch)
        self._opens += 1
        try:
            await watch.open(method, symbols, **options)
        except BaseException as exc:
            self.texts.extend(invariants.shown(exc))
            raise
        return watch

    async def watch_in_vain(self, client: Client, method: str, symbols: Any = None, **options: Any) -> BrokerwireError:
        """Subscribe where that must fail; returns the error."""
        with pytest.raises(BrokerwireError) as caught:
            await self.watch(client, method, symbols, **options)
        return caught.value

    def forget(self, *watches: Listener) -> None:
        """Check subscriptions that have ended, and look at them no more; a row of hundreds stays small."""
        for watch in watches:
            assert not watch.subscription.is_active
            self._check_heard(watch)
            self.watches.remove(watch)

    async def settle(self, client: Client) -> None:
        """Check what a closed client leaves, and look at it no more."""
        mine = [watch for watch in self.watches if watch.client is client]
        await invariants.check_clean_exit([client], CLOSE_S)
        await invariants.check_ends(mine)
        for watch in mine:
            if watch.is_open:
                self._check_heard(watch)
            self.watches.remove(watch)
        self.clients.remove(client)

    def tasks(self) -> list[asyncio.Task[Any]]:
        """Return the library's tasks."""
        return library_tasks()

    # Time and words

    def now(self) -> float:
        """Return the loop's time in seconds."""
        return now()

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the running loop."""
        return asyncio.get_running_loop()

    def wire(self, simulator: Simulator) -> invariants.Wire:
        """Return what is subscribed on the server's side."""
        return invariants.wire_of(simulator)

    async def sleep(self, delay_s: float) -> None:
        """Let time pass."""
        await asyncio.sleep(delay_s)

    def step_wall_clock(self, seconds: float) -> None:
        """Move the wall clock alone."""
        assert isinstance(self.clock, VirtualClock)
        self.clock.step_s += seconds

    def lines(self, text: str, level: int = logging.DEBUG) -> list[str]:
        """Return the log lines that hold a text, from a level up."""
        lines = [record.getMessage() for record in self._log.records if record.levelno >= level]
        return [line for line in lines if text in line]

    def warned(self, text: str) -> bool:
        """Tell whether a warning of ours holds a text."""
        return bool(self.lines(text, logging.WARNING))

    # Running

    def __call__(self, main: Main) -> None:
        """Run in virtual time."""
        self._run(main, VirtualTimeLoop)

    def in_real_time(self, main: Main) -> None:
        """Run in real time."""
        self.clock = SystemClock()
        self._run(main, asyncio.SelectorEventLoop)

    def _run(self, main: Main, loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
        print(f"seed {self.seed}; replay with BROKERWIRE_SEED={self.seed}")  # noqa: T201  # shown when it fails
        self._log.set_level("DEBUG")
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(self._play(main))
        for held in (self.watches, self.clients, self._places):
            held.clear()
        collect_garbage()
        invariants.check_log(self._log)

    async def _play(self, main: Main) -> None:
        sockets = open_sockets()
        try:
            await main(self)
            await self._heal()
            self._check_open()
            canaries = self._canaries()
            await invariants.check_clean_exit(self.clients, CLOSE_S)
            await self._check_closed(canaries)
        finally:
            await self._tear_down()
        assert open_sockets() == sockets, "I7: sockets are left"
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, f"I7: tasks are left: {left}"

    async def _heal(self) -> None:
        for broken in (*self.simulators, *self.weathers):
            (broken.faults if isinstance(broken, Simulator) else broken).clear()
        try:
            await until(self._has_converged, self.converge_s)
        except TimeoutError:
            for simulator in self.simulators:
                invariants.check_convergence(simulator, self._watches_of(simulator), is_shared=self.shares_wire)

    def _has_converged(self) -> bool:
        return all(
            invariants.has_converged(place, self._watches_of(place), is_shared=self.shares_wire)
            for place in self.simulators
        )

    def _watches_of(self, simulator: Simulator) -> list[Listener]:
        return [watch for watch in self.watches if self._places[watch.client] is simulator]

    def _check_open(self) -> None:
        for watch in self.watches:
            if watch.is_open:
                hold(check_accounting(watch))
                if self.keeps_time:
                    hold(check_silence(watch), check_holes(watch))
        hold(check_bounded(self.clients, self.watches))
        invariants.check_slots(self.clients)
        for simulator in self.simulators:
            streams = sum(len(client.streams) for client in self.clients if self._places[client] is simulator)
            hold(check_dials(simulator, opens=self._opens + self.extra_dials, streams=streams), check_pace(simulator))
            if not self.allows_violations:
                hold(check_limits(simulator))

    def _check_heard(self, watch: Listener) -> None:
        hold(check_accounting(watch), check_order(watch))
        if self.keeps_time:
            hold(check_times(watch))

    async def _check_closed(self, canaries: list[str]) -> None:
        await invariants.check_ends(self.watches)
        for watch in self.watches:
            if watch.is_open:
                self._check_heard(watch)
        for simulator in self.simulators:
            await until(lambda place=simulator: not place.connections, 10.0)  # type: ignore[misc]  # bound early
        texts = [*invariants.said(self.watches, self.clients, self._log), *self.texts]
        invariants.check_secrecy(canaries, texts)
        invariants.check_log(self._log)

    def _canaries(self) -> list[str]:
        found = [secret for given in CANARIES.values() for secret in given.values()]
        for client in self.clients:
            token = client.tokens.current if client.tokens is not None else None
            found += [] if token is None else [token.reveal()]
        return found

    async def _tear_down(self) -> None:
        for owned in (*self.clients, *self.weathers, *self.simulators, *self.owned):
            await owned.close()
        for _ in range(3):
            await asyncio.sleep(0)


@pytest.fixture
def row(seed: int, caplog: pytest.LogCaptureFixture) -> Row:
    """The stage of one row."""
    return Row(seed, caplog)
