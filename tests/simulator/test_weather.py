"""The proxy's conditions, seen from both ends of real sockets; time is virtual."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from tests.conftest import VirtualRun

from brokerwire.simulator import Simulator
from brokerwire.simulator.conditions import KNOWN_WEATHER
from brokerwire.simulator.server import known_venues
from brokerwire.simulator.weather import Weather

HOST = "127.0.0.1"


class Echo:
    """A server that sends back what it gets and remembers how each connection ended."""

    def __init__(self) -> None:
        self.ends: list[str] = []
        self.writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None
        self._handlers: set[asyncio.Task[None]] = set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        task.add_done_callback(self._handlers.discard)
        self.writers.append(writer)
        try:
            while data := await reader.read(100_000):
                writer.write(data)
                await writer.drain()
            self.ends.append("end")
        except ConnectionError:
            self.ends.append("reset")
        finally:
            writer.close()

    async def ended(self, how: str, within_s: float = 60.0) -> float:
        async with asyncio.timeout(within_s):
            while how not in self.ends:  # noqa: ASYNC110  # virtual time: a poll costs nothing
                await asyncio.sleep(0.01)
        return now()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        try:
            yield self._server.sockets[0].getsockname()[1]
        finally:
            self._server.close()
            for task in list(self._handlers):
                task.cancel()
            await asyncio.gather(*self._handlers, return_exceptions=True)
            await self._server.wait_closed()


class Caller:
    """A client's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def get(self, count: int, within_s: float = 60.0) -> bytes:
        async with asyncio.timeout(within_s):
            return await self.reader.readexactly(count)

    async def rest(self, within_s: float = 60.0) -> bytes:
        async with asyncio.timeout(within_s):
            return await self.reader.read()


def now() -> float:
    return asyncio.get_running_loop().time()


class Scene:
    """An echo server behind the weather, and callers."""

    def __init__(self, weather: Weather, echo: Echo) -> None:
        self.weather = weather
        self.echo = echo
        self.callers: list[Caller] = []

    async def call(self) -> Caller:
        caller = Caller(*await asyncio.open_connection(HOST, self.weather.port))
        self.callers.append(caller)
        caller.send(b"hello")
        return caller

    async def talking(self) -> Caller:
        caller = await self.call()
        assert await caller.get(5) == b"hello"
        return caller


def play(virtual: VirtualRun, main: Callable[[Scene], Awaitable[None]], *conditions: str, seed: int = 0) -> None:
    async def run() -> None:
        echo = Echo()
        async with echo.listening() as port, Weather(HOST, port, seed=seed, conditions=conditions) as weather:
            scene = Scene(weather, echo)
            try:
                await main(scene)
            finally:
                for caller in scene.callers:
                    caller.writer.transport.abort()

    virtual(run)


def test_in_fair_weather_everything_passes_and_so_does_the_end(virtual: VirtualRun) -> None:
    async def main(scene: Scene) -> None:
        caller = await scene.call()
        caller.send(b"x" * 3_000_000)
        caller.writer.write_eof()
        assert await caller.rest() == b"hello" + b"x" * 3_000_000
        assert scene.echo.ends == ["end"]

    play(virtual, main)


def test_latency_and_jitter_delay_each_way_and_keep_the_order(virtual: VirtualRun) -> None:
    async def main(scene: Scene) -> None:
        scene.weather.set("latency:0.2", jitter_s=0.1)
        began = now()
        await scene.talking()
        assert 0.4 <= now() - began <= 0.61
        caller = scene.callers[0]
        for number in range(50):
            caller.send(b"%03d" % number)
            await asyncio.sleep(0.01)
        assert await caller.get(150) == b"".join(b"%03d" % number for number in range(50))

    play(virtual, main)


def test_latency_does_not_limit_what_passes_in_a_second(virtual: VirtualRun) -> None:
    async def main(scene: Scene) -> None:
        scene.weather.set("latency:0.5", direction="down")
        caller = await scene.call()
        began = now()
        for _ in range(20):
            caller.send(b"y" * 1000)
            await asyncio.sleep(0.01)
        await caller.get(20_005)
        assert now() - began < 1.0

    play(virtual, main)


def test_bandwidth_is_bytes_a_second(virtual: VirtualRun) -> None:
    async def main(scene: Scene) -> None:
        caller = await scene.talking()
        scene.weather.set("bandwidth:10000", direction="up")
        began = now()
        for _ in range(10):
            caller.send(b"z" * 5_000)
            await asyncio.sleep(0)
        await caller.get(50_000)
        assert 4.4 <= now() - began <= 5.6

    play(virtual, main)


def test_the_slicer_sends_a_byte_a_second(virtual: VirtualRun) -> None:
    async def main(scene: Scene) -> None:
        scene.weather.set("slicer:1", delay_s=1.0, direction="down")
        began = now()
        caller = await scene.call()
        assert await caller.get(1) == b"h"
        assert await caller.get(4) == b"ello"
        assert 3.9 <= now() - began <= 5.1

    play(virtual, main)


