import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from brokerwire.errors import UnsupportedError, VenueUnavailableError
from brokerwire.transport.poll import PollTransport
from brokerwire.venue import Response


class Venue:
    """Answers with its count, and fails once it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.fails_after = 10**6

    async def fetch(self) -> Response:
        self.asked += 1
        if self.asked > self.fails_after:
            raise VenueUnavailableError("down")
        return Response(200, {}, b"%d" % self.asked)


def poll(venue: Venue, virtual: Any) -> PollTransport:
    return PollTransport(Response(200, {}, b"0"), fetch=venue.fetch, interval_s=5.0, clock=virtual.clock)


def test_every_answer_is_a_frame_at_the_interval(virtual: Any) -> None:
    async def main() -> None:
        venue = Venue()
        frames: list[tuple[float, bytes]] = []
        transport = poll(venue, virtual)

        def take(batch: Sequence[bytes]) -> None:
            frames.extend((virtual.clock.monotonic(), frame) for frame in batch)

        reader = asyncio.create_task(transport.pump(take))
        await virtual.clock.sleep(16)
        await transport.close()
        end = await reader
        assert frames[:4] == [(0.0, b"0"), (5.0, b"1"), (10.0, b"2"), (15.0, b"3")]
        assert end.error is None

    virtual(main)


def test_who_hurries_it_has_it_ask_soon_but_not_more_than_once_a_second(virtual: Any) -> None:
    async def main() -> None:
        times: list[float] = []
        transport = poll(Venue(), virtual)
        reader = asyncio.create_task(transport.pump(lambda _: times.append(virtual.clock.monotonic())))
        await virtual.clock.sleep(2)
        transport.hurry()
        for _ in range(25):
            await virtual.clock.sleep(0.1)
            transport.hurry()
        await virtual.clock.sleep(6)
        await transport.close()
        await reader
        assert [round(time, 1) for time in times[:6]] == [0.0, 2.0, 3.0, 4.0, 5.0, 10.0]

    virtual(main)


def test_a_refusal_ends_the_stream_with_its_error(virtual: Any) -> None:
    async def main() -> None:
        venue = Venue()
        venue.fails_after = 2
        frames: list[bytes] = []
        end = await poll(venue, virtual).pump(frames.extend)
        assert frames == [b"0", b"1", b"2"]
        assert isinstance(end.error, VenueUnavailableError)

    virtual(main)


def test_a_shut_gate_stops_the_asking(virtual: Any) -> None:
    async def main() -> None:
        venue = Venue()
        frames: list[bytes] = []
        transport = poll(venue, virtual)
        transport.reading.shut()
        reader = asyncio.create_task(transport.pump(frames.extend))
        await virtual.clock.sleep(60)
        assert venue.asked == 0
        transport.reading.open()
        await virtual.clock.sleep(7)
        assert frames[:2] == [b"0", b"1"]
        await transport.close()
        await transport.close()
        await reader

    virtual(main)


async def test_a_polled_stream_carries_nothing_to_the_server() -> None:
    transport = PollTransport(Response(200), fetch=Venue().fetch, interval_s=5.0, clock=None)  # type: ignore[arg-type]  # never read
    with pytest.raises(UnsupportedError):
        await transport.send(b"{}")


def test_a_closed_stream_asks_no_more(virtual: Any) -> None:
    async def main() -> None:
        venue = Venue()
        frames: list[bytes] = []
        transport = poll(venue, virtual)
        reader = asyncio.create_task(transport.pump(frames.extend))
        await virtual.clock.sleep(1)
        await transport.close()
        await reader
        assert (venue.asked, frames) == (0, [b"0"])

    virtual(main)
