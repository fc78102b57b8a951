"""The streams that are open just now, so that all of them can be dropped at once."""

from collections.abc import Callable


class Connections:
    """Open streams, each with the function that cuts it off."""

    def __init__(self) -> None:
        self._next = 1
        self._open: dict[int, tuple[str, Callable[[], None]]] = {}

    def add(self, name: str, cut: Callable[[], None]) -> Callable[[], None]:
        """Register an open stream; returns the function to call when it has ended."""
        number = self._next
        self._next += 1
        self._open[number] = (name, cut)

        def remove() -> None:
            self._open.pop(number, None)

        return remove

    def drop(self, channel: str = "") -> int:
        """Cut every stream whose name contains ``channel``; returns how many."""
        found = [cut for name, cut in self._open.values() if channel in name]
        for cut in found:
            cut()
        return len(found)

    def names(self) -> list[str]:
        """Return the names of the open streams, oldest first."""
        return [name for name, _ in self._open.values()]

    def __len__(self) -> int:
        return len(self._open)
