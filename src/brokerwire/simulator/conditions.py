"""Conditions: what can be wrong with a network, and how that is written."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import msgspec

Direction: TypeAlias = Literal["up", "down", "both"]
"""``up`` is from the client to the server, ``down`` from the server to the client."""

Measure: TypeAlias = Literal["seconds", "bytes", "none"]

KNOWN_WEATHER: Mapping[str, str] = MappingProxyType(
    {
        "latency": "everything arrives later, by the amount of time; jitter adds up to so much by chance",
        "bandwidth": "the amount is how many bytes a second pass; it must be given",
        "slicer": "pieces of at most the amount in bytes (1), each taking the time delay",
        "black_hole": "nothing passes and nothing ends; what was held back arrives when it is over",
        "reset": "the connection is reset after the amount in bytes, without one inside the next piece",
        "slow_close": "the end of a connection is passed on later, by the amount of time (1s)",
        "half_open": "the server's side is gone and the client's side is not told",
        "limit_data": "the connection ends, cleanly, after the amount in bytes, without one inside the next piece",
    }
)

_MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "latency": "seconds",
        "bandwidth": "bytes",
        "slicer": "bytes",
        "black_hole": "none",
        "reset": "bytes",
        "slow_close": "seconds",
        "half_open": "none",
        "limit_data": "bytes",
    }
)
_LEAST = MappingProxyType({"bandwidth": 1.0, "slicer": 1.0})
_FIELDS = MappingProxyType(
    {
        "probability": "probability",
        "direction": "direction",
        "times": "times",
        "reach": "reach",
        "jitter": "jitter_s",
        "delay": "delay_s",
    }
)
"""As it is written → the field of a condition."""

_OWN = MappingProxyType({"jitter_s": "latency", "delay_s": "slicer"})
"""Option → the one weather that has it."""

_NUMBER = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-zA-Z]*)", re.ASCII)
_SECONDS = MappingProxyType({"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0})
_BYTES = MappingProxyType({"": 1.0, "B": 1.0, "kB": 1e3, "MB": 1e6, "KiB": 1024.0, "MiB": 1024.0**2})


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with the network.

    ``amount`` is what followed the colon, in seconds or bytes; ``probability`` the chance that a connection suffers,
    drawn once for each; ``direction`` which way; ``times`` ends it after so many connections were cut (None: it lasts);
    ``reach`` says whether connections suffer that are made later. ``epoch`` counts the conditions set so far.
    """

    name: str
    amount: float | None = None
    probability: float = 1.0
    direction: Direction = "both"
    times: int | None = None
    reach: Literal["all", "open"] = "all"
    epoch: int = 0
    jitter_s: float = 0.0
    delay_s: float = 0.0

    def number(self, default: float) -> float:
        """Return the amount, or ``default`` when none was given."""
        return default if self.amount is None else self.amount


def parse_condition(script: str, **options: Any) -> Condition:
    """Return the condition for ``name``, ``name:amount`` or ``name:amount,option=value,...``.

    Times are written ``50ms``, ``2s``, ``1m`` or in seconds; sizes ``4096``, ``10kB``, ``64KiB`` or ``1MB``. Options
    are those of ``Condition``; in the text, times are called ``jitter`` and ``delay``.

    Raises:
        ValueError: The name or an option is unknown, or its value is wrong; one line that says which.
    """
    head, *rest = script.split(",")
    name, colon, amount = (part.strip() for part in head.partition(":"))
    if name not in KNOWN_WEATHER:
        raise ValueError(f"unknown weather {name!r}; known are {', '.join(sorted(KNOWN_WEATHER))}")
    try:
        fields = {**_written(rest), **options}
        _check_names(name, fields)
        found = msgspec.convert({**fields, "name": name, "amount": _amount(name, amount, bool(colon))}, Condition)
        _check_values(found)
    except (ValueError, msgspec.ValidationError) as exc:
        raise ValueError(f"weather {name!r}: {exc}") from exc
    return found


def _written(parts: list[str]) -> dict[str, Any]:
    """Return the fields that the rest of a text gives."""
    fields: dict[str, Any] = {}
    for part in parts:
        key, _, value = (each.strip() for each in part.partition("="))
        field = _FIELDS.get(key)
        if field is None or not value:
            raise ValueError(f"{part.strip()!r} is no option; write one of {', '.join(f'{name}=' for name in _FIELDS)}")
        if field in fields:
            raise ValueError(f"{key} is given twice")
        fields[field] = _value(key, value)
    return fields


def _value(key: str, text: str) -> Any:
    if key in {"jitter", "delay"}:
        return _measured(text, "seconds")
    if key in {"direction", "reach"}:
        return text
    try:
        return int(text) if key == "times" else float(text)
    except ValueError:
        raise ValueError(f"{key} is a number, not {text!r}") from None


def _amount(name: str, text: str, is_given: bool) -> float | None:
    measure = _MEASURES[name]
    if not is_given:
        if name == "bandwidth":
            raise ValueError("how many bytes a second? write bandwidth:10kB")
        return None
    if measure == "none":
        raise ValueError("it takes no amount")
    return _measured(text, measure)


def _measured(text: str, measure: Measure) -> float:
    """Return seconds or bytes for a number with its unit."""
    units = _SECONDS if measure == "seconds" else _BYTES
    match = _NUMBER.fullmatch(text)
    if match is None or match[2] not in units:
        known = "50ms, 2s or 1m" if measure == "seconds" else "4096, 10kB, 64KiB or 1MB"
        raise ValueError(f"{text!r} is not a number of {measure}; write {known}")
    return float(match[1]) * units[match[2]]


def _check_names(name: str, fields: Mapping[str, Any]) -> None:
    for field in fields:
        if field not in _FIELDS.values():
            raise ValueError(f"there is no option {field}")
        if _OWN.get(field, name) != name:
            raise ValueError(f"only {_OWN[field]} has {field.removesuffix('_s')}")


def _check_values(found: Condition) -> None:
    if not 0.0 <= found.probability <= 1.0:
        raise ValueError(f"a probability lies between 0 and 1, not at {found.probability:g}")
    if found.times is not None and found.times < 1:
        raise ValueError(f"times is 1 or more, not {found.times}")
    least = _LEAST.get(found.name, 0.0)
    if found.amount is not None and found.amount < least:
        raise ValueError(f"the amount is {least:g} or more, not {found.amount:g}")
