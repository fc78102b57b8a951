"""Type aliases that more than one layer speaks."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias, TypeVar

JSON: TypeAlias = Any
"""A parsed JSON value; what it holds is the venue's business."""

Frame: TypeAlias = bytes
"""What one read from the wire yields: a WebSocket message, a line, a length-framed block."""

Headers: TypeAlias = Mapping[str, str]

E = TypeVar("E")

Callback: TypeAlias = Callable[[E], Awaitable[object] | object]
"""What a user hands in: a coroutine function or a plain function of one event."""

ErrorCallback: TypeAlias = Callable[[Exception, Any], Awaitable[object] | object]
"""Called with the exception and the event it concerns, or None."""
