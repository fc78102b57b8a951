"""The simulator as a client's own venue: started on first use, ended with the client."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from brokerwire.clock import Clock

if TYPE_CHECKING:
    from brokerwire.simulator import Simulator


class OfflineVenue:
    """Runs the simulator of one venue on a loopback port, in the client's own loop."""

    def __init__(self, venue: str, clock: Clock) -> None:
        self._venue = venue
        self._clock = clock
        self._simulator: Simulator | None = None

    async def start(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Start it and return its endpoints and credentials."""
        from brokerwire.simulator import Simulator  # loaded by those who use it only

        self._simulator = Simulator(self._venue, clock=self._clock)
        await self._simulator.start()
        return self._simulator.endpoints, self._simulator.credentials

    async def close(self) -> None:
        """End it; safe to call twice."""
        simulator, self._simulator = self._simulator, None
        if simulator is not None:
            await simulator.close()
