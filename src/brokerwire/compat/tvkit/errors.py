"""The exceptions that users of tvkit catch; each is a ``BrokerwireError`` too.

::

    WebSocketException         a stream could not be opened or kept
    └─ ConnectionClosed        its connection ended
    SeriesError (ValueError)   the venue refused a symbol, an interval or a study
    DataNotFoundError (RuntimeError)   there is no data where some was expected
"""

from collections.abc import Iterator
from contextlib import contextmanager

from brokerwire.errors import (
    BrokerwireError,
    ConfigurationError,
    ConnectionLostError,
    RequestError,
    StreamError,
    UnsupportedError,
)


class WebSocketException(StreamError):
    """A stream could not be opened or kept; the connection has been tried again for as long as that made sense."""


class ConnectionClosed(WebSocketException, ConnectionLostError):
    """The connection ended and could not be opened again."""


class SeriesError(BrokerwireError, ValueError):
    """The venue refused a symbol, an interval or a study, or the argument cannot be one."""


class DataNotFoundError(BrokerwireError, RuntimeError):
    """There is no data where some was expected."""


def as_tvkit(error: BrokerwireError) -> BrokerwireError:
    """Return the error under the name that users of tvkit catch, with its text and facts."""
    kind: type[BrokerwireError] = WebSocketException
    if isinstance(error, WebSocketException | SeriesError | DataNotFoundError):
        return error
    if isinstance(error, ConfigurationError | UnsupportedError) or _is_refusal(error):
        kind = SeriesError
    elif isinstance(error, ConnectionLostError):
        kind = ConnectionClosed
    return kind(str(error), action=error.action, **error.facts)


def _is_refusal(error: BrokerwireError) -> bool:
    """Whether the venue refused what was asked about a symbol, and would again."""
    return isinstance(error, RequestError) and error.symbol is not None and error.action == "stop"


@contextmanager
def tvkit_errors() -> Iterator[None]:
    """Raise what is raised inside under the names of tvkit.

    Raises:
        SeriesError: The venue refused what was asked for, or an argument is wrong.
        WebSocketException: The stream could not be opened or kept.
    """
    try:
        yield
    except BrokerwireError as exc:
        told = as_tvkit(exc)
        if told is exc:
            raise
        raise told from exc
