"""What an examination says: figures with the bounds that they must keep, findings and verdicts."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from brokerwire.doctor.ward import Ward


class Missed(Exception):
    """Something that a row waits for did not come; the text says what, and how long it was waited for."""


class Figure(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One number that was seen, in ``unit``, and the bounds that it must keep; both bounds are allowed themselves."""

    name: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def holds(self) -> bool:
        """Whether it keeps its bounds."""
        is_enough = self.at_least is None or self.value >= self.at_least
        return is_enough and (self.at_most is None or self.value <= self.at_most)

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.name} {_number(self.value)}{unit}{self._bounds()}"

    def _bounds(self) -> str:
        if self.at_most is not None and self.at_most in {0, self.at_least}:
            return f" (must be {_number(self.at_most)})"
        said = [
            f"{word} {_number(bound)}"
            for word, bound in (("at least", self.at_least), ("allowed", self.at_most))
            if bound is not None
        ]
        return f" ({', '.join(said)})" if said else ""


def _number(value: float) -> str:
    return f"{value:.1f}" if value % 1 else f"{value:.0f}"


class Finding(Struct, frozen=True):
    """What was done to the client, in words, and what was seen, in figures."""

    done: str
    figures: tuple[Figure, ...]

    def __str__(self) -> str:
        return f"{self.done}: {', '.join(map(str, self.figures))}"


Scenario: TypeAlias = "Callable[[Ward], Awaitable[Finding]]"


class Row(Struct, frozen=True, kw_only=True):
    """One row of the contract, as it can be examined here.

    Attributes:
        id: Its number in the table, such as ``F05``.
        title: What goes wrong, in a few words.
        scenario: What drives it.
        venues: The venues whose wire it is examined on.
        is_virtual: It runs in virtual time; else the figures are of this machine's own time.
    """

    id: str
    title: str
    scenario: Scenario
    venues: tuple[str, ...] = ("tradestation", "binance", "tradingview")
    is_virtual: bool = True


class Verdict(Struct, frozen=True, kw_only=True, tag="row", tag_field="type"):
    """How one row came out on one venue's wire; ``broken`` says what did not hold, ``seconds`` are real ones."""

    row: str
    venue: str
    title: str
    verdict: str
    seconds: float
    text: str
    figures: tuple[Figure, ...] = ()
    broken: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether everything was as it must be."""
        return not self.broken
