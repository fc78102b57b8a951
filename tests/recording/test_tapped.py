"""A wire that is heard does what the wire does."""

from collections.abc import Sequence

import pytest

from brokerwire.errors import ConnectionLostError
from brokerwire.recording.tapped import TappedTransport
from brokerwire.transport.frame_transport import ConnectionEnd, OnFrames, ReadGate
from brokerwire.typedefs import Frame


class Wire:
    """A wire with two batches on it."""

    def __init__(self) -> None:
        self.reading = ReadGate()
        self.calls: list[object] = []

    async def pump(self, on_frames: OnFrames) -> ConnectionEnd:
        on_frames([b"1", b"2"])
        on_frames([b"3"])
        return ConnectionEnd(reason="over")

    async def send(self, frame: Frame) -> None:
        if frame == b"late":
            raise ConnectionLostError("gone")
        self.calls.append(frame)

    def hurry(self) -> None:
        self.calls.append("hurry")

    async def close(self) -> None:
        self.calls.append("close")


class Ear:
    """Writes down what is heard, in order."""

    def __init__(self, wire: Wire) -> None:
        self.heard: list[object] = []
        self.transport = TappedTransport(
            wire,
            received=lambda frames: self.heard.append(list(frames)),
            sent=lambda frame: self.heard.append(("sent", frame)),
            ended=lambda: self.heard.append("ended"),
        )


async def test_batches_are_heard_before_they_are_passed_on() -> None:
    wire = Wire()
    ear = Ear(wire)

    def on_frames(frames: Sequence[Frame]) -> None:
        ear.heard.append(tuple(frames))

    end = await ear.transport.pump(on_frames)
    assert end.reason == "over"
    assert ear.heard == [[b"1", b"2"], (b"1", b"2"), [b"3"], (b"3",)]
    assert ear.transport.reading is wire.reading


async def test_frame_is_heard_when_it_has_left() -> None:
    wire = Wire()
    ear = Ear(wire)
    await ear.transport.send(b"a")
    with pytest.raises(ConnectionLostError):
        await ear.transport.send(b"late")
    ear.transport.hurry()
    assert (ear.heard, wire.calls) == ([("sent", b"a")], [b"a", "hurry"])


async def test_end_is_heard_once() -> None:
    wire = Wire()
    ear = Ear(wire)
    await ear.transport.close()
    await ear.transport.close()
    assert (ear.heard, wire.calls) == (["ended"], ["close", "close"])
