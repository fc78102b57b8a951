"""The row about sizes: messages that never end, plainly or when they are inflated."""

from collections.abc import Mapping
from pathlib import Path

from brokerwire.doctor.bombs import BOMB_BYTES, BOMBS, GOOD_FRAMES, MIB, BombServer
from brokerwire.doctor.finding import Figure, Finding
from brokerwire.doctor.listener import Listener
from brokerwire.doctor.ward import Ward

LIMITS: Mapping[str, int] = {"tradestation": 8 * MIB, "binance": 8 * MIB, "tradingview": 16 * MIB}
"""The longest message that each venue's streams take, in bytes."""

SLACK_BYTES = 16 * MIB
IN_FLIGHT_BYTES = 32 * MIB
"""What the buffers of two sockets may hold besides, which the kernel sizes as it likes."""

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


async def endless(ward: Ward) -> Finding:
    """F24: the server sends messages that never end, of every kind that the wire has."""
    before = grown = let_in = wrong = 0
    for bomb in BOMBS[ward.venue].values():
        server = BombServer(ward.venue, bomb)
        await server.start()
        ward.adopt(server)
        before = _memory_after_reset()
        listener = await ward.listen(ward.client(server), "quotes", ward.symbol, flows=False)
        await _heard(ward, listener, 2 * GOOD_FRAMES)
        await listener.subscription.unsubscribe()
        grown = max(grown, _highest_memory() - before)
        let_in = max(let_in, server.sent_bytes)
        wrong += not _heard_whole_messages(listener)
    limit = LIMITS[ward.venue]
    memory = [Figure(name="memory rose by", value=grown / MIB, unit="MiB", at_most=(limit + SLACK_BYTES) / MIB)]
    return Finding(
        f"{len(BOMBS[ward.venue])} messages of {BOMB_BYTES / MIB:g} MiB came: {', '.join(BOMBS[ward.venue])}",
        (
            Figure(name="let in of one", value=let_in / MIB, unit="MiB", at_most=(limit + IN_FLIGHT_BYTES) / MIB),
            *(memory if before else ()),
            Figure(name="streams that did not come back whole", value=wrong, at_most=0),
        ),
    )


async def _heard(ward: Ward, listener: Listener, count: int) -> None:
    await ward.until(lambda: len(listener.events) >= count, f"{count} events")


def _heard_whole_messages(listener: Listener) -> bool:
    """Whether the good messages before the bomb and those of the next connection were heard, with one gap between."""
    bids = [getattr(event, "bid", None) for event in listener.events]
    once = [number + 0.5 for number in range(1, 1 + GOOD_FRAMES)]
    return bids == once * 2 and len(listener.gaps) == 1 and listener.states[:3] == ["live", "recovering", "live"]


def _memory_after_reset() -> int:
    """Begin to look for the highest memory anew; returns what is in use, or was at most, in bytes."""
    try:
        _CLEAR.write_text("5")
    except OSError:  # not allowed here: only what is higher than ever before shows
        return _highest_memory()
    return _bytes_of("VmRSS")


def _highest_memory() -> int:
    return _bytes_of("VmHWM")


def _bytes_of(name: str) -> int:
    lines = _STATUS.read_text().splitlines() if _STATUS.is_file() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), 0)
