"""Bar lengths as the venue writes them: ``5``, ``30S``, ``2H``, ``1D``, ``W``, ``3M``."""

import re
from typing import Literal, TypeAlias

import msgspec

from brokerwire.simulator.fronts.tradingview.settings import ANONYMOUS_PLAN, PLANS_WITH_SECONDS

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS

Unit: TypeAlias = Literal["second", "minute", "day", "week", "month", "tick", "range"]

_FORM = re.compile(r"(\d{0,5})([SHDWMTR]?)")
_UNITS: dict[str, Unit] = {
    "S": "second",
    "": "minute",
    "H": "minute",
    "D": "day",
    "W": "week",
    "M": "month",
    "T": "tick",
    "R": "range",
}
_MOST: dict[Unit, int] = {
    "second": 60,
    "minute": 1440,
    "day": 365,
    "week": 52,
    "month": 12,
    "tick": 1000,
    "range": 1000,
}
_STANDARD: dict[Unit, frozenset[int]] = {
    "second": frozenset({1, 5, 10, 15, 30, 45}),
    "minute": frozenset({1, 3, 5, 15, 30, 45, 60, 120, 180, 240}),
    "day": frozenset({1, 2, 3}),
    "week": frozenset({1, 2, 3}),
    "month": frozenset({1, 3, 6, 12}),
}


class Resolution(msgspec.Struct, frozen=True):
    """One bar length: so many of a unit."""

    text: str
    unit: Unit
    count: int

    @property
    def is_intraday(self) -> bool:
        return self.unit in ("second", "minute")

    @property
    def length_ns(self) -> int:
        """Length of an intraday bar."""
        return self.count * (SECOND_NS if self.unit == "second" else MINUTE_NS)


def parse_resolution(text: object) -> Resolution | None:
    """Read a bar length; None when it is none."""
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    if found is None or not text or (not found[1] and found[2] in ("", "S", "H", "T", "R")):
        return None
    unit = _UNITS[found[2]]
    count = int(found[1] or 1) * (60 if found[2] == "H" else 1)
    if not 0 < count <= _MOST[unit]:
        return None
    return Resolution(text=found[0], unit=unit, count=count)


def refusal(resolution: Resolution, *, plan: str, full_name: str) -> str:
    """Return why a plan does not get a bar length, in the venue's words; empty when it does."""
    if resolution.unit in ("tick", "range"):
        return f"unsupported resolution: {full_name}, {resolution.text}"
    if resolution.unit == "second" and plan not in PLANS_WITH_SECONDS:
        return "seconds_not_entitled"
    if resolution.count not in _STANDARD[resolution.unit] and plan == ANONYMOUS_PLAN:
        return "custom_resolution"
    return ""
