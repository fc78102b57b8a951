"""The envelope of every answer: status, data, metadata, error; what is raised becomes a failed one."""

import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

from brokerwire.errors import BrokerwireError
from brokerwire.redact import clean

logger = logging.getLogger(__name__)

P = ParamSpec("P")
S = TypeVar("S")

Envelope: TypeAlias = dict[str, Any]


class PartlyDone(Exception):
    """There is data, but not everything that was asked for was done with it."""

    def __init__(self, message: str, data: Any) -> None:
        super().__init__(message)
        self.data = data


def succeeded(data: Any, metadata: dict[str, Any]) -> Envelope:
    """Return the envelope of an answer."""
    return {"status": "success", "data": data, "metadata": metadata, "error": None}


def failed(error: str, metadata: dict[str, Any], data: Any = None) -> Envelope:
    """Return the envelope of a failure."""
    return {"status": "failed", "data": data, "metadata": metadata, "error": error}


def enveloped(method: Callable[Concatenate[S, P], Any]) -> Callable[Concatenate[S, P], Envelope]:
    """Put what a method returns, or raises, into an envelope; its metadata are the arguments that are not None."""
    signature = inspect.signature(method)

    @functools.wraps(method)
    def answer(self: S, /, *args: P.args, **kwargs: P.kwargs) -> Envelope:
        given = signature.bind(self, *args, **kwargs)
        given.apply_defaults()
        metadata = {name: value for name, value in list(given.arguments.items())[1:] if value is not None}
        try:
            return succeeded(method(self, *args, **kwargs), metadata)
        except PartlyDone as exc:
            return failed(str(exc), metadata, exc.data)
        except (BrokerwireError, ValueError) as exc:
            return failed(str(exc), metadata)
        except Exception as exc:  # the interface promises to raise nothing
            logger.exception("%s failed", method.__name__)
            return failed(f"Unexpected error: {clean(repr(exc))}", metadata)

    return answer
