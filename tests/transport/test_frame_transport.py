import asyncio

from brokerwire.errors import ConnectionLostError
from brokerwire.transport.frame_transport import ConnectionEnd, ReadGate


async def test_open_gate_lets_the_reader_pass_at_once() -> None:
    gate = ReadGate()
    assert not gate.is_shut
    await asyncio.wait_for(gate.passage(), 1)


async def test_shut_gate_holds_the_reader_until_it_is_opened() -> None:
    gate = ReadGate()
    gate.shut()
    reader = asyncio.create_task(gate.passage())
    await asyncio.sleep(0)
    assert gate.is_shut
    assert not reader.done()
    gate.open()
    await asyncio.wait_for(reader, 1)


async def test_gate_can_be_shut_again_after_it_was_opened() -> None:
    gate = ReadGate()
    gate.shut()
    gate.open()
    gate.shut()
    reader = asyncio.create_task(gate.passage())
    await asyncio.sleep(0)
    assert not reader.done()
    gate.open()
    await asyncio.wait_for(reader, 1)


async def test_opening_an_open_gate_changes_nothing() -> None:
    gate = ReadGate()
    gate.open()
    await asyncio.wait_for(gate.passage(), 1)


def test_an_end_says_nothing_unless_told() -> None:
    assert ConnectionEnd() == ConnectionEnd(None, "", None)
    error = ConnectionLostError("gone")
    assert ConnectionEnd(1006, "x", error).error is error
