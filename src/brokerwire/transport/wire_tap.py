"""What a client shows of its wires to whoever records them."""

from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct

from brokerwire.redact import Redactor
from brokerwire.transport.frame_transport import FrameTransport
from brokerwire.venue import Response


class TapContext(Struct, frozen=True):
    """Whose wires are shown: ``time_ns`` is the client's UTC clock, ``notify`` tells every subscription."""

    venue: str
    environment: str
    redactor: Redactor
    time_ns: Callable[[], int]
    notify: Callable[[str], None]


class WireTap(Protocol):
    """Hears frames both ways and REST answers; nothing of it may block or raise on the way of the feed."""

    def start(self, context: TapContext) -> None:
        """Begin, inside the running loop; a second call of the same client changes nothing."""
        ...

    def tap(self, transport: FrameTransport, url: str) -> FrameTransport:
        """Return a wire that does what ``transport`` does and is heard."""
        ...

    def answered(self, method: str, url: str, answer: Response) -> None:
        """Hear the answer to a request."""
        ...

    def health(self) -> dict[str, Any]:
        """Return how it is doing, as plain values."""
        ...

    async def close(self) -> None:
        """End it; safe to call twice."""
        ...
