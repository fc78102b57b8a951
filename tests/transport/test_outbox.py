import asyncio
from typing import Any

from brokerwire.errors import ConnectionLostError
from brokerwire.testing.virtual_time import VirtualClock
from brokerwire.transport.frame_transport import ConnectionEnd, OnFrames, ReadGate
from brokerwire.transport.outbox import Outbox


class Wire:
    """A wire that notes what is sent and when, and breaks after ``lasts`` frames."""

    def __init__(self, clock: VirtualClock, lasts: int = 10**6) -> None:
        self.sent: list[tuple[float, bytes]] = []
        self.reading = ReadGate()
        self._clock = clock
        self._lasts = lasts

    async def pump(self, on_frames: OnFrames) -> ConnectionEnd:
        return ConnectionEnd()

    async def send(self, frame: bytes) -> None:
        if len(self.sent) >= self._lasts:
            raise ConnectionLostError("gone")
        self.sent.append((self._clock.monotonic(), frame))

    async def close(self) -> None:
        return None


def test_frames_leave_in_order_and_within_the_venues_pace(virtual: Any) -> None:
    async def main() -> None:
        wire = Wire(virtual.clock)
        outbox = Outbox(wire, sends_per_s=5.0, clock=virtual.clock)
        writer = asyncio.create_task(outbox.run())
        outbox.post([b"%d" % number for number in range(10)])
        await virtual.clock.sleep(0.5)
        outbox.post([b"%d" % number for number in range(10, 20)])
        await virtual.clock.sleep(10)
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
        assert [frame for _, frame in wire.sent] == [b"%d" % number for number in range(20)]
        times = [time for time, _ in wire.sent]
        assert max(sum(start <= time < start + 0.999 for time in times) for start in times) <= 5

    virtual(main)


def test_the_writer_ends_when_the_wire_is_gone(virtual: Any) -> None:
    async def main() -> None:
        wire = Wire(virtual.clock, lasts=1)
        outbox = Outbox(wire, sends_per_s=5.0, clock=virtual.clock)
        outbox.post([b"a", b"b", b"c"])
        async with asyncio.timeout(5):
            await outbox.run()
        assert [frame for _, frame in wire.sent] == [b"a"]

    virtual(main)


def test_the_writer_waits_while_there_is_nothing_to_send(virtual: Any) -> None:
    async def main() -> None:
        wire = Wire(virtual.clock)
        outbox = Outbox(wire, sends_per_s=5.0, clock=virtual.clock)
        writer = asyncio.create_task(outbox.run())
        await virtual.clock.sleep(3600)
        assert not writer.done()
        outbox.post([])
        outbox.post([b"late"])
        await virtual.clock.sleep(0.1)
        assert [frame for _, frame in wire.sent] == [b"late"]
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)

    virtual(main)