def test_a_black_hole_holds_everything_even_the_end_until_it_is_gone(virtual: VirtualRun) -> None:
    async def main(scene: Scene) -> None:
        caller = await scene.talking()
        scene.weather.set("black_hole")
        caller.send(b"late")
        caller.writer.write_eof()
        with pytest.raises(TimeoutError):
            await caller.get(4, within_s=3600)
        assert scene.echo.ends == []
        scene.weather.clear("black_hole")
        assert await caller.rest() == b"late"
        await scene.echo.ended("end")

    play(virtual, main)


def test_a_black_hole_swallows_new_connections_too(virtual: VirtualRun) -> None:
    async def main(scene: Scene) -> None:
        caller = await scene.call()
        with pytest.raises(TimeoutError):
            await caller.get(1, within_s=60)

    play(virtual, main, "black_hole")


@pytest.mark.parametrize("seed", range(5))
def test_a_reset_cuts_the_next_piece_at_a_random_byte(virtual: VirtualRun, seed: int) -> None:
    async def main(scene: Scene) -> None:
        caller = await scene.talking()
        scene.weather.set("reset", direction="down", times=1)
        caller.send(b"0123456789")
        got: list[bytes] = []

        async def hear_it_out() -> None:
            while True:
                got.append(await caller.get(1))

        with pytest.raises(ConnectionResetError):
            await hear_it_out()
        assert b"0123456789".startswith(b"".join(got))
        assert len(got) < 10
        await scene.echo.ended("reset")
        await scene.talking()

    play(virtual, main, seed=seed)


def test_a_reset_after_so_many_bytes_counts_them(virtual: VirtualRun) -> None:
    async def main(scene: Scene) -> None:
        scene.weather.set("reset:8", direction="down")
        caller = await scene.talking()
        caller.send(b"abcdef")
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await caller.get(6)

    play(virtual, main)


def test_a_reset_after_no_byte_strikes_idle_connections(virtual: VirtualRun) -> None:
    async def main(scene: Scene) -> None:
        caller = await scene.talking()
        scene.weather.set("reset:0")
        with pytest.raises(ConnectionResetError):
            await caller.get(1)

    play(virtual, main)


def test_a_slow_close_passes_the_end_on_late(virtual: VirtualRun) -> None:
    async def main(scene: Scene) -> None:
        caller = await scene.talking()
        scene.weather.set("slow_close:7", direction="up")
        began = now()
        caller.writer.write_eof()
        assert 7.0 <= await scene.echo.ended("end") - began <= 7.1

    play(virtual, main)


def test_half_open_is_noticed_by_the_server_alone(virtual: VirtualRun) -> None:
    async def main(scene: Scene) -> None:
        caller = await scene.talking()
        scene.weather.set("half_open", times=1)
        await scene.echo.ended("reset")
        for _ in range(3):
            caller.send(b"anybody there?")
            with pytest.raises(TimeoutError):
                await caller.get(1, within_s=3600)
        await scene.talking()

    play(virtual, main)


def test_limited_data_ends_cleanly_after_so_many_bytes(virtual: VirtualRun) -> None:
    async def main(scene: Scene) -> None:
        scene.weather.set("limit_data:7", direction="down")
        caller = await scene.talking()
        caller.send(b"abcdef")
        assert await caller.rest() == b"ab"

    play(virtual, main)


def test_the_dice_are_thrown_once_for_each_connection_and_repeat_with_the_seed(virtual: VirtualRun) -> None:
    outcomes: list[list[bool]] = []

    async def main(scene: Scene) -> None:
        scene.weather.set("black_hole", probability=0.5, direction="down")
        fates = []
        for _ in range(20):
            caller = await scene.call()
            try:
                fates.append(await caller.get(5, within_s=1.0) == b"hello")
            except TimeoutError:
                fates.append(False)
        outcomes.append(fates)

    for _ in range(2):
        play(virtual, main, seed=3)
    assert outcomes[0] == outcomes[1]
    assert 4 <= sum(outcomes[0]) <= 16


def test_a_condition_may_reach_only_the_connections_that_are_open(virtual: VirtualRun) -> None:
    async def main(scene: Scene) -> None:
        old = await scene.talking()
        scene.weather.set("black_hole", reach="open")
        await scene.talking()
        old.send(b"x")
        with pytest.raises(TimeoutError):
            await old.get(1, within_s=5)

    play(virtual, main)


def test_dropping_resets_everybody(virtual: VirtualRun) -> None:
    async def main(scene: Scene) -> None:
        callers = [await scene.talking() for _ in range(3)]
        assert len(scene.weather) == 3
        assert scene.weather.drop() == 3
        for caller in callers:
            with pytest.raises(ConnectionResetError):
                await caller.get(1)

    play(virtual, main)


def test_a_server_that_is_not_there_is_a_reset(virtual: VirtualRun) -> None:
    async def main() -> None:
        async with Weather(HOST, 1) as weather:
            reader, writer = await asyncio.open_connection(HOST, weather.port)
            with pytest.raises(ConnectionResetError):
                await reader.readexactly(1)
            writer.close()

    virtual(main)


