"""The recording's clock plays once and in time; recorded answers are found by path and symbol."""

import asyncio

import msgspec
import pytest

from brokerwire.simulator.recorded import Answered
from brokerwire.simulator.replay import START_DELAY_S, RecordedAnswers, ReplayClock
from brokerwire.testing.virtual_time import VirtualClock


class Item(msgspec.Struct, frozen=True):
    time_ns: int


class SteppingClock:
    """A clock whose sleeps return at once and move it on."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now_s

    def time_ns(self) -> int:
        return int(self.now_s * 1e9)

    async def sleep(self, delay_s: float) -> None:
        self.slept.append(round(delay_s, 6))
        self.now_s += delay_s
        await asyncio.sleep(0)


ITEMS = [Item(5_000_000_000), Item(5_500_000_000), Item(8_000_000_000)]


class Player:
    """A replay with what it played, and an event for its end."""

    def __init__(self, **options) -> None:
        self.got: list[Item] = []
        self.first = asyncio.Event()
        self.end = asyncio.Event()
        self.clock = SteppingClock()
        options = {"clock": self.clock, "start_delay_s": 0.01, **options}
        self.replay = ReplayClock(ITEMS, self.publish, **options)

    def publish(self, item: Item) -> None:
        self.got.append(item)
        self.first.set()
        if len(self.got) == len(ITEMS):
            self.end.set()

    async def finished(self) -> None:
        await asyncio.wait_for(self.end.wait(), 5)


async def test_items_fall_due_at_their_recorded_distances():
    player = Player()
    player.replay.subscription_arrived()
    await player.finished()
    assert player.got == ITEMS
    assert player.clock.slept == [0.5, 2.5]
    assert player.replay.is_finished
    await player.replay.close()


async def test_speed_ten_divides_the_distances():
    player = Player(speed=10.0)
    player.replay.subscription_arrived()
    await player.finished()
    assert player.clock.slept == [0.05, 0.25]
    await player.replay.close()


async def test_speed_max_waits_for_nothing_but_the_sockets():
    player = Player(speed="max")
    player.replay.subscription_arrived()
    await player.finished()
    assert (player.got, player.clock.slept) == (ITEMS, [])
    await player.replay.close()


async def test_speed_max_lets_the_sockets_drain_now_and_then():
    drains = []
    end = asyncio.Event()

    async def drain() -> None:
        drains.append(len(got))

    got: list[Item] = []

    def publish(item: Item) -> None:
        got.append(item)
        if len(got) == 200:
            end.set()

    items = [Item(n) for n in range(200)]
    replay = ReplayClock(items, publish, clock=VirtualClock(), speed="max", drain=drain, start_delay_s=0.01)
    replay.subscription_arrived()
    await asyncio.wait_for(end.wait(), 5)
    assert drains == [64, 128, 192]
    await replay.close()


async def test_speed_max_without_sockets_to_wait_for_plays_on():
    end = asyncio.Event()
    items = [Item(n) for n in range(70)]
    replay = ReplayClock(
        items,
        lambda item: end.set() if item is items[-1] else None,
        clock=VirtualClock(),
        speed="max",
        start_delay_s=0.01,
    )
    replay.subscription_arrived()
    await asyncio.wait_for(end.wait(), 5)
    assert replay.played == 70
    await replay.close()


async def test_every_further_subscription_puts_the_start_off():
    loop = asyncio.get_running_loop()
    player = Player(start_delay_s=0.3)
    player.replay.subscription_arrived()
    second = loop.create_future()
    loop.call_later(0.15, second.set_result, None)
    await second
    player.replay.subscription_arrived()
    began = loop.time()
    await player.finished()
    assert loop.time() - began >= 0.29
    await player.replay.close()


async def test_the_recording_plays_once_whoever_subscribes_later():
    player = Player()
    player.replay.subscription_arrived()
    await player.finished()
    player.replay.subscription_arrived()
    await player.replay.close()
    assert player.got == ITEMS


async def test_nobody_listening_at_the_start_leaves_the_recording_for_the_next_subscription():
    heard = asyncio.Event()
    is_heard = iter([False, True])

    def listening() -> bool:
        answer = next(is_heard)
        heard.set()
        return answer

    player = Player(is_heard=listening)
    player.replay.subscription_arrived()
    await asyncio.wait_for(heard.wait(), 5)
    assert not player.replay.is_started
    player.replay.subscription_arrived()
    await player.finished()
    await player.replay.close()


async def test_close_before_the_start_plays_nothing():
    player = Player()
    player.replay.subscription_arrived()
    await player.replay.close()
    player.replay.subscription_arrived()
    assert not player.replay.is_started


async def test_close_while_playing_stops_there():
    player = Player(clock=VirtualClock(), speed=1.0)
    player.replay.subscription_arrived()
    await asyncio.wait_for(player.first.wait(), 5)
    await player.replay.close()
    assert player.got == ITEMS[:1]


@pytest.mark.parametrize("speed", [1.0, "max"])
async def test_recording_without_frames_is_finished_at_once(speed):
    started = asyncio.Event()

    def is_heard() -> bool:
        started.set()
        return True

    replay = ReplayClock(
        [], lambda item: None, clock=SteppingClock(), start_delay_s=0.0, is_heard=is_heard, speed=speed
    )
    replay.subscription_arrived()
    await asyncio.wait_for(started.wait(), 5)
    assert replay.is_finished
    await replay.close()


def test_speed_that_is_no_speed_is_refused():
    with pytest.raises(ValueError, match="speed"):
        ReplayClock([], lambda item: None, clock=SteppingClock(), speed=0.0)


def test_the_start_comes_three_seconds_after_the_last_subscription():
    assert START_DELAY_S == 3.0


def answer(url: str, time_ns: int = 0) -> Answered:
    return Answered(url, time_ns, url.encode())


def test_answers_match_on_path_and_symbol_and_nothing_else():
    recorded = answer("https://one.example/api/v3/depth?symbol=AB&limit=1000")
    answers = RecordedAnswers([recorded, answer("https://one.example/api/v3/exchangeInfo")])
    assert answers.find("/api/v3/depth", "AB") is recorded
    assert answers.find("/api/v3/depth", "CD") is None
    assert answers.find("/api/v3/depth") is None
    assert answers.find("/api/v3/exchangeInfo") is not None
    assert answers.symbols == {"AB"}


def test_of_several_answers_the_newest_that_was_recorded_by_then_is_found():
    answers = RecordedAnswers([answer(f"https://h/d?symbol=AB&n={n}", n) for n in (10, 20, 30)])
    found = [answers.find("/d", "AB", at_ns=at_ns) for at_ns in (None, 5, 20, 99)]
    assert [a.time_ns for a in found if a] == [10, 10, 20, 30]
