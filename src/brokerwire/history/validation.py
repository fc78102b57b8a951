"""Whether bars are what bars should be: in order, each once, without holes, with prices that fit; pure functions."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias, get_args

from msgspec import Struct

from brokerwire.errors import ConfigurationError
from brokerwire.events import Bar
from brokerwire.export.csv_text import iso_time
from brokerwire.history.intervals import DAY_NS, missing_between, step_ns

FindingKind: TypeAlias = Literal["gap", "session_break", "duplicate", "order", "prices", "volume", "forming"]

KINDS: tuple[FindingKind, ...] = get_args(FindingKind)
MOST_FINDINGS = 1000
"""Of each kind a report keeps the first so many; it counts them all."""

RECURRENCES = 3
"""A pause that is seen this often, at the same times of the day, is the market's own."""

_SHOWN = 5
_WEEKEND = frozenset({5, 6})
_TITLES: dict[FindingKind, str] = {
    "gap": "gaps",
    "session_break": "session breaks",
    "duplicate": "duplicates",
    "order": "out of order",
    "prices": "prices that do not fit",
    "volume": "volumes that cannot be",
    "forming": "not closed",
}


class Finding(Struct, frozen=True):
    """One thing about one bar: ``open_time_ns`` says which; of a gap it is the bar before it.

    ``missing`` counts the bars that would fit into a gap or a session break.
    """

    kind: FindingKind
    open_time_ns: int
    text: str
    missing: int = 0

    def __str__(self) -> str:
        return f"{iso_time(self.open_time_ns)}  {self.text}"


