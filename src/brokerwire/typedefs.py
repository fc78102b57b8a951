"""Type aliases that more than one layer speaks."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, TypeAlias, TypeVar

from msgspec import Meta

JSON: TypeAlias = Any
"""A parsed JSON value; what it holds is the venue's business."""

Frame: TypeAlias = bytes
"""What one read from the wire yields: a WebSocket message, a line, a length-framed block."""

Finite: TypeAlias = Annotated[float, Meta(ge=-1.7e308, le=1.7e308)]
"""A float of a wire struct; NaN and the infinities, which lax decoding reads from text, are refused."""

Headers: TypeAlias = Mapping[str, str]

E = TypeVar("E")

Callback: TypeAlias = Callable[[E], Awaitable[object] | object]
"""What a user hands in: a coroutine function or a plain function of one event."""

ErrorCallback: TypeAlias = Callable[[Exception, Any], Awaitable[object] | object]
"""Called with the exception and the event it concerns, or None."""
