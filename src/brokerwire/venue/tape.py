"""Events without numbers, told apart by their times and contents: what a venue's history shows beyond what is known."""

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from msgspec import structs

from brokerwire.events import Event

E = TypeVar("E", bound=Event)


def content_of(event: Event) -> Event:
    """Return what two tellings of the same event have in common: everything but when they arrived."""
    return structs.replace(event, received_ns=0)


class Tape:
    """The history that a connection begins with, in whatever order it comes."""

    def __init__(self) -> None:
        self._rows: list[Event] = []

    @property
    def has_rows(self) -> bool:
        """Whether there is any history."""
        return bool(self._rows)

    def add(self, row: Event) -> None:
        """Take one more event of the past."""
        self._rows.append(row)

    def beyond(self, told: Sequence[Event]) -> tuple[list[Event], bool]:
        """Return what came after what was told, oldest first, and whether that is certain to be all."""
        return continue_tape(sorted(self._rows, key=lambda event: event.time_ns or 0), told)


def continue_tape(history: Sequence[E], told: Sequence[Event]) -> tuple[list[E], bool]:
    """Return what ``history`` shows beyond what was ``told``, and whether that is certain to be all.

    Both are oldest first. The history is laid onto the end of what was told with the largest overlap that fits. That is
    certain if the history shows nothing new, or if no smaller overlap fits too, as it may among equal events. Without
    an overlap more was missed than the history shows.
    """
    rows, known = [content_of(event) for event in history], [content_of(event) for event in told]
    fits = [size for size in range(1, min(len(rows), len(known)) + 1) if rows[:size] == known[-size:]]
    if fits:
        return list(history[fits[-1] :]), fits[-1] == len(rows) or len(fits) == 1
    newest_ns = max((event.time_ns or 0 for event in told), default=0)
    later = [event for event in history if (event.time_ns or 0) >= newest_ns]
    return without(later, told), False


def without(events: Sequence[E], others: Sequence[Event]) -> list[E]:
    """Return the events that are not among the others; of equal ones, as many are left out as there are others."""
    left = Counter(content_of(event) for event in others)
    found: list[E] = []
    for event in events:
        content = content_of(event)
        if left[content]:
            left[content] -= 1
        else:
            found.append(event)
    return found