class Report(Struct, frozen=True):
    """What was found in some bars: ``counts`` of each kind, and the first findings of each.

    A pause that recurs at the same times of the day, or that is a weekend between such, is a ``session_break`` and
    nothing to worry about; every other pause is a ``gap``.
    """

    symbol: str
    interval: str
    bars: int
    first_ns: int | None
    last_ns: int | None
    counts: dict[FindingKind, int]
    missing: int
    findings: tuple[Finding, ...]

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing but session breaks."""
        return not any(count for kind, count in self.counts.items() if kind != "session_break")

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def validate(bars: Iterable[Bar], *, interval: str | None = None) -> Report:
    """Look at bars of one symbol and interval, in the order they are in.

    ``interval`` is needed only to look at none.

    Raises:
        ConfigurationError: They are of several symbols or intervals.
    """
    look = _Look(interval)
    for bar in bars:
        look.take(bar)
    return look.report()


class _Pause(NamedTuple):
    """Two bars that follow one another, and how many would fit between them."""

    open_ns: int
    next_ns: int
    missing: int

    @property
    def edges(self) -> tuple[int, int]:
        """The times of the day on both sides."""
        return self.open_ns % DAY_NS, self.next_ns % DAY_NS

    @property
    def days(self) -> range:
        """The whole days that it skips."""
        return range(self.open_ns // DAY_NS + 1, self.next_ns // DAY_NS)

    @property
    def pattern(self) -> tuple[int, ...]:
        """What is the same about pauses that recur; longer ones recur by the day of the week."""
        weekday = _weekday(self.open_ns // DAY_NS) if self.days else -1
        return (*self.edges, self.next_ns // DAY_NS - self.open_ns // DAY_NS, weekday)


class _Look:
    """What is known after some bars."""

    def __init__(self, interval: str | None) -> None:
        self._symbol: str | None = None
        self._interval = interval
        self._step_ns = 0 if interval is None else step_ns(interval)
        self._count = 0
        self._first_ns: int | None = None
        self._last_ns: int | None = None
        self._seen: set[int] = set()
        self._pauses: list[_Pause] = []
        self._is_weekend_traded = False
        self._counts: Counter[FindingKind] = Counter()
        self._findings: list[Finding] = []

    def take(self, bar: Bar) -> None:
        """Look at the next bar."""
        if self._symbol is None:
            self._symbol = bar.symbol
            self._interval = self._interval or bar.interval
            self._step_ns = step_ns(self._interval)
        if (bar.symbol, bar.interval) != (self._symbol, self._interval):
            raise ConfigurationError(
                f"a bar of {bar.symbol} {bar.interval} among those of {self._symbol} {self._interval}; one at a time"
            )
        self._count += 1
        self._place(bar.open_time_ns)
        for kind, text in wrongs_of(bar):
            self._find(kind, bar.open_time_ns, text)

    def _place(self, open_ns: int) -> None:
        """Look at where a bar stands among the others."""
        last_ns = self._last_ns
        if open_ns in self._seen:
            self._find("duplicate", open_ns, "a bar of this time came before")
        elif last_ns is not None and open_ns < last_ns:
            self._find("order", open_ns, f"comes after the bar of {iso_time(last_ns)}")
        elif last_ns is not None and (missing := missing_between(last_ns, open_ns, self._step_ns)):
            self._pauses.append(_Pause(last_ns, open_ns, missing))
        self._seen.add(open_ns)
        self._is_weekend_traded = self._is_weekend_traded or _weekday(open_ns // DAY_NS) in _WEEKEND
        self._first_ns = open_ns if self._first_ns is None else min(self._first_ns, open_ns)
        self._last_ns = open_ns if last_ns is None else max(last_ns, open_ns)

    def _find(self, kind: FindingKind, open_ns: int, text: str, missing: int = 0) -> None:
        self._counts[kind] += 1
        if self._counts[kind] <= MOST_FINDINGS:
            self._findings.append(Finding(kind, open_ns, text, missing))

    def report(self) -> Report:
        """Return everything that was found."""
        is_break = _breaks(self._pauses, is_daily=self._step_ns >= DAY_NS and not self._is_weekend_traded)
        missing = 0
        for pause, is_the_markets in zip(self._pauses, is_break, strict=True):
            kind: FindingKind = "session_break" if is_the_markets else "gap"
            missing += 0 if is_the_markets else pause.missing
            bars = "1 bar" if pause.missing == 1 else f"{pause.missing} bars"
            self._find(kind, pause.open_ns, f"{bars} missing before {iso_time(pause.next_ns)}", pause.missing)
        return Report(
            self._symbol or "",
            self._interval or "",
            self._count,
            self._first_ns,
            self._last_ns,
            {kind: self._counts[kind] for kind in KINDS},
            missing,
            tuple(sorted(self._findings, key=lambda finding: finding.open_time_ns)),
        )


def wrongs_of(bar: Bar) -> Iterator[tuple[FindingKind, str]]:
    """Return what is wrong with a bar by itself."""
    prices = (bar.open, bar.high, bar.low, bar.close)
    if not all(map(math.isfinite, prices)):
        yield "prices", f"a price is not a number: {_shown(prices)}"
    elif not bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high:
        yield "prices", f"open, high, low, close do not fit: {_shown(prices)}"
    if bar.volume is not None and not 0 <= bar.volume < math.inf:
        yield "volume", f"the volume is {bar.volume:g}"
    if not bar.is_closed:
        yield "forming", "the bar is not closed"


def _shown(prices: Sequence[float]) -> str:
    return ", ".join(f"{price:.10g}" for price in prices)


def _weekday(day: int) -> int:
    """Return the day of the week of a day since 1970, a Thursday; Monday is 0."""
    return (day + 3) % 7


def _breaks(pauses: Sequence[_Pause], *, is_daily: bool) -> list[bool]:
    """Tell for each pause whether it is the market's own."""
    patterns = Counter(pause.pattern for pause in pauses)
    recurring = [pause for pause in pauses if patterns[pause.pattern] >= RECURRENCES]
    closes = {pause.edges[0] for pause in recurring}
    opens = {pause.edges[1] for pause in recurring}

    def is_break(pause: _Pause) -> bool:
        if patterns[pause.pattern] >= RECURRENCES:
            return True
        is_weekend = bool(pause.days) and all(_weekday(day) in _WEEKEND for day in pause.days)
        return is_weekend and (is_daily or (pause.edges[0] in closes and pause.edges[1] in opens))

    return [is_break(pause) for pause in pauses]


def _lines(report: Report) -> Iterator[str]:
    name = f"{report.symbol} {report.interval}: " if report.symbol else ""
    if report.first_ns is None or report.last_ns is None:
        yield f"{name}no bars"
        return
    yield f"{name}{report.bars} bars, {iso_time(report.first_ns)} to {iso_time(report.last_ns)}"
    if not any(report.counts.values()):
        yield "nothing is wrong"
    for kind, count in report.counts.items():
        if count:
            missing = f", {report.missing} bars missing" if kind == "gap" else ""
            yield f"{_TITLES[kind]}: {count}{missing}"
            if kind != "session_break":
                yield from _few(report, kind, count)


def _few(report: Report, kind: FindingKind, count: int) -> Iterator[str]:
    shown = [finding for finding in report.findings if finding.kind == kind][:_SHOWN]
    yield from (f"  {finding}" for finding in shown)
    if count > len(shown):
        yield f"  and {count - len(shown)} more"
