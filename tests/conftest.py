"""Fixtures that every test may use: virtual time, simulators, clients, and a check that nothing is left."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from brokerwire import Client
from brokerwire.simulator import Simulator
from brokerwire.testing.virtual_time import VirtualClock, VirtualTimeLoop

# Hypothesis measures wall-clock time here and there; on a busy machine that says nothing about the code.
# Examples are the same in every run, so that a change is judged by what it changes; BROKERWIRE_EXPLORE=1 tries others.
settings.register_profile(
    "untimed",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="BROKERWIRE_EXPLORE" not in os.environ,
)
settings.load_profile("untimed")

ON_VIRTUAL_TIME = {"simulator", "testing", "auth", "client", "venues"}
"""Folders whose async tests run on virtual time; a test there that needs real time asks for the loop "real"."""

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "real": asyncio.SelectorEventLoop,
    "virtual": VirtualTimeLoop,
}


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    marker = item.get_closest_marker("asyncio")
    if marker is not None and "loop_factories" in marker.kwargs:
        return LOOPS
    folder = item.path.relative_to(Path(__file__).parent).parts[0]
    is_real = folder not in ON_VIRTUAL_TIME or item.get_closest_marker("process") is not None
    name = "real" if is_real else "virtual"
    return {name: LOOPS[name]}


def collect_garbage() -> None:
    """Find what a test left, so that a task whose exception nobody retrieved says so.

    What survives is kept out of later collections: they would walk through all that was ever imported.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _long_lived() -> Iterator[None]:
    collect_garbage()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _private_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test sees the credentials or the token files of whoever runs it."""
    for name in ("BROKERWIRE_VENUE", "BROKERWIRE_ENVIRONMENT", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("BROKERWIRE_TOKEN_DIR", str(tmp_path_factory.mktemp("tokens")))


class VirtualRun:
    """Runs a coroutine in virtual time and fails if it leaves a task behind."""

    def __init__(self) -> None:
        self.clock = VirtualClock()

    def __call__(self, main: Callable[[], Awaitable[Any]]) -> Any:
        async def checked() -> Any:
            result = await main()
            await asyncio.sleep(0)
            left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            assert not left, f"tasks were left: {left}"
            return result

        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            result = runner.run(checked())
        collect_garbage()
        return result


@pytest.fixture
def virtual() -> VirtualRun:
    """Runs coroutines in virtual time; ``virtual.clock`` is its clock."""
    return VirtualRun()


class Offline:
    """Starts simulators and clients that belong together, and closes them in the right order."""

    def __init__(self, stack: AsyncExitStack, clock: VirtualClock | None) -> None:
        self._stack = stack
        self._clock = clock

    async def simulator(self, venue: str, **options: Any) -> Simulator:
        """Start a simulator with seed 7 unless another is given."""
        simulator = Simulator(venue, clock=self._clock, **{"seed": 7, **options})
        return await self._stack.enter_async_context(simulator)

    async def client(self, simulator: Simulator, **options: Any) -> Client:
        """Return a client of a simulator."""
        credentials = options.pop("credentials", dict(simulator.credentials))
        client = Client(
            simulator.venue, endpoints=simulator.endpoints, credentials=credentials, clock=self._clock, **options
        )
        return await self._stack.enter_async_context(client)


@pytest.fixture
def offline(virtual: VirtualRun) -> Callable[[], Any]:
    """``async with offline() as venue``: simulators and clients in the virtual loop."""

    class _Context:
        async def __aenter__(self) -> Offline:
            self._stack = AsyncExitStack()
            await self._stack.__aenter__()
            return Offline(self._stack, virtual.clock)

        async def __aexit__(self, *exc_info: Any) -> None:
            await self._stack.__aexit__(*exc_info)

    return _Context


@pytest.fixture
def canaries() -> dict[str, str]:
    """Credentials that must never show anywhere."""
    return {
        "client_id": "canary-client-id-4711",
        "client_secret": "canary-client-secret-4711",
        "refresh_token": "canary-refresh-token-4711",
    }


@pytest.fixture
async def nothing_left() -> AsyncIterator[None]:
    """Fails if a test in real time leaves a task behind."""
    yield
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not left, f"tasks were left: {left}"
