"""Makes bad input of good input: at random bytes, with awkward pieces, and by value where it is JSON."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

DEEP = 100_000
PIECES = (
    *(
        b"",
        b"null",
        b"{}",
        b"[]",
        b'"',
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\\",
        b"\x00",
        b"\xff",
        b"\xc3\x28",
        b"\n",
    ),
    *(
        b"NaN",
        b"Infinity",
        b"-",
        b"-0",
        b"1e999",
        b"9" * 400,
        b'"\\ud800"',
        b"\xef\xbb\xbf",
        b"\xe2\x80\xae",
        b"~m~",
        b"~h~1",
    ),
    *(b"[" * DEEP, b'{"a":' * DEEP, b"x" * 5_000),
)
ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        7,
        2**31,
        2**63,
        2**70,
        -(2**70),
        0.1,
        -0.0,
        1e308,
        "",
        " ",
        "x",
        "0",
        "-1",
        "NaN",
        "inf",
    ),
    *(
        "1e999",
        "9" * 40,
        "0." + "0" * 40 + "1",
        "2026-99-99T99:99:99Z",
        "0001-01-01T00:00:00Z",
        "/Date(99999999999999999)/",
    ),
    *(
        "\u0000",
        "\u202e",
        "\u00b2",
        "\U0001f600",
        [],
        {},
        [[]],
        [None],
        [{}],
        {"a": 1},
        {"": None},
        [1, 2, 3, 4],
        ["1", "2"],
    ),
)
_JSON = re.compile(rb"[\[{].*[\]}]", re.DOTALL)


class Choices(Protocol):
    """Where a mutation takes its decisions from."""

    def number(self, low: int, high: int) -> int:
        """Return a number from ``low`` to ``high``."""
        ...

    def data(self, most: int) -> bytes:
        """Return up to ``most`` bytes."""
        ...


def pick(choices: Choices, options: Sequence[Any]) -> Any:
    return options[choices.number(0, len(options) - 1)]


def mutated(choices: Choices, goods: Sequence[bytes]) -> bytes:
    """Return something that may be like one of the good inputs, and is hardly one."""
    good = pick(choices, goods) if goods else b""
    way: Callable[[Choices, bytes, Sequence[bytes]], bytes] = pick(choices, _WAYS)
    return way(choices, good, goods)


def _random(choices: Choices, _good: bytes, _goods: Sequence[bytes]) -> bytes:
    return choices.data(200)


def _truncated(choices: Choices, good: bytes, _goods: Sequence[bytes]) -> bytes:
    return good[: choices.number(0, len(good))]


def _spliced(choices: Choices, good: bytes, _goods: Sequence[bytes]) -> bytes:
    start = choices.number(0, len(good))
    end = min(len(good), start + choices.number(0, 20))
    return good[:start] + pick(choices, PIECES) + good[end:]


def _scratched(choices: Choices, good: bytes, _goods: Sequence[bytes]) -> bytes:
    start = choices.number(0, len(good))
    data = choices.data(8)
    return good[:start] + data + good[start + len(data) :]


def _crossed(choices: Choices, good: bytes, goods: Sequence[bytes]) -> bytes:
    other = pick(choices, goods) if goods else b""
    return good[: choices.number(0, len(good))] + other[choices.number(0, len(other)) :]


def _by_value(choices: Choices, good: bytes, goods: Sequence[bytes]) -> bytes:
    """Change values of the JSON in a frame; where its length stands before it, that is put right."""
    found = _JSON.search(good)
    try:
        value = json.loads(found[0]) if found else None
    except (ValueError, RecursionError):
        value = None
    if found is None or value is None:
        return _spliced(choices, good, goods)
    for _ in range(choices.number(1, 3)):
        value = _changed(choices, value)
    text = json.dumps(value).encode()
    before = good[: found.start()].replace(b"%d" % len(found[0]), b"%d" % len(text))
    return before + text + good[found.end() :]


def _changed(choices: Choices, value: Any) -> Any:
    """Return a value in which one place, any place, is another."""
    if isinstance(value, dict) and value and choices.number(0, 7):
        return _changed_mapping(choices, value)
    if isinstance(value, list) and value and choices.number(0, 7):
        at = choices.number(0, len(value) - 1)
        way = choices.number(0, 5)
        if way == 0:
            return value[:at] + value[at + 1 :]
        if way == 1:
            return [*value, value[at]]
        return [*value[:at], _changed(choices, value[at]), *value[at + 1 :]]
    return pick(choices, ODD)


def _changed_mapping(choices: Choices, value: dict[str, Any]) -> dict[str, Any]:
    key = pick(choices, list(value))
    way = choices.number(0, 7)
    if way == 0:
        return {name: each for name, each in value.items() if name != key}
    if way == 1:
        return {**value, "unknown": pick(choices, ODD)}
    if way == 2:
        return {(f"{name}x" if name == key else name): each for name, each in value.items()}
    return {**value, key: _changed(choices, value[key])}


_WAYS = (_random, _truncated, _spliced, _scratched, _crossed, _by_value, _by_value, _by_value)
