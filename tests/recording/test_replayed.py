"""Every kind of stream that was recorded is played again byte for byte."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from brokerwire import Client
from brokerwire.recording import Recorder
from brokerwire.simulator import Simulator
from brokerwire.simulator.recorded import read_recording

WITHIN_S = 25.0
Open = Callable[[Client, Callable[[Any], None]], Awaitable[Any]]

KINDS: dict[str, tuple[str, Open]] = {
    "binance trades": ("binance", lambda c, heard: c.market_data.stream_trades(["BTCUSDT", "ETHUSDT"], heard)),
    "binance depth": ("binance", lambda c, heard: c.market_data.stream_market_depth("BTCUSDT", heard)),
    "binance bars": ("binance", lambda c, heard: c.market_data.stream_bars("BTCUSDT", "1m", heard)),
    "tradestation trades": ("tradestation", lambda c, heard: c.market_data.stream_trades("AAPL", heard)),
    "tradestation depth": ("tradestation", lambda c, heard: c.market_data.stream_market_depth("AAPL", heard)),
    "tradestation bars": ("tradestation", lambda c, heard: c.market_data.stream_bars("AAPL", "1m", heard)),
    "tradestation positions": ("tradestation", lambda c, heard: c.brokerage.stream_position_changes(heard)),
    "tradestation balances": ("tradestation", lambda c, heard: c.brokerage.stream_balance_changes(heard)),
}

FEW = {"binance bars": 3, "tradestation positions": 3, "tradestation balances": 1}
"""How many events are waited for, where 20 would take long."""


def frames_of(folder: Path) -> list[bytes]:
    frames = [frame.payload for frame in read_recording(folder).frames]
    return [frame for frame in frames if b'"result"' not in frame and b"Heartbeat" not in frame]


async def record(venue: Simulator, opening: Open, folder: Path, *, count: int) -> None:
    enough, heard = asyncio.Event(), 0

    def on_event(_event: Any) -> None:
        nonlocal heard
        heard += 1
        if heard >= count:
            enough.set()

    recorder = Recorder(folder, flush_s=0.05)
    async with (
        asyncio.timeout(WITHIN_S),
        Client(venue.venue, endpoints=venue.endpoints, credentials=venue.credentials, recorder=recorder) as client,
    ):
        await opening(client, on_event)
        await enough.wait()


@pytest.mark.parametrize("kind", KINDS)
async def test_stream_is_played_again(kind: str, tmp_path: Path) -> None:
    name, opening = KINDS[kind]
    count = FEW.get(kind, 20)
    async with Simulator(name, seed=5, settings={"rate": 20}) as venue:
        await record(venue, opening, tmp_path / "a", count=count)
    settings = {"replay_delay_s": 0.1}
    async with Simulator(name, replay=tmp_path / "a", settings=settings) as venue:
        await record(venue, opening, tmp_path / "b", count=count)
    first, second = frames_of(tmp_path / "a"), frames_of(tmp_path / "b")
    shared = min(len(first), len(second))
    assert second[:shared] == first[:shared]
    assert kind.endswith("balances") or shared >= count - 1  # the snapshot of a book is an event without a frame
