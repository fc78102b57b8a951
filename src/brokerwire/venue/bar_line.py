"""Bars of one topic as they form and close: for sessions of venues that send a bar again and again."""

from collections.abc import Sequence

from msgspec import structs

from brokerwire.events import Bar, stamp


class BarLine:
    """The forming bar and the closed one before it: repeats are dropped, a missing close is made up."""

    def __init__(self) -> None:
        self._forming: Bar | None = None
        self._closed: Bar | None = None

    def start(self, bars: Sequence[Bar]) -> None:
        """Continue after these bars, oldest first, of which the last may still be forming."""
        closed = [bar for bar in bars if bar.is_closed]
        self._closed = closed[-1] if closed else None
        self._forming = bars[-1] if bars and not bars[-1].is_closed else None

    def take(self, bar: Bar) -> Sequence[Bar]:
        """Return the bar if it is news, preceded by the closed form of the one before where the venue left it out."""
        known = self._known(bar.open_time_ns)
        if known is not None and _is_same_bar(known, bar):
            return ()
        if self._closed is not None and bar.open_time_ns <= self._closed.open_time_ns:
            return (bar,) if bar.is_closed else ()  # a correction, or a late frame of a bar that has closed
        missed = self._close_forming(bar)
        self._forming = None if bar.is_closed else bar
        self._closed = bar if bar.is_closed else self._closed
        return (*missed, bar)

    def _known(self, open_time_ns: int) -> Bar | None:
        for bar in (self._forming, self._closed):
            if bar is not None and bar.open_time_ns == open_time_ns:
                return bar
        return None

    def _close_forming(self, bar: Bar) -> Sequence[Bar]:
        forming = self._forming
        if forming is None or forming.open_time_ns >= bar.open_time_ns:
            return ()
        closed = structs.replace(forming, is_closed=True, time_ns=bar.open_time_ns, received_ns=bar.received_ns)
        if bar.topic is not None:
            stamp(closed, bar.topic, forming.raw)
        self._closed = closed
        return (closed,)


def _is_same_bar(one: Bar, other: Bar) -> bool:
    """Tell whether two bars differ in nothing but their times; what changes most is looked at first."""
    return (
        one.close == other.close
        and one.volume == other.volume
        and structs.replace(one, received_ns=other.received_ns, time_ns=other.time_ns) == other
    )


def as_backfill(bar: Bar) -> Bar:
    """Return the same bar, marked as one that was fetched afterwards."""
    filled = structs.replace(bar, origin="backfill")
    if bar.topic is not None:
        stamp(filled, bar.topic, bar._message)
    return filled
