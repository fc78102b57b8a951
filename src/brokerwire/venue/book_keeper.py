"""Books kept from snapshots and numbered deltas: for sessions of venues that send changes of the levels."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from msgspec import Struct

from brokerwire.events import Event, Level, Topic
from brokerwire.venue import Accepted, GapFound, Interrupted, Ready, Signal

MOST_DELTAS = 100_000
"""Deltas that are kept while a snapshot is awaited."""


class BookDelta(Struct, frozen=True, gc=False):
    """Changed levels of the updates ``first`` to ``last``; a size of 0 takes a level away."""

    first: int
    last: int
    bids: Sequence[tuple[float, float]]
    asks: Sequence[tuple[float, float]]
    time_ns: int | None
    received_ns: int
    message: bytes


class BookSeed(Struct, frozen=True):
    """A whole book as of the update ``sequence``."""

    sequence: int
    bids: Sequence[tuple[float, float]]
    asks: Sequence[tuple[float, float]]
    received_ns: int
    message: bytes


class BookSide:
    """One side of a book, best price first; ``sign`` is -1 for bids, 1 for asks."""

    __slots__ = ("_keys", "_levels", "_sign")

    def __init__(self, sign: int, levels: Iterable[tuple[float, float]] = ()) -> None:
        self._sign = sign
        self._levels = {sign * price: Level(price, size) for price, size in levels if size}
        self._keys = sorted(self._levels)

    def apply(self, changes: Iterable[tuple[float, float]]) -> None:
        """Set levels to new sizes; size 0 takes one away, and one that is not there is no surprise."""
        levels, keys, sign = self._levels, self._keys, self._sign
        for price, size in changes:
            key = sign * price
            if size:
                if key not in levels:
                    insort(keys, key)
                levels[key] = Level(price, size)
            elif levels.pop(key, None) is not None:
                del keys[bisect_left(keys, key)]

    def top(self, count: int) -> tuple[Level, ...]:
        """Return the best ``count`` levels."""
        levels = self._levels
        return tuple([levels[key] for key in self._keys[:count]])

    @property
    def best(self) -> float | None:
        """The best price, None on an empty side."""
        return self._sign * self._keys[0] if self._keys else None

    @property
    def worst(self) -> float | None:
        """The price furthest from the market, None on an empty side."""
        return self._sign * self._keys[-1] if self._keys else None


class ShowBook(Protocol):
    """Makes the event that shows a book to one topic."""

    def __call__(
        self,
        bids: BookSide,
        asks: BookSide,
        *,
        topic: Topic,
        sequence: int,
        time_ns: int | None,
        received_ns: int,
        is_snapshot: bool,
        message: bytes,
    ) -> Event:
        """Return the event."""
        ...


class BookKeeper:
    """A book kept by the usual procedure: buffer deltas, take a snapshot, apply what continues it.

    A delta that leaves out an update interrupts the topics until another snapshot has put the book in step.
    ``ask`` wants ``seed`` called with the answer; it is called once in ``retry_s[0]`` seconds at most, and more
    slowly, up to ``retry_s[1]``, while there is no answer. A book whose best price has moved by ``reseed_share`` of
    what the snapshot covered on that side is seeded anew, since levels beyond it are not known.

    Attributes:
        topics: Who is shown the book.
        deadline: When ``ask_for_seed`` is due.
    """

    def __init__(
        self,
        show: ShowBook,
        *,
        emit: Callable[[Signal], None],
        ask: Callable[[], None],
        on_deadline: Callable[[], None],
        retry_s: tuple[float, float],
        reseed_share: float,
    ) -> None:
        self.topics: tuple[Topic, ...] = ()
        self.deadline: float | None = None
        self._show = show
        self._emit = emit
        self._ask = ask
        self._on_deadline = on_deadline
        self._waits_s = retry_s
        self._reseed_share = reseed_share
        self._bids = BookSide(-1)
        self._asks = BookSide(1)
        self._sequence: int | None = None
        self._buffer: deque[BookDelta] = deque(maxlen=MOST_DELTAS)
        self._is_asking = False
        self._retry_s = retry_s[0]
        self._last_asked = -retry_s[1]
        self._gap_start_ns: int | None = None
        self._last_ns = 0
        self._window = (0.0, float("inf"))

    def ask_for_seed(self, now: float) -> None:
        """Ask for a snapshot, or plan to if it is too early."""
        if self._is_asking:
            return
        due = self._last_asked + self._retry_s
        if now < due:
            self.deadline = due
            self._on_deadline()
            return
        self.deadline = None
        self._is_asking = True
        self._last_asked = now
        self._ask()

    def receive(self, delta: BookDelta, now: float) -> Sequence[Event]:
        """Apply a delta that continues the book; keep it while a snapshot is awaited."""
        if self._is_asking or self._sequence is None:
            self._buffer.append(delta)
        if self._sequence is None or delta.last <= self._sequence:
            return ()
        if self._sequence + 1 < delta.first:
            self._lose_step(delta, now)
            return ()
        self._apply(delta)
        if self._has_left_window():
            self.ask_for_seed(now)
        return self._events(delta, is_snapshot=False)

    def _lose_step(self, delta: BookDelta, now: float) -> None:
        missing = f"updates {(self._sequence or 0) + 1} to {delta.first - 1} of the book are missing"
        if not self._is_asking:
            self._buffer.append(delta)
        self.distrust(missing, now)

    def distrust(self, reason: str, now: float) -> None:
        """Show the book no more until a snapshot has put it in step."""
        self._sequence = None
        self._gap_start_ns = self._last_ns
        for topic in self.topics:
            self._emit(Interrupted(topic, reason))
        self.ask_for_seed(now)

    def _apply(self, delta: BookDelta) -> None:
        self._bids.apply(delta.bids)
        self._asks.apply(delta.asks)
        self._sequence = delta.last
        self._last_ns = delta.received_ns

    def _has_left_window(self) -> bool:
        """Whether the market has moved to where the snapshot knew too little."""
        low, high = self._window
        bid, ask = self._bids.best, self._asks.best
        return not self._is_asking and bid is not None and ask is not None and (bid < low or ask > high)

    def seed(self, seed: BookSeed | None, now: float) -> Sequence[Event]:
        """Start the book from a snapshot and the deltas that continue it; ask again if they do not, or for None."""
        self._is_asking = False
        if seed is None:
            self._retry_s = min(2 * self._retry_s, self._waits_s[1])
            self.ask_for_seed(now)
            return ()
        kept = [delta for delta in self._buffer if delta.last > seed.sequence]
        if kept and not _continues(seed.sequence, kept):
            self.ask_for_seed(now)
            return ()
        self._retry_s = self._waits_s[0]
        self._buffer.clear()
        return self._start_from(seed, kept)

    def _start_from(self, seed: BookSeed, kept: Sequence[BookDelta]) -> Sequence[Event]:
        """Show the snapshot and each later delta, but none that was shown already."""
        shown = self._sequence
        self._bids, self._asks = BookSide(-1, seed.bids), BookSide(1, seed.asks)
        self._sequence = seed.sequence
        self._last_ns = seed.received_ns
        self._window = self._window_of()
        already = [delta for delta in kept if shown is not None and delta.last <= shown]
        for delta in already:
            self._apply(delta)
        if shown is None:
            self._report_back(seed.received_ns)
        events = list(self._events(seed, is_snapshot=True))
        for delta in kept[len(already) :]:
            self._apply(delta)
            events += self._events(delta, is_snapshot=False)
        return events

    def _window_of(self) -> tuple[float, float]:
        """Return the prices between which the snapshot knows the market well enough."""
        bid, ask, lowest, highest = self._bids.best, self._asks.best, self._bids.worst, self._asks.worst
        if bid is None or ask is None or lowest is None or highest is None:
            return 0.0, float("inf")
        return bid - self._reseed_share * (bid - lowest), ask + self._reseed_share * (highest - ask)

    def _report_back(self, received_ns: int) -> None:
        start_ns, self._gap_start_ns = self._gap_start_ns, None
        for topic in self.topics:
            if start_ns is not None:
                self._emit(GapFound(topic, start_ns, received_ns, "updates of the book were missing"))
                self._emit(Accepted((topic,)))
            self._emit(Ready(topic))

    def _events(self, cause: BookDelta | BookSeed, *, is_snapshot: bool) -> Sequence[Event]:
        return [
            self._show(
                self._bids,
                self._asks,
                topic=topic,
                sequence=self._sequence or 0,
                time_ns=cause.time_ns if isinstance(cause, BookDelta) else None,
                received_ns=cause.received_ns,
                is_snapshot=is_snapshot,
                message=cause.message,
            )
            for topic in self.topics
        ]


def _continues(sequence: int, deltas: Sequence[BookDelta]) -> bool:
    """Tell whether the deltas follow the snapshot and each other without a hole."""
    for delta in deltas:
        if sequence + 1 < delta.first:
            return False
        sequence = max(sequence, delta.last)
    return True
