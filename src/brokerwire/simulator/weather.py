"""Weather: a TCP proxy on loopback that makes the network between a client and a server as bad as asked."""

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias
from urllib.parse import urlsplit

import msgspec

from brokerwire.simulator.conditions import Condition, parse_condition

_HOST = "127.0.0.1"
_PIECE_BYTES = 65_536
_WAITING_PIECES = 64

Target: TypeAlias = tuple[str, int]
"""The host and port of a server."""


class Weather:
    """A TCP proxy in front of one server, or of several. ``set`` and ``clear`` change it while it runs.

    With ``port`` 0 a free one is picked. ``seed`` makes its dice repeatable. It reads no clock but the running loop's.

    Args:
        target_host: Where the server listens.
        target_port: And at which port.
        port: Where to listen on 127.0.0.1; free ones serve the targets after the first.
        seed: Seeds the dice.
        conditions: What is wrong from the beginning, as given to ``set``.

    Raises:
        ValueError: A condition is unknown.
    """

    def __init__(
        self, target_host: str, target_port: int, *, port: int = 0, seed: int = 0, conditions: Iterable[str] = ()
    ) -> None:
        self.port = port
        self.accepted = 0
        self.epoch = 0
        self._doors: dict[Target, int] = {(target_host, target_port): port}
        self._rng = random.Random(seed)
        self._conditions: dict[str, Condition] = {}
        self._changed = asyncio.Event()
        self._links: dict[_Link, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        for script in conditions:
            self.set(script)

    @classmethod
    def before(cls, address: str, *others: str, **options: Any) -> "Weather":
        """Return a proxy in front of base addresses such as ``ws://127.0.0.1:8080``; those of one server share a port.

        Raises:
            ValueError: An address lacks its host or port, or a condition is unknown.
        """
        weather = cls(*_target_of(address), **options)
        for other in others:
            weather._doors.setdefault(_target_of(other), 0)
        return weather

    def endpoints(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return base addresses in which those of the targets lead here."""
        return {key: self._through(address) for key, address in given.items()}

    def _through(self, address: str) -> str:
        parts = urlsplit(address)
        port = self._doors.get((parts.hostname or "", parts.port or 0))
        return address if port is None else parts._replace(netloc=f"{_HOST}:{port}").geturl()

    # The conditions

    def set(self, script: str, **options: Any) -> None:
        """Make something wrong, on open connections too; ``script`` as ``parse_condition`` reads it.

        Raises:
            ValueError: The name is unknown, or an option or its value is wrong.
        """
        condition = parse_condition(script, **options)
        self.epoch += 1
        self._conditions[condition.name] = msgspec.structs.replace(condition, epoch=self.epoch)
        self._tell()

    def clear(self, name: str | None = None) -> None:
        """Make one thing right again, or everything."""
        if name is None:
            self._conditions.clear()
        else:
            self._conditions.pop(name.partition(":")[0], None)
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
        for link in list(self._links):
            link.look()

    def conditions(self) -> list[Condition]:
        """Return the conditions that are on, oldest first."""
        return sorted(self._conditions.values(), key=lambda condition: condition.epoch)

    def find(self, name: str) -> Condition | None:
        """Return a condition that is on."""
        return self._conditions.get(name)

    async def change(self) -> None:
        """Return when a condition has been switched on or off."""
        await self._changed.wait()

    def uniform(self, low: float, high: float) -> float:
        """Return a number from the seeded dice."""
        return self._rng.uniform(low, high)

    def spend(self, condition: Condition) -> None:
        """Count that a condition has cut one connection."""
        current = self._conditions.get(condition.name)
        if current is None or current.times is None or current.epoch != condition.epoch:
            return
        if current.times <= 1:
            self.clear(current.name)
        else:
            self._conditions[current.name] = msgspec.structs.replace(current, times=current.times - 1)

    # The connections

    def __len__(self) -> int:
        return len(self._links)

    def drop(self) -> int:
        """Reset every connection; returns how many."""
        links = list(self._links)
        for link in links:
            link.reset()
        return len(links)

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: The port is taken.
        """
        for target, port in self._doors.items():
            try:
                server = await asyncio.start_server(partial(self._welcome, target), _HOST, port, limit=_PIECE_BYTES)
            except OSError as exc:
                await self.close()
                raise OSError(exc.errno, f"cannot listen on {_HOST}:{port}: {exc.strerror or exc}") from exc
            self._servers.append(server)
            self._doors[target] = server.sockets[0].getsockname()[1]
        self.port = next(iter(self._doors.values()))

    def _welcome(self, target: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.create_task(self._serve(target, reader, writer), name="weather connection")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda done: _abort(writer) if done.cancelled() else None)

    async def _serve(self, target: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far = await asyncio.open_connection(*target, limit=_PIECE_BYTES)
        except OSError:
            _abort(writer)
            return
        link = _Link(self, near=(reader, writer), far=far)
        self._links[link] = None
        try:
            await link.run()
        finally:
            del self._links[link]

    async def close(self) -> None:
        """Stop listening and reset what is open; safe to call twice."""
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()
        self.drop()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for server in servers:
            await server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class _Link:
    """One connection of a client, and the one to the server that was made for it."""

    def __init__(
        self,
        weather: Weather,
        *,
        near: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        far: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._weather = weather
        self._epoch = weather.epoch
        self._near = near[1]
        self._far = far[1]
        self._drawn: dict[str, tuple[int, bool]] = {}
        self._is_half = False
        self._carrying = 2
        self._over = asyncio.Event()
        self._pipes = (
            _Pipe(self, weather, way="up", reader=near[0], writer=far[1]),
            _Pipe(self, weather, way="down", reader=far[0], writer=near[1]),
        )

    async def run(self) -> None:
        """Carry both ways until both have ended, or the link is cut."""
        tasks = [asyncio.create_task(self._carry(pipe), name=f"weather {pipe.way}") for pipe in self._pipes]
        self.look()
        try:
            await self._over.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for writer in (self._near, self._far):
                writer.close()
            for writer in (self._near, self._far):
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    async def _carry(self, pipe: "_Pipe") -> None:
        await pipe.run()
        self._carrying -= 1
        if self._carrying == 0:
            self._over.set()

    @property
    def is_half(self) -> bool:
        """Whether the server's side is gone unnoticed."""
        return self._is_half

    def suffers(self, name: str, way: str) -> Condition | None:
        """Return the condition if it is on for this connection and direction; the dice are thrown once."""
        condition = self._weather.find(name)
        if condition is None or condition.direction not in (way, "both"):
            return None
        if condition.reach == "open" and condition.epoch <= self._epoch:
            return None
        drawn = self._drawn.get(name)
        if drawn is None or drawn[0] != condition.epoch:
            drawn = (condition.epoch, self._weather.uniform(0.0, 1.0) < condition.probability)
            self._drawn[name] = drawn
        return condition if drawn[1] else None

    def look(self) -> None:
        """See whether a condition strikes without waiting for data."""
        if not self._is_half and (condition := self.suffers("half_open", "down")) is not None:
            self._is_half = True
            _abort(self._far)
            self._weather.spend(condition)
        reset = self.suffers("reset", "up") or self.suffers("reset", "down")
        if reset is not None and reset.amount == 0:
            self.reset()
            self._weather.spend(reset)

    def reset(self) -> None:
        """Reset both sides."""
        _abort(self._near)
        _abort(self._far)
        self._over.set()

    def cut(self, condition: Condition) -> None:
        """Reset both sides for a condition, which counts it."""
        self.reset()
        self._weather.spend(condition)

    def end(self, condition: Condition) -> None:
        """End both sides, cleanly, once what was sent has left."""
        self._over.set()
        self._weather.spend(condition)


class _Pipe:
    """One direction of one connection: one task reads, one writes when it is time."""

    def __init__(
        self,
        link: _Link,
        weather: Weather,
        *,
        way: Literal["up", "down"],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.way = way
        self._link = link
        self._weather = weather
        self._reader = reader
        self._writer = writer
        self._now: Callable[[], float] = asyncio.get_running_loop().time
        self._waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_WAITING_PIECES)
        self._due = 0.0
        self._passed: dict[str, tuple[int, int]] = {}

    async def run(self) -> None:
        """Carry everything, then the end."""
        reading = asyncio.create_task(self._read(), name=f"weather read {self.way}")
        try:
            await self._write()
        except (ConnectionError, OSError):
            self._broken()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    def _broken(self) -> None:
        if not self._link.is_half:
            self._link.reset()

    async def _read(self) -> None:
        """Stamp each piece with the moment at which it may arrive; an empty one is the end."""
        data = b"x"
        while data:
            try:
                data = await self._reader.read(_PIECE_BYTES)
            except (ConnectionError, OSError):
                self._broken()
                return
            self._due = max(self._due, self._now() + self._latency_s(is_end=not data))
            await self._waiting.put((self._due, data))

    def _latency_s(self, *, is_end: bool) -> float:
        latency = self._link.suffers("latency", self.way)
        slow = self._link.suffers("slow_close", self.way) if is_end else None
        total = 0.0 if slow is None else slow.number(1.0)
        if latency is not None:
            total += latency.number(0.1) + self._weather.uniform(0.0, latency.jitter_s)
        return total

    async def _write(self) -> None:
        while True:
            due, data = await self._waiting.get()
            if due > self._now():
                await asyncio.sleep(due - self._now())
            if not data:
                await self._pass_end()
                return
            await self._pass(data)

    async def _pass_end(self) -> None:
        await self._clear_sky()
        if self._link.is_half:
            if self.way == "down":
                await asyncio.Event().wait()
            return
        self._writer.write_eof()

    async def _clear_sky(self) -> None:
        while self._link.suffers("black_hole", self.way) is not None:
            await self._weather.change()

    async def _pass(self, data: bytes) -> None:
        while data:
            slicer = self._link.suffers("slicer", self.way)
            size = len(data) if slicer is None else max(1, int(slicer.number(1)))
            piece, data = data[:size], data[size:]
            await self._pace(len(piece), slicer)
            await self._clear_sky()
            if self._link.is_half or self._is_cut(piece):
                return
            self._writer.write(piece)
            await self._writer.drain()

    async def _pace(self, size: int, slicer: Condition | None) -> None:
        band = self._link.suffers("bandwidth", self.way)
        delay_s = 0.0 if slicer is None else slicer.delay_s
        if band is not None and band.amount:
            delay_s += size / band.amount
        if delay_s > 0:
            await asyncio.sleep(delay_s)

    def _is_cut(self, piece: bytes) -> bool:
        """Send what still passes of a piece inside which the connection is reset or ended; tells whether it is."""
        for name, cut in (("reset", self._link.cut), ("limit_data", self._link.end)):
            condition = self._link.suffers(name, self.way)
            if condition is None:
                continue
            left = self._left(condition, len(piece))
            if left < len(piece):
                self._writer.write(piece[:left])
                cut(condition)
                return True
        return False

    def _left(self, condition: Condition, size: int) -> int:
        """Return how many bytes may still pass under a condition, and count ``size`` as passed."""
        if condition.amount is None:
            return int(self._weather.uniform(0, size))
        epoch, passed = self._passed.get(condition.name, (condition.epoch, 0))
        passed = passed if epoch == condition.epoch else 0
        self._passed[condition.name] = (condition.epoch, passed + size)
        return max(0, int(condition.amount) - passed)


def _target_of(address: str) -> Target:
    parts = urlsplit(address)
    if parts.hostname is None or parts.port is None:
        raise ValueError(f"an address with host and port is needed, not {address!r}")
    return parts.hostname, parts.port


def _abort(writer: asyncio.StreamWriter) -> None:
    """Reset one side; a zero linger makes the kernel send RST instead of FIN."""
    transport = writer.transport
    sock = transport.get_extra_info("socket")
    if sock is not None and not transport.is_closing():
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
