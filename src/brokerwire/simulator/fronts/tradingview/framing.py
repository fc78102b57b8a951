"""The length-prefixed packets of the data socket: many in one WebSocket message, walked by their lengths."""

import re
from typing import Any, Literal, TypeAlias

import msgspec

_HEAD = re.compile(r"~m~(\d{1,9})~m~")
_BEAT = re.compile(r"~h~(\d+)")


class FramingError(Exception):
    """A message that is no sequence of packets."""


Unit: TypeAlias = Literal["characters", "utf16", "bytes"]


def pack(payload: str, unit: Unit = "characters") -> str:
    """Return one packet. What its length counts makes a difference only where there is more than ASCII."""
    return f"~m~{_length(payload, unit)}~m~{payload}"


def _length(payload: str, unit: Unit) -> int:
    if unit == "characters" or payload.isascii():
        return len(payload)
    return len(payload.encode()) if unit == "bytes" else len(payload.encode("utf-16-le")) // 2


def pack_message(method: str, params: list[Any], stamp_ms: int | None = None, *, unit: Unit = "characters") -> str:
    """Return the packet of a method call, stamped with the server's time where the venue stamps it."""
    body: dict[str, Any] = {"m": method, "p": params}
    if stamp_ms is not None:
        body |= {"t": stamp_ms // 1000, "t_ms": stamp_ms}
    return pack(msgspec.json.encode(body).decode(), unit)


def pack_heartbeat(number: int) -> str:
    """Return the packet of a heartbeat."""
    return pack(f"~h~{number}")


def walk(text: str) -> list[str]:
    """Return the payloads of a message.

    Raises:
        FramingError: A length is missing or does not fit.
    """
    payloads: list[str] = []
    position = 0
    while position < len(text):
        head = _HEAD.match(text, position)
        if head is None:
            raise FramingError(f"no packet at {position}")
        start = head.end()
        position = start + int(head[1])
        if position > len(text):
            raise FramingError(f"a packet of {head[1]} characters ends beyond the message")
        payloads.append(text[start:position])
    return payloads


def heartbeat_number(payload: str) -> int | None:
    """Return the number of a heartbeat, or None for any other payload."""
    found = _BEAT.fullmatch(payload)
    return int(found[1]) if found else None
