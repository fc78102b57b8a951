import asyncio
from typing import Any

import pytest

from brokerwire.compat.tvkit.packets import MOST_FRAMES, PacketReader, PacketTap, packets_of
from brokerwire.venues.tradingview.wire import pack


def test_packets_are_told_apart_and_heartbeats_are_not_shown() -> None:
    frame = pack(b'{"m":"du","p":["cs_1"]}') + pack(b"~h~7") + pack(b'{"session_id":"x"}') + pack(b"[1]") + pack(b"{")
    assert packets_of(frame) == [{"m": "du", "p": ["cs_1"]}, {"session_id": "x"}]


def test_what_can_be_read_of_a_broken_frame_is_shown() -> None:
    assert packets_of(pack(b'{"m":"a"}') + b"rubbish" + pack(b'{"m":"b"}')) == [{"m": "a"}, {"m": "b"}]
    assert packets_of(b"\xff\xfe") == []


async def test_a_slow_reader_loses_the_oldest_and_it_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    tap = PacketTap()
    with tap.reading() as reader:
        tap._take([pack(b'{"m":"%d"}' % number) for number in range(MOST_FRAMES + 5)])
        tap._take([pack(b'{"m":"last"}')])
        assert tap.health() == {"readers": 1, "dropped": 6}
        assert (await anext(reader.packets()))["m"] == "6"
    assert [record.message for record in caplog.records] == ["raw packets are read too slowly; the oldest are dropped"]
    assert tap.health() == {"readers": 0, "dropped": 0}


async def test_an_end_is_told_after_what_waits() -> None:
    reader = PacketReader()
    packets = reader.packets()
    waiting: asyncio.Task[Any] = asyncio.ensure_future(anext(packets))
    await asyncio.sleep(0)
    reader.take([pack(b'{"m":"a"}')])
    reader.fail(RuntimeError("gone"))
    assert await waiting == {"m": "a"}
    with pytest.raises(RuntimeError, match="gone"):
        await anext(packets)