def test_endpoints_of_the_target_lead_through_the_proxy(virtual: VirtualRun) -> None:
    async def main() -> None:
        async with Simulator("binance", clock=virtual.clock) as simulator:
            weather = Weather.before(simulator.endpoints["stream"])
            async with weather:
                endpoints = weather.endpoints(simulator.endpoints)
                assert endpoints["stream"] == f"ws://127.0.0.1:{weather.port}"
                assert weather.port != int(simulator.endpoints["stream"].rpartition(":")[2])

    virtual(main)


def test_endpoints_of_other_servers_stay_as_they_are() -> None:
    weather = Weather.before("ws://127.0.0.1:4711")
    assert weather.endpoints({"rest": "http://127.0.0.1:4712"}) == {"rest": "http://127.0.0.1:4712"}


async def test_closing_at_once_resets_whoever_has_only_just_come() -> None:
    async with Echo().listening() as port:
        for turns in range(4):
            weather = Weather(HOST, port)
            await weather.start()
            reader, writer = await asyncio.open_connection(HOST, weather.port)
            while not weather.accepted:  # noqa: ASYNC110  # each turn of the loop counts here
                await asyncio.sleep(0)
            for _ in range(turns):
                await asyncio.sleep(0)
            await weather.close()
            await weather.close()
            with pytest.raises(ConnectionError):
                await asyncio.wait_for(reader.readexactly(1), 5)
            writer.close()


def test_a_condition_cuts_as_many_connections_as_it_was_told_to(virtual: VirtualRun) -> None:
    async def main(scene: Scene) -> None:
        scene.weather.set("reset:0", times=2)
        for _ in range(2):
            caller = await scene.call()
            with pytest.raises(ConnectionResetError):
                await caller.get(5)
        assert scene.weather.find("reset") is None
        await scene.talking()

    play(virtual, main)


def test_every_condition_can_be_set_and_cleared() -> None:
    weather = Weather(HOST, 1)
    for name in KNOWN_WEATHER:
        weather.set(name if name in {"black_hole", "half_open"} else f"{name}:1")
        assert weather.find(name) is not None
        weather.clear(name)
        assert weather.find(name) is None


@pytest.mark.parametrize(("script", "options"), [("hail", {}), ("reset:soon", {}), ("reset", {"colour": "grey"})])
def test_what_is_unknown_is_refused(script: str, options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="weather"):
        Weather(HOST, 1).set(script, **options)


def test_an_address_without_a_port_is_refused() -> None:
    with pytest.raises(ValueError, match="host and port"):
        Weather.before("ws://127.0.0.1")


def test_several_servers_share_their_weather_and_each_has_a_door(virtual: VirtualRun) -> None:
    async def main() -> None:
        first, second = Echo(), Echo()
        async with first.listening() as one, second.listening() as two:
            addresses = {"rest": f"http://{HOST}:{one}", "auth": f"http://{HOST}:{one}", "stream": f"ws://{HOST}:{two}"}
            async with Weather.before(*addresses.values()) as weather:
                endpoints = weather.endpoints(addresses)
                assert endpoints["rest"] == endpoints["auth"] != endpoints["stream"]
                for address, echo in ((endpoints["rest"], first), (endpoints["stream"], second)):
                    scene = Scene(weather, echo)
                    caller = Caller(*await asyncio.open_connection(HOST, int(address.rpartition(":")[2])))
                    caller.send(b"hello")
                    assert await caller.get(5) == b"hello"
                    weather.set("reset:0", times=1)
                    with pytest.raises(ConnectionResetError):
                        await caller.get(1)
                    await scene.echo.ended("reset")

    virtual(main)


def test_a_port_in_use_is_named_and_nothing_is_left_open(virtual: VirtualRun) -> None:
    async def main() -> None:
        async with Echo().listening() as port:
            weather = Weather(HOST, 1, port=port)
            with pytest.raises(OSError, match=f"{HOST}:{port}"):
                await weather.start()

    virtual(main)


def test_counting_a_cut_leaves_what_the_others_have_passed(virtual: VirtualRun) -> None:
    async def main(scene: Scene) -> None:
        scene.weather.set("limit_data:8", direction="down", times=2)
        first, second = await scene.talking(), await scene.talking()
        first.send(b"abcdef")
        assert await first.rest() == b"abc"
        second.send(b"abcdef")
        assert await second.rest() == b"abc"
        assert scene.weather.conditions() == []

    play(virtual, main)


@pytest.mark.parametrize("venue", known_venues())
def test_every_address_of_a_simulator_leads_through_its_weather(virtual: VirtualRun, venue: str) -> None:
    async def main() -> None:
        async with Simulator(venue, clock=virtual.clock, weather=["reset:0"]) as simulator:
            assert simulator.control not in simulator.endpoints.values()
            for address in simulator.endpoints.values():
                _, _, port = address.rpartition(":")
                caller = Caller(*await asyncio.open_connection(HOST, int(port)))
                with pytest.raises(ConnectionResetError):
                    await caller.get(1)
                caller.writer.close()

    virtual(main)


def test_weather_of_one_kind_can_be_given_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        Simulator("binance", weather=["latency:1s", "latency:2s"])
