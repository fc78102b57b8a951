"""The bounded buffer between the feed and the disk: full, it drops whole batches and counts them."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct

EntryKind = Literal["opened", "received", "sent", "ended", "answered", "lost"]


class Entry(Struct, frozen=True, gc=False):
    """A batch as it was heard: payloads of one moment on one connection, or an answer."""

    kind: EntryKind
    time_ns: int
    connection: int = 0
    payloads: tuple[bytes, ...] = ()
    url: str = ""
    method: str = ""
    status: int = 0
    batches: int = 0

    @property
    def size(self) -> int:
        """Bytes that the entry counts for, something for itself among them."""
        return 100 + len(self.url) + sum(map(len, self.payloads))


class Buffer:
    """One thread puts, another takes; neither waits, for each counter has one writer.

    After an overflow nothing is taken in until half of the buffer is free: one long loss is easier to live with
    than many short ones. ``on_change`` hears True when that begins and False when it is over.
    """

    def __init__(self, limit_bytes: int, *, on_change: Callable[[bool], None]) -> None:
        self.filled = threading.Event()
        self.batches = 0
        self.dropped = 0
        self.is_overflowing = False
        self._limit = limit_bytes
        self._on_change = on_change
        self._entries: deque[tuple[Entry, int]] = deque()
        self._put_bytes = 0
        self._taken_bytes = 0
        self._lost_now = 0
        self._taking = 0

    @property
    def pending_bytes(self) -> int:
        """Bytes that were put and not taken."""
        return self._put_bytes - self._taken_bytes

    def put(self, entry: Entry) -> None:
        """Take an entry in, or count it as dropped."""
        size = entry.size
        pending = self.pending_bytes
        if entry.payloads:  # the rest is small, and what follows cannot be read without it
            if pending + size > (self._limit // 2 if self.is_overflowing else self._limit):
                self._drop()
                return
            self.end_loss(entry.time_ns)
        self.batches += 1
        self._append(entry, size)
        if pending > self._limit // 2:
            self.filled.set()

    def _append(self, entry: Entry, size: int) -> None:
        self._put_bytes += size
        self._entries.append((entry, size))

    def _drop(self) -> None:
        self.dropped += 1
        self._lost_now += 1
        self.filled.set()
        if not self.is_overflowing:
            self.is_overflowing = True
            self._on_change(True)

    def end_loss(self, time_ns: int) -> None:
        """Put down how much was lost, if anything was."""
        if not self.is_overflowing:
            return
        self.is_overflowing = False
        lost = Entry("lost", time_ns, batches=self._lost_now)
        self._append(lost, lost.size)
        self._lost_now = 0
        self._on_change(False)

    def take(self, most_bytes: int) -> Sequence[Entry]:
        """Return the oldest entries, up to ``most_bytes`` or the first alone; they are pending until ``done``."""
        found: list[Entry] = []
        size = 0
        while self._entries and (not found or size + self._entries[0][1] <= most_bytes):
            entry, its_size = self._entries.popleft()
            found.append(entry)
            size += its_size
        self._taking = size
        return found

    def done(self) -> None:
        """What was taken last is no more in memory."""
        self._taken_bytes += self._taking
        self._taking = 0
