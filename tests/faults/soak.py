"""The soak: streams under random faults for as long as one likes, and what the process holds meanwhile.

``python -m tests.faults.soak 3600`` runs for an hour of real time and prints a line every ten seconds.
"""

import asyncio
import gc
import os
import sys
from collections.abc import Callable
from typing import Any

from msgspec import Struct
from tests.faults.venues import VENUES, options_of

from brokerwire import Client, Subscription
from brokerwire.clock import Clock, SystemClock
from brokerwire.simulator import Simulator

FAULTS = ("bad_json", "duplicate", "gap", "reorder", "unknown_message", "split_chunks")
ENDS = ("reset_mid_frame", "close:1001", "goaway")
SYMBOLS = {venue: list(facts.symbols[:4]) for venue, facts in VENUES.items()}
CHANCE = 0.01
END_EVERY_S = 20.0
SAMPLE_S = 5.0


class Sample(Struct, frozen=True):
    """What the process holds at one time: memory, tasks and descriptors; and how many events have been heard."""

    at_s: float
    rss_mib: float
    tasks: int
    descriptors: int
    events: int

    def __str__(self) -> str:
        held = f"{self.rss_mib:7.1f} MiB  {self.tasks:3d} tasks  {self.descriptors:3d} descriptors"
        return f"{self.at_s:8.0f} s  {held}  {self.events:10d} events"


class Soak:
    """A client of each venue on its simulator, with faults of every kind now and then."""

    def __init__(self, *, seed: int, clock: Clock | None = None, rate: int = 1) -> None:
        self._seed = seed
        self._clock = clock or SystemClock()
        self._rate = rate
        self.simulators: list[Simulator] = []
        self.clients: list[Client] = []
        self.subscriptions: list[Subscription[Any]] = []
        self.events = 0
        self.samples: list[Sample] = []

    async def open(self, new_client: Callable[[Simulator], Client]) -> None:
        """Start everything."""
        for venue, symbols in SYMBOLS.items():
            settings = {"rate": self._rate, **VENUES[venue].unlimited}
            simulator = Simulator(venue, seed=self._seed, clock=self._clock, settings=settings)
            await simulator.start()
            self.simulators.append(simulator)
            client = new_client(simulator)
            self.clients.append(client)
            data = client.market_data
            self.subscriptions += [
                await data.stream_quotes(symbols, self._hear),
                await data.stream_bars(symbols[0], "1m", self._hear),
            ]
            for method in VENUES[venue].methods[1:]:
                stream = getattr(data, f"stream_{method}")
                options = {"interval": "1h"} if method == "bars" else options_of(method)
                self.subscriptions.append(await stream(symbols[0], callback=self._hear, **options))

    async def _hear(self, _event: Any) -> None:
        self.events += 1

    async def run(self, seconds: float, *, show: Callable[[Sample], None] = lambda _: None) -> None:
        """Let faults happen for a time, and look at the process regularly."""
        for simulator in self.simulators:
            for fault in FAULTS:
                simulator.faults.set(fault, probability=CHANCE)
        began = self._clock.monotonic()
        ends = 0
        while (passed_s := self._clock.monotonic() - began) < seconds:
            await self._clock.sleep(SAMPLE_S)
            if passed_s >= END_EVERY_S * (ends + 1):
                for simulator in self.simulators:
                    simulator.faults.set(ENDS[ends % len(ENDS)], times=1)
                ends += 1
            self.samples.append(self._sample(passed_s))
            show(self.samples[-1])
        for simulator in self.simulators:
            simulator.faults.clear()

    def _sample(self, at_s: float) -> Sample:
        gc.collect()
        with open("/proc/self/statm") as statm:
            pages = int(statm.read().split()[1])
        rss_mib = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
        return Sample(at_s, rss_mib, len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd")), self.events)

    async def close(self) -> None:
        """End everything."""
        for owned in (*self.clients, *self.simulators):
            await owned.close()


async def main(seconds: float, seed: int) -> None:
    soak = Soak(seed=seed, rate=50)
    try:
        await soak.open(lambda place: Client(place.venue, endpoints=place.endpoints, credentials=place.credentials))
        await soak.run(seconds, show=lambda sample: print(sample) if int(sample.at_s) % 10 == 0 else None)  # noqa: T201
        for subscription in soak.subscriptions:
            print(subscription, subscription.stats)  # noqa: T201
    finally:
        await soak.close()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 7))
