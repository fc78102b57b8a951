"""The names of exported files: what is in them, and when they were made."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from brokerwire.clock import SystemClock
from brokerwire.errors import ConfigurationError
from brokerwire.events import Event

FOLDER = "export"
"""Where exported files go unless told otherwise, in the working directory."""

MOST_SYMBOLS = 3
"""A name lists this many symbols; of more it says how many there are."""

_MOST_BYTES = 80
"""Of one part of a name; file systems take 255 bytes in all."""

_UNSAFE = re.compile(r"[^\w.]+|_+")
_EXTENSION = re.compile(r"[A-Za-z0-9]+(?:\.[A-Za-z0-9]+)*")


def file_name(
    kind: str,
    symbol: str | None = None,
    interval: str | None = None,
    *,
    extension: str,
    time: datetime | None = None,
) -> str:
    """Return ``{kind}_{symbol}_{interval}_{timestamp}.{extension}``.

    Parts that are None are left out. Letters and digits of any language and dots stay; everything else becomes ``-``.
    The symbol is in lower case. ``time`` is UTC where it is naive; None is now.

    Raises:
        ConfigurationError: The extension is none.
    """
    suffix = extension.removeprefix(".")
    if not _EXTENSION.fullmatch(suffix):
        raise ConfigurationError(f"{extension!r} is no file extension")
    given = (kind, None if symbol is None else symbol.lower(), interval)
    parts = [safe_part(part) for part in given if part]
    return f"{'_'.join([*parts, _stamp(time)])}.{suffix}"


def safe_part(text: str) -> str:
    """Return one part of a file's name: nothing in it that a file system or a shell minds, and no ``_``."""
    safe = _UNSAFE.sub("-", unicodedata.normalize("NFC", text)).strip("-.")
    short = safe.encode()[:_MOST_BYTES].decode(errors="ignore").rstrip("-.")
    return short or "unnamed"


def _stamp(time: datetime | None) -> str:
    moment = datetime.fromtimestamp(SystemClock().time_ns() // 10**9, UTC) if time is None else time
    return f"{moment if moment.tzinfo is None else moment.astimezone(UTC):%Y%m%d-%H%M%S}"


def symbols_part(symbols: Iterable[str]) -> str | None:
    """Return what a name says of some symbols: the symbols, or how many they are."""
    found = list(dict.fromkeys(symbols))
    if len(found) > MOST_SYMBOLS:
        return f"{len(found)}-symbols"
    return "-".join(found) or None


def name_of(
    kind: str,
    symbols: Iterable[str],
    intervals: Iterable[str | None] = (),
    *,
    extension: str,
    time: datetime | None = None,
) -> str:
    """Return a file's name for events of some symbols; the interval is named where there is one."""
    found = set(intervals)
    interval = found.pop() if len(found) == 1 else None
    return file_name(kind, symbols_part(symbols), interval, extension=extension, time=time)


def name_for(kind: str, events: Collection[Event], *, extension: str) -> str:
    """Return a file's name for some events."""
    symbols = (event.symbol for event in events)
    return name_of(kind, symbols, (getattr(event, "interval", None) for event in events), extension=extension)
