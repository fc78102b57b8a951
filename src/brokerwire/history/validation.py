"""Whether bars are what bars should be: all there, in order, each once, with prices that fit; pure functions."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

from brokerwire.errors import ConfigurationError
from brokerwire.events import Bar
from brokerwire.export.csv_text import iso_time
from brokerwire.export.schemas import each_of
from brokerwire.history.coverage import Asked, Had, shortfalls
from brokerwire.history.intervals import DAY_NS, missing_between, step_ns
from brokerwire.history.pauses import Pause, SessionBreaks, is_weekend_day

FindingKind: TypeAlias = Literal["short", "gap", "session_break", "duplicate", "order", "prices", "volume", "forming"]

KINDS: tuple[FindingKind, ...] = get_args(FindingKind)
MOST_FINDINGS = 1000
"""Of each kind a report keeps the first so many; it counts them all."""

_SHOWN = 5
_TITLES: dict[FindingKind, str] = {
    "short": "short of what was asked for",
    "gap": "gaps",
    "session_break": "session breaks",
    "duplicate": "duplicates",
    "order": "out of order",
    "prices": "prices that do not fit",
    "volume": "volumes that cannot be",
    "forming": "not closed",
}
_BEGINNING = (
    "log in, take a larger plan or a longer interval: the venue may not reach back so far; or it was listed later"
)
_END = "ask again later: the venue may be late; or trading ended or paused there"
_CLOSED = "a market that is closed there is known as such once its bars show the same pause three times"


class Finding(Struct, frozen=True):
    """One thing about one bar: ``open_time_ns`` says which; of a gap it is the bar before it.

    Where the bars are ``short`` of what was asked for it is the time from which they are missing, 0 if that is not
    known. ``missing`` counts the bars that would fit into a gap, a session break or what is short.
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
    nothing to worry about; every other pause is a ``gap``. ``short`` is a beginning or an end of what was ``asked`` for
    that is not there, unless such a session break explains it. ``missing`` is how many bars would fit into both.
    """

    symbol: str
    interval: str
    bars: int
    first_ns: int | None
    last_ns: int | None
    counts: dict[FindingKind, int]
    missing: int
    findings: tuple[Finding, ...]
    asked: Asked | None = None

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing but session breaks."""
        return not any(count for kind, count in self.counts.items() if kind != "session_break")

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def validate(
    bars: Iterable[Bar], *, symbol: str | None = None, interval: str | None = None, asked: Asked | None = None
) -> Report:
    """Look at bars of one symbol and interval, in the order they are in, and at what was ``asked`` for if it is given.

    ``symbol`` and ``interval`` are needed only to look at none.

    Raises:
        ConfigurationError: They are of several symbols or intervals.
    """
    look = _Look(interval)
    for bar in each_of(bars):
        look.take(bar)
    return look.report(symbol, asked)


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
        self._pauses: list[Pause] = []
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
            self._pauses.append(Pause(last_ns, open_ns, missing))
        self._seen.add(open_ns)
        self._is_weekend_traded = self._is_weekend_traded or is_weekend_day(open_ns // DAY_NS)
        self._first_ns = open_ns if self._first_ns is None else min(self._first_ns, open_ns)
        self._last_ns = open_ns if last_ns is None else max(last_ns, open_ns)

    def _find(self, kind: FindingKind, open_ns: int, text: str, missing: int = 0) -> None:
        self._counts[kind] += 1
        if self._counts[kind] <= MOST_FINDINGS:
            self._findings.append(Finding(kind, open_ns, text, missing))

    def report(self, symbol: str | None, asked: Asked | None) -> Report:
        """Return everything that was found."""
        breaks = SessionBreaks(self._pauses, is_daily=self._step_ns >= DAY_NS and not self._is_weekend_traded)
        missing = self._find_pauses(breaks) + (0 if asked is None else self._find_shortfalls(asked, breaks))
        return Report(
            self._symbol or symbol or "",
            self._interval or "",
            self._count,
            self._first_ns,
            self._last_ns,
            {kind: self._counts[kind] for kind in KINDS},
            missing,
            tuple(sorted(self._findings, key=lambda finding: finding.open_time_ns)),
            asked,
        )

    def _find_pauses(self, breaks: SessionBreaks) -> int:
        missing = 0
        for pause in self._pauses:
            kind: FindingKind = "session_break" if breaks.has(pause) else "gap"
            missing += pause.missing if kind == "gap" else 0
            bars = "1 bar" if pause.missing == 1 else f"{pause.missing} bars"
            self._find(kind, pause.open_ns, f"{bars} missing before {iso_time(pause.next_ns)}", pause.missing)
        return missing

    def _find_shortfalls(self, asked: Asked, breaks: SessionBreaks) -> int:
        missing = 0
        for each in shortfalls(asked, Had(self._count, self._first_ns, self._last_ns), self._step_ns, breaks):
            self._find("short", each.at_ns, each.text, each.missing)
            missing += each.missing
        return missing


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


def _lines(report: Report) -> Iterator[str]:
    name = f"{report.symbol} {report.interval}: " if report.symbol else ""
    if report.first_ns is None or report.last_ns is None:
        yield f"{name}no bars"
    else:
        yield f"{name}{report.bars} bars, {iso_time(report.first_ns)} to {iso_time(report.last_ns)}"
        if not any(report.counts.values()):
            yield "nothing is wrong"
    for kind, count in report.counts.items():
        if kind == "short" and count:
            yield from _short(report)
        elif count:
            missing = f", {report.missing - _short_bars(report)} bars missing" if kind == "gap" else ""
            yield f"{_TITLES[kind]}: {count}{missing}"
            if kind != "session_break":
                yield from _few(report, kind, count)


def _short(report: Report) -> Iterator[str]:
    """Say what is missing at the ends, and what to do about it."""
    yield f"{_TITLES['short']}: {_short_bars(report)} bars missing"
    short = [finding for finding in report.findings if finding.kind == "short"]
    yield from (f"  {finding.text}" for finding in short)
    has_limit = report.asked is not None and report.asked.limit is not None
    at_end = [not has_limit and finding.open_time_ns == report.last_ns for finding in short]
    yield from (f"  {line}" for line, is_told in ((_BEGINNING, not all(at_end)), (_END, any(at_end))) if is_told)
    if not has_limit:
        yield f"  {_CLOSED}"


def _short_bars(report: Report) -> int:
    return sum(finding.missing for finding in report.findings if finding.kind == "short")


def _few(report: Report, kind: FindingKind, count: int) -> Iterator[str]:
    shown = [finding for finding in report.findings if finding.kind == kind][:_SHOWN]
    yield from (f"  {finding}" for finding in shown)
    if count > len(shown):
        yield f"  and {count - len(shown)} more"
