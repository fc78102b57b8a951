"""Values as the text of CSV cells, and back; nothing is lost on the way."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from brokerwire.export.schemas import ColumnType

_EPOCH = date(1970, 1, 1)
_SECOND_NS = 10**9
_DAY_S = 86_400
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")


def iso_time(time_ns: int) -> str:
    """Return UTC nanoseconds as ISO 8601, ``2026-01-02T03:04:05.123456789Z``; no fraction where it is 0."""
    seconds, fraction = divmod(time_ns, _SECOND_NS)
    day, second = divmod(seconds, _DAY_S)
    whole = f"{_date_of(day)}T{_clock_of(second)}"
    return f"{whole}.{fraction:09d}Z" if fraction else f"{whole}Z"


def parse_iso_time(text: str) -> int:
    """Return the UTC nanoseconds of what ``iso_time`` wrote.

    Raises:
        ValueError: It is not of that form.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a time such as 2026-01-02T03:04:05Z")
    seconds = _day_of(match[1]) * _DAY_S + _second_of(match[2])
    return seconds * _SECOND_NS + int((match[3] or "0").ljust(9, "0"))


# The same days and seconds come again and again


@lru_cache(4096)
def _date_of(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).isoformat()


@lru_cache(4096)
def _day_of(text: str) -> int:
    return (date.fromisoformat(text) - _EPOCH).days


@lru_cache(_DAY_S)
def _clock_of(second: int) -> str:
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


@lru_cache(_DAY_S)
def _second_of(text: str) -> int:
    moment = time.fromisoformat(text)
    return moment.hour * 3600 + moment.minute * 60 + moment.second


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
