"""The simulator: one synthetic exchange behind one venue's wire, served on loopback."""

import importlib
import pkgutil
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Literal, Self

from aiohttp import web

from brokerwire.clock import Clock, SystemClock
from brokerwire.simulator import fronts
from brokerwire.simulator.conditions import parse_condition
from brokerwire.simulator.connections import Connections
from brokerwire.simulator.control import ControlPanel
from brokerwire.simulator.exchange import Exchange
from brokerwire.simulator.faults import Faults
from brokerwire.simulator.fronts import Front, FrontContext
from brokerwire.simulator.journal import Journal
from brokerwire.simulator.market import Market
from brokerwire.simulator.recorded import read_recording
from brokerwire.simulator.sessions import Calendar
from brokerwire.simulator.weather import Weather

_HOST = "127.0.0.1"
_SHUTDOWN_S = 1.0


def known_venues() -> list[str]:
    """Return the venues that the simulator speaks."""
    return sorted(module.name for module in pkgutil.iter_modules(fronts.__path__))


class Simulator:
    """One simulated venue on 127.0.0.1.

    ``port`` 0 picks free ones; a given port serves REST, further ones follow where the venue needs them. ``seed`` makes
    prices, and the dice of faults, repeatable; without one it is drawn and kept in ``seed``. ``settings`` are the
    front's own switches; ``rate`` in it multiplies the market's ticks. With ``weather``, conditions as
    ``parse_condition`` reads them or none of them, ``endpoints`` lead through a ``Weather``, which is then in
    ``weather``; ``control`` is the base address of the control endpoint, which no weather touches.

    Raises:
        ValueError: The venue, a fault or a condition is unknown.
        FileNotFoundError: There is no recording in the folder ``replay``.
    """

    def __init__(
        self,
        venue: str,
        *,
        port: int = 0,
        seed: int | None = None,
        clock: Clock | None = None,
        calendar: Calendar = "open",
        faults: Iterable[str] = (),
        weather: Iterable[str] | None = None,
        replay: Path | None = None,
        speed: float | Literal["max"] = 1.0,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        if venue not in known_venues():
            raise ValueError(f"no simulator for venue {venue!r}; there is one for {', '.join(known_venues())}")
        self.venue = venue
        self.seed = secrets.randbelow(2**31) if seed is None else seed
        self.settings: Mapping[str, Any] = MappingProxyType(dict(settings or {}))
        clock = clock or SystemClock()
        market = Market(seed=self.seed, clock=clock, calendar=calendar, rate=int(self.settings.get("rate", 1)))
        self.exchange = Exchange(market)
        self.faults = Faults(faults, seed=self.seed)
        self.journal = Journal(market.now_ns)
        self.connections = Connections()
        self.endpoints: Mapping[str, str] = MappingProxyType({})
        self.control = ""
        self.weather: Weather | None = None
        self._conditions = None if weather is None else _checked(weather)
        self._port = port
        self._runners: list[web.AppRunner] = []
        self._front = self._create_front(clock, replay, speed)

    def _create_front(self, clock: Clock, replay: Path | None, speed: float | str) -> Front:
        module = importlib.import_module(f"{fronts.__name__}.{self.venue}")
        context = FrontContext(
            exchange=self.exchange,
            faults=self.faults,
            journal=self.journal,
            connections=self.connections,
            clock=clock,
            settings=self.settings,
            recording=None if replay is None else read_recording(replay),
            speed=speed,
        )
        front: Front = module.create_front(context)
        return front

    @property
    def credentials(self) -> Mapping[str, str]:
        """Credentials that a client can use; any others that are not empty do as well."""
        return self._front.credentials

    async def start(self) -> None:
        """Bind and serve.

        Raises:
            OSError: The port is taken.
        """
        panel = ControlPanel(
            exchange=self.exchange,
            faults=self.faults,
            journal=self.journal,
            connections=self.connections,
            weather=lambda: self.weather,
        )
        _, first = next(iter(self._front.apps.values()))
        panel.add_routes(first)
        try:
            endpoints = await self._bind()
            self.control = next(iter(endpoints.values()))
            self.endpoints = MappingProxyType(await self._cover(endpoints))
        except OSError:
            await self.close()
            raise

    async def _bind(self) -> dict[str, str]:
        """Serve every application once; returns the addresses by key."""
        port = self._port if self._conditions is None else 0
        bound: dict[int, int] = {}
        endpoints: dict[str, str] = {}
        for key, (scheme, app) in self._front.apps.items():
            if id(app) not in bound:
                bound[id(app)] = await self._serve(app, port if not bound else 0)
            endpoints[key] = f"{scheme}://{_HOST}:{bound[id(app)]}"
        return endpoints

    async def _cover(self, endpoints: dict[str, str]) -> dict[str, str]:
        """Put the weather in front of the addresses, if there is to be any."""
        if self._conditions is None:
            return endpoints
        weather = Weather.before(*endpoints.values(), port=self._port, seed=self.seed, conditions=self._conditions)
        await weather.start()
        self.weather = weather
        return weather.endpoints(endpoints)

    async def _serve(self, app: web.Application, port: int) -> int:
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_S, handle_signals=False
        )
        self._runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, _HOST, port)
        try:
            await site.start()
        except OSError as exc:
            raise OSError(exc.errno, f"cannot listen on {_HOST}:{port}: {exc.strerror or exc}") from exc
        return int(runner.addresses[0][1])

    async def close(self) -> None:
        """Stop serving and end every open stream; safe to call twice."""
        await self._front.close()
        if self.weather is not None:
            await self.weather.close()
        self.connections.drop()
        runners, self._runners = self._runners, []
        for runner in runners:
            await runner.cleanup()
        await self.exchange.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _checked(conditions: Iterable[str]) -> tuple[str, ...]:
    """Return the conditions, each of which can be read and is the only one of its kind."""
    given = tuple(conditions)
    names = [parse_condition(script).name for script in given]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"weather {name!r} is given twice")
    return given
