"""The recording's clock, and the matching of requests to recorded answers."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Generic, Literal, Protocol, TypeVar

from brokerwire.clock import Clock
from brokerwire.simulator.recorded import Answered

START_DELAY_S = 3.0
"""How long after the last subscription the recording starts, in real seconds whatever the speed."""

_YIELD_EVERY = 64


class Timed(Protocol):
    """Anything with a recorded time."""

    @property
    def time_ns(self) -> int:
        """UTC nanoseconds at which it was recorded."""
        ...


T = TypeVar("T", bound=Timed)


class ReplayClock(Generic[T]):
    """Plays timed items once, in order, at their recorded distances divided by ``speed``.

    It starts ``start_delay_s`` after the last subscription, provided that somebody is still listening then.
    ``played`` is how many items lie behind; ``publish`` is called for each as it falls due.
    """

    def __init__(
        self,
        items: Sequence[T],
        publish: Callable[[T], None],
        *,
        clock: Clock,
        speed: float | Literal["max"] = 1.0,
        is_heard: Callable[[], bool] = lambda: True,
        drain: Callable[[], Awaitable[None]] | None = None,
        start_delay_s: float = START_DELAY_S,
    ) -> None:
        if speed != "max" and speed <= 0:
            raise ValueError(f"speed is a positive number or 'max', not {speed!r}")
        self.played = 0
        self._items = items
        self._publish = publish
        self._clock = clock
        self._speed = speed
        self._is_heard = is_heard
        self._drain = drain
        self._start_delay_s = start_delay_s
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def is_started(self) -> bool:
        """Whether the recording has begun to play."""
        return self._task is not None

    @property
    def is_finished(self) -> bool:
        """Whether everything has been played."""
        return self.is_started and self.played == len(self._items)

    def subscription_arrived(self) -> None:
        """Wait the start delay from now on; without effect once the recording plays."""
        if self.is_started or self._is_closed:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(self._start_delay_s, self._start)

    def _start(self) -> None:
        self._timer = None
        if not self._is_closed and self._is_heard():
            self._task = asyncio.get_running_loop().create_task(self._play(), name="simulator-replay")

    async def _play(self) -> None:
        if isinstance(self._speed, str):
            await self._play_at_once()
        else:
            await self._play_in_time(self._speed)

    async def _play_at_once(self) -> None:
        for item in self._items:
            self._play_one(item)
            if self.played % _YIELD_EVERY == 0:
                await asyncio.sleep(0)
                if self._drain is not None:
                    await self._drain()

    async def _play_in_time(self, speed: float) -> None:
        if not self._items:
            return
        start_s = self._clock.monotonic()
        first_ns = self._items[0].time_ns
        for item in self._items:
            due_s = start_s + (item.time_ns - first_ns) / 1e9 / speed
            delay_s = due_s - self._clock.monotonic()
            if delay_s > 0:
                await self._clock.sleep(delay_s)
            self._play_one(item)

    def _play_one(self, item: T) -> None:
        self.played += 1
        self._publish(item)

    async def close(self) -> None:
        """Stop playing; what was not played is not played any more."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


class RecordedAnswers:
    """The recorded REST answers, found by path and symbol; host and other parameters do not matter."""

    def __init__(self, answers: Iterable[Answered]) -> None:
        self._found: dict[tuple[str, str | None], list[Answered]] = {}
        for answer in answers:
            self._found.setdefault((answer.path, answer.parameter("symbol")), []).append(answer)

    def find(self, path: str, symbol: str | None = None, *, at_ns: int | None = None) -> Answered | None:
        """Return the newest answer recorded by ``at_ns``, the first one when all are later, None when there is none."""
        candidates = self._found.get((path, symbol))
        if not candidates:
            return None
        found = candidates[0]
        for answer in candidates[1:]:
            if at_ns is not None and answer.time_ns <= at_ns:
                found = answer
        return found

    @property
    def symbols(self) -> frozenset[str]:
        """Every symbol that was asked for by name."""
        return frozenset(symbol for _, symbol in self._found if symbol is not None)
