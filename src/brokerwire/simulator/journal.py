"""What clients did to the simulator, kept so that tests can look at the server's side."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import msgspec


class JournalEntry(msgspec.Struct, frozen=True):
    """One thing a client did or was done to it; ``detail`` holds no credentials."""

    time_ns: int
    kind: str
    detail: dict[str, Any]


class Journal:
    """The newest 100 000 entries, and a way to wait for one.

    Kinds in use: ``dial`` (a connection or request for a stream), ``request``, ``subscribe``, ``unsubscribe``,
    ``control`` (pings and other control messages), ``stream_open``, ``stream_close``, ``order``, ``violation`` (a
    limit that the client broke).
    """

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._entries: deque[JournalEntry] = deque(maxlen=100_000)
        self._waiters: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def record(self, kind: str, **detail: Any) -> None:
        """Add an entry stamped with the simulator's time."""
        self._entries.append(JournalEntry(time_ns=self._now_ns(), kind=kind, detail=detail))
        for is_met, future in self._waiters:
            if not future.done() and is_met():
                future.set_result(None)

    def entries(self, kind: str | None = None, **detail: Any) -> list[JournalEntry]:
        """Return the entries of a kind whose detail has the given values, oldest first."""
        return list(self._matching(kind, detail))

    def count(self, kind: str | None = None, **detail: Any) -> int:
        """Return how many entries match."""
        return sum(1 for _ in self._matching(kind, detail))

    def _matching(self, kind: str | None, detail: dict[str, Any]) -> Iterator[JournalEntry]:
        for entry in self._entries:
            if kind in (None, entry.kind) and all(entry.detail.get(k) == v for k, v in detail.items()):
                yield entry

    async def wait_for(self, kind: str, *, count: int = 1, timeout_s: float = 10.0, **detail: Any) -> None:
        """Wait until at least ``count`` entries match.

        Raises:
            TimeoutError: They did not come within ``timeout_s``.
        """

        def is_met() -> bool:
            return self.count(kind, **detail) >= count

        if is_met():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = (is_met, future)
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(timeout_s):
                await future
        finally:
            self._waiters.remove(waiter)

    def clear(self) -> None:
        """Forget everything so far."""
        self._entries.clear()
