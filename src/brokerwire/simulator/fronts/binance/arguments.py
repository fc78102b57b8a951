"""The arguments of one request, read one by one with the venue's refusals for each kind of mistake."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from brokerwire.simulator.fronts.binance import refusals

_SYMBOL = re.compile(r"[\w\-.]{1,50}")
_NUMBER = re.compile(r"[0-9]{1,20}")
_DECIMAL = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_MICROSECONDS_FROM = 10**15
"""A time with 16 digits or more is in microseconds; the venue takes both."""


class Arguments:
    """Named texts, from a query string or from the ``params`` of a WebSocket request."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    @classmethod
    def from_pairs(cls, pairs: Iterable[tuple[str, str]]) -> "Arguments":
        """Read a query string's pairs.

        Raises:
            Refusal: A name is there twice (-1101).
        """
        values: dict[str, str] = {}
        for name, value in pairs:
            if name in values:
                raise refusals.duplicated(name)
            values[name] = value
        return cls(values)

    @classmethod
    def from_json(cls, params: Mapping[str, Any]) -> "Arguments":
        """Read the ``params`` of a WebSocket request; lists stay JSON, numbers and flags become text."""
        return cls(as_texts(params))

    @property
    def names(self) -> list[str]:
        """The names in the order sent."""
        return list(self._values)

    def check_names(self, allowed: Collection[str]) -> None:
        """Refuse more names than the request has (-1101), or one that it does not know (-1104)."""
        if len(self._values) > len(allowed):
            raise refusals.too_many(len(allowed), len(self._values))
        known = sum(1 for name in self._values if name in allowed)
        if known < len(self._values):
            raise refusals.unread(known, len(self._values))

    def has(self, name: str) -> bool:
        """Whether the argument was sent at all."""
        return name in self._values

    def optional(self, name: str) -> str | None:
        """Return the text, or None when it was not sent.

        Raises:
            Refusal: It was sent empty (-1105).
        """
        value = self._values.get(name)
        if value == "":
            raise refusals.empty(name)
        return value

    def text(self, name: str) -> str:
        """Return the text of a mandatory argument.

        Raises:
            Refusal: It is missing (-1102) or empty (-1105).
        """
        value = self.optional(name)
        if value is None:
            raise refusals.missing(name)
        return value

    def symbol(self, name: str = "symbol") -> str:
        """Return a well-formed symbol; whether it exists is not checked here."""
        return _checked_symbol(self.text(name), name)

    def optional_symbol(self, name: str = "symbol") -> str | None:
        """Return a well-formed symbol, or None when it was not sent."""
        value = self.optional(name)
        return None if value is None else _checked_symbol(value, name)

    def symbols(self, name: str = "symbols") -> list[str] | None:
        """Return the symbols of a JSON list, or None when it was not sent.

        Raises:
            Refusal: Not a list of symbols (-1100), or one of them twice (-1151).
        """
        texts = self.texts(name)
        if texts is None:
            return None
        if not self._values[name].startswith("["):
            raise refusals.illegal(name, refusals.SYMBOLS_RANGE)
        if len(set(texts)) != len(texts):
            raise refusals.Refusal(-1151, "Symbol is present multiple times in the list.")
        return [_checked_symbol(text, name) for text in texts]

    def texts(self, name: str) -> list[str] | None:
        """Return a JSON list of texts (a lone text is a list of one), or None when it was not sent."""
        value = self.optional(name)
        if value is None:
            return None
        if not value.startswith("["):
            return [value]
        try:
            return msgspec.json.decode(value, type=list[str])
        except msgspec.MsgspecError as exc:
            raise refusals.illegal(name, refusals.SYMBOLS_RANGE) from exc

    def optional_integer(self, name: str) -> int | None:
        """Return a whole number, or None when it was not sent.

        Raises:
            Refusal: It has other characters than digits (-1100).
        """
        value = self.optional(name)
        if value is None:
            return None
        if not _NUMBER.fullmatch(value):
            raise refusals.illegal(name, refusals.NUMBER_RANGE)
        return int(value)

    def limit(self, default: int, maximum: int) -> int:
        """Return ``limit``; above the maximum means the maximum.

        Raises:
            Refusal: Not digits (-1100) or zero (-1130).
        """
        value = self.optional_integer("limit")
        if value is None:
            return default
        if value == 0:
            raise refusals.invalid_data("limit")
        return min(value, maximum)

    def time_ns(self, name: str) -> int | None:
        """Return a time in nanoseconds; the wire has milliseconds, or microseconds from 16 digits on."""
        value = self.optional_integer(name)
        if value is None:
            return None
        return value * (1_000 if value >= _MICROSECONDS_FROM else 1_000_000)

    def decimal(self, name: str) -> Decimal:
        """Return a mandatory decimal number, unsigned.

        Raises:
            Refusal: Missing (-1102), empty (-1105), or not a number (-1100).
        """
        value = self.text(name)
        if not _DECIMAL.fullmatch(value):
            raise refusals.illegal(name, refusals.DECIMAL_RANGE)
        return Decimal(value)

    def optional_decimal(self, name: str) -> Decimal | None:
        """Return a decimal number, or None when it was not sent."""
        return None if self.optional(name) is None else self.decimal(name)

    def choice(self, name: str, choices: Sequence[str], refusal: refusals.Refusal) -> str:
        """Return one of the choices, the first of them when it was not sent."""
        value = self.optional(name)
        if value is None:
            return choices[0]
        if value not in choices:
            raise refusal
        return value

    def flag(self, name: str, default: str) -> bool:
        """Return a truth value, spelled ``true`` or ``false`` in any case."""
        value = (self.optional(name) or default).lower()
        if value not in {"true", "false"}:
            raise refusals.illegal(name, "true|false")
        return value == "true"


def as_texts(params: Mapping[str, Any]) -> dict[str, str]:
    """Return JSON params as the texts that a signature is made over."""
    return {name: _as_text(value) for name, value in params.items()}


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return msgspec.json.encode(value).decode()


def _checked_symbol(text: str, name: str) -> str:
    if not _SYMBOL.fullmatch(text) or text != text.upper():
        raise refusals.illegal(name, refusals.SYMBOL_RANGE)
    return text
