"""The pytest plugin: a simulator, a client of it, and its faults, as fixtures of one test.

Loaded by pytest itself; it imports neither aiohttp nor the client before a test asks for a fixture.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

try:
    from pytest_asyncio import fixture as _async_fixture
except ModuleNotFoundError:  # pragma: no cover - whoever asks for a fixture is told
    _async_fixture = pytest.fixture  # type: ignore[assignment]  # only the way it is called here is common to both

if TYPE_CHECKING:
    from brokerwire.client.client import Client
    from brokerwire.simulator import Faults, Simulator

_MARKER = "brokerwire(venue=..., seed=..., faults=[...], weather=[...], settings={...}, client={...})"
_TURNS = 3


class Wishes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the marker of a test says.

    ``venue`` is whose protocol is spoken. ``seed`` makes prices and dice repeatable; without one it is drawn.
    ``faults`` and ``weather`` are scripts that are on from the beginning, ``settings`` the simulator's, ``client``
    further arguments of ``Client``.
    """

    venue: str = "tradestation"
    seed: int | None = None
    faults: Sequence[str] = ()
    weather: Sequence[str] | None = None
    settings: Mapping[str, Any] = {}
    client: Mapping[str, Any] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that replays a run."""
    parser.getgroup("brokerwire").addoption(
        "--brokerwire-seed",
        type=int,
        default=None,
        metavar="N",
        help="the seed of simulators whose tests give none; a failed test shows the one that it had",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the marker."""
    config.addinivalue_line("markers", f"{_MARKER}: the simulator that the fixtures of brokerwire are about")


def wishes_of(request: pytest.FixtureRequest) -> Wishes:
    """Return what the markers of a test say; a nearer one stands over a farther one, option by option."""
    given: dict[str, Any] = {"seed": request.config.getoption("--brokerwire-seed")}
    for marker in reversed(list(request.node.iter_markers("brokerwire"))):
        if marker.args:
            pytest.fail(f"the marker takes names only: {_MARKER}", pytrace=False)
        given |= marker.kwargs
    try:
        return msgspec.convert(given, Wishes)
    except msgspec.ValidationError as exc:
        pytest.fail(f"the marker brokerwire: {exc}; write {_MARKER}", pytrace=False)


@pytest.fixture
def _offline_wishes(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Wishes:
    """The marker's words; meanwhile tokens are kept in a folder of the test's own, and no proxy stands on loopback."""
    if not request.config.pluginmanager.hasplugin("asyncio"):
        pytest.fail("the fixtures of brokerwire need pytest-asyncio, which pytest-aiohttp brings too", pytrace=False)
    monkeypatch.setenv("BROKERWIRE_TOKEN_DIR", str(tmp_path_factory.mktemp("brokerwire-tokens")))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, ",".join(filter(None, ("127.0.0.1", os.environ.get(name)))))
    return wishes_of(request)


@_async_fixture
async def offline_venue(_offline_wishes: Wishes) -> "AsyncIterator[Simulator]":
    """A simulator of the venue that the marker names, ended after the test.

    Fails the test when tasks of the library are left at its end: a client of the test's own was not closed.
    """
    from brokerwire.simulator import Simulator

    wishes = _offline_wishes
    before = asyncio.all_tasks()
    simulator = Simulator(
        wishes.venue, seed=wishes.seed, faults=wishes.faults, weather=wishes.weather, settings=wishes.settings
    )
    print(f"brokerwire: {simulator.venue} with seed {simulator.seed}")  # noqa: T201 - pytest shows it when a test fails
    async with simulator:
        yield simulator
        left = await _left_tasks(before)
    if left:
        pytest.fail(f"a client was not closed; these tasks are left: {', '.join(left)}", pytrace=False)


@_async_fixture
async def offline_client(offline_venue: "Simulator", _offline_wishes: Wishes) -> "AsyncIterator[Client]":
    """A client of ``offline_venue``, closed after the test.

    Fails the test when closing it leaves a stream or a subscription.
    """
    from brokerwire.client.client import Client

    ours = {"endpoints": offline_venue.endpoints, "credentials": offline_venue.credentials}
    client = Client(offline_venue.venue, environment="offline", **{**ours, **_offline_wishes.client})
    try:
        yield client
    finally:
        await client.close()
    left = [*map(str, client.streams.active_streams), *map(str, client.subscriptions)]
    if left:
        pytest.fail(f"the client left: {', '.join(left)}", pytrace=False)


@pytest.fixture
def fault(offline_venue: "Simulator") -> "Faults":
    """The faults of ``offline_venue``: ``fault.set("mute", times=1)``, ``fault.clear()``."""
    return offline_venue.faults


async def _left_tasks(before: set[asyncio.Task[Any]]) -> list[str]:
    """Return the names of the library's tasks that are still running, after those that end now have had their turn."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    names = [task.get_name() for task in asyncio.all_tasks() - before]
    return sorted(name for name in names if name.startswith("brokerwire"))
