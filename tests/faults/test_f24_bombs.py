"""F24: what is too large, plainly or inflated, is refused while it comes in; nothing cut short is delivered."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.faults import frames
from tests.faults.bombs import BOMB_BYTES, CHART_LIMIT_BYTES, KINDS, LIMIT_BYTES, BombAnswers
from tests.faults.conftest import CANARIES, IS_FULL, Row
from tests.faults.venues import VENUES
from tests.faults.waiting import until

from brokerwire import ProtocolError
from brokerwire.doctor.bombs import GOOD_FRAMES, MIB, BombServer
from brokerwire.transport.http import MAX_BODY_BYTES

STREAMS = [
    ("binance", "oversize", 1009),
    ("binance", "endless", None),
    ("binance", "fragments", 1009),
    ("binance", "small_fragments", None),
    ("binance", "deflate", 1002),  # compression is never agreed on: not a byte is inflated
    ("tradestation", "line", None),
    ("tradestation", "gzip", None),
    ("tradingview", "oversize chart", 1009),
    ("tradingview", "endless", None),
    ("tradingview", "fragments of a chart", 1009),
    ("tradingview", "deflate", 1002),
]
LIMITS = dict.fromkeys(VENUES, LIMIT_BYTES) | {"tradingview": CHART_LIMIT_BYTES}
REQUESTS = [("tradestation", "gzip"), ("binance", "gzip"), ("tradestation", "line")]
PROGRAM = Path(__file__).with_name("bomb_target.py")
SLACK_BYTES = 16 * MIB
IN_FLIGHT_BYTES = (
    32 * MIB
)  # what the buffers of two sockets may hold, which the kernel sizes as it likes; a bomb has 128 and more


async def stream_of(row: Row, venue: str, bomb: str) -> BombServer:
    server = BombServer(venue, KINDS[bomb], size=BOMB_BYTES)
    await server.start()
    row.owned.append(server)
    return server


async def answers_of(row: Row, venue: str, bomb: str, *, path: str = "request") -> BombAnswers:
    server = BombAnswers(venue, KINDS[bomb], path=path)
    await server.start()
    row.owned.append(server)
    return server


@pytest.mark.parametrize(("venue", "bomb", "code"), STREAMS)
def test_a_stream_that_blows_up_is_ended_and_dialled_anew_and_delivers_whole_messages_only(
    row: Row, venue: str, bomb: str, code: int | None
) -> None:
    async def main(row: Row) -> None:
        place = await stream_of(row, venue, bomb)
        watch = await row.watch(row.client(place), "quotes", frames.SYMBOLS[venue], flows=False)
        await until(lambda: len(watch.events) >= 2 * GOOD_FRAMES)
        assert watch.states[:3] == ["live", "recovering", "live"]
        assert [event.bid for event in watch.events] == [1.5, 2.5, 3.5] * 2
        assert len(watch.gaps) == 1
        assert place.dials == 2
        assert code is None or place.close_codes == [code]  # who is still sending may not hear it
        assert place.sent_bytes <= LIMITS[venue] + IN_FLIGHT_BYTES
        assert watch.subscription.stats.received == 2 * GOOD_FRAMES

    row.in_real_time(main)


@pytest.mark.parametrize(("venue", "bomb"), REQUESTS)
@pytest.mark.parametrize("path", ["request", "token"])
def test_an_answer_that_blows_up_is_refused_by_its_inflated_size(row: Row, venue: str, bomb: str, path: str) -> None:
    async def main(row: Row) -> None:
        place = await answers_of(row, venue, bomb, path=path)
        client = row.client(place)
        with pytest.raises(ProtocolError, match=str(MAX_BODY_BYTES)) as caught:
            await client.market_data.get_bars(frames.SYMBOLS[venue])
        assert caught.value.action == "stop"
        assert place.sent_bytes <= MAX_BODY_BYTES + IN_FLIGHT_BYTES

    row.in_real_time(main)


if IS_FULL:  # it starts processes

    @pytest.mark.process
    @pytest.mark.parametrize(("venue", "bomb"), [case[:2] for case in STREAMS])
    def test_the_memory_of_a_listener_grows_by_the_limit_and_a_little(row: Row, venue: str, bomb: str) -> None:
        async def main(row: Row) -> None:
            place = await stream_of(row, venue, bomb)
            said = await hit(place, asks=False)
            assert said["heard"] == [1.5, 2.5, 3.5] * 2
            report(f"{venue} {bomb}", said, LIMITS[venue])

        row.in_real_time(main)

    @pytest.mark.process
    @pytest.mark.parametrize(("venue", "bomb"), REQUESTS)
    def test_the_memory_of_a_caller_grows_by_the_limit_and_a_little(row: Row, venue: str, bomb: str) -> None:
        async def main(row: Row) -> None:
            place = await answers_of(row, venue, bomb)
            said = await hit(place, asks=True)
            assert said["error"].startswith("ProtocolError")
            report(f"{venue} {bomb} as an answer", said, MAX_BODY_BYTES)

        row.in_real_time(main)


async def hit(place: BombServer | BombAnswers, *, asks: bool) -> dict[str, Any]:
    """Let a process of its own meet the bomb."""
    settings = {"venue": place.venue, "endpoints": place.endpoints, "credentials": CANARIES[place.venue]}
    text = msgspec.json.encode({**settings, "symbol": frames.SYMBOLS[place.venue], "asks": asks}).decode()
    process = await asyncio.create_subprocess_exec(sys.executable, str(PROGRAM), text, stdout=asyncio.subprocess.PIPE)
    said, _ = await asyncio.wait_for(process.communicate(), 50)
    assert process.returncode == 0
    answer: dict[str, Any] = msgspec.json.decode(said)
    return answer


def report(what: str, said: dict[str, Any], limit: int) -> None:
    assert said["grown"] <= limit + SLACK_BYTES
    sizes = f"{said['grown'] / MIB:.1f} MiB for {BOMB_BYTES / MIB:.0f}, limit {limit / MIB:.0f}"
    print(f"{what}: {sizes}")  # noqa: T201  # figures
