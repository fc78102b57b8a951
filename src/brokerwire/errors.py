"""Every exception the library raises, in one tree.

::

    BrokerwireError
    ├─ ConfigurationError          the call or the environment is wrong; fix it, nothing was sent
    ├─ AuthenticationError         the venue refused who we are
    │  └─ ReauthenticationRequired a human must log in again
    ├─ RequestError                a request was answered with a refusal
    │  ├─ InvalidSymbolError       the venue does not know the symbol
    │  ├─ RateLimitError           too many requests; ``retry_after_s`` says how long to wait
    │  └─ VenueUnavailableError    the venue is down or did not answer
    ├─ OrderRejectedError          the order was refused; it does not exist
    ├─ OrderOutcomeUnknownError    the answer was lost; the order may exist
    ├─ StreamError                 a live stream could not be opened or kept
    │  ├─ StreamLimitError         the cap on concurrent streams is reached (also a ValueError)
    │  ├─ ConnectionLostError      the connection ended without being asked to
    │  ├─ SlowConsumerError        the callback could not keep up and the overflow policy was to fail
    │  └─ ProtocolError            the venue sent something that breaks its own protocol
    ├─ ExportError                 the disk did not take what was to be exported; ``lost_rows`` says how much
    └─ UnsupportedError            the venue does not offer this
"""

from typing import Any, Literal, TypeAlias

Action: TypeAlias = Literal["retry", "refresh", "stop"]
"""What the caller can do about it: try again later, renew the token first, or stop."""


class BrokerwireError(Exception):
    """Anything the library raises.

    Attributes:
        action: ``"retry"``, ``"refresh"`` or ``"stop"``.
        facts: What is known about the failure, by name; each is an attribute too
            (``venue``, ``symbol``, ``topic``, ``status``, ``code``, ``close_code``, ``retry_after_s``).
    """

    action: Action = "stop"
    venue: str | None = None
    symbol: str | None = None
    topic: Any = None
    status: int | None = None
    code: str | int | None = None
    close_code: int | None = None
    retry_after_s: float | None = None

    def __init__(self, message: str, *, action: Action | None = None, **facts: Any) -> None:
        super().__init__(message)
        self.facts = {name: value for name, value in facts.items() if value is not None}
        for name, value in self.facts.items():
            setattr(self, name, value)
        if action is not None:
            self.action = action


class ConfigurationError(BrokerwireError):
    """The call, the settings or the environment is wrong; nothing was sent."""


class AuthenticationError(BrokerwireError):
    """The venue refused the credentials or the token, and renewing it did not help."""


class ReauthenticationRequired(AuthenticationError):
    """The stored login is no longer good; a human must log in again."""


class RequestError(BrokerwireError):
    """A request was answered with a refusal, or could not be answered."""


class InvalidSymbolError(RequestError):
    """The venue does not know the symbol, or the account may not see it."""


class RateLimitError(RequestError):
    """The venue limits requests; wait ``retry_after_s`` seconds."""

    action: Action = "retry"


class VenueUnavailableError(RequestError):
    """The venue is down, overloaded or did not answer in time."""

    action: Action = "retry"


class OrderRejectedError(BrokerwireError):
    """The venue refused the order or the change; no such order or change exists."""


class OrderOutcomeUnknownError(BrokerwireError):
    """The answer to an order was lost; ask the venue by ``client_order_id`` before doing anything else."""

    client_order_id: str | None = None


class StreamError(BrokerwireError):
    """A live stream could not be opened or kept."""


class StreamLimitError(StreamError, ValueError):
    """The cap on concurrent streams is reached; close a stream first."""

    holders: tuple[str, ...] = ()


class ConnectionLostError(StreamError):
    """The connection ended without our asking."""

    action: Action = "retry"


class SlowConsumerError(StreamError):
    """The callback could not keep up and the subscription was told to fail rather than lose events."""


class ProtocolError(StreamError):
    """The venue sent something that breaks its own protocol; ``excerpt`` holds the shortened bytes."""

    action: Action = "retry"
    excerpt: str = ""


class ExportError(BrokerwireError):
    """The disk did not take everything that was to be exported; ``lost_rows`` events are not in any file."""

    lost_rows: int = 0


class UnsupportedError(BrokerwireError):
    """The venue does not offer what was asked for; the text names venues that do."""
