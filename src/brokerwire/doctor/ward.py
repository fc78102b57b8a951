"""Ward: where one row is examined; it starts simulators and clients, heals the network, and checks the invariants."""

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from brokerwire.client.client import Client
from brokerwire.clock import Clock
from brokerwire.doctor import invariants
from brokerwire.doctor.finding import Missed
from brokerwire.doctor.listener import Behaviour, Listener, now, take, until
from brokerwire.doctor.surroundings import KeptLog
from brokerwire.simulator import Simulator
from brokerwire.simulator.weather import Weather
from brokerwire.venues import load_venue

SYMBOLS: Mapping[str, tuple[str, str]] = {
    "tradestation": ("AAPL", "MSFT"),
    "binance": ("BTCUSDT", "ETHUSDT"),
    "tradingview": ("BINANCE:BTCUSDT", "BINANCE:ETHUSDT"),
}
"""What is subscribed to at each venue."""

CLOSE_S = 5.0
CONVERGE_S = 75.0
"""How long after the network has healed everything may take to be as it was: 30 s, and a backoff of 30."""


class Closable(Protocol):
    """What a row starts and the ward ends."""

    async def close(self) -> None:
        """End it; safe to call twice."""
        ...


class Place(Closable, Protocol):
    """A server that speaks a venue's wire."""

    @property
    def endpoints(self) -> Mapping[str, str]:
        """Its base addresses."""
        ...


