"""Values as the text of CSV cells, and back; nothing is lost on the way."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from brokerwire.export.schemas import ColumnType

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND_NS = 10**9
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")


def iso_time(time_ns: int) -> str:
    """Return UTC nanoseconds as ISO 8601, ``2026-01-02T03:04:05.123456789Z``; no fraction where it is 0."""
    seconds, fraction = divmod(time_ns, _SECOND_NS)
    whole = (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]
    return f"{whole}.{fraction:09d}Z" if fraction else f"{whole}Z"


def parse_iso_time(text: str) -> int:
    """Return the UTC nanoseconds of what ``iso_time`` wrote.

    Raises:
        ValueError: It is not of that form.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a time such as 2026-01-02T03:04:05Z")
    whole = (datetime.fromisoformat(match[1]).replace(tzinfo=UTC) - _EPOCH) // timedelta(seconds=1)
    return whole * _SECOND_NS + int((match[2] or "0").ljust(9, "0"))


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _parse_flag(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(f"{text!r} is neither true nor false")
    return text == "true"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _parse_texts(text: str) -> list[str]:
    return msgspec.json.decode(text, type=list[str])


TO_TEXT: Mapping[ColumnType, Callable[[Any], str]] = {
    "text": str,
    "texts": _json,
    "number": repr,
    "integer": str,
    "flag": _flag,
    "time": iso_time,
}
FROM_TEXT: Mapping[ColumnType, Callable[[str], Any]] = {
    "text": str,
    "texts": _parse_texts,
    "number": float,
    "integer": int,
    "flag": _parse_flag,
    "time": parse_iso_time,
}
"""A cell's text by the type of its column, and what it means; None is an empty cell."""


def cell_of(value: Any) -> str:
    """Return any value as a cell: None is empty, lists and mappings are JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _flag(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, str | int | float | Decimal) else _json(value)