class Ward:
    """One examination on one venue's wire, from its first server to the last invariant.

    Args:
        venue: Whose wire it is.
        seed: Makes markets and dice repeatable.
        clock: Virtual or the machine's.
        log: What the library logs meanwhile.
    """

    def __init__(self, venue: str, *, seed: int, clock: Clock, log: KeptLog) -> None:
        self.venue = venue
        self.seed = seed
        self.random = random.Random(seed)
        self.log = log
        self.broken: list[str] = []
        self._clock = clock
        self._simulators: list[Simulator] = []
        self._weathers: list[Weather] = []
        self._places: list[Place] = []
        self._clients: dict[Client, Place] = {}
        self._listeners: list[Listener] = []
        self._opens = 0
        self._sockets = 0
        self._canaries = {
            name: f"canary-{name.replace('_', '-')}-{seed}-4711"
            for name in load_venue(venue).credentials
            if name != "auth_token"  # one that is given is never renewed
        }

    @property
    def symbol(self) -> str:
        """The first symbol of the venue."""
        return SYMBOLS[self.venue][0]

    @property
    def symbols(self) -> list[str]:
        """Two symbols of the venue."""
        return list(SYMBOLS[self.venue])

    def admit(self) -> None:
        """Begin: what is open now is nobody's fault later."""
        self._sockets = invariants.open_sockets()

    # Building

    async def simulator(self, settings: Mapping[str, Any] | None = None, *, seed: int | None = None) -> Simulator:
        """Start a simulator with these settings of its front."""
        simulator = Simulator(
            self.venue, clock=self._clock, seed=self.seed if seed is None else seed, settings=settings
        )
        await simulator.start()
        self._simulators.append(simulator)
        return simulator

    async def weather(self, simulator: Simulator) -> Weather:
        """Start a proxy in front of a simulator."""
        weather = Weather.before(*simulator.endpoints.values(), seed=self.seed)
        await weather.start()
        self._weathers.append(weather)
        return weather

    def adopt(self, place: Place) -> None:
        """End a server of the row's own with the examination."""
        self._places.append(place)

    def client(self, place: Place, *, weather: Weather | None = None, **options: Any) -> Client:
        """Return a client with canaries for credentials, through the weather if there is one."""
        endpoints = place.endpoints if weather is None else weather.endpoints(place.endpoints)
        client = Client(
            self.venue,
            environment="offline",
            credentials=self._canaries,
            clock=self._clock,
            endpoints=endpoints,
            **options,
        )
        self._clients[client] = place
        return client

    async def listen(
        self,
        client: Client,
        method: str,
        symbols: Any = None,
        *,
        flows: bool = True,
        behave: Behaviour = take,
        **options: Any,
    ) -> Listener:
        """Subscribe and write down what is heard.

        Raises:
            BrokerwireError: The subscription was refused.
        """
        listener = Listener(client, flows=flows, behave=behave)
        self._listeners.append(listener)
        self._opens += 1
        await listener.open(method, symbols, **options)
        return listener

    def allow_dials(self, count: int) -> None:
        """Let the row open this many streams besides those that it listens to."""
        self._opens += count

    async def dismiss(self, client: Client) -> float:
        """Close a client amid the row, check what it leaves, and look at it no more; returns the seconds it took."""
        mine = [listener for listener in self._listeners if listener.client is client]
        began = now()
        self.broken += await invariants.check_close(client, CLOSE_S)
        took_s = now() - began
        for listener in mine:
            self._listeners.remove(listener)
            if listener.is_open:
                self.broken += await self._check_ended(listener)
        del self._clients[client]
        return took_s

    # Time

    def now(self) -> float:
        """Return the loop's time in seconds."""
        return now()

    async def sleep(self, delay_s: float) -> None:
        """Let time pass."""
        await asyncio.sleep(delay_s)

    async def until(self, condition: Callable[[], bool], what: str, *, within_s: float = 60.0) -> float:
        """Wait for a condition; returns when it was seen to hold.

        Raises:
            Missed: It did not hold in time.
        """
        return await until(condition, what, within_s=within_s)

    # The end

    async def discharge(self) -> None:
        """Heal the network, close everything, and note in ``broken`` what does not hold."""
        await self._heal()
        self.broken += self._check_open()
        for client in self._clients:
            self.broken += await invariants.check_close(client, CLOSE_S)
        for listener in self._listeners:
            if listener.is_open:
                self.broken += await self._check_ended(listener)
        if left := invariants.library_tasks():
            self.broken.append(f"I7: tasks are left: {[task.get_name() for task in left]}")
        self.broken += invariants.check_secrecy(self._canaries.values(), self._said())

    async def _heal(self) -> None:
        for simulator in self._simulators:
            simulator.faults.clear()
        for weather in self._weathers:
            weather.clear()
        try:
            await until(self._has_converged, "every subscription to be live again", within_s=CONVERGE_S)
        except Missed as missed:
            self.broken.append(f"I5: {missed}")

    def _has_converged(self) -> bool:
        clients = [client for client, place in self._clients.items() if place in self._simulators]
        listeners = [listener for listener in self._listeners if listener.client in clients]
        return invariants.has_converged(listeners, clients, self._simulators)

    def _check_open(self) -> Iterator[str]:
        for listener in self._listeners:
            if listener.is_open:
                yield from invariants.check_accounting(listener)
                yield from invariants.check_silence(listener)
                yield from invariants.check_holes(listener)
        yield from invariants.check_bounded(list(self._clients), self._listeners)
        for simulator in self._simulators:
            streams = sum(len(client.streams) for client, place in self._clients.items() if place is simulator)
            yield from invariants.check_dials(simulator, opens=self._opens, streams=streams)
            yield from invariants.check_pace(simulator)
            yield from invariants.check_limits(simulator)

    async def _check_ended(self, listener: Listener) -> list[str]:
        checks = (invariants.check_accounting, invariants.check_order, invariants.check_times)
        broken = [text for check in checks for text in check(listener)]
        return broken + await invariants.check_terminality(listener)

    def _said(self) -> Iterable[str]:
        """Yield everything that left the library as text."""
        yield from (self.log.format(record) for record in self.log.records)
        yield from map(repr, self._clients)
        for listener in self._listeners:
            yield from map(repr, listener.statuses)
            yield from (repr(error) for error, _ in listener.errors)

    async def leave(self) -> None:
        """End all that was started, however the examination went, and note what is left."""
        owned: list[Closable] = [*self._clients, *self._weathers, *self._simulators, *self._places]
        for each in owned:
            await each.close()
        for _ in range(3):
            await asyncio.sleep(0)
        left = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        if left:
            self.broken.append(f"I7: tasks are left: {left}")
        if invariants.open_sockets() > self._sockets:
            self.broken.append("I7: sockets are left")
